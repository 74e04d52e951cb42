//! The memory that the unfinished messages of all links share.

use super::Node;
use crate::error::CloseReason;
use crate::ids::ConnId;
use crate::output::Direction;

/// Bytes that a link may hold as long as others hold more: every message but large batches of transactions.
const OWN_SHARE: usize = 256 << 10;

impl Node {
    /// Books what a link holds of an unfinished message, and makes room if all links together hold more than they may.
    pub(super) fn book_unfinished(&mut self, id: ConnId) {
        let conn = &mut self.conns[id.0];
        let holds = conn.decoder.buffered();
        if conn.unfinished == 0 {
            conn.unfinished_since = self.now;
        }
        self.unfinished = self.unfinished - conn.unfinished + holds;
        conn.unfinished = holds;
        while let Some(first) = self.first_to_give_way() {
            self.close(first, CloseReason::OutOfRoom);
        }
    }

    /// Whose message gives way, if one has to: a large one before a small one, one of a peer that came to us before one of a peer that we
    /// chose, one of a peer that has not finished its handshake before others, and of these the one under way for longest.
    fn first_to_give_way(&self) -> Option<ConnId> {
        let is_too_much = self.unfinished > self.limits.receive_bytes;
        let holding = self.conns.iter().filter(|(_, conn)| is_too_much && conn.unfinished > 0);
        let first = holding.min_by_key(|(_, conn)| {
            let (small, chosen) = (conn.unfinished <= OWN_SHARE, conn.direction == Direction::Outgoing);
            (small, chosen, conn.is_ready(), conn.unfinished_since)
        });
        first.map(|(handle, _)| ConnId(handle))
    }
}
