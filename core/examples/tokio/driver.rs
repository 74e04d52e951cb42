//! The driver: one task owns the node. A dial, a read and a write are tasks of their own, which hand their result back. A
//! stream has one read and one write under way at most, so what a slow peer leaves stays in the core; when it is dropped,
//! they end.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anonet_core::{ConnId, DialFailure, Event, Node, Output};
use bytes::Buf;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::dial;
use crate::shared::{App, clock};

enum Done {
    Dial(Result<TcpStream, DialFailure>),
    Read(Vec<u8>),
    Write(usize),
}

struct Link {
    stream: Arc<TcpStream>,
    tasks: JoinSet<()>,
    reading: bool,
    writing: bool,
}

pub async fn run(mut node: Node, proxy: SocketAddr, app: App) {
    let (sender, mut inbox) = channel(64);
    let mut links = HashMap::new();
    loop {
        while let Some(output) = node.poll_output() {
            match output {
                Output::Dial { conn, addr, isolation, .. } => {
                    let sender = sender.clone();
                    tokio::spawn(async move { sender.send((conn, Done::Dial(dial(proxy, &addr, isolation).await))).await });
                }
                Output::Transmit(conn) | Output::Resume(conn) => go_on(&mut node, &mut links, &sender, conn),
                Output::Close { conn, .. } => drop(links.remove(&conn)),
                Output::Event(Event::Stopped) => return,
                Output::Event(event) => app(&mut node, clock(), &event),
                _ => {}
            }
        }
        let wait = node.poll_timeout().map_or(Duration::MAX, |at| at.saturating_since(clock()));
        let input = timeout(wait, inbox.recv()).await;
        let now = clock();
        let Ok(Some((conn, done))) = input else {
            node.handle_timeout(now);
            continue;
        };
        match (done, links.get_mut(&conn)) {
            (Done::Dial(Err(why)), _) => node.handle_dial_failed(now, conn, why),
            (Done::Dial(Ok(stream)), _) if node.handle_dialed(now, conn).is_ok() => {
                let (stream, tasks) = (Arc::new(stream), JoinSet::new());
                links.insert(conn, Link { stream, tasks, reading: false, writing: false });
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
                links.remove(&conn);
            }
        }
        go_on(&mut node, &mut links, &sender, conn);
    }
}

/// Begins to read and to write, where that is wanted and not under way.
fn go_on(node: &mut Node, links: &mut HashMap<ConnId, Link>, sender: &Sender<(ConnId, Done)>, conn: ConnId) {
    let Some(link) = links.get_mut(&conn) else { return };
    let (window, reads, writes) = (node.recv_window(conn), link.stream.clone(), link.stream.clone());
    if window > 0 && !std::mem::replace(&mut link.reading, true) {
        link.spawn(sender, conn, async move {
            let mut bytes = vec![0; window];
            let count = reads.async_io(Interest::READABLE, || reads.try_read(&mut bytes)).await.unwrap_or(0);
            Done::Read(bytes[..count].into())
        });
    }
    let waiting = node.outgoing(conn).map_or(Vec::new(), |outgoing| outgoing.chunk().to_vec());
    if !waiting.is_empty() && !std::mem::replace(&mut link.writing, true) {
        link.spawn(sender, conn, async move {
            Done::Write(writes.async_io(Interest::WRITABLE, || writes.try_write(&waiting)).await.unwrap_or(0))
        });
    }
}

impl Link {
    fn spawn(&mut self, sender: &Sender<(ConnId, Done)>, conn: ConnId, work: impl Future<Output = Done> + Send + 'static) {
        let sender = sender.clone();
        while self.tasks.try_join_next().is_some() {}
        // sending fails only if the driver is gone
        self.tasks.spawn(async move { drop(sender.send((conn, work.await)).await) });
    }
}
