//! The memory that the unfinished messages of all links share.

use super::Node;
use crate::error::CloseReason;
use crate::ids::ConnId;
use crate::output::Direction;

/// Bytes that a link may hold whatever the others do: every message but large batches of transactions.
const OWN_SHARE: usize = 256 << 10;

impl Node {
    /// Books what a link holds of an unfinished message, and makes room if all links together hold more than they may.
    pub(super) fn book_unfinished(&mut self, id: ConnId) {
        let Some(conn) = self.conns.find_mut(id.0) else { return };
        let holds = conn.decoder.buffered();
        if conn.unfinished == 0 {
            conn.unfinished_since = self.now;
        }
        self.unfinished = self.unfinished - conn.unfinished + holds;
        conn.unfinished = holds;
        while self.unfinished > self.limits.receive_bytes {
            let Some(longest) = self.longest_unfinished() else { return };
            self.close(longest, CloseReason::OutOfRoom);
        }
    }

    /// Whose large message has been under way for the longest time: a peer that came to us, and only if there is none one
    /// that we chose.
    fn longest_unfinished(&self) -> Option<ConnId> {
        let large = self.conns.iter().filter(|(_, conn)| conn.unfinished > OWN_SHARE);
        let longest = large.min_by_key(|(_, conn)| (conn.direction == Direction::Outgoing, conn.unfinished_since));
        longest.map(|(handle, _)| ConnId(handle))
    }
}
