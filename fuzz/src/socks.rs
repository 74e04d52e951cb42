//! A proxy's answers, cut in any way.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anonet_core::{Addr, DialFailure, Isolation, ZoneKind};
use anonet_smol::driver::SocksAuth;
use anonet_smol::fuzzing::socks_connect;
use bytes::Bytes;

use crate::cast::addr;
use crate::says::Says;
use crate::script::Script;

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
    let mut proxy = Says::new(says, sizes);
    let outcome =
        pin!(socks_connect(&mut proxy, auth, target, Isolation::new([7; 8]))).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(outcome) = outcome else { panic!("waits for a stream that never makes it wait") };
    (outcome, proxy.told())
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
