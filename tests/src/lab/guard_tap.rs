//! Who stands between a tor client and its guards, as the user's provider does, and notes what passes and when.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::spawn;
use std::time::{Duration, Instant};

/// Bytes that passed at once. What is in them is tor's encryption and of no interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passed {
    /// When, from the start of the tap.
    pub at: Duration,
    /// From the client to its guard, or the other way.
    pub up: bool,
    /// How many.
    pub bytes: usize,
}

/// An HTTP proxy through which a tor client reaches the network (tor's `HTTPSProxy`): all that it sends and is sent goes
/// through here, whatever guards it chooses. It serves until the test program ends.
#[derive(Debug)]
pub struct GuardTap {
    port: u16,
    record: Arc<Record>,
}

#[derive(Debug)]
struct Record {
    begin: Instant,
    passed: Mutex<Vec<Passed>>,
}

impl GuardTap {
    /// Listens on a port of its own.
    ///
    /// # Panics
    ///
    /// When it cannot listen.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let record = Arc::new(Record { begin: super::now(), passed: Mutex::default() });
        let kept = record.clone();
        spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let kept = kept.clone();
                // who asks for nothing that is there is closed
                spawn(move || drop(serve(client, &kept)));
            }
        });
        Self { port, record }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The time that its record counts in.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.record.begin.elapsed()
    }

    /// What passed within this span.
    #[must_use]
    pub fn passed(&self, within: Range<Duration>) -> Vec<Passed> {
        let all = self.record.lock();
        all.iter().filter(|passed| within.contains(&passed.at)).copied().collect()
    }

    /// Bytes that passed within this span, up and down.
    #[must_use]
    pub fn bytes(&self, within: Range<Duration>) -> [usize; 2] {
        let passed = self.passed(within);
        [true, false].map(|up| passed.iter().filter(|passed| passed.up == up).map(|passed| passed.bytes).sum())
    }
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Vec<Passed>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, up: bool, bytes: usize) {
        let mut passed = self.lock();
        passed.push(Passed { at: self.begin.elapsed(), up, bytes });
    }
}

fn serve(client: TcpStream, record: &Arc<Record>) -> io::Result<()> {
    let mut asking = BufReader::new(client);
    let mut line = String::new();
    asking.read_line(&mut line)?;
    let relay = line.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()?.parse::<SocketAddr>().ok());
    while line != "\r\n" {
        line.clear();
        if asking.read_line(&mut line)? == 0 {
            return Ok(());
        }
    }
    let relay = TcpStream::connect(relay.ok_or(io::ErrorKind::InvalidInput)?)?;
    // tor says nothing more before it has the answer
    let mut client = asking.into_inner();
    for stream in [&client, &relay] {
        stream.set_nodelay(true)?;
    }
    client.write_all(b"HTTP/1.0 200 OK\r\n\r\n")?;
    let (back, forth) = (relay.try_clone()?, client.try_clone()?);
    let kept = record.clone();
    spawn(move || pass(forth, relay, |bytes| kept.note(true, bytes)));
    pass(back, client, |bytes| record.note(false, bytes));
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream, note: impl Fn(usize)) {
    let mut piece = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        note(read);
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
