//! The grammar of anonetd's options, without I/O.
//!
//! Each option's text becomes a typed value; [`ZonePlan::new`] then checks the values against each
//! other. monerod's names and grammar are kept where they are safe, its error cases too, but a
//! message names the option that was really used.
//!
//! Source: spec `zones-and-routing.md` §2, `socks.md` §1, `addresses.md` §4.

mod endpoint;
mod error;
mod inbound;
mod listen;
mod peer;
mod plan;
mod proxy;
mod rpc_bind;
mod seconds;
mod seeds;

pub use endpoint::EndpointFault;
pub use error::{OptionError, OptionName};
pub use inbound::Inbound;
pub use listen::{ListenOptions, PublicListen};
pub use peer::{PeerOption, parse_seed};
pub use plan::{AnonymityPlan, PlanWarning, PublicPlan, PublicSwitch, ZoneOptions, ZonePlan};
pub use proxy::{DEFAULT_MAX_OUTGOING, ProxyEndpoint, ProxyOption, TxProxy, parse_daemon_proxy, parse_proxy_option};
pub use rpc_bind::RpcBind;
pub use seconds::{Seconds, SecondsError, SecondsList, SecondsRange};
pub use seeds::built_in_seeds;
