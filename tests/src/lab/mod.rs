//! The lab: real tor, i2pd and monerod on loopback, a SOCKS proxy with faults, and our own
//! node, each as a value that stops what it started when it is dropped.
//!
//! The tools themselves are the Python programs in `tests/lab` (see its `README.md`); this
//! module starts them and reads what they print. It panics on failure, with the reason: it is
//! for tests only. Starting a peer is tried up to three times, nothing else is repeated.
//!
//! Environment: `ANONET_KEEP=1` keeps the work directories, `ANONET_BIN` names another
//! `anonetd`, `ANONET_LAB_CHAIN` a directory for the chain, so that several test programs
//! share one. `ANONET_CRASHES` and `ANONET_CRASH_SEED` belong to `runtime-smol/tests/anonetd_crash_loop.rs`.

mod anonetd;
mod audit;
mod bare;
mod crowd;
mod discretion;
mod fakesocks;
mod guard_tap;
mod http;
mod i2p;
mod island;
mod monerod;
mod node;
mod options;
mod process;
mod reach;
mod search;
mod tor;
mod tor_pair;
mod wallet;
mod watch;
mod wiretap;

use std::fmt::Display;
use std::thread::sleep;
use std::time::{Duration, Instant};

pub use anonetd::{Start, run as anonetd};
pub use audit::{Knowledge, audit};
pub use bare::BareNode;
pub use crowd::Crowd;
pub use fakesocks::{Auth, Connect, FakeSocks, Tap, onions};
pub use guard_tap::{GuardTap, Passed};
pub use http::post;
pub use i2p::I2pNet;
pub use island::{island, on_island};
pub use monerod::{Chain, Monerod, Transaction};
pub use node::Node;
pub use options::Options;
pub use process::{WorkDir, free_port};
pub use reach::Reach;
pub use search::{Search, Secret, contains_part};
pub use tor::TorNet;
pub use tor_pair::TorPair;
pub use wallet::Wallet;
pub use watch::{Call, Target, Trace, Watching};
pub use wiretap::Wiretap;

/// The time between two looks at something that is waited for.
const POLL: Duration = Duration::from_millis(200);

/// Calls `probe` until it gives a value, and returns that.
///
/// `probe` answers `Err` with what it saw instead; the last one is shown on failure.
///
/// # Panics
///
/// After `timeout`, with `what` and the last state seen.
pub fn wait_for<T, S: Display>(what: &str, timeout: Duration, mut probe: impl FnMut() -> Result<T, S>) -> T {
    let begin = now();
    loop {
        let last = match probe() {
            Ok(value) => {
                tell(begin, what);
                return value;
            }
            Err(state) => state,
        };
        assert!(begin.elapsed() < timeout, "not within {} s: {what}\nlast state: {last}", timeout.as_secs());
        sleep(POLL);
    }
}

/// How long something took, for who runs a suite with `--nocapture`: the figures of README.md.
fn tell(begin: Instant, what: &str) {
    println!("{:6.1} s until {what}", begin.elapsed().as_secs_f64());
}

/// Calls `check` again and again for the whole of `span`: for what must stay true.
pub fn throughout(span: Duration, mut check: impl FnMut()) {
    let begin = now();
    while begin.elapsed() < span {
        check();
        sleep(POLL);
    }
    check();
}

#[expect(clippy::disallowed_methods, reason = "real peers run on the real clock, and no node reads this one")]
fn now() -> Instant {
    Instant::now()
}
