//! Own transactions: kept until they are out, given up, or too old. No peer-facing path reads the stash.

mod entry;
mod evidence;
mod expose;
mod recent;
mod rounds;
mod uses;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use rand_core::CryptoRng;

use self::entry::{Entry, Recipient};
pub use self::entry::{Exposure, StashReport, StashState, StoredTx};
pub(crate) use self::evidence::Echo;
pub use self::evidence::Witness;
use self::recent::Recent;
pub(crate) use self::rounds::Due;
use self::rounds::{ENOUGH_UNCONFIRMED, MAX_ROUNDS};
pub(crate) use self::uses::Standing;
use self::uses::Uses;
pub use self::uses::{MAX_USES, RecipientKey, RecipientTag, Use};
use crate::addr::Addr;
use crate::config::Limits;
use crate::error::SubmitError;
use crate::ids::{ConnId, TxId, ZoneId};
use crate::table::{Handle, Table};
use crate::time::Instant;
use crate::tx::{LocalTx, PeerTx};
use crate::zone::route::{LocalExit, Why};

/// Whether a submitted transaction was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Submitted {
    /// It was taken.
    New,
    /// It was there already; nothing changed, and it is not sent again for that.
    Known,
}

/// The own transactions of one node.
#[derive(Debug)]
pub(crate) struct Stash {
    limits: Limits,
    /// Who may show that an entry has spread, if anybody can.
    witness: Option<Witness>,
    entries: Table<Entry>,
    by_id: BTreeMap<TxId, Handle>,
    due: BTreeSet<(Instant, Handle)>,
    bytes: usize,
    recent: Recent,
}

impl Stash {
    /// An empty stash with the caps `stash_*` of `limits`.
    pub(crate) fn new(limits: Limits, witness: Option<Witness>) -> Self {
        let (entries, recent) = (Table::new(), Recent::default());
        Self { limits, witness, entries, by_id: BTreeMap::new(), due: BTreeSet::new(), bytes: 0, recent }
    }

    /// Takes a transaction in, held until it is routed; `None` if it is there already.
    ///
    /// # Errors
    /// [`SubmitError::StashFull`] if it would exceed a cap.
    pub(crate) fn insert(
        &mut self,
        now: Instant,
        id: TxId,
        tx: LocalTx,
        why: Why,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Handle>, SubmitError> {
        if self.by_id.contains_key(&id) {
            return Ok(None);
        }
        let (entries, bytes) = (self.entries.len(), self.bytes);
        if entries >= self.limits.stash_entries || bytes.saturating_add(tx.size()) > self.limits.stash_bytes {
            return Err(SubmitError::StashFull { entries, bytes });
        }
        self.bytes += tx.size();
        let expires = now + self.limits.stash_lifetime;
        let entry = Entry {
            id,
            tx,
            exposure: Exposure::Nobody,
            recorded: false,
            uses: Uses::default(),
            chosen: Vec::new(),
            pauses: self.draw_pauses(rng),
            waits: false,
            state: StashState::Held(why),
            under_way: 0,
            recipients: Vec::new(),
            rounds: 0,
            next_round: None,
            echo: None,
            expires,
        };
        let handle = self.entries.insert(entry);
        self.by_id.insert(id, handle);
        self.due.insert((expires, handle));
        Ok(Some(handle))
    }

    /// Drops a transaction; `false` if it is not there.
    pub(crate) fn remove(&mut self, id: TxId) -> bool {
        let removed = self.by_id.remove(&id).and_then(|handle| Some((handle, self.entries.remove(handle)?)));
        let Some((handle, entry)) = removed else { return false };
        self.due.remove(&(entry.deadline(), handle));
        self.bytes -= entry.tx.size();
        true
    }

    /// There is evidence, which ends the entry: its size, and how many peers were handed it.
    pub(crate) fn confirm(&mut self, id: TxId) -> Option<(usize, u32)> {
        let entry = self.by_id.get(&id).and_then(|&handle| self.entries.find(handle))?;
        let done = (entry.tx.size(), count(&entry.recipients));
        self.remove(id).then_some(done)
    }

    /// A peer sent a copy of a transaction: ends the entry, as [`confirm`](Self::confirm) does, if that is evidence. The
    /// entry's own recipients prove nothing by sending it back.
    pub(crate) fn echoed(&mut self, id: TxId, echo: Echo) -> Option<(usize, u32)> {
        let entry = self.by_id.get(&id).and_then(|&handle| self.entries.find_mut(handle))?;
        if self.witness != Some(Witness::PublicLinks) || entry.recipients.iter().any(|recipient| recipient.conn == echo.conn) {
            return None;
        }
        let first = *entry.echo.get_or_insert(echo);
        if first.agrees_with(&echo) { self.confirm(id) } else { None }
    }

    /// The bytes of a transaction, for the links of `exit`.
    pub(crate) fn leave_by(&self, handle: Handle, exit: &LocalExit) -> Option<&[u8]> {
        Some(self.entries.find(handle)?.tx.leave_by(exit))
    }

    /// A transaction that leaves as a public stem by `exit`, as one that takes the way of strangers' from there on.
    pub(crate) fn published_by(&self, handle: Handle, exit: &LocalExit) -> Option<PeerTx> {
        self.entries.find(handle)?.tx.published_by(exit)
    }

    pub(crate) fn id(&self, handle: Handle) -> Option<TxId> {
        Some(self.entries.find(handle)?.id)
    }

    pub(crate) fn state(&self, handle: Handle) -> Option<StashState> {
        Some(self.entries.find(handle)?.state)
    }

    /// Marks a transaction as held. It is routed again when a link comes up.
    pub(crate) fn hold(&mut self, handle: Handle, why: Why) {
        if let Some(entry) = self.entries.find_mut(handle) {
            entry.state = StashState::Held(why);
            entry.waits = false;
            entry.chosen.clear();
        }
    }

    /// One more link of `zone` is to carry the transaction.
    pub(crate) fn carry(&mut self, handle: Handle, zone: ZoneId) {
        if let Some(entry) = self.entries.find_mut(handle) {
            entry.under_way += 1;
            entry.waits = false;
            if entry.recipients.is_empty() {
                entry.state = StashState::Queued(zone);
            }
        }
    }

    /// A link that was to carry it has gone before it did. A further round that all links failed is tried again.
    pub(crate) fn drop_carrier(&mut self, now: Instant, handle: Handle) {
        let Some(entry) = self.entries.find_mut(handle) else { return };
        entry.under_way = entry.under_way.saturating_sub(1);
        let idle = entry.under_way == 0 && entry.next_round.is_none() && !entry.recipients.is_empty();
        if idle && entry.rounds < MAX_ROUNDS {
            self.round_missed(now, handle);
        }
    }

    /// The transaction was written to a link: its id, its peer, and how many timed syncs had been asked on it. Says how
    /// many peers have it by now. The first link of a round begins the pause before the next.
    pub(crate) fn handed(
        &mut self,
        now: Instant,
        handle: Handle,
        zone: ZoneId,
        (conn, addr, asked_before): (ConnId, Option<Addr>, u32),
    ) -> Option<(TxId, u32)> {
        if self.entries.find(handle)?.next_round.is_none() {
            self.round_begun(now, handle);
        }
        let entry = self.entries.find_mut(handle)?;
        entry.under_way = entry.under_way.saturating_sub(1);
        entry.state = StashState::Handed(zone);
        let again = entry.recipients.iter_mut().find(|old| old.conn == conn || (addr.is_some() && old.addr == addr));
        match again {
            Some(old) if old.proven => {}
            Some(old) => (old.conn, old.asked_before) = (conn, asked_before),
            None => entry.recipients.push(Recipient { addr, conn, asked_before, proven: false }),
        }
        Some((entry.id, count(&entry.recipients)))
    }

    /// Whether any peer counts as having it.
    pub(crate) fn was_handed(&self, handle: Handle) -> bool {
        self.entries.find(handle).is_some_and(|entry| !entry.recipients.is_empty())
    }

    /// Whether any peer counts as having it, or a link is to carry it.
    pub(crate) fn is_out(&self, handle: Handle) -> bool {
        self.entries.find(handle).is_some_and(|entry| !entry.recipients.is_empty() || entry.under_way > 0)
    }

    /// Whether nobody has it, no link carries it, and it waits for nothing but a way out.
    pub(crate) fn is_stranded(&self, handle: Handle) -> bool {
        self.entries.find(handle).is_some_and(Entry::is_stranded)
    }

    /// The peer on `conn` answered its `answered`-th timed sync: it has read all that was written before the question.
    pub(crate) fn answered(&mut self, conn: ConnId, answered: u32) {
        for handle in self.by_id.values() {
            let entry = &mut self.entries[*handle];
            for recipient in entry.recipients.iter_mut().filter(|recipient| recipient.conn == conn) {
                recipient.proven |= answered > recipient.asked_before;
                if recipient.proven {
                    entry.uses.prove(conn);
                }
            }
        }
    }

    /// The link `conn` ended: peers on it that have not surely read a transaction do not count. Says how many did not.
    pub(crate) fn link_ended(&mut self, conn: ConnId) -> usize {
        let mut interrupted = 0;
        for handle in self.by_id.values() {
            let entry = &mut self.entries[*handle];
            entry.uses.interrupt(conn);
            let before = entry.recipients.len();
            entry.recipients.retain(|recipient| recipient.proven || recipient.conn != conn);
            interrupted += before - entry.recipients.len();
            if before > 0 && entry.recipients.is_empty() {
                // whoever it was has not got it: that was no round
                entry.rounds = 0;
            }
        }
        interrupted
    }

    /// Transactions that nobody has and no link carries; those that were held already are left out unless
    /// `including_held`.
    pub(crate) fn stranded(&self, held: Held) -> Vec<Handle> {
        let wanted =
            |entry: &Entry| entry.is_stranded() && (held == Held::Include || !matches!(entry.state, StashState::Held(_)));
        self.entries.iter().filter(|(_, entry)| wanted(entry)).map(|(handle, _)| handle).collect()
    }

    /// What is kept, by id.
    pub(crate) fn reports(&self) -> impl Iterator<Item = (Handle, StashReport)> + '_ {
        let found = |&handle: &Handle| Some((handle, self.entries.find(handle)?));
        self.by_id.values().filter_map(found).map(|(handle, entry)| {
            let report = StashReport {
                id: entry.id,
                size: entry.tx.size(),
                state: entry.state,
                recipients: count(&entry.recipients),
                proven: entry.proven() as u32,
                next_round: entry.next_round.filter(|_| self.witness.is_some() || entry.proven() < ENOUGH_UNCONFIRMED),
                witness: self.witness,
                expires: entry.expires,
                rides_from: None,
            };
            (handle, report)
        })
    }
}

/// Whether [`Stash::stranded`] lists entries that are known to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Include,
    LeaveOut,
}

fn count(recipients: &[Recipient]) -> u32 {
    u32::try_from(recipients.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
