//! Lines on their way to a reader that may be slow, or read no more: a thread of its own waits for it, and nobody else.

use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// Bytes of lines that wait; as many may be on their way to the reader.
const QUEUE: usize = 256 << 10;

/// How long the process waits at its end for a reader.
const LINGER: Duration = Duration::from_secs(1);

/// Until a descriptor that took nothing and does not wait is tried again. Whoever shares it may have made it so.
const PAUSE: Duration = Duration::from_millis(20);

/// The queue. Lines for which it has no room are lost, and counted where they are missing.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to write.
    more: Condvar,
    /// Everything is written.
    done: Condvar,
    /// Lines that were refused by what they were written to, since one was taken.
    failed: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines lost after the last that waits.
    lost: u64,
    /// The thread is writing.
    busy: bool,
}

impl Queue {
    /// Adds a line, or counts it as lost.
    fn push(&self, line: &[u8]) {
        let mut state = self.state();
        let told = if state.lost > 0 { lost(state.lost, false) } else { String::new() };
        if state.waiting.len() + told.len() + line.len() > QUEUE {
            state.lost += 1;
        } else {
            state.lost = 0;
            state.waiting.extend_from_slice(told.as_bytes());
            state.waiting.extend_from_slice(line);
        }
        drop(state);
        self.more.notify_one();
    }

    /// Adds a line that there is room for in any case: there are few of these.
    pub(super) fn push_last(&self, line: &[u8]) {
        let mut state = self.state();
        tell(&mut state);
        state.waiting.extend_from_slice(line);
        drop(state);
        self.more.notify_one();
    }

    /// Writes whatever comes, for ever.
    pub(super) fn write_to(&self, mut reader: impl Write) {
        let mut torn = false;
        loop {
            // one by one, as others may write to the same place
            for line in self.next().split_inclusive(|&byte| byte == b'\n') {
                torn = self.write_line(&mut reader, line, torn);
            }
        }
    }

    /// All that waits, once something does.
    fn next(&self) -> Vec<u8> {
        let is_idle = |state: &mut State| state.waiting.is_empty() && state.lost == 0;
        let mut state = self.state();
        state.busy = false;
        if is_idle(&mut state) {
            self.done.notify_all();
        }
        let mut state = self.more.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
        state.busy = true;
        tell(&mut state);
        mem::take(&mut state.waiting)
    }

    /// Says whether it wrote a part of a line and no more.
    fn write_line(&self, reader: &mut impl Write, line: &[u8], torn: bool) -> bool {
        let failed = self.failed.load(Ordering::Relaxed);
        let told = if failed > 0 { write_whole(reader, lost(failed, torn).as_bytes()) } else { Ok(()) };
        if told.is_ok() {
            self.failed.store(0, Ordering::Relaxed);
        }
        match told.and_then(|()| write_whole(reader, line)) {
            Ok(()) => false,
            Err(Refused { torn: in_this }) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                in_this || (torn && told.is_err())
            }
        }
    }

    /// How many lines are lost of which nobody could be told yet.
    pub(super) fn lost(&self) -> u64 {
        self.state().lost + self.failed.load(Ordering::Relaxed)
    }

    /// Returns once everything is written, or the reader has been waited for.
    pub(super) fn linger(&self) {
        let left = |state: &mut State| state.busy || state.lost > 0 || !state.waiting.is_empty();
        drop(self.done.wait_timeout_while(self.state(), LINGER, left));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call is one line.
impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn tell(state: &mut State) {
    let count = mem::take(&mut state.lost);
    if count > 0 {
        state.waiting.extend_from_slice(lost(count, false).as_bytes());
    }
}

/// The line that stands where lines are missing.
fn lost(count: u64, torn: bool) -> String {
    let mut line = String::from(if torn { "\n" } else { "" });
    // without a time it says what it has to, too
    let _ = SystemTime.format_time(&mut Writer::new(&mut line));
    line.push_str(&format!(
        "  WARN lines of the log lost here, as they were not read in time or could not be written: {count}\n"
    ));
    line
}

/// What is written to takes no more.
#[derive(Clone, Copy, Debug)]
struct Refused {
    /// It has taken a part.
    torn: bool,
}

fn write_whole(reader: &mut impl Write, bytes: &[u8]) -> Result<(), Refused> {
    let mut left = bytes;
    while !left.is_empty() {
        match reader.write(left) {
            Ok(count @ 1..) => left = &left[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Ok(0) | Err(_) => return Err(Refused { torn: left.len() < bytes.len() }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
