//! One life of the program, and what is asked of it meanwhile.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::minted::Minted;
use crate::common::{Scratch, free_port, spawn};

/// For a start, and for an end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(30);

/// Words of the log that say that something is lost.
const ALARMS: [&str; 8] = [
    "damaged",
    "cannot be read",
    "make no sense",
    "missing in the stash",
    "find no place",
    "cannot be written",
    "a fault of this program",
    "is left alone",
];

/// Which of its doors a transaction goes in by.
#[derive(Clone, Copy)]
pub(crate) enum Door {
    Control,
    Rpc,
}

/// A running process.
pub(crate) struct Life {
    dir: Arc<Scratch>,
    process: Child,
    rpc_port: u16,
    logger: Option<JoinHandle<()>>,
    log_begins: usize,
    begun: Instant,
}

impl Life {
    /// Begins one on the data of those before.
    pub(crate) fn begin(dir: &Arc<Scratch>, options: &[String]) -> Self {
        let log_begins = fs::read(dir.path().join("log")).map_or(0, |log| log.len());
        let rpc_port = free_port();
        let (process, logger) = spawn("", dir, rpc_port, options);
        Self { dir: dir.clone(), process, rpc_port, logger: Some(logger), log_begins, begun: Instant::now() }
    }

    /// Sleeps until it is so old.
    pub(crate) fn age_to(&self, age: Duration) {
        thread::sleep(age.saturating_sub(self.begun.elapsed()));
    }

    /// Waits until it answers; `None` if another program took its port meanwhile.
    pub(crate) fn ready(&mut self) -> Option<Value> {
        loop {
            if let Ok((200, answer)) = self.ask("GET", "/status", b"") {
                return Some(answer);
            }
            if let Some(ended) = self.process.try_wait().unwrap() {
                let log = self.end_of_log();
                assert!(log.contains("--rpc-bind"), "it ended by itself ({ended}):\n{log}");
                return None;
            }
            assert!(self.begun.elapsed() < PATIENCE, "it does not answer:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Hands a transaction in. `Ok` holds what refused it, if it was refused, and whether it was known otherwise.
    pub(crate) fn submit(&self, tx: &Minted, door: Door) -> io::Result<Result<bool, Value>> {
        match door {
            Door::Control => {
                let (code, answer) = self.ask("POST", "/submit", &tx.blob)?;
                Ok(if code == 200 { Ok(answer["known"] == true) } else { Err(answer) })
            }
            Door::Rpc => {
                let stream = TcpStream::connect(("127.0.0.1", self.rpc_port))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                let body = json!({ "tx_as_hex": tx.hex() }).to_string();
                let (_, answer) = exchange(stream, "POST", "/send_raw_transaction", body.as_bytes())?;
                // wallets are not told whether it was known
                Ok(if answer["status"] == "OK" { Ok(true) } else { Err(answer) })
            }
        }
    }

    /// Has it forget a transaction.
    pub(crate) fn abandon(&self, tx: &Minted) -> io::Result<Result<(), Value>> {
        let (code, answer) = self.ask("POST", "/abandon", tx.id.as_bytes())?;
        Ok(if code == 200 { Ok(()) } else { Err(answer) })
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> io::Result<(u16, Value)> {
        let stream = UnixStream::connect(self.dir.path().join("data/control.sock"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        exchange(stream, method, path, body)
    }

    /// Sends it a signal. It is a child that nobody has waited for, so its number is still its own.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Stops it as a user does.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        let asked = Instant::now();
        while self.process.try_wait().unwrap().is_none() {
            assert!(asked.elapsed() < PATIENCE, "it does not stop:\n{}", self.log());
            thread::sleep(Duration::from_millis(2));
        }
        assert!(!self.end(true), "it was not killed");
    }

    /// Waits for the end of one that was killed; `false` if it had stopped before, as it was asked to.
    pub(crate) fn end(&mut self, was_asked: bool) -> bool {
        let ended = self.process.wait().unwrap();
        let log = self.end_of_log();
        let alarm = log.lines().find(|line| ALARMS.iter().any(|words| line.contains(words)));
        assert_eq!(alarm, None, "{log}");
        let killed = ended.signal() == Some(9);
        assert!(killed || was_asked && ended.success(), "it ended by itself: {ended}\n{log}");
        killed
    }

    /// Whether it says this in its log; what it has said comes there a moment later.
    pub(crate) fn says(&self, text: &str) -> bool {
        let begin = Instant::now();
        while !self.log().contains(text) && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
        self.log().contains(text)
    }

    /// What it said, once it is dead.
    pub(crate) fn end_of_log(&mut self) -> String {
        if let Some(logger) = self.logger.take() {
            logger.join().unwrap();
        }
        self.log()
    }

    fn log(&self) -> String {
        let log = fs::read(self.dir.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log[self.log_begins..]).into_owned()
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// One question and its answer. An answer that is cut off is none.
fn exchange(mut stream: impl Read + Write, method: &str, path: &str, body: &[u8]) -> io::Result<(u16, Value)> {
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    // a reset after the answer is no loss
    let _ = stream.read_to_end(&mut answer);
    let cut_off = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let answer = String::from_utf8(answer).map_err(|_| cut_off())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut_off)?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(cut_off)?;
    Ok((code, serde_json::from_str(body).map_err(|_| cut_off())?))
}
