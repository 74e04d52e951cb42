//! Accepting streams.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anonet_core::{Addr, Instant, ZoneId, ZoneKind};
use async_io::Timer;
use smol::channel::Sender;
use smol::net::TcpListener;

use crate::clock::Clock;
use crate::driver::Input;

/// Streams that one listener takes in a row, and per second in the long run. The system queues some more; what exceeds
/// that waits at the far end.
const BURST: u32 = 64;
const PERIOD: Duration = Duration::from_secs(1);

/// The pause after the system refused to hand out a stream, which mostly means that all descriptors are in use.
const PAUSE: Duration = Duration::from_millis(500);

/// A bound listener.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) socket: TcpListener,
    pub(crate) zone: ZoneId,
    pub(crate) kind: ZoneKind,
}

/// Binds a listener, and says to which address.
pub(crate) fn bind(addr: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = std::net::TcpListener::bind(addr)?;
    let bound = socket.local_addr()?;
    Ok((TcpListener::try_from(socket)?, bound))
}

/// Hands every stream to the driver, until the driver is gone.
pub(crate) async fn accept(listening: Listening, clock: Clock, inbox: Sender<Input>) {
    let Listening { socket, zone, kind } = listening;
    let mut pace = Pace::new(clock.now());
    let mut failing = false;
    loop {
        match socket.accept().await {
            Ok((stream, far_end)) => {
                failing = false;
                // a hidden service's streams all come from its daemon
                let from = (!kind.is_anonymity()).then(|| Addr::from(far_end));
                if inbox.send(Input::Incoming { zone, from, stream }).await.is_err() {
                    return;
                }
            }
            // the far end has left before its turn came
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!("{kind}: cannot accept streams ({error}): raise the limit of open files if it is reached");
                }
                Timer::after(PAUSE).await;
            }
        }
        if let Some(rest) = pace.rest(clock.now()) {
            Timer::after(rest).await;
        }
    }
}

/// Counts streams against [`BURST`].
#[derive(Debug)]
struct Pace {
    left: u32,
    since: Instant,
}

impl Pace {
    const fn new(now: Instant) -> Self {
        Self { left: BURST, since: now }
    }

    /// Counts one stream; says how long to wait for the next, if the period's share is used up.
    fn rest(&mut self, now: Instant) -> Option<Duration> {
        let passed = now.saturating_since(self.since);
        if passed >= PERIOD {
            *self = Self::new(now);
        }
        self.left -= 1;
        if self.left > 0 {
            return None;
        }
        let end = self.since + PERIOD;
        *self = Self::new(end);
        Some(end.saturating_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_the_next_waits_for_the_period_to_end() {
        let start = Instant::from_micros(0);
        let mut pace = Pace::new(start);
        assert!((1..BURST).all(|_| pace.rest(start).is_none()));
        let soon = start + Duration::from_millis(400);
        assert_eq!(pace.rest(soon), Some(Duration::from_millis(600)));
        let next = start + PERIOD;
        assert!((1..BURST).all(|_| pace.rest(next).is_none()));
        assert_eq!(pace.rest(next), Some(PERIOD));
    }

    #[test]
    fn an_idle_listener_has_its_whole_burst_again() {
        let start = Instant::from_micros(0);
        let mut pace = Pace::new(start);
        assert!((1..BURST).all(|_| pace.rest(start).is_none()));
        let later = start + Duration::from_secs(60);
        assert!((1..BURST).all(|_| pace.rest(later).is_none()));
        assert_eq!(pace.rest(later), Some(PERIOD));
    }
}
