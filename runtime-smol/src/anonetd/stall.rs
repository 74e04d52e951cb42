//! A stream whose other end has to keep going.
//!
//! Wallets keep a connection open between refreshes and take it for a lost daemon if it is closed meanwhile, so a
//! connection may rest for long between requests. Within one, and for its answer, it may not.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_io::Timer;
use smol::io::{AsyncRead, AsyncWrite};

/// How long the other end may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From the open connection, or the first byte of a request, to the end of its headers.
    pub(super) headers: Duration,
    /// From an answer to the next request.
    pub(super) rest: Duration,
    /// To take anything more of an answer.
    pub(super) answer: Duration,
}

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Headers = 0,
    Answer = 1,
    Rest = 2,
}

const PHASES: u32 = 3;

/// The phases that a connection has been through, shared between its stream and what answers. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<AtomicU32>);

impl Progress {
    /// The headers of a request are there.
    pub(super) fn is_answering(&self) {
        self.advance_to(Phase::Answer);
    }

    /// The answer is done.
    pub(super) fn rests(&self) {
        self.advance_to(Phase::Rest);
    }

    fn advance_to(&self, phase: Phase) {
        let next = |count: u32| Some(count.wrapping_add((phase as u32 + PHASES - count % PHASES) % PHASES));
        // the one writer at a time is the connection's task
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    /// So many phases have begun; the present one is among them.
    fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn phase(&self) -> Phase {
        match self.count() % PHASES {
            0 => Phase::Headers,
            1 => Phase::Answer,
            _ => Phase::Rest,
        }
    }
}

/// Fails with `TimedOut` once the other end takes too long.
#[derive(Debug)]
pub(super) struct Stall<S> {
    stream: S,
    patience: Patience,
    progress: Progress,
    /// Runs in the phase of this number.
    reading: Option<(u32, Timer)>,
    writing: Option<Timer>,
}

impl<S> Stall<S> {
    pub(super) const fn new(stream: S, patience: Patience, progress: Progress) -> Self {
        Self { stream, patience, progress, reading: None, writing: None }
    }

    fn wait_to_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let limit = match self.progress.phase() {
            Phase::Headers => self.patience.headers,
            Phase::Rest => self.patience.rest,
            // a body has its own limit
            Phase::Answer => return Poll::Pending,
        };
        let count = self.progress.count();
        if self.reading.as_ref().is_none_or(|(of, _)| *of != count) {
            self.reading = Some((count, Timer::after(limit)));
        }
        let Some((_, timer)) = &mut self.reading else { return Poll::Pending };
        ready!(Pin::new(timer).poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn wait_to_write<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.writing = None;
            return done;
        }
        let limit = self.patience.answer;
        let writing = self.writing.get_or_insert_with(|| Timer::after(limit));
        Pin::new(writing).poll(cx).map(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stall<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(done) => {
                if self.progress.phase() == Phase::Rest {
                    self.progress.advance_to(Phase::Headers);
                }
                Poll::Ready(done)
            }
            Poll::Pending => self.wait_to_read(cx),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stall<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wait_to_write(cx, done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(cx);
        self.wait_to_write(cx, done)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_close(cx);
        self.wait_to_write(cx, done)
    }
}

#[cfg(test)]
mod tests {
    use smol::io::{AsyncReadExt, AsyncWriteExt};
    use smol::net::unix::UnixStream;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(3_600);

    fn pair(patience: Patience) -> (Stall<UnixStream>, Progress, UnixStream) {
        let (here, there) = UnixStream::pair().unwrap();
        let progress = Progress::default();
        (Stall::new(here, patience, progress.clone()), progress, there)
    }

    #[test]
    fn each_phase_has_its_own_limit() {
        smol::block_on(async {
            let mut byte = [0];
            let hasty = Patience { headers: SHORT, rest: LONG, answer: LONG };
            let (mut stream, progress, mut there) = pair(hasty);
            assert_eq!(
                stream.read(&mut byte).await.unwrap_err().kind(),
                io::ErrorKind::TimedOut,
                "an open connection says nothing"
            );
            progress.is_answering();
            progress.rests();
            let rested = smol::future::or(async { stream.read(&mut byte).await.is_ok() }, async {
                Timer::after(4 * SHORT).await;
                false
            });
            assert!(!rested.await, "it still rests");
            there.write_all(b"G").await.unwrap();
            assert_eq!(stream.read(&mut byte).await.unwrap(), 1);
            assert_eq!(stream.read(&mut byte).await.unwrap_err().kind(), io::ErrorKind::TimedOut, "a request has begun");
            let (mut stream, progress, _there) = pair(Patience { headers: LONG, rest: SHORT, answer: LONG });
            progress.rests();
            assert_eq!(stream.read(&mut byte).await.unwrap_err().kind(), io::ErrorKind::TimedOut, "it rests for too long");
        });
    }

    #[test]
    fn a_reader_that_does_not_read_ends_it() {
        smol::block_on(async {
            let (mut stream, _, _there) = pair(Patience { headers: LONG, rest: LONG, answer: SHORT });
            stream.write_all(b"a little").await.unwrap();
            let error = stream.write_all(&vec![0; 16 << 20]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        });
    }
}
