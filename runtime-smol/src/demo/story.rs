//! The tour, act by act. Each act waits for what it tells; none tells what did not happen.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anonet_core::{Event, Instant, Note, StashState, TxId};
use async_io::Timer;
use bytes::Bytes;
use smol::Executor;
use smol::channel::{Receiver, bounded};
use smol::future::or;
use smol::net::TcpListener;

use super::cast::{BOB, CAROL, Party, Said, Stage, TRANSACTION};
use super::proxy::Proxy;
use super::tap::{self, Recording};
use crate::anonetd::tx;
use crate::clock::Clock;
use crate::handle::Handle;

/// What went wrong, in words.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Longest wait for any one thing.
const PATIENCE: Duration = Duration::from_secs(30);

/// The parties on stage, and what they say.
struct Tour {
    began: Instant,
    clock: Clock,
    said: Receiver<Said>,
    proxy: Proxy,
    alice: Handle,
    bob: Handle,
    carol: Handle,
    erin: Handle,
    public_link: Recording,
    receivers: RefCell<Vec<Party>>,
}

/// Tells the whole tour.
pub(super) async fn tell(executor: Arc<Executor<'static>>, clock: Clock) -> Result<(), Failure> {
    let blob = crate::anonetd::hex::decode(TRANSACTION.as_bytes())?;
    let (about, own) = tx::parse(&blob)?;
    let id = about.id;
    introduce();
    // a port that nobody listens on yet
    let proxy_addr = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let tour = set_the_stage(&executor, clock, proxy_addr).await?;

    tour.say("alice's wallet hands her node a signed transaction");
    tour.say(&format!("       {} bytes, id {}", blob.len(), short(&id)));
    tour.alice.submit(id, own).await?;
    let why = tour.until(Party::Alice, |event| if let Event::Held { why, .. } = event { Some(why) } else { None }).await?;
    tour.say(&format!("ERROR  alice: no way out: {why}"));
    tour.say("       it is kept, and nothing of it goes to her public peer erin");

    tour.proxy.start(&executor, proxy_addr).await?;
    tour.say("the proxy starts; no hidden service is up yet");
    tour.until(Party::Alice, |event| matches!(event, Event::Note(Note::ProxyUp { .. })).then_some(())).await?;
    let state = tour.state_of(id).await?;
    tour.say(&format!("       alice: {}", held(state)?));

    raise_services(&tour).await?;
    tour.until(Party::Alice, |event| matches!(event, Event::Up { zone, .. } if zone.index() == 1).then_some(())).await?;
    tour.say("alice reaches bob through the proxy: the handshake is done");
    let queued = |event| matches!(event, Event::Queued { .. }).then_some(());
    tour.until(Party::Alice, queued).await?;
    tour.say("       that link finds peers and never carries; the transaction waits for a courier, a short stream that");
    tour.say("       leaves on its own clock, on a circuit of its own, whether or not there is anything to send");
    let sent = |event| if let Event::Handed { recipients, .. } = event { Some(recipients) } else { None };
    let recipients = tour.until(Party::Alice, sent).await?;
    tour.say(&format!("a courier hands the transaction over: {recipients} peer has it"));
    let received = |event| if let Event::Tx { blob, .. } = event { Some(blob) } else { None };
    let arrived: Bytes = tour.until(Party::Bob, received).await?;
    let arrived_id = tx::id_of(&arrived)?;
    tour.say(&format!("bob receives {} bytes, id {}: the same", arrived.len(), short(&arrived_id)));
    if arrived != blob || arrived_id != id {
        return Err("what arrived is not what was sent".into());
    }
    tour.sum_up(&blob).await?;
    for node in [&tour.alice, &tour.bob, &tour.carol, &tour.erin] {
        node.shutdown().await;
    }
    Ok(())
}

fn introduce() {
    println!("anonet demo: a little network on loopback. Nothing leaves this machine, and no Tor is needed:");
    println!("a SOCKS5 proxy stands in for it and leads onion names to hidden-service listeners.\n");
    println!("  alice   has a wallet; knows bob's onion name and one public peer, erin");
    println!("  bob     hidden service {BOB}");
    println!("  carol   hidden service {CAROL}");
    println!("  erin    public node, linked to alice without a proxy\n");
}

async fn set_the_stage(executor: &Arc<Executor<'static>>, clock: Clock, proxy: SocketAddr) -> Result<Tour, Failure> {
    let (sender, said) = bounded(1_024);
    let stage = Stage { executor, clock, proxy, said: sender };
    let erin = stage.erin()?;
    let (public_addr, public_link) = tap::in_front_of(executor, first(&erin)?).await?;
    let carol = stage.hidden(Party::Carol, &[])?;
    let bob = stage.hidden(Party::Bob, &[CAROL])?;
    let alice = stage.alice(public_addr)?;
    let tour = Tour {
        began: clock.now(),
        clock,
        said,
        proxy: Proxy::default(),
        alice,
        bob,
        carol,
        erin,
        public_link,
        receivers: RefCell::default(),
    };
    tour.until(Party::Alice, |event| matches!(event, Event::Up { zone, .. } if zone.index() == 0).then_some(())).await?;
    tour.say("alice starts: her public link to erin is up; the proxy is not running");
    Ok(tour)
}

/// Carol first, then Bob, who knows her: so Bob has somebody to tell Alice of.
async fn raise_services(tour: &Tour) -> Result<(), Failure> {
    tour.proxy.publish(CAROL, first(&tour.carol)?);
    tour.until(Party::Carol, |event| matches!(event, Event::Up { .. }).then_some(())).await?;
    tour.proxy.publish(BOB, first(&tour.bob)?);
    tour.say("bob's and carol's hidden services come up, and bob knows carol");
    Ok(())
}

fn first(node: &Handle) -> Result<SocketAddr, Failure> {
    node.listening().first().copied().ok_or_else(|| "the node does not listen".into())
}

fn held(state: StashState) -> Result<String, Failure> {
    match state {
        StashState::Held(why) => Ok(format!("still held: {why}")),
        other => Err(format!("the transaction should be held, but is {other:?}").into()),
    }
}

/// The first and last digits of an id.
fn short(id: &TxId) -> String {
    let id = id.reveal().to_string();
    format!("{}…{}", &id[..8], &id[56..])
}

impl Tour {
    fn say(&self, line: &str) {
        let passed = self.clock.now().saturating_since(self.began);
        println!("[{:5.1} s] {line}", passed.as_secs_f64());
    }

    /// Waits until one party says what `wanted` looks for; what others say meanwhile is passed over.
    async fn until<T>(&self, party: Party, mut wanted: impl FnMut(Event) -> Option<T>) -> Result<T, Failure> {
        let listen = async {
            loop {
                let Said { by, event } = self.said.recv().await?;
                self.note(by, &event);
                if by != party {
                    continue;
                }
                if let Some(found) = wanted(event) {
                    return Ok(found);
                }
            }
        };
        let give_up = async {
            Timer::after(PATIENCE).await;
            Err(format!("waited {} s in vain for {party:?}", PATIENCE.as_secs()).into())
        };
        or(listen, give_up).await
    }

    /// Remembers who received a transaction.
    fn note(&self, by: Party, event: &Event) {
        if matches!(event, Event::Tx { .. }) {
            self.receivers.borrow_mut().push(by);
        }
    }

    async fn state_of(&self, id: TxId) -> Result<StashState, Failure> {
        let state =
            self.alice.call(move |node, _| node.stash().find(|report| report.id == id).map(|report| report.state)).await?;
        state.ok_or_else(|| "alice lost the transaction".into())
    }

    /// What each party saw, checked before it is claimed.
    async fn sum_up(&self, blob: &[u8]) -> Result<(), Failure> {
        while let Ok(Said { by, event }) = self.said.try_recv() {
            self.note(by, &event);
        }
        if *self.receivers.borrow() != [Party::Bob] {
            return Err(format!("bob alone should have the transaction, but these have it: {:?}", self.receivers.borrow()).into());
        }
        let connects = self.proxy.connects();
        let users: BTreeSet<&[u8]> = connects.iter().map(|connect| connect.user.as_slice()).collect();
        let led_on = connects.iter().filter(|connect| connect.led_on).count();
        let hosts: BTreeSet<&str> = connects.iter().map(|connect| connect.host.as_str()).collect();
        if users.len() != connects.len() {
            return Err("two dials used the same credentials".into());
        }
        if self.public_link.holds_part_of(blob) {
            return Err("bytes of the transaction were on the public link".into());
        }
        if !self.proxy.up.holds_part_of(blob) {
            return Err("the transaction did not pass through the proxy".into());
        }
        let zones: Vec<_> = self.alice.call(|node, _| node.zones().collect()).await?;
        let tor = zones.get(1).ok_or("alice has no Tor zone")?;
        println!("\nwhat each party saw");
        println!(
            "  alice   {} outgoing Tor links, {} addresses known; the transaction is handed over, which is no",
            tor.outgoing,
            tor.white + tor.gray
        );
        println!("          evidence yet that the network has it: she keeps it and will try again");
        println!(
            "  proxy   {} dials to {} names, {led_on} led on, each with a user name of its own: {} streams that Tor",
            connects.len(),
            hosts.len(),
            users.len()
        );
        println!(
            "          would put on circuits apart; {} bytes towards hidden services, {} back",
            self.proxy.up.len(),
            self.proxy.down.len()
        );
        let couriers = tor.couriers.ok_or("alice has no couriers")?;
        println!("  bob     streams from the proxy, each with a handshake that says height 1 and peer id 1 like everybody's;");
        println!(
            "          one of alice's {} couriers brought a transaction, the others noise of that size; no address, port,",
            couriers.sent
        );
        println!("          clock or chain state of alice. He has no daemon here, so it waits for a verdict and is not relayed");
        println!(
            "  carol   {}",
            if hosts.contains(CAROL) { "a handshake with bob, who told alice of her; no transaction" } else { "nothing" }
        );
        println!(
            "  erin    {} bytes from alice's public link, and no part of the transaction among them",
            self.public_link.len()
        );
        println!(
            "\nThe relay policy here is `courier`, with one every 3 s; `anonetd run` sends one every 120 s unless it is told otherwise."
        );
        println!("Next: `anonetd run --help`, and the wallet walk-through in README.md.");
        Ok(())
    }
}
