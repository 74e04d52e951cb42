//! Bytes that wait to be written to one link.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::{Buf, Bytes, BytesMut};

use crate::table::Handle;

/// Bytes kept for encoding between messages: enough for a timed sync without news, so that an idle link stays small.
const SCRATCH: usize = 256;

/// A frame, and the stash entries that it hands over.
struct Chunk {
    bytes: Bytes,
    hands_over: Vec<Handle>,
}

/// Frames in the order in which they are to be written.
#[derive(Default)]
pub(crate) struct Queue {
    chunks: VecDeque<Chunk>,
    len: usize,
    scratch: BytesMut,
    /// Stash entries whose frame was taken to the last byte since [`Queue::pop_handed`] was last empty.
    handed: VecDeque<Handle>,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Queues a frame that other links share.
    pub(crate) fn push(&mut self, bytes: Bytes, hands_over: Vec<Handle>) {
        self.len += bytes.len();
        self.chunks.push_back(Chunk { bytes, hands_over });
    }

    /// Queues what `encode` appends. The buffer is reused as soon as earlier frames are written and dropped.
    pub(crate) fn encode(&mut self, encode: impl FnOnce(&mut BytesMut)) {
        self.scratch.reserve(SCRATCH);
        encode(&mut self.scratch);
        let bytes = self.scratch.split().freeze();
        if bytes.len() > SCRATCH {
            self.scratch = BytesMut::new();
        }
        self.push(bytes, Vec::new());
    }

    /// The next bytes to write; empty if there are none.
    pub(crate) fn front(&self) -> &[u8] {
        self.chunks.front().map_or(&[], |chunk| &chunk.bytes)
    }

    pub(crate) fn advance(&mut self, mut count: usize) {
        self.len -= count;
        while let Some(front) = self.chunks.front_mut() {
            if count < front.bytes.len() {
                front.bytes.advance(count);
                return;
            }
            count -= front.bytes.len();
            self.pop();
        }
    }

    /// Takes the next frame, or what is left of it, without a copy.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        self.len -= self.front().len();
        self.pop()
    }

    fn pop(&mut self) -> Option<Bytes> {
        let Chunk { bytes, hands_over } = self.chunks.pop_front()?;
        self.handed.extend(hands_over);
        Some(bytes)
    }

    /// The next stash entry whose frame is wholly taken.
    pub(crate) fn pop_handed(&mut self) -> Option<Handle> {
        self.handed.pop_front()
    }

    /// Stash entries whose frames are still queued, wholly or in part.
    pub(crate) fn unsent(&self) -> impl Iterator<Item = Handle> {
        self.chunks.iter().flat_map(|chunk| chunk.hands_over.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use crate::table::Table;

    use super::*;

    #[test]
    fn an_entry_is_handed_over_with_the_last_byte_of_its_frame() {
        let mut entries = Table::new();
        let (first, second) = (entries.insert(()), entries.insert(()));
        let mut queue = Queue::default();
        queue.push(Bytes::from_static(b"abc"), alloc::vec![first]);
        queue.encode(|out| out.extend_from_slice(b"de"));
        queue.push(Bytes::from_static(b"f"), alloc::vec![second]);
        assert_eq!(queue.len(), 6);
        queue.advance(2);
        assert_eq!(queue.front(), b"c");
        assert_eq!(queue.pop_handed(), None);
        assert_eq!(queue.unsent().collect::<VecDeque<_>>(), [first, second]);
        queue.advance(2);
        assert_eq!(queue.front(), b"e");
        assert_eq!((queue.pop_handed(), queue.pop_handed()), (Some(first), None));
        assert_eq!(queue.take().as_deref(), Some(&b"e"[..]));
        assert_eq!(queue.take().as_deref(), Some(&b"f"[..]));
        assert_eq!((queue.pop_handed(), queue.take(), queue.len()), (Some(second), None, 0));
    }
}
