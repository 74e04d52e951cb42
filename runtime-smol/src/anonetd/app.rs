//! What the program makes of the node's events: a log, and a look at received transactions.
//!
//! At the default level the log holds no address and no transaction id, and does not tell whether and when something was sent:
//! only of an own transaction that is held, interrupted or given up is there a line, as its owner may have to do something.

use std::net::SocketAddr;
use std::time::Duration;

use anonet_core::route::Why;
use anonet_core::{
    Banned, CloseReason, ConnId, Direction, Event, Instant, Node, Note, StashState, TxId, Verdict, ZoneId, ZoneKind,
};
use smol::channel::Sender;
use tracing::{debug, error, info, warn};

use super::archive::Archive;
use super::args::StashStore;
use super::keeper::Changes;
use super::received::Unread;
use super::seen::{Done, SeenList, seen_by};
use super::settings::ZoneLabel;
use crate::driver::App;
use crate::handle::Handle;
use crate::store::Exposed;

/// Equal news of many held transactions within this time are one line of the log.
const SAME_NEWS: Duration = Duration::from_secs(1);

/// Different causes that are logged while a zone has no link; others only at level debug.
const CAUSES: usize = 8;

/// Follows one node.
#[derive(Debug)]
pub(super) struct Observer {
    zones: Vec<ZoneWatch>,
    unread: Sender<Unread>,
    held: Option<(Instant, Why)>,
    /// Where that goes which has to be on disk, unless the stash is kept in memory only.
    changes: Option<Changes>,
    /// Own transactions that are done.
    seen: SeenList,
    /// Where that goes which is good to have after a restart.
    archive: Option<Archive>,
    /// Whom the user bans, until the node knows.
    bans: Vec<Banned>,
}

/// What was said of one zone.
#[derive(Debug)]
struct ZoneWatch {
    kind: ZoneKind,
    proxy: Option<SocketAddr>,
    /// Outgoing links whose handshake is done.
    links: Vec<ConnId>,
    /// Causes of failed dials and links that were logged since the zone last had a link.
    causes: Vec<CloseReason>,
}

impl Observer {
    /// An observer of a node with these zones, who gives what peers send to `unread`, and to `changes` what has to be on
    /// disk; what is done it adds to `seen`.
    pub(super) fn new(zones: &[ZoneLabel], unread: Sender<Unread>, changes: Option<Changes>, seen: SeenList) -> Self {
        let watch = |label: &ZoneLabel| ZoneWatch { kind: label.kind, proxy: label.proxy, links: Vec::new(), causes: Vec::new() };
        Self { zones: zones.iter().map(watch).collect(), unread, held: None, changes, seen, archive: None, bans: Vec::new() }
    }

    /// The same, and the node has nothing to do with these.
    pub(super) fn with_bans(self, bans: Vec<Banned>) -> Self {
        Self { bans, ..self }
    }

    /// The same, and documents go there.
    pub(super) fn with_archive(self, archive: Archive) -> Self {
        Self { archive: Some(archive), ..self }
    }

    fn kind(&self, zone: ZoneId) -> ZoneKind {
        self.zones[zone.index()].kind
    }

    fn held(&mut self, node: &Node, now: Instant, id: TxId, why: Why) {
        debug!("transaction {} is held: {why}", id.reveal());
        let said = self.held.is_some_and(|(at, what)| what == why && now.saturating_since(at) < SAME_NEWS);
        if !said {
            self.held = Some((now, why));
            let count = node.stash().filter(|entry| matches!(entry.state, StashState::Held(_))).count();
            let are = if count == 1 { "is" } else { "are" };
            error!("{} {are} held and kept: {why}", own_transactions(count));
        }
    }

    fn unread(&self, node: &mut Node, now: Instant, unread: Unread) {
        if let Err(full) = self.unread.try_send(unread) {
            debug!("too many transactions from peers at once: one is dropped");
            // only an answered ticket is stale
            let _ = node.resolve_tx(now, full.into_inner().ticket, Verdict::Forget);
        }
    }
}

impl App for Observer {
    fn begin(&mut self, node: &mut Node, now: Instant) {
        if let Some(archive) = &mut self.archive {
            archive.restore(node, now);
        }
        for banned in std::mem::take(&mut self.bans) {
            // the configuration has a place for each
            if let Err(full) = node.ban(now, banned, None) {
                return error!("--ban-list: {full}");
            }
        }
    }

    fn event(&mut self, node: &mut Node, now: Instant, event: Event, _handle: &Handle) {
        match event {
            Event::Up { conn, zone, direction } => self.zones[zone.index()].up(conn, direction),
            Event::Down { conn, zone, reason } => self.zones[zone.index()].down(conn, reason),
            Event::Tx { ticket, zone, form, blob } => {
                let zone = self.kind(zone);
                self.unread(node, now, Unread { ticket, zone, form, blob });
            }
            Event::Held { id, why } => self.held(node, now, id, why),
            Event::Exposing { id, exposure } => {
                // without a store nobody is to ask
                if let Some(changes) = &self.changes {
                    changes.exposing(id, Exposed { exposure, uses: node.uses(id).collect() });
                }
            }
            Event::Queued { id, zone } => {
                debug!("transaction {} is queued for {}", id.reveal(), self.kind(zone));
            }
            Event::Handed { id, zone, recipients } => {
                debug!("transaction {} was handed to {} of {}", id.reveal(), peers(recipients), self.kind(zone));
            }
            Event::Seen { id, by, size, recipients } => {
                debug!("transaction {} was seen {}: it is done", id.reveal(), seen_by(by));
                self.seen.add(now, Done { id, by, size, recipients });
                if let Some(changes) = &self.changes {
                    changes.ended(id);
                }
            }
            Event::Expired { id } => {
                debug!("transaction {} is given up", id.reveal());
                warn!("an own transaction is given up: it was kept as long as it may be");
                if let Some(changes) = &self.changes {
                    changes.ended(id);
                }
            }
            Event::SnapshotDue(kind) => {
                if let Some(archive) = &self.archive {
                    archive.due(node, kind);
                }
            }
            Event::Note(note) => self.note(note),
            Event::Stopped => report_unsent(node, if self.changes.is_some() { StashStore::Disk } else { StashStore::Memory }),
            other => debug!("{other:?}"),
        }
    }
}

impl Observer {
    fn note(&self, note: Note) {
        match note {
            Note::ProxyDown { zone, why } => error!("{}: {why}", self.zones[zone.index()].way()),
            Note::ProxyUp { zone } => info!("{}: the proxy works again", self.zones[zone.index()].way()),
            // strangers can cause any number of them
            Note::ReceivedDropped { zone } => {
                debug!("{}: too many transactions from peers wait: one is dropped", self.kind(zone))
            }
            Note::HandOverInterrupted { zone } => {
                warn!(
                    "{}: a link ended before its peer had surely read an own transaction; it is handed to others, or again if nobody else is there",
                    self.kind(zone)
                );
            }
            other => debug!("{other:?}"),
        }
    }
}

impl ZoneWatch {
    /// The zone by way of its proxy.
    fn way(&self) -> String {
        self.proxy.map_or_else(|| self.kind.to_string(), |proxy| format!("{} through {proxy}", self.kind))
    }

    fn up(&mut self, conn: ConnId, direction: Direction) {
        debug!("{}: {conn:?} is up ({direction:?})", self.kind);
        if direction == Direction::Outgoing {
            if self.links.is_empty() {
                info!("{}: connected, own transactions can leave", self.kind);
                self.causes.clear();
            }
            self.links.push(conn);
        }
    }

    fn down(&mut self, conn: ConnId, reason: CloseReason) {
        debug!("{}: {conn:?} is down: {reason}", self.kind);
        if matches!(reason, CloseReason::Shutdown | CloseReason::Done) {
            return;
        }
        let place = self.links.iter().position(|&link| link == conn);
        if let Some(place) = place {
            self.links.swap_remove(place);
        }
        if !self.links.is_empty() {
            return;
        }
        if place.is_some() {
            warn!("{}: the last link is gone: {reason}", self.kind);
        } else if self.is_news(reason) {
            warn!("{}: a connection failed: {reason}", self.kind);
        }
    }

    /// A failing proxy has a line of its own.
    fn is_news(&mut self, reason: CloseReason) -> bool {
        let of_proxy = matches!(reason, CloseReason::Dial(failure) if failure.blames_proxy());
        if of_proxy || self.causes.contains(&reason) || self.causes.len() >= CAUSES {
            return false;
        }
        self.causes.push(reason);
        true
    }
}

/// Says at the end what is lost with the process, or stays.
fn report_unsent(node: &Node, stash_store: StashStore) {
    // of what is held a line told already; of the rest one does only if it is lost
    let told = |state| stash_store == StashStore::Memory || matches!(state, StashState::Held(_));
    let unsent = node.stash().filter(|entry| entry.recipients == 0 && told(entry.state)).count();
    match stash_store {
        _ if unsent == 0 => {}
        StashStore::Disk => info!("{} reached no peer yet; the stash on disk keeps what is to go out", own_transactions(unsent)),
        StashStore::Memory => warn!(
            "{} never reached a peer and this stop loses them, as the stash is in memory only: submit them again after the \
             next start",
            own_transactions(unsent)
        ),
    }
}

/// So many of them, in words.
pub(super) fn own_transactions(count: usize) -> String {
    if count == 1 { "1 own transaction".into() } else { format!("{count} own transactions") }
}

fn peers(count: u32) -> String {
    if count == 1 { "1 peer".into() } else { format!("{count} peers") }
}

#[cfg(test)]
mod tests {
    use anonet_core::DialFailure;

    use super::*;

    #[test]
    fn causes_are_told_once_and_not_without_end() {
        let mut zone = ZoneWatch { kind: ZoneKind::Tor, proxy: None, links: Vec::new(), causes: Vec::new() };
        let dial = |code| CloseReason::Dial(DialFailure::Socks(code));
        assert!(zone.is_news(dial(4)));
        assert!(!zone.is_news(dial(4)));
        assert!(!zone.is_news(CloseReason::Dial(DialFailure::ProxyUnreachable)), "that is the proxy's own line");
        let told = (0..100).filter(|&code| zone.is_news(dial(100 + code))).count();
        assert_eq!(told, CAUSES - 1);
    }

    #[test]
    fn counts_read_well() {
        assert_eq!(own_transactions(1), "1 own transaction");
        assert_eq!(own_transactions(2), "2 own transactions");
        assert_eq!((peers(1), peers(0)), ("1 peer".into(), "0 peers".into()));
    }
}
