//! The host's side: sockets, time and nothing of the core but the kinds of its records.

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::str::from_utf8;
use std::thread;
use std::time::Duration;

use crate::machine::{input, output};
use crate::shared::{clock, dial};

/// How long the loop rests when no socket has anything.
const REST: Duration = Duration::from_millis(2);

struct Link {
    stream: TcpStream,
    window: usize,
    to_write: Vec<u8>,
}

pub fn run(mut step: impl FnMut(u64, &[u8], &mut Vec<u8>), first: Vec<u8>, proxy: SocketAddr) {
    let (mut inputs, mut links) = (VecDeque::from([first]), HashMap::new());
    loop {
        let Some(input) = inputs.pop_front() else {
            links.retain(|&conn, link: &mut Link| {
                let alive = link.look(conn, &mut inputs).is_ok();
                if !alive {
                    inputs.push_back(record(input::CLOSED, conn, &[]));
                }
                alive
            });
            if inputs.is_empty() {
                thread::sleep(REST);
                inputs.push_back(record(input::TIMEOUT, 0, &[]));
            }
            continue;
        };
        let mut out = Vec::new();
        step(clock().as_micros(), &input, &mut out);
        let mut rest = &out[..];
        while let Some((head, more)) = rest.split_first_chunk::<13>() {
            let conn = u64::from_le_bytes(head[1..9].try_into().unwrap());
            let (payload, more) = more.split_at(u32::from_le_bytes(head[9..].try_into().unwrap()) as usize);
            rest = more;
            match head[0] {
                output::DIAL => match dial(proxy, from_utf8(&payload[8..]).unwrap(), &payload[..8]) {
                    Ok(stream) => {
                        stream.set_nonblocking(true).unwrap();
                        links.insert(conn, Link { stream, window: 0, to_write: Vec::new() });
                        inputs.push_back(record(input::DIALED, conn, &[]));
                    }
                    Err(_) => inputs.push_back(record(input::DIAL_FAILED, conn, &[])),
                },
                output::CLOSE => drop(links.remove(&conn)),
                output::HANDED => println!("handed over"),
                output::STOPPED => return,
                output::WINDOW => {
                    let window = u32::from_le_bytes(payload.try_into().unwrap());
                    links.entry(conn).and_modify(|link| link.window = window as usize);
                }
                output::WRITE => drop(links.entry(conn).and_modify(|link| link.to_write = payload.to_vec())),
                _ => {}
            }
        }
    }
}

impl Link {
    /// Writes and reads what can be now.
    fn look(&mut self, conn: u64, inputs: &mut VecDeque<Vec<u8>>) -> io::Result<()> {
        if !self.to_write.is_empty() {
            if let Some(count) = now(self.stream.write(&self.to_write))? {
                self.to_write.clear();
                inputs.push_back(record(input::WROTE, conn, &(count as u32).to_le_bytes()));
            }
        }
        if self.window > 0 {
            let mut bytes = vec![0; self.window];
            if let Some(count) = now(self.stream.read(&mut bytes))? {
                self.window = 0;
                inputs.push_back(record(input::READ, conn, &bytes[..count]));
            }
        }
        Ok(())
    }
}

/// How many bytes; none if the socket would block, and an error at the end of the stream.
fn now(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn record(kind: u8, conn: u64, payload: &[u8]) -> Vec<u8> {
    [&[kind][..], &conn.to_le_bytes(), payload].concat()
}
