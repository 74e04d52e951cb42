//! What each kind of hostile stream does behind its handshake.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use anonet_core::levin::{Flags, HEADER_LEN, Header, Kind as Frame};
use anonet_core::wire::{NewTransactions, PeerEntry, TimedSyncRequest, TimedSyncResponse, TxForm, command};
use anonet_core::{Network, ZoneKind};
use anonet_tests::world::cast::{addr, entry, frame, handshake_request};
use smol::Timer;
use smol::future::{or, pending};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::TcpStream;

/// The kinds of the issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Silent,
    Dripping,
    EndlessFragment,
    LargestClaim,
    PeerLists,
    Junk,
    Handshakes,
    NeverReads,
}

pub(crate) const KINDS: [Kind; 8] = [
    Kind::Silent,
    Kind::Dripping,
    Kind::EndlessFragment,
    Kind::LargestClaim,
    Kind::PeerLists,
    Kind::Junk,
    Kind::Handshakes,
    Kind::NeverReads,
];

/// Frames that a link of an anonymity zone may send in the long run: one more often is cut off.
const FRAMES: Duration = Duration::from_millis(250);

/// Between two bytes of one stream: 500 a second are half of what a modem had.
const DRIP: Duration = Duration::from_millis(2);

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Silent => "sends nothing",
            Self::Dripping => "one byte at a time",
            Self::EndlessFragment => "a fragment without end",
            Self::LargestClaim => "claims the largest length",
            Self::PeerLists => "250 peers each time",
            Self::Junk => "junk for transactions",
            Self::Handshakes => "handshakes without end",
            Self::NeverReads => "asks and never reads",
        }
    }

    /// Whether it lives on what is one pool for all links: unfinished messages, or transactions that wait for a verdict.
    pub(crate) const fn is_pooled(self) -> bool {
        matches!(self, Self::EndlessFragment | Self::Junk)
    }

    /// Acts until the node ends the stream.
    pub(crate) async fn act(self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.write_all(&handshake_request()).await?;
        let reading = stream.clone();
        match self {
            Self::NeverReads => self.speak(stream).await,
            Self::PeerLists => or(self.speak(stream.clone()), answer(reading, stream)).await,
            _ => or(self.speak(stream), read_all(reading)).await,
        }
    }

    async fn speak(self, mut stream: TcpStream) -> io::Result<()> {
        match self {
            Self::Silent => pending().await,
            Self::Dripping => {
                for byte in fragment(200_000) {
                    stream.write_all(&[byte]).await?;
                    Timer::after(DRIP).await;
                }
                Ok(())
            }
            Self::EndlessFragment => {
                let begin = fragment(60_000);
                stream.write_all(&begin).await?;
                loop {
                    stream.write_all(&begin[HEADER_LEN..]).await?;
                }
            }
            Self::LargestClaim => {
                stream.write_all(&fragment(0)).await?;
                pending().await
            }
            Self::PeerLists | Self::NeverReads => loop {
                stream.write_all(&question()).await?;
                Timer::after(FRAMES).await;
            },
            Self::Junk => {
                for number in 0_u64.. {
                    stream.write_all(&junk(number)).await?;
                    Timer::after(FRAMES).await;
                }
                Ok(())
            }
            Self::Handshakes => loop {
                stream.write_all(&handshake_request()).await?;
            },
        }
    }
}

async fn read_all(mut stream: TcpStream) -> io::Result<()> {
    let mut piece = [0; 4_096];
    while stream.read(&mut piece).await? > 0 {}
    Ok(())
}

/// Answers all that comes with 250 peers that nobody has heard of. What the node asks is a header and a short body, of which
/// only the number counts: it hangs up on answers that it does not wait for, and is called again.
async fn answer(mut from: TcpStream, mut to: TcpStream) -> io::Result<()> {
    let mut decoder = anonet_core::levin::Decoder::new();
    let (mut piece, mut round) = ([0; 4_096], 0);
    loop {
        let len = from.read(&mut piece).await?;
        let mut data = &piece[..len];
        if len == 0 {
            return Ok(());
        }
        while !data.is_empty() {
            let fed = decoder.feed(data, &anonet_core::levin::FrameLimits::public());
            let (consumed, asked) = fed.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            let is_question = asked.is_some_and(|asked| asked.kind == Frame::Request && asked.command == command::TIMED_SYNC);
            data = &data[consumed..];
            if is_question {
                to.write_all(list(round)).await?;
                round += 1;
            }
        }
    }
}

/// An answer with 250 peers, of 5,000 in all.
fn list(round: usize) -> &'static [u8] {
    static LISTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let lists = LISTS.get_or_init(|| {
        let peers: Vec<PeerEntry> = (0..5_000).map(|index| entry(addr(ZoneKind::Tor, 10_000 + index))).collect();
        let answer = |peers: &[PeerEntry]| {
            frame(Frame::Response { code: 1 }, command::TIMED_SYNC, |out| {
                TimedSyncResponse::encode(out, &Network::Regtest.genesis_sync(), peers.iter());
            })
        };
        peers.chunks(250).map(answer).collect()
    });
    &lists[round % lists.len()]
}

fn question() -> Vec<u8> {
    frame(Frame::Request, command::TIMED_SYNC, |out| TimedSyncRequest { sync: Network::Regtest.genesis_sync() }.encode(out))
}

/// 100,000 bytes that could be a transaction as far as the node can tell.
fn junk(number: u64) -> Vec<u8> {
    let blob = [&[2][..], &number.to_le_bytes(), &[7; 100_000]].concat();
    frame(Frame::Notify, command::NEW_TRANSACTIONS, |out| {
        NewTransactions::encode(out, TxForm::Stem, 0, [&blob[..]].into_iter());
    })
}

/// The head of a fragment of 3 MiB, and so many bytes of it: a message begins that is as long.
fn fragment(bytes: usize) -> Vec<u8> {
    const LENGTH: u64 = 3 << 20;
    let message = Header::new(Frame::Notify, command::NEW_TRANSACTIONS, LENGTH - HEADER_LEN as u64);
    let frame = Header { flags: Flags::BEGIN, command: 0, length: LENGTH, ..message };
    let mut stream = [frame.write(), message.write()].concat();
    stream.resize(2 * HEADER_LEN + bytes, 0);
    stream
}
