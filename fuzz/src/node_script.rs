//! A whole node, driven by a script, under watch.

mod configs;
pub(crate) mod frames;
mod fuzz_node;
mod leaks;
mod memory;
mod metered;
mod own;
mod steps;
mod watch;

pub use self::fuzz_node::fuzz_node;
use self::steps::Run;
use crate::script::Script;

/// More steps than this teach nothing that fewer do not.
const MAX_STEPS: usize = 600;

/// The first byte chooses the configuration, the second the seed; then each step is a byte for what happens, and its
/// operands. The upper bit of a step leaves the outputs where they are, as an embedder that lags behind does.
///
/// # Panics
/// If the node breaks one of the promises that `fuzz/README.md` lists for this target.
pub fn node_script(data: &[u8]) {
    let mut script = Script::new(data);
    let mut run = Run::new(script.byte(), script.byte());
    for _ in 0..MAX_STEPS {
        let Some(step) = script.step() else { break };
        run.step(step & 0x7f, &mut script);
        if step & 0x80 == 0 {
            run.watch.drain();
        }
    }
    run.stop();
}

#[cfg(test)]
mod tests;
