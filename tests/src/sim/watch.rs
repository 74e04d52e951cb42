//! What can be seen of one node: its streams, what went through them and when, and which transactions were in it.
//!
//! An observer at the node's guard sees times, sizes and directions; the peer at the other end of a stream sees what is in it.

use std::collections::BTreeMap;
use std::time::Duration;

use anonet_core::{ConnId, Isolation, ZoneId};

use super::engine::Sim;

/// Fills transactions, after their number.
pub(super) const FILLER: u8 = 0x5a;

/// As much filler in one row is a transaction.
const ROW: usize = 256;

/// One chunk of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    /// When it was written, or arrived.
    pub at: Duration,
    /// Bytes.
    pub size: usize,
    /// Whether the observed node wrote it.
    pub sent: bool,
}

/// One stream that the observed node dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stream {
    /// Whom it dialled; `None` if nobody has the address.
    pub peer: Option<usize>,
    /// In which zone, counted through the scenario's.
    pub zone: usize,
    /// What keeps it apart from others at the proxy.
    pub isolation: [u8; 8],
    /// When it was dialled.
    pub dialled: Duration,
    /// When it ended.
    pub ended: Option<Duration>,
    /// What went through it.
    pub chunks: Vec<Chunk>,
    /// The own transactions that were written to it, and when.
    pub txs: Vec<(Duration, usize)>,
    /// Transactions that came through it, and when.
    pub copies: Vec<(Duration, usize)>,
}

impl Chunk {
    /// One that the observed node wrote.
    #[must_use]
    pub const fn sent(at: Duration, size: usize) -> Self {
        Self { at, size, sent: true }
    }
}

impl Stream {
    /// A stream that was just dialled.
    #[must_use]
    pub const fn dialled(at: Duration, peer: Option<usize>, zone: usize, isolation: [u8; 8]) -> Self {
        Self { peer, zone, isolation, dialled: at, ended: None, chunks: Vec::new(), txs: Vec::new(), copies: Vec::new() }
    }

    /// Bytes have gone through it.
    pub fn carried(&mut self, at: Duration, size: usize, sent: bool) {
        self.chunks.push(Chunk { at, size, sent });
    }
}

/// All that was seen.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// When the node was started.
    pub starts: Vec<Duration>,
    /// Its streams, in the order of their dials.
    pub streams: Vec<Stream>,
    open: BTreeMap<ConnId, usize>,
}

impl Trace {
    /// The node was started.
    pub(super) fn started(&mut self, at: Duration) {
        self.starts.push(at);
        self.open.clear();
    }

    /// Who is at the other end of an open stream, and in which zone.
    pub(super) fn link(&self, conn: ConnId) -> Option<(usize, usize)> {
        let stream = self.streams.get(*self.open.get(&conn)?)?;
        Some((stream.peer?, stream.zone))
    }

    fn stream(&mut self, conn: ConnId) -> Option<&mut Stream> {
        self.streams.get_mut(*self.open.get(&conn)?)
    }
}

/// The transactions in one chunk.
fn transactions(bytes: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut place = 0;
    while place + ROW <= bytes.len() {
        // the last byte of a row tells how far to go on
        if bytes[place + ROW - 1] != FILLER {
            place += ROW;
            continue;
        }
        let begin = bytes[..place + ROW].iter().rposition(|&byte| byte != FILLER).map_or(0, |last| last + 1);
        let end = bytes[place..].iter().skip(ROW).position(|&byte| byte != FILLER).map_or(bytes.len(), |more| place + ROW + more);
        let number = begin.checked_sub(8).and_then(|from| bytes[from..].first_chunk());
        if let Some(number) = number.filter(|_| end - begin >= ROW) {
            found.push(u64::from_le_bytes(*number) as usize);
        }
        place = end;
    }
    found
}

impl Sim {
    pub(super) fn dialled(
        &mut self,
        node: usize,
        conn: ConnId,
        peer: Option<(usize, ZoneId)>,
        zone: ZoneId,
        isolation: Isolation,
    ) {
        if node == 0 {
            self.trace.open.insert(conn, self.trace.streams.len());
            let stream = Stream::dialled(self.elapsed(), peer.map(|(peer, _)| peer), zone.index(), *isolation.as_bytes());
            self.trace.streams.push(stream);
        }
    }

    pub(super) fn carried(&mut self, node: usize, conn: ConnId, bytes: &[u8], sent: bool) {
        if node != 0 {
            return;
        }
        let (at, known) = (self.elapsed(), self.spread.submissions().len());
        let Some(stream) = self.trace.stream(conn) else { return };
        stream.carried(at, bytes.len(), sent);
        let seen = if sent { &mut stream.txs } else { &mut stream.copies };
        seen.extend(transactions(bytes).into_iter().filter(|&number| number < known).map(|number| (at, number)));
    }

    pub(super) fn closed(&mut self, node: usize, conn: ConnId) {
        let at = self.elapsed();
        if let Some(stream) = self.trace.stream(conn).filter(|_| node == 0) {
            stream.ended.get_or_insert(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_are_found_wherever_they_stand() {
        let tx = |number: u64| [number.to_le_bytes().to_vec(), vec![FILLER; 1_992]].concat();
        for before in 0..300 {
            let bytes = [vec![1; before], tx(3), vec![2; 3], tx(5), vec![0; 40]].concat();
            assert_eq!(transactions(&bytes), [3, 5], "{before}");
        }
        assert!(transactions(&[7; 9_000]).is_empty());
        assert!(transactions(&[FILLER; 100]).is_empty());
        assert_eq!(transactions(&tx(1)), [1]);
    }
}
