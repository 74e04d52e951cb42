use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::*;

/// Takes a line for each one that is received at the other end.
struct Slow(SyncSender<String>);

impl Write for Slow {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.send(String::from_utf8(line.to_vec()).unwrap()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start(reader: impl Write + Send + 'static) -> Arc<Queue> {
    let queue = Arc::new(Queue::default());
    let writer = queue.clone();
    thread::spawn(move || writer.write_to(reader));
    queue
}

/// A queue whose thread waits for the reader with one line, so that all others stay in the queue.
fn stuck() -> (Arc<Queue>, Receiver<String>) {
    let (sender, receiver) = sync_channel(0);
    let queue = start(Slow(sender));
    queue.push(b"first\n");
    while !queue.state().busy {
        thread::yield_now();
    }
    (queue, receiver)
}

/// A line of so many bytes.
fn line(len: usize) -> Vec<u8> {
    [vec![b'x'; len - 1], vec![b'\n']].concat()
}

/// How many lines it says that are lost.
fn told(line: &str) -> Option<u64> {
    line.trim_end().split_once("  WARN lines of the log lost here")?.1.rsplit_once(": ")?.1.parse().ok()
}

#[test]
fn lines_up_to_the_limit_wait_and_the_next_is_lost_and_counted_in_its_place() {
    let (queue, receiver) = stuck();
    queue.push(&line(QUEUE - 100));
    queue.push(&line(100));
    assert_eq!(queue.lost(), 0, "a queue that is full to the last byte");
    queue.push(b"\n");
    queue.push(b"lost\n");
    assert_eq!(queue.lost(), 2);
    assert_eq!(receiver.recv().unwrap(), "first\n");
    assert_eq!(receiver.recv().unwrap().len(), QUEUE - 100);
    queue.push(b"later\n");
    assert_eq!(receiver.recv().unwrap().len(), 100);
    assert_eq!(told(&receiver.recv().unwrap()), Some(2));
    assert_eq!(receiver.recv().unwrap(), "later\n");
    assert_eq!(queue.lost(), 0);
}

#[test]
fn a_loss_is_told_without_a_line_after_it_and_what_is_longer_than_the_queue_is_one() {
    let (queue, receiver) = stuck();
    queue.push(&line(QUEUE + 1));
    assert_eq!(receiver.recv().unwrap(), "first\n");
    assert_eq!(told(&receiver.recv().unwrap()), Some(1));
}

#[test]
fn the_last_words_have_room_behind_all_others() {
    let (queue, receiver) = stuck();
    queue.push(&line(QUEUE));
    queue.push(b"lost\n");
    queue.push_last(b"why it ends\n");
    let lines: Vec<String> = (0..4).map(|_| receiver.recv().unwrap()).collect();
    assert_eq!((lines[1].len(), told(&lines[2]), lines[3].as_str()), (QUEUE, Some(1), "why it ends\n"));
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test measures real time")]
fn the_end_waits_for_a_reader_and_not_for_ever() {
    let begin = std::time::Instant::now();
    let (queue, receiver) = stuck();
    queue.linger();
    assert!((1.0..2.0).contains(&begin.elapsed().as_secs_f64()), "{:?}", begin.elapsed());
    queue.push(b"last\n");
    let reading = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        [receiver.recv().unwrap(), receiver.recv().unwrap()]
    });
    let begin = std::time::Instant::now();
    queue.linger();
    assert!(begin.elapsed() < LINGER, "{:?}", begin.elapsed());
    assert_eq!(reading.join().unwrap(), ["first\n", "last\n"]);
}

/// Does with each write what a script says, and takes all once that has ended.
struct Scripted(VecDeque<io::Result<usize>>, Arc<Mutex<String>>);

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.0.pop_front().unwrap_or(Ok(bytes.len()))?;
        self.1.lock().unwrap().push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_loses_lines_and_the_next_that_fits_stands_behind_their_number() {
    let full = || Err(io::ErrorKind::StorageFull.into());
    // the first fits in part, the next two not at all, as no word of what is lost does
    let script = [Err(io::ErrorKind::Interrupted.into()), Ok(2), full(), full(), full()];
    let text = Arc::new(Mutex::new(String::new()));
    let queue = start(Scripted(script.into(), text.clone()));
    for number in 1..=4 {
        queue.push(format!("line {number}\n").as_bytes());
    }
    queue.linger();
    assert_eq!(queue.lost(), 0);
    let text = text.lock().unwrap().clone();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], told(lines[1]), lines[2], lines.len()), ("li", Some(3), "line 4", 3), "{text}");
}

#[test]
fn a_reader_that_has_left_ends_nothing() {
    let (here, there) = UnixStream::pair().unwrap();
    drop(there);
    let queue = start(here);
    (0..10).for_each(|_| queue.push(b"nobody reads this\n"));
    queue.linger();
    assert_eq!(queue.lost(), 10);
}

#[test]
fn a_descriptor_that_does_not_wait_loses_nothing() {
    let (here, there) = UnixStream::pair().unwrap();
    here.set_nonblocking(true).unwrap();
    let queue = start(here);
    // more than a socket holds, and never more than the queue does
    let lines: Vec<String> = (0..6_000).map(|number| format!("line {number:>100}")).collect();
    let reading = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        BufReader::new(there).lines().take(6_000).map(Result::unwrap).collect::<Vec<_>>()
    });
    for part in lines.chunks(2_000) {
        part.iter().for_each(|line| queue.push(format!("{line}\n").as_bytes()));
        queue.linger();
    }
    assert!(reading.join().unwrap() == lines);
}
