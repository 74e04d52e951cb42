//! A node whose memory is counted.

use std::ops::Deref;

use allocation_counter::measure;
use anonet_core::{Node, Output};

/// A node, and the bytes that it has taken from the allocator and not given back. What a call takes must not come from
/// outside of it, nor what it returns go there, unless neither is on the heap.
#[derive(Debug)]
pub(super) struct Metered {
    node: Node,
    held: i64,
}

impl Metered {
    pub(super) fn new(build: impl FnOnce() -> Node) -> Self {
        let mut node = None;
        let held = measure(|| node = Some(build())).bytes_current;
        Self { node: node.expect("it was built"), held }
    }

    /// The only way to change the node.
    pub(super) fn run<T>(&mut self, call: impl FnOnce(&mut Node) -> T) -> T {
        let mut result = None;
        self.held += measure(|| result = Some(call(&mut self.node))).bytes_current;
        result.expect("the call came back")
    }

    /// Drops an output, which the node had allocated.
    pub(super) fn give_back(&mut self, output: Output) {
        self.held += measure(|| drop(output)).bytes_current;
    }

    /// Bytes; those of outputs that were taken count until they are given back.
    pub(super) fn held(&self) -> usize {
        usize::try_from(self.held).expect("no more is given back than was taken")
    }
}

impl Deref for Metered {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}
