//! Policy `courier`: flights, their passengers, and whether anything shows of them.
//!
//! Each script runs twice, once with its own transactions and once without. What an observer of the line sees is compared;
//! in the run with transactions every stream is read as its target reads it, and held against a naive model.

mod own;
mod run;
mod setup;
mod stream;
mod target;
#[cfg(test)]
mod tests;

use self::run::{Run, Traffic};
use crate::script::Script;

/// More steps than this teach nothing that fewer do not.
const MAX_STEPS: usize = 300;

/// The first two bytes choose the configuration, the third the seed; then each step is a byte for what happens, and its
/// operands: a dial is opened or refused, a target answers well or badly or says something else, it stops reading, it hangs
/// up, time passes or is slept through, own transactions are submitted, recorded, forgotten or seen, the node starts anew.
///
/// # Panics
/// If what shows of the node depends on its own transactions, or one of them goes where it may not, twice to one host,
/// beside another, before it is written down, or is lost.
pub fn courier_ops(data: &[u8]) {
    let (busy, quiet) = (play(data, Traffic::Own), play(data, Traffic::None));
    let differs = busy.seen.iter().zip(&quiet.seen).find(|(one, other)| one != other);
    assert_eq!(differs, None, "own transactions show");
    assert_eq!(busy.seen.len(), quiet.seen.len(), "own transactions show at the end");
}

fn play(data: &[u8], traffic: Traffic) -> Run {
    let mut script = Script::new(data);
    let mut run = Run::new([script.byte(), script.byte()], script.byte(), traffic);
    for _ in 0..MAX_STEPS {
        let Some(step) = script.step() else { break };
        run.step(step, &mut script);
        run.settle();
    }
    run.stop();
    run
}
