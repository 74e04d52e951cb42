//! A proxy's answers, cut in any way.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use anonet_core::{Addr, DialFailure, Isolation, ZoneKind};
use anonet_smol::driver::SocksAuth;
use anonet_smol::fuzzing::socks_connect;
use bytes::Bytes;
use smol::io::{AsyncRead, AsyncWrite};

use crate::cast::addr;
use crate::script::Script;

/// What a proxy says, in pieces of these sizes, whatever it is asked; and what it was asked.
struct Proxy<'a> {
    says: &'a [u8],
    sizes: &'a [u8],
    reads: usize,
    asked: Vec<u8>,
}

impl AsyncRead for &mut Proxy<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let size = self.sizes.get(self.reads % self.sizes.len().max(1)).map_or(usize::MAX, |&size| 1 + usize::from(size));
        let count = size.min(buffer.len()).min(self.says.len());
        let (now, later) = self.says.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.says = later;
        self.reads += 1;
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for &mut Proxy<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.asked.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The first byte chooses what is offered, the second the address; then come four sizes of pieces, and what the proxy says.
///
/// # Panics
/// If the outcome depends on how the answers are cut, a byte behind them is lost, or the proxy is asked for more than it has
/// agreed to.
pub fn socks(data: &[u8]) {
    let mut script = Script::new(data);
    let auth = match script.byte() % 4 {
        0 => SocksAuth::IsolationRequired,
        1 => SocksAuth::IsolationOffered,
        2 => SocksAuth::Fixed { user: "user".into(), password: "password".into() },
        _ => SocksAuth::None,
    };
    let target = script.byte();
    let target = addr([ZoneKind::Public, ZoneKind::Tor, ZoneKind::I2p][usize::from(target % 3)], target / 3);
    let sizes = script.bytes(4);
    let says = script.bytes(1 << 16);
    let (whole, asked) = talk(says, &[], &auth, &target);
    let (cut, asked_cut) = talk(says, sizes, &auth, &target);
    assert_eq!(asked, asked_cut);
    match (&whole, &cut) {
        (Ok(early), Ok(early_cut)) => {
            // what has not been read is still in the socket
            assert!(early.starts_with(early_cut) || early_cut.starts_with(early));
            assert!(says.windows(early.len().max(1)).any(|window| window == early) || early.is_empty());
            check_agreed(says, &auth);
        }
        _ => assert_eq!(whole, cut),
    }
}

fn talk(says: &[u8], sizes: &[u8], auth: &SocksAuth, target: &Addr) -> (Result<Bytes, DialFailure>, Vec<u8>) {
    let mut proxy = Proxy { says, sizes, reads: 0, asked: Vec::new() };
    let outcome =
        pin!(socks_connect(&mut proxy, auth, target, Isolation::new([7; 8]))).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(outcome) = outcome else { panic!("waits for a stream that never makes it wait") };
    (outcome, proxy.asked)
}

/// A stream is there: then the proxy has said so in the bytes of RFC 1928, and taken a method that was offered.
fn check_agreed(says: &[u8], auth: &SocksAuth) {
    assert_eq!(says[0], 5);
    let rest = match (says[1], auth) {
        (2, SocksAuth::None) | (0, SocksAuth::IsolationRequired) => panic!("a method that was not offered"),
        (2, _) => {
            assert_eq!(says[2..4], [1, 0], "the credentials were refused");
            &says[4..]
        }
        (method, _) => {
            assert_eq!(method, 0);
            &says[2..]
        }
    };
    assert_eq!((rest[0], rest[1]), (5, 0), "the stream was refused");
}
