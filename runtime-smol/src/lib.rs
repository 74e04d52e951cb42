//! Runs [`anonet_core`]'s node on smol, and the program `anonetd`.
//!
//! [`driver::start`] takes what the node is to be ([`driver::Service`]), an [`App`](driver::App) that is told what happens, and an
//! executor on which everything runs; it gives a [`Handle`](handle::Handle), the way in from other tasks:
//!
//! ```no_run
//! use anonet_core::{Config, Event, Instant, Network, Node, ZoneConfig, ZoneKind};
//! use anonet_smol::clock::Clock;
//! use anonet_smol::driver::{App, Service, SocksAuth, SocksProxy, StartError, Transport, start};
//! use anonet_smol::handle::Handle;
//!
//! struct Printer;
//!
//! impl App for Printer {
//!     fn event(&mut self, _: &mut Node, _: Instant, event: Event, _: &Handle) {
//!         println!("{event:?}");
//!     }
//! }
//!
//! fn main() -> Result<(), StartError> {
//!     let mut config = Config::new(Network::Mainnet);
//!     config.zones.push(ZoneConfig::new(ZoneKind::Tor));
//!     let tor = SocksProxy { addr: ([127, 0, 0, 1], 9_050).into(), auth: SocksAuth::IsolationRequired };
//!     let service = Service { config, transports: vec![Transport::Socks(tor)], listeners: Vec::new() };
//!     let executor = smol::Executor::new();
//!     let handle = start(&executor, Clock::start(), service, Printer)?;
//!     smol::block_on(executor.run(handle.stopped()));
//!     Ok(())
//! }
//! ```
//!
//! [`store`] keeps own transactions, peers and bans on disk; [`options`] is the grammar of `anonetd`'s options; [`anonetd`] is the
//! program itself, which is no library: only its entry is public.

pub mod anonetd;
pub mod clock;
mod demo;
mod descriptors;
mod dial;
pub mod driver;
#[doc(hidden)]
pub mod fuzzing;
pub mod handle;
mod link;
mod listen;
pub mod options;
mod proxy_protocol;
mod socks;
pub mod store;
