//! What the node makes of signals.
//!
//! SIGTERM, SIGINT and SIGHUP ask it to stop; SIGHUP comes when its terminal is closed, and means nothing to a node that was
//! started with it ignored, as `nohup` does. SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF and SIGIO mean nothing, and would
//! end it if nobody listened. Everything else does what the system does with it; Rust's programs ignore SIGPIPE.

use std::fs;
use std::io;

use async_signal::{Signal, Signals};
use smol::stream::StreamExt;

const DEAF_TO: [Signal; 6] = [Signal::Usr1, Signal::Usr2, Signal::Alarm, Signal::Vtalarm, Signal::Prof, Signal::Io];

/// SIGHUP's number on every system that has it.
const HANG_UP: u32 = 1;

/// The signals that came.
#[derive(Debug)]
pub(super) struct Incoming {
    stops: Signals,
    others: Signals,
}

impl Incoming {
    /// Listens from now on.
    pub(super) fn listen() -> io::Result<Self> {
        let hang_up = (!ignores(HANG_UP)).then_some(Signal::Hup);
        let stops = [Signal::Term, Signal::Int].into_iter().chain(hang_up);
        Ok(Self { stops: Signals::new(stops)?, others: Signals::new(DEAF_TO)? })
    }

    /// Returns when the node is asked to stop; each call waits for one more request.
    pub(super) async fn stop(&mut self) {
        let others = &mut self.others;
        let deaf = async {
            while others.next().await.is_some() {}
            std::future::pending().await
        };
        smol::future::or(async { drop(self.stops.next().await) }, deaf).await;
    }
}

/// Whether this process was started with a signal ignored; not where the system does not tell.
fn ignores(signal: u32) -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| ignored(&status, signal))
}

fn ignored(status: &str, signal: u32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = "Name:\tanonetd\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000006\n";
        assert_eq!([1, 2, 13].map(|signal| ignored(status, signal)), [true, false, true]);
        assert!(!ignored("SigIgn:\tnonsense", 1) && !ignored("", 1));
    }
}
