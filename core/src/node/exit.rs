//! Which exit an own transaction has, and which links of that carry it.

use alloc::vec::Vec;

use super::Node;
use crate::config::RelayPolicy;
use crate::ids::{ConnId, TxId, ZoneId};
use crate::output::Event;
use crate::rand::Poisson;
use crate::relay::courier::Couriers;
use crate::relay::noise::MAX_NOISE_TX;
use crate::stash::{Exposure, Held, RecipientTag, Standing, StashState};
use crate::table::Handle;
use crate::zone::Zone;
use crate::zone::route::{ExitForm, LocalExit, Why, route_local};

/// When to say that a transaction is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announce {
    Always,
    /// Only if it was not held before, or for another reason.
    Changes,
}

impl Node {
    /// Routes the own transactions that nobody has and no link carries.
    pub(super) fn reroute(&mut self, held: Held) {
        for entry in self.stash.stranded(held) {
            // a link may have ended over an entry before this one
            if self.stash.is_stranded(entry) {
                self.route_entry(entry, Announce::Changes);
            }
        }
    }

    /// Gives held transactions their present reason, without sending any.
    pub(super) fn restate_held(&mut self) {
        for entry in self.stash.stranded(Held::Include) {
            if let Err(why) = self.exit_for(entry) {
                self.hold(entry, why, Announce::Changes);
            }
        }
    }

    /// Sends one own transaction out, or holds it.
    pub(super) fn route_entry(&mut self, entry: Handle, announce: Announce) {
        match self.exit_for(entry) {
            Ok(exit) => self.dispatch_local(entry, &exit, announce),
            Err(why) => self.no_way(entry, why, announce),
        }
    }

    /// A further round of a transaction that was handed over without evidence that it spread, or the first one of a
    /// restored transaction.
    pub(super) fn next_round(&mut self, entry: Handle) {
        self.route_entry(entry, Announce::Changes);
    }

    /// What one transaction waited for is written down: it goes to the links that were chosen, if they are still there.
    pub(super) fn released(&mut self, entry: Handle) {
        match self.exit_for(entry) {
            Ok(exit) => self.let_go(entry, &exit),
            Err(why) => self.no_way(entry, why, Announce::Changes),
        }
    }

    /// Nothing can be done for a transaction now: it is held, or, if a peer has it, looked at again after a while.
    pub(super) fn no_way(&mut self, entry: Handle, why: Why, announce: Announce) {
        if self.stash.is_out(entry) {
            return self.stash.round_missed(self.now, entry);
        }
        self.hold(entry, why, announce);
    }

    /// The exit for one transaction: what anonymity peers may know does not go to the public network, or the two could
    /// be matched (design §2).
    pub(super) fn exit_for(&self, entry: Handle) -> Result<LocalExit, Why> {
        if self.public_only.is_some() && self.stash.exposure(entry) == Exposure::Anonymity {
            return Err(Why::KnownToAnonymityPeers);
        }
        self.local_exit()
    }

    pub(super) fn local_exit(&self) -> Result<LocalExit, Why> {
        route_local(self.rules, &self.statuses(), self.public_only.as_ref())
    }

    /// The most bytes that an own transaction may have, if some zone's policy sets a limit.
    pub(super) fn largest_local(&self) -> Option<usize> {
        let limit = |zone: &Zone| match zone.relay {
            RelayPolicy::Noise => zone.noise.as_ref().map(|_| MAX_NOISE_TX),
            RelayPolicy::Courier => zone.couriers.as_ref().map(Couriers::largest),
            RelayPolicy::Fluff => None,
        };
        self.zones.iter().filter_map(limit).min()
    }

    pub(super) fn hold(&mut self, entry: Handle, why: Why, announce: Announce) {
        let Some(id) = self.stash.id(entry) else { return };
        let news = self.stash.state(entry) != Some(StashState::Held(why));
        self.stash.hold(entry, why);
        if news || announce == Announce::Always {
            self.outbox.event(Event::Held { id, why });
        }
    }

    /// Tells the embedder something of an own transaction.
    pub(super) fn tell(&mut self, entry: Handle, event: impl FnOnce(TxId) -> Event) {
        if let Some(id) = self.stash.id(entry) {
            self.outbox.event(event(id));
        }
    }

    /// Chooses who gets a transaction, and has that written down before they do.
    fn dispatch_local(&mut self, entry: Handle, exit: &LocalExit, announce: Announce) {
        if self.stash.asks(entry) {
            return;
        }
        let relay = self.zones[exit.zone().index()].relay;
        if exit.form() == ExitForm::Anonymity && relay == RelayPolicy::Courier {
            // who will have it is chosen, and written down, when it takes its seat
            return self.courier_local(entry, exit);
        }
        let links = match exit.form() {
            ExitForm::Anonymity => self.choose_links(entry, exit),
            // peers of the public network are not named: after its embargo they all get it
            ExitForm::PublicStem => Ok(Vec::new()),
        };
        match links {
            Ok(links) => self.expose_to(entry, exit, &links),
            Err(why) => self.no_way(entry, why, announce),
        }
    }

    /// Lets a transaction go to these links, once that is written down.
    pub(super) fn expose_to(&mut self, entry: Handle, exit: &LocalExit, links: &[(ConnId, RecipientTag)]) {
        let exposure = match exit.form() {
            ExitForm::Anonymity => Exposure::Anonymity,
            ExitForm::PublicStem => Exposure::Public,
        };
        if self.stash.expose(self.now, entry, exposure, exit.zone(), links, self.durability) {
            self.let_go(entry, exit);
        } else {
            self.tell(entry, |id| Event::Exposing { id, exposure });
        }
    }

    /// The links by which a transaction may go now: those to hosts that have not got it. If none is linked, and nobody has
    /// it or is about to, those to hosts whose links ended before they had surely read it: else a user with one peer and a
    /// flaky circuit would be stuck. After a restart there is no such second chance.
    pub(super) fn choose_links(&self, entry: Handle, exit: &LocalExit) -> Result<Vec<(ConnId, RecipientTag)>, Why> {
        let (zone, relay) = (exit.zone(), self.zones[exit.zone().index()].relay);
        if relay == RelayPolicy::Noise && self.stash.leave_by(entry, exit).is_some_and(|blob| blob.len() > MAX_NOISE_TX) {
            return Err(Why::TooLargeForNoise);
        }
        let open = self.open_links(zone);
        if open.is_empty() {
            return Err(Why::NoPeer);
        }
        let named = || open.iter().filter_map(|&conn| Some((conn, self.tag(conn)?)));
        let of = |wanted| named().filter(|(_, tag)| self.stash.standing(entry, *tag) == wanted).collect::<Vec<_>>();
        let mut links = of(Standing::Fresh);
        if links.is_empty() && !self.stash.is_out(entry) && !self.has_fresh_peer(entry, zone) {
            links = of(Standing::LastResort);
        }
        if links.is_empty() { Err(Why::NoFreshPeer) } else { Ok(links) }
    }

    /// The links by which own transactions leave now.
    fn open_links(&self, zone: ZoneId) -> Vec<ConnId> {
        match self.zones[zone.index()].relay {
            RelayPolicy::Fluff => self.ready_outgoing(zone).map(|(id, _)| id).collect(),
            RelayPolicy::Noise => self.noise_links(zone),
            // the links that stand never carry
            RelayPolicy::Courier => Vec::new(),
        }
    }

    /// Whether a host is linked that has not got a transaction, be it on a link by which none leaves now.
    fn has_fresh_peer(&self, entry: Handle, zone: ZoneId) -> bool {
        let links = match self.zones[zone.index()].relay {
            RelayPolicy::Fluff | RelayPolicy::Courier => self.open_links(zone),
            RelayPolicy::Noise => self.eligible(zone),
        };
        links.into_iter().filter_map(|conn| self.tag(conn)).any(|tag| self.stash.standing(entry, tag) == Standing::Fresh)
    }

    /// The name of the host that a link reaches.
    pub(super) fn tag(&self, conn: ConnId) -> Option<RecipientTag> {
        self.conns.find(conn.0)?.addr.as_ref().map(|addr| self.recipient_key.tag(addr))
    }

    /// Who may know of a transaction is written down: plans it on the links that were chosen and are still there.
    fn let_go(&mut self, entry: Handle, exit: &LocalExit) {
        let mut links = self.stash.take_chosen(entry);
        if exit.form() == ExitForm::Anonymity {
            let open = self.open_links(exit.zone());
            links.retain(|conn| open.contains(conn));
            if links.is_empty() {
                return self.dispatch_local(entry, exit, Announce::Changes);
            }
        }
        self.tell(entry, |id| Event::Queued { id, zone: exit.zone() });
        match exit.form() {
            ExitForm::PublicStem => match self.stem_hop(None, exit.zone()) {
                Some(conn) => {
                    let added = self.flushes.stem(self.now, conn, entry);
                    self.carried(entry, exit, added);
                }
                None => self.no_way(entry, Why::NoPublicPeer, Announce::Changes),
            },
            ExitForm::Anonymity => match self.zones[exit.zone().index()].relay {
                RelayPolicy::Fluff => self.fluff_local(entry, exit, &links),
                RelayPolicy::Noise => self.noise_local(entry, exit, &links),
                RelayPolicy::Courier => self.courier_local(entry, exit),
            },
        }
    }

    /// Policy `fluff`: plans a flush on every link that was chosen.
    fn fluff_local(&mut self, entry: Handle, exit: &LocalExit, links: &[ConnId]) {
        for &conn in links {
            let added = self.flushes.fluff(self.now, conn, entry, Poisson::MEAN_10, &mut self.own_rng);
            self.carried(entry, exit, added);
        }
    }

    fn carried(&mut self, entry: Handle, exit: &LocalExit, added: bool) {
        if added {
            self.stash.carry(entry, exit.zone());
        }
    }
}
