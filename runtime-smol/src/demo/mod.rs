//! `anonetd demo`: the main job in a minute, with nothing installed.
//!
//! A little network on loopback in one process: real nodes, real sockets, real handshakes, a real signed transaction. A
//! SOCKS5 proxy stands in for Tor: it knows which onion name leads to which local listener, as Tor would.

mod cast;
mod proxy;
mod story;
mod tap;

use std::process::ExitCode;
use std::sync::Arc;

use smol::Executor;

use crate::clock::Clock;

/// Plays the tour and tells it on standard output. Fails, and says at what, if it did not come out as it should.
pub(crate) fn run() -> ExitCode {
    let executor: Arc<Executor<'static>> = Arc::default();
    let told = smol::block_on(executor.run(story::tell(Arc::clone(&executor), Clock::start())));
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("anonetd: the demo failed: {failure}");
            ExitCode::FAILURE
        }
    }
}
