//! The driver: one thread owns the node. What blocks (a dial, a read, a write) runs in a thread of its own, which hands its
//! result back. A stream has one read and one write under way at most, so what a slow peer leaves stays in the core.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use anonet_core::{ConnId, DialFailure, Event, Node, Output};
use bytes::Buf;

use crate::shared::{App, clock, dial};

enum Done {
    Dial(Result<TcpStream, DialFailure>),
    Read(Vec<u8>),
    Write(usize),
}

struct Link {
    stream: Arc<TcpStream>,
    reading: bool,
    writing: bool,
}

pub fn run(mut node: Node, proxy: SocketAddr, app: App) {
    let (sender, inbox) = sync_channel(64);
    let mut links = HashMap::new();
    loop {
        while let Some(output) = node.poll_output() {
            match output {
                Output::Dial { conn, addr, isolation, .. } => {
                    spawn(&sender, conn, move || Done::Dial(dial(proxy, &addr.reveal().to_string(), isolation.as_bytes())));
                }
                Output::Transmit(conn) | Output::Resume(conn) => go_on(&mut node, &mut links, &sender, conn),
                Output::Close { conn, .. } => close(links.remove(&conn)),
                Output::Event(Event::Stopped) => return,
                Output::Event(event) => app(&mut node, clock(), &event),
                _ => {}
            }
        }
        let wait = node.poll_timeout().map_or(Duration::MAX, |at| at.saturating_since(clock()));
        let input = inbox.recv_timeout(wait);
        let now = clock();
        let Ok((conn, done)) = input else {
            node.handle_timeout(now);
            continue;
        };
        match (done, links.get_mut(&conn)) {
            (Done::Dial(Err(why)), _) => node.handle_dial_failed(now, conn, why),
            (Done::Dial(Ok(stream)), _) if node.handle_dialed(now, conn).is_ok() => {
                links.insert(conn, Link { stream: Arc::new(stream), reading: false, writing: false });
            }
            (Done::Read(bytes), Some(link)) if !bytes.is_empty() => {
                link.reading = node.handle_data(now, conn, &bytes).is_err();
            }
            (Done::Write(count @ 1..), Some(link)) => {
                link.writing = node.outgoing(conn).map(|mut outgoing| outgoing.advance(count)).is_err();
            }
            // the stream has ended, here or there
            _ => {
                node.handle_closed(now, conn);
                close(links.remove(&conn));
            }
        }
        go_on(&mut node, &mut links, &sender, conn);
    }
}

/// Begins to read and to write, where that is wanted and not under way.
fn go_on(node: &mut Node, links: &mut HashMap<ConnId, Link>, sender: &SyncSender<(ConnId, Done)>, conn: ConnId) {
    let Some(link) = links.get_mut(&conn) else { return };
    let (window, reads, writes) = (node.recv_window(conn), link.stream.clone(), link.stream.clone());
    if window > 0 && !std::mem::replace(&mut link.reading, true) {
        spawn(sender, conn, move || {
            let mut bytes = vec![0; window];
            let count = (&*reads).read(&mut bytes).unwrap_or(0);
            Done::Read(bytes[..count].into())
        });
    }
    let waiting = node.outgoing(conn).map_or(Vec::new(), |outgoing| outgoing.chunk().to_vec());
    if !waiting.is_empty() && !std::mem::replace(&mut link.writing, true) {
        spawn(sender, conn, move || Done::Write((&*writes).write_all(&waiting).map_or(0, |()| waiting.len())));
    }
}

fn close(link: Option<Link>) {
    let _ = link.map(|link| link.stream.shutdown(Shutdown::Both));
}

fn spawn(sender: &SyncSender<(ConnId, Done)>, conn: ConnId, work: impl FnOnce() -> Done + Send + 'static) {
    let sender = sender.clone();
    thread::spawn(move || sender.send((conn, work())));
}
