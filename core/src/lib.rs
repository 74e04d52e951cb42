//! The core of anonet: Monero's anonymity networks as a state machine.
//!
//! A [`Node`] knows zones (Tor, I2P, the public network), their peers, the links to them, and the transactions of its
//! user. It has no sockets, no clock and no randomness of its own: bytes, events, time and a random number generator
//! are handed in, and what it wants done comes out. The crate is `no_std` and needs `alloc`.
//!
//! # The loop
//!
//! An embedder does three things: it carries out every [`Output`], it calls [`Node::handle_timeout`] when
//! [`Node::poll_timeout`] says so, and it reports what happens to sockets. This is all of it, with a thread for each
//! socket:
//!
//! ```
//! # use std::{collections::HashMap, io::{Read, Write}, net::{Shutdown, SocketAddr, TcpListener, TcpStream}, thread};
//! # use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
//! # use std::time::Duration;
//! # use anonet_core::{Addr, Config, ConnId, DialFailure, Event, Instant, LocalTx, Network, Node, Output, PeerRole};
//! # use anonet_core::{TxId, ZoneConfig, ZoneId, ZoneKind};
//! # use bytes::{Buf, Bytes};
//! # use rand_core::SeedableRng;
//! enum Input<S> {
//!     Incoming(ZoneId, Option<Addr>, S), Dialed(ConnId, S), Failed(ConnId, DialFailure),
//!     Data(ConnId, Vec<u8>), Wrote(ConnId, usize), Gone(ConnId),
//!     Call(Box<dyn FnOnce(&mut Node, Instant) + Send>),
//! }
//!
//! trait Net {
//!     type Socket;
//!     fn dial(&mut self, conn: ConnId, addr: Addr);                        // ends in Dialed or Failed
//!     fn adopt(&mut self, conn: ConnId, socket: Self::Socket, window: usize); // reads up to `window`
//!     fn grant(&mut self, conn: ConnId, window: usize);                    // reads again, up to `window`
//!     fn flush(&mut self, conn: ConnId, node: &mut Node);                  // begins to write, unless it is writing
//!     fn wrote(&mut self, conn: ConnId);                                   // may begin again
//!     fn close(&mut self, conn: ConnId);
//! }
//!
//! fn drive<N: Net>(node: &mut Node, net: &mut N, inbox: &Receiver<Input<N::Socket>>, clock: impl Fn() -> Instant,
//!                  mut app: impl FnMut(&mut Node, Instant, Event)) {
//!     loop {
//!         while let Some(output) = node.poll_output() {
//!             match output {
//!                 Output::Dial { conn, addr, .. } => net.dial(conn, addr),
//!                 Output::Transmit(conn) => net.flush(conn, node),
//!                 Output::Resume(conn) => net.grant(conn, node.recv_window(conn)),
//!                 Output::Close { conn, .. } => net.close(conn),
//!                 Output::Event(Event::Stopped) => return,
//!                 Output::Event(event) => app(node, clock(), event),
//!                 _ => {}
//!             }
//!         }
//!         let wait = node.poll_timeout().map_or(Duration::MAX, |at| at.saturating_since(clock()));
//!         let input = inbox.recv_timeout(wait);
//!         let now = clock();
//!         match input {
//!             Err(RecvTimeoutError::Timeout) => node.handle_timeout(now),
//!             Err(RecvTimeoutError::Disconnected) => return,
//!             Ok(Input::Incoming(zone, from, socket)) => {
//!                 if let Ok(conn) = node.accept(now, zone, from) { net.adopt(conn, socket, node.recv_window(conn)) }
//!             }
//!             Ok(Input::Dialed(conn, socket)) => {
//!                 if node.handle_dialed(now, conn).is_ok() { net.adopt(conn, socket, node.recv_window(conn)) }
//!             }
//!             Ok(Input::Failed(conn, why)) => node.handle_dial_failed(now, conn, why),
//!             Ok(Input::Data(conn, data)) => {
//!                 if node.handle_data(now, conn, &data).is_ok() { net.grant(conn, node.recv_window(conn)) }
//!             }
//!             Ok(Input::Wrote(conn, count)) => {
//!                 if let Ok(mut outgoing) = node.outgoing(conn) { outgoing.advance(count) }
//!                 net.wrote(conn);
//!                 net.flush(conn, node);
//!             }
//!             Ok(Input::Gone(conn)) => { node.handle_closed(now, conn); net.close(conn) }
//!             Ok(Input::Call(call)) => call(node, now),
//!         }
//!     }
//! }
//! # struct Threads { inbox: Sender<Input<TcpStream>>, open: HashMap<ConnId, (TcpStream, SyncSender<usize>, SyncSender<Bytes>, bool)> }
//! # impl Net for Threads {
//! #     type Socket = TcpStream;
//! #     fn dial(&mut self, conn: ConnId, addr: Addr) {
//! #         let inbox = self.inbox.clone();
//! #         thread::spawn(move || {
//! #             let Addr::Ipv4(addr) = addr else { panic!("this example dials IPv4") };
//! #             let _ = inbox.send(match TcpStream::connect(SocketAddr::V4(addr)) {
//! #                 Ok(socket) => Input::Dialed(conn, socket),
//! #                 Err(_) => Input::Failed(conn, DialFailure::HostRefused),
//! #             });
//! #         });
//! #     }
//! #     fn adopt(&mut self, conn: ConnId, socket: TcpStream, window: usize) {
//! #         let (grant, granted) = sync_channel(1);
//! #         let (chunks, to_write) = sync_channel::<Bytes>(1);
//! #         let (mut reader, mut writer) = (socket.try_clone().unwrap(), socket.try_clone().unwrap());
//! #         let (inbox, written) = (self.inbox.clone(), self.inbox.clone());
//! #         thread::spawn(move || for window in granted {
//! #             let mut buffer = vec![0; window];
//! #             match reader.read(&mut buffer) {
//! #                 Ok(count) if count > 0 => { buffer.truncate(count); let _ = inbox.send(Input::Data(conn, buffer)); }
//! #                 _ => { let _ = inbox.send(Input::Gone(conn)); return }
//! #             }
//! #         });
//! #         thread::spawn(move || for chunk in to_write {
//! #             if writer.write_all(&chunk).is_err() { return }
//! #             let _ = written.send(Input::Wrote(conn, chunk.len()));
//! #         });
//! #         let _ = grant.try_send(window);
//! #         self.open.insert(conn, (socket, grant, chunks, false));
//! #     }
//! #     fn grant(&mut self, conn: ConnId, window: usize) {
//! #         if window > 0 { if let Some((_, grant, ..)) = self.open.get(&conn) { let _ = grant.try_send(window); } }
//! #     }
//! #     fn flush(&mut self, conn: ConnId, node: &mut Node) {
//! #         let (Some((_, _, chunks, writing)), Ok(outgoing)) = (self.open.get_mut(&conn), node.outgoing(conn)) else { return };
//! #         if outgoing.has_remaining() && !*writing {
//! #             *writing = chunks.try_send(Bytes::copy_from_slice(outgoing.chunk())).is_ok();
//! #         }
//! #     }
//! #     fn wrote(&mut self, conn: ConnId) {
//! #         if let Some((.., writing)) = self.open.get_mut(&conn) { *writing = false }
//! #     }
//! #     fn close(&mut self, conn: ConnId) {
//! #         if let Some((socket, ..)) = self.open.remove(&conn) { let _ = socket.shutdown(Shutdown::Both); }
//! #     }
//! # }
//! # let clock = || Instant::from_micros(std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64);
//! # let rng = |seed| Box::new(chacha20::ChaCha20Rng::from_seed([seed; 32]));
//! # let run = |config: Config, seed: u8, inbox: (Sender<Input<TcpStream>>, Receiver<Input<TcpStream>>), report: Sender<Bytes>| {
//! #     thread::spawn(move || {
//! #         let mut node = Node::new(config, rng(seed), clock()).unwrap();
//! #         let mut net = Threads { inbox: inbox.0, open: HashMap::new() };
//! #         drive(&mut node, &mut net, &inbox.1, clock, |_, _, event| {
//! #             if let Event::Tx { blob, .. } = event { let _ = report.send(blob); }
//! #         });
//! #     })
//! # };
//! # let (report, arrived) = channel();
//! # let listener = TcpListener::bind("127.0.0.1:0").unwrap();
//! # let mut listening = Config::new(Network::Regtest);
//! # listening.zones.push(ZoneConfig::new(ZoneKind::Public));
//! # listening.zones[0].max_incoming = 4;
//! # let mut dialling = Config::new(Network::Regtest);
//! # dialling.zones.push(ZoneConfig::new(ZoneKind::Public));
//! # dialling.zones[0].peers.push((Addr::from(listener.local_addr().unwrap()), PeerRole::Known));
//! # let (zone, theirs, ours) = (listening.zone_id(0).unwrap(), channel(), channel());
//! # let (incoming, calls) = (theirs.0.clone(), ours.0.clone());
//! # let receiver = run(listening, 1, theirs, report.clone());
//! # let sender = run(dialling, 2, ours, report);
//! # let (socket, _) = listener.accept().unwrap();
//! # incoming.send(Input::Incoming(zone, None, socket)).unwrap();
//! # let tx = LocalTx::new(Bytes::from_static(&[7; 100_000])).unwrap();
//! # calls.send(Input::Call(Box::new(|node, now| { node.submit_tx(now, TxId::new([1; 32]), tx).unwrap(); }))).unwrap();
//! # assert_eq!(arrived.recv_timeout(Duration::from_secs(20)).unwrap(), [7; 100_000][..]);
//! # for calls in [calls, incoming] { calls.send(Input::Call(Box::new(|node, now| node.shutdown(now)))).unwrap(); }
//! # receiver.join().unwrap();
//! # sender.join().unwrap();
//! ```
//!
//! The same loop runs on other runtimes: the examples `threads` (blocking sockets), `tokio`, `bytes` (a host that shares
//! only byte strings with the node) and `wasm` (Node.js around the core as WebAssembly) each send a transaction through a
//! SOCKS proxy, and each driver has fewer than 60 lines.
//!
//! # What outputs ask
//!
//! | output | do | and answer |
//! |---|---|---|
//! | [`Output::Dial`] | open a stream through the proxy of its zone, under credentials made of [`Isolation`] | once, with [`Node::handle_dialed`] or [`Node::handle_dial_failed`], however late |
//! | [`Output::Transmit`] | write the bytes of [`Node::outgoing`], if no write is under way | by advancing over what the socket has taken; look again then, as no second `Transmit` comes for bytes that wait already |
//! | [`Output::Resume`] | read up to [`Node::recv_window`], if no read is under way | with [`Node::handle_data`]; ask for the window again after each |
//! | [`Output::Close`] | close the stream, or call off its dial; drop what was under way | – (its [`Event::Down`] follows) |
//! | [`Output::Event`] | what the application wants; [`Event::Stopped`] is the last | as the next table says |
//!
//! What events ask of the application:
//!
//! | event | what it asks |
//! |---|---|
//! | [`Event::Up`], [`Event::Down`] | nothing: links come and go |
//! | [`Event::Tx`] | judge it and answer with [`Node::resolve_tx`] within [`Limits::received_lifetime`]; with [`Node::echo`] before, if it parses |
//! | [`Event::Held`], [`Event::Queued`], [`Event::Handed`] | nothing: how far an own transaction has come |
//! | [`Event::Exposing`] | write its exposure and [`Node::uses`] down, then call [`Node::recorded`]; it waits for that |
//! | [`Event::Seen`], [`Event::Expired`] | forget it wherever it was stored |
//! | [`Event::SnapshotDue`] | store what [`Node::snapshot`] writes, for [`Node::restore`] in the next run |
//! | [`Event::Note`] | nothing: for a log |
//! | [`Event::Stopped`] | end: no output follows |
//!
//! A new link, dialled or accepted, is read at once: no `Resume` comes before the first pause. When a socket ends, tell
//! [`Node::handle_closed`] and forget it: then only [`Event::Down`] comes, no `Close`. Outputs of kinds that are not known
//! may be skipped.
//!
//! # The contract
//!
//! * **Order-free.** Any input may follow any input; nothing has to be drained in between. Every input first does what
//!   is due by its `now`, so a busy inbox starves no deadline. A `now` in the past counts as the latest one seen.
//! * **Deadlines are the core's.** Dials, handshakes and answers time out here; [`Output::Close`] also calls off a dial.
//! * **Stale handles are ordinary.** A [`ConnId`] or [`Ticket`] whose link or transaction is gone is answered with an
//!   error that means "drop it", never with a panic and never with somebody else's state.
//! * **One end.** Each dial and link ends in exactly one [`Event::Down`]; if the core ended it, an [`Output::Close`]
//!   comes first.
//! * **Backpressure.** [`Node::recv_window`] is 0 while a peer leaves too much unread; [`Output::Resume`] says when it
//!   is open again. A peer that never reads is closed, not buffered for.
//! * **Whose fault.** A caller's mistake is a small `Copy` error and keeps nothing; a peer's is a [`CloseReason`].
//!
//! # Own transactions
//!
//! [`LocalTx`] and [`PeerTx`] are different types. While an anonymity zone is configured no option, error, retry,
//! restart or timer takes a [`LocalTx`] to the public zone: its bytes leave only by a [`route::LocalExit`], and the one
//! for the public zone takes a [`route::NoAnonymityZone`], which such a configuration never yields. Without a way out a
//! transaction is held ([`Event::Held`]) until one appears. Received transactions are never trusted: the embedder gets
//! an [`Event::Tx`] with a [`Ticket`] and answers with [`Node::resolve_tx`].
//!
//! Being handed over is no evidence that the network has a transaction. What is, ends it ([`Event::Seen`]): two copies by
//! outgoing public links of different networks, of which the embedder tells with [`Node::echo`]; or what the embedder sees
//! in its daemon, [`Node::confirm_tx`], if [`Config::witness`](field@Config::witness) says so.
//!
//! # What inputs cost
//!
//! Every input first does what is due by its `now`, which is what [`Node::handle_timeout`] costs. *Links* are those of the node,
//! *own* are its own transactions: the embedder chooses how many there are of both. Nothing is quadratic in what a peer sends, and
//! no input allocates by what a peer claims.
//!
//! | input | work | memory |
//! |---|---|---|
//! | [`Node::new`] | linear in the configuration | the lists grow as they fill, up to [`Limits`] |
//! | [`Node::accept`] | one pass over the links, where hosts are known; else constant | about 1 KiB a link; none in the place of one that ended |
//! | [`Node::handle_dialed`] | constant, and what fills the zone: a few passes over its lists, if it dials on | the handshake's frame, which all links share |
//! | [`Node::handle_dial_failed`], [`Node::handle_closed`] | one pass over own, and what fills the zone | gives back what the link had; each new dial is a link |
//! | [`Node::handle_data`] | linear in the bytes; for each address in it that is news a curve check (onions) and a look at one source's entries (at most 500 a link at once, and one a second); for each question one pass over the white list (a burst of frames, and so many a second) | grows with bytes received, never with a claimed length; at most [`levin::FrameLimits::total`] a link, and [`Limits::receive_bytes`] over all; a received transaction its exact size |
//! | [`Node::handle_timeout`] | what is due: each deadline logarithmic in the links | none |
//! | [`Node::poll_output`] | constant for each link whose bytes were taken | none |
//! | [`Node::poll_timeout`] | constant for each zone | none |
//! | [`Node::outgoing`], [`Node::recv_window`] | constant | none |
//! | [`Node::submit_tx`], [`Node::restore_tx`] | logarithmic in own, one route, one plan for each link | the transaction, within [`Limits::stash_bytes`] |
//! | [`Node::recorded`] | one route, one plan for each link that was chosen | the plans |
//! | [`Node::confirm_tx`], [`Node::forget_tx`] | logarithmic in own | gives it back |
//! | [`Node::echo`] | logarithmic in own | none |
//! | [`Node::resolve_tx`] | one route, one plan for each public link; so for each that was accepted and waits | the transaction, within [`Limits::transit_bytes`] |
//! | [`Node::set_tip`], [`Node::expect_height`] | constant | none |
//! | [`Node::ban`] | one pass over the links and the lists | one entry, within [`Limits::bans`] |
//! | [`Node::unban`] | one pass over the lists, and what fills the zones | gives it back |
//! | [`Node::snapshot`] | linear in the list | the document, appended |
//! | [`Node::restore`] | linear in the document; onions are checked when they are dialled | lists within [`Limits`] |
//! | [`Node::shutdown`] | one pass over the links | gives back what they had |
//! | [`Node::zones`], [`Node::stash`], [`Node::bans`], [`Node::uses`] | constant for each item taken | none |
//!
//! A timed sync or a frame of noise in either direction allocates nothing once buffers are recycled.
//!
//! The parts are usable alone: [`levin`] and [`epee`] (framing and documents), [`wire`] (messages), [`addr`]
//! (addresses), [`peers`] and [`select`] (whom to know, whom to dial), [`route`] (where to send).

#![no_std]

extern crate alloc;

pub mod addr;
mod bans;
mod chain;
mod config;
mod conn;
pub mod epee;
mod error;
mod ids;
pub mod levin;
mod network;
mod node;
mod output;
pub mod peers;
mod rand;
mod received;
mod relay;
pub mod select;
mod snapshot;
mod stash;
mod table;
mod time;
mod timer;
mod tx;
pub mod wire;
mod zone;

pub use self::addr::{Addr, ZoneKind};
pub use self::bans::{BanReport, Banned, BannedError, BansFull, RevealedBan};
pub use self::chain::ChainTip;
pub use self::config::{
    Config, ConfigError, CourierConfig, Durability, Limits, PeerRole, Privacy, RelayPolicy, StreamIsolation, ZoneConfig,
};
pub use self::conn::{Outgoing, SentSet};
pub use self::error::{CloseReason, DialFailure, Fault, Refused, StaleTicket, SubmitError, UnknownConn};
pub use self::ids::{ConnId, Isolation, RevealedTxId, Ticket, TxId, ZoneId};
pub use self::network::Network;
pub use self::node::Node;
pub use self::output::{Direction, Event, Note, Output};
pub use self::received::{Verdict, forward_delay};
pub use self::relay::courier::CourierReport;
pub use self::snapshot::{DocumentVersion, Restored, Snapshot};
pub use self::stash::{
    Exposure, MAX_USES, RecipientKey, RecipientTag, StashReport, StashState, StoredTx, Submitted, Use, Witness,
};
pub use self::time::Instant;
pub use self::tx::{BlobRefused, LocalTx, MAX_TX_SIZE, PeerTx};
pub use self::zone::route;
pub use self::zone::{ProxyState, ZoneReport};
