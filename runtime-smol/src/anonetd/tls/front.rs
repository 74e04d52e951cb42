//! The stream of a caller who may speak TLS or not, which shows with its first byte: a handshake's record begins with one
//! that no request of HTTP has. monerod looks at nine bytes for the same.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_rustls::{Accept, server};
use smol::io::{AsyncRead, AsyncWrite};

use super::server::Door;

/// The kind of a record of TLS that is part of a handshake.
const HANDSHAKE: u8 = 22;

/// What callers without TLS are told where it is needed.
const TOLD: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 61\r\n\r\n\
{\"error\":\"this port speaks TLS alone: write https:// for it\"}";

/// So much of what they go on to say is read, as the end of the stream would come before the answer otherwise.
const DISCARDED: usize = 64 << 10;

/// One caller's stream. The handshake happens as it is read, within the time that a request's headers have.
pub(in super::super) struct Front<S>(State<S>);

enum State<S> {
    /// Nothing has come.
    Quiet(S, Door),
    Plain(First<S>),
    Handshake(Box<Accept<First<S>>>),
    Encrypted(Box<server::TlsStream<First<S>>>),
    /// It speaks as nobody may here: so much was written of what it is told, and so much read.
    Refused {
        stream: S,
        told: usize,
        read: usize,
    },
    Over,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Front<S> {
    pub(in super::super) const fn new(stream: S, door: Door) -> Self {
        Self(State::Quiet(stream, door))
    }

    /// Goes on until the stream can be read, or is refused.
    fn open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.0 = match std::mem::replace(&mut self.0, State::Over) {
                State::Quiet(mut stream, door) => {
                    let mut byte = [0];
                    match Pin::new(&mut stream).poll_read(cx, &mut byte) {
                        Poll::Pending => {
                            self.0 = State::Quiet(stream, door);
                            return Poll::Pending;
                        }
                        Poll::Ready(Ok(0)) => return Poll::Ready(Ok(())),
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Ready(Ok(_)) => greet(stream, byte[0], door),
                    }
                }
                State::Handshake(mut accept) => match Pin::new(&mut accept).poll(cx) {
                    Poll::Pending => {
                        self.0 = State::Handshake(accept);
                        return Poll::Pending;
                    }
                    Poll::Ready(stream) => State::Encrypted(Box::new(stream?)),
                },
                open => {
                    self.0 = open;
                    return Poll::Ready(Ok(()));
                }
            };
        }
    }
}

fn greet<S: AsyncRead + AsyncWrite + Unpin>(stream: S, byte: u8, door: Door) -> State<S> {
    let first = |stream| First { byte: Some(byte), stream };
    match door {
        Door::Either(acceptor) | Door::Encrypted(acceptor) if byte == HANDSHAKE => {
            State::Handshake(Box::new(acceptor.accept(first(stream))))
        }
        Door::Plain | Door::Either(_) => State::Plain(first(stream)),
        Door::Encrypted(_) => State::Refused { stream, told: 0, read: 0 },
    }
}

/// Tells why, and reads until the caller goes.
fn refuse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    told: &mut usize,
    read: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    while let rest @ [_, ..] = &TOLD[*told..] {
        *told += ready!(Pin::new(&mut *stream).poll_write(cx, rest))?;
    }
    let mut unheard = [0; 1_024];
    while *read < DISCARDED {
        match ready!(Pin::new(&mut *stream).poll_read(cx, &mut unheard))? {
            0 => break,
            count => *read += count,
        }
    }
    Poll::Ready(Ok(0))
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Front<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        ready!(self.open(cx))?;
        match &mut self.0 {
            State::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            State::Encrypted(stream) => Pin::new(stream).poll_read(cx, buf),
            State::Refused { stream, told, read } => refuse(stream, told, read, cx),
            State::Quiet(..) | State::Handshake(_) | State::Over => Poll::Ready(Ok(0)),
        }
    }
}

/// Nobody answers before there was a request to read.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Front<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            State::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            State::Encrypted(stream) => Pin::new(stream).poll_write(cx, buf),
            _ => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            State::Plain(stream) => Pin::new(stream).poll_flush(cx),
            State::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            State::Plain(stream) => Pin::new(stream).poll_close(cx),
            State::Encrypted(stream) => Pin::new(stream).poll_close(cx),
            State::Quiet(stream, _) | State::Refused { stream, .. } => Pin::new(stream).poll_close(cx),
            State::Handshake(_) | State::Over => Poll::Ready(Ok(())),
        }
    }
}

/// A stream whose first byte was read before.
struct First<S> {
    byte: Option<u8>,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for First<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match (self.byte, buf) {
            (Some(byte), [first, ..]) => {
                (self.byte, *first) = (None, byte);
                Poll::Ready(Ok(1))
            }
            (_, buf) => Pin::new(&mut self.stream).poll_read(cx, buf),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for First<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures_rustls::TlsAcceptor;
    use rustls::ServerConfig;
    use rustls::server::ResolvesServerCertUsingSni;
    use smol::io::{AsyncReadExt, AsyncWriteExt};
    use smol::net::unix::UnixStream;

    use super::super::super::stall::{Patience, Progress, Stall};
    use super::super::provider;
    use super::*;

    #[test]
    fn a_handshake_has_the_time_of_a_requests_headers() {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
        let door = Door::Either(TlsAcceptor::from(Arc::new(config)));
        let (short, long) = (Duration::from_millis(50), Duration::from_secs(3_600));
        smol::block_on(async {
            // nothing, the start of a greeting, and the whole record with half of it
            for said in [&[][..], &[22, 3], &[22, 3, 1, 0, 5, 1, 0, 0, 200, 3]] {
                let (here, mut there) = UnixStream::pair().unwrap();
                there.write_all(said).await.unwrap();
                let patience = Patience { headers: short, rest: long, answer: long };
                let mut stream = Stall::new(Front::new(here, door.clone()), patience, Progress::default());
                let error = stream.read(&mut [0]).await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{said:?}");
            }
        });
    }

    #[test]
    fn of_who_may_not_speak_as_it_does_64_kib_are_read_and_no_more() {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
        let door = Door::Encrypted(TlsAcceptor::from(Arc::new(config)));
        smol::block_on(async {
            for (unread, said) in [(0, 1 + DISCARDED), (1, 1 + DISCARDED + 1)] {
                // the other end reads from a buffer, so that how it is cut is known
                let mut said = smol::io::Cursor::new(vec![b'G'; said]);
                let mut stream = Front::new(Both(&mut said), door.clone());
                assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
                drop(stream);
                let left = said.get_ref().len() as u64 - said.position();
                assert_eq!(left, unread);
            }
        });
    }

    /// Reads from a buffer, and takes all that is written.
    struct Both<'b>(&'b mut smol::io::Cursor<Vec<u8>>);

    impl AsyncRead for Both<'_> {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut *self.0).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for Both<'_> {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn the_answer_has_the_length_that_it_names() {
        let text = std::str::from_utf8(TOLD).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{text}");
    }
}
