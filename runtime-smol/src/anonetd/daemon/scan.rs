//! Which blocks are looked at for own transactions: all, in order, and some again after a reorganisation.

use super::rpc::{Block, Header};

/// Blocks before the first top that are looked at too, a day's: an own transaction may have been mined while this program
/// was stopped.
const LOOK_BACK: u64 = 720;

/// Blocks that are looked at again when the chain below has changed; monerod takes deeper changes from nobody in practice.
const REORGANISED: u64 = 10;

/// How far it has come. What it asks for depends on the chain alone, never on the stash.
#[derive(Debug, Default)]
pub(super) struct Scan {
    next: Option<u64>,
    /// The block before it, if that was looked at.
    last: Option<Header>,
}

impl Scan {
    /// The height to look at next, if there is one in a chain with this top.
    pub(super) fn next(&mut self, top: &Header) -> Option<u64> {
        let next = self.next.get_or_insert(top.height.saturating_sub(LOOK_BACK - 1));
        let end = top.height.saturating_add(1);
        let changed = *next == end && self.last.is_some_and(|last| last.hash != top.hash);
        if *next > end || changed {
            *next = end.saturating_sub(REORGANISED);
            self.last = None;
        }
        Some(*next).filter(|next| *next < end)
    }

    /// The block at that height cannot be had.
    pub(super) fn pass(&mut self, height: u64) {
        (self.next, self.last) = (Some(height.saturating_add(1)), None);
    }

    /// The block at that height was looked at.
    pub(super) fn took(&mut self, block: &Block) {
        let height = block.header.height;
        let follows = self.last.is_none_or(|last| last.hash == block.header.prev_hash);
        if follows {
            (self.next, self.last) = (Some(height.saturating_add(1)), Some(block.header));
        } else {
            (self.next, self.last) = (Some(height.saturating_sub(REORGANISED)), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The block at a height of one of several chains, which differ from a height on.
    fn block(height: u64, fork: (u64, u8)) -> Block {
        let hash = |height: u64| {
            let chain = if height >= fork.0 { fork.1 } else { 0 };
            format!("{:062x}{chain:02x}", height)
        };
        let before = hash(height.saturating_sub(1));
        serde_json::from_value(json!({ "block_header": {
            "height": height, "hash": hash(height), "prev_hash": before, "major_version": 16, "cumulative_difficulty": 1,
        }}))
        .unwrap()
    }

    fn run(scan: &mut Scan, top: u64, fork: (u64, u8)) -> Vec<u64> {
        let mut heights = Vec::new();
        while let Some(height) = scan.next(&block(top, fork).header) {
            heights.push(height);
            assert!(heights.len() < 2_000, "it never ends");
            scan.took(&block(height, fork));
        }
        heights
    }

    #[test]
    fn a_day_is_looked_back_and_every_new_block_once() {
        let (mut scan, fork) = (Scan::default(), (9_999, 1));
        let first = run(&mut scan, 2_000, fork);
        assert_eq!((first.len() as u64, first.first(), first.last()), (LOOK_BACK, Some(&1_281), Some(&2_000)));
        assert_eq!(run(&mut scan, 2_000, fork), [0; 0]);
        assert_eq!(run(&mut scan, 2_003, fork), [2_001, 2_002, 2_003]);
        assert_eq!(run(&mut Scan::default(), 2, fork), [0, 1, 2], "a young chain");
    }

    #[test]
    fn blocks_that_replace_others_are_looked_at() {
        for (top, fork) in [(100, 100), (100, 95), (104, 99), (98, 97), (50, 40)] {
            let mut scan = Scan::default();
            run(&mut scan, 100, (9_999, 0));
            let again = run(&mut scan, top, (fork, 1));
            for height in fork.max(top.saturating_sub(REORGANISED - 1))..=top {
                assert!(again.contains(&height), "{height} after {fork} changed, top {top}: {again:?}");
            }
            assert_eq!(run(&mut scan, top, (fork, 1)), [0; 0]);
        }
    }
}
