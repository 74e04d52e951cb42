//! The own transactions that a node must keep: a model of its stash.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anonet_core::{
    Config, Durability, Event, Exposure, Instant, Limits, LocalTx, MAX_USES, Node, RecipientTag, RelayPolicy, StashState,
    StoredTx, SubmitError, Submitted, TxId, Use, ZoneKind,
};
use bytes::Bytes;

use super::metered::Metered;

/// Own transactions repeat this and a number, so every 32 bytes of one contain it; no other message of a script does.
pub(super) const MARK: &[u8] = b"own transaction";

/// The same for those from an earlier run that anonymity peers may know.
pub(super) const SHY_MARK: &[u8] = b"shy transaction";

#[derive(Debug)]
struct Kept {
    size: usize,
    expires: Instant,
    /// The uses that an earlier run wrote down.
    uses: Vec<Use>,
}

/// What was accepted and neither forgotten nor kept for its full time.
#[derive(Debug)]
pub(super) struct Own {
    limits: Limits,
    durability: Durability,
    /// They wait for couriers before it is written down who gets them.
    by_courier: bool,
    /// Some zone takes own transactions of any size that scripts have.
    has_way_out: bool,
    kept: BTreeMap<TxId, Kept>,
    /// How often an [`Event::Expired`] is still to come.
    expired: BTreeMap<TxId, u32>,
    /// Those of which an [`Event::Exposing`] has told, and whether the answer was given.
    exposing: BTreeMap<TxId, bool>,
    pub(super) handed: usize,
}

impl Own {
    pub(super) fn new(config: &Config) -> Self {
        let (limits, durability) = (config.limits, config.durability);
        let anonymity = config.zones.iter().filter(|zone| zone.kind.is_anonymity()).count();
        let by_courier = config.zones.iter().any(|zone| zone.kind.is_anonymity() && zone.relay == RelayPolicy::Courier);
        Self {
            limits,
            durability,
            by_courier,
            has_way_out: config.zones.iter().any(|zone| zone.max_outgoing > 0 && (zone.kind.is_anonymity() || anonymity == 0)),
            kept: BTreeMap::new(),
            expired: BTreeMap::new(),
            exposing: BTreeMap::new(),
            handed: 0,
        }
    }

    /// Drops what is due by `now`.
    pub(super) fn advance(&mut self, now: Instant) {
        let expired = &mut self.expired;
        self.kept.retain(|id, kept| {
            let stays = kept.expires > now;
            if !stays {
                *expired.entry(*id).or_default() += 1;
            }
            stays
        });
    }

    /// Submits transaction `number` and checks the answer; `now` is the latest time that the node has seen.
    pub(super) fn submit(&mut self, node: &mut Metered, now: Instant, number: u8, size: u8, stopping: bool) {
        self.advance(now);
        let (id, tx) = (TxId::new([number; 32]), || local_tx(MARK, number, size));
        let expected = if stopping { Err(SubmitError::Stopping) } else { self.admit(now, id, tx().size(), &[]) };
        assert_eq!(node.run(|node| node.submit_tx(now, id, tx())), expected);
    }

    /// Restores transaction `number`, which was submitted `age` microseconds ago. Its numbers differ from those submitted,
    /// as a node never gets one transaction in both ways.
    pub(super) fn restore(&mut self, node: &mut Metered, now: Instant, number: u8, size: u8, age: u64) {
        self.advance(now);
        let (mark, exposure) = match number % 3 {
            0 => (MARK, Exposure::Nobody),
            1 => (SHY_MARK, Exposure::Anonymity),
            _ => (MARK, Exposure::Public),
        };
        let (id, tx) = (TxId::new([0x80 | number; 32]), || local_tx(mark, number, size));
        let submitted = Instant::from_micros(now.as_micros().saturating_sub(age));
        let used = |host| Use { recipient: RecipientTag::new([host; 16]), at: submitted };
        // one of no store that this version wrote has more than it keeps
        let count = if exposure == Exposure::Nobody { 0 } else { number % 40 };
        let uses = || (0..count).map(used).collect::<Vec<Use>>();
        let expected = self.admit(submitted, id, tx().size(), &uses());
        // stored, and what is stored needs no new answer unless its exposure changes
        if exposure != Exposure::Nobody && expected == Ok(Submitted::New) {
            self.exposing.insert(id, true);
        }
        let stored = || StoredTx { id, tx: tx(), submitted, exposure, uses: uses() };
        assert_eq!(node.run(|node| node.restore_tx(now, stored())), expected);
        self.advance(now);
    }

    fn admit(&mut self, submitted: Instant, id: TxId, size: usize, uses: &[Use]) -> Result<Submitted, SubmitError> {
        let (entries, bytes) = (self.kept.len(), self.kept.values().map(|kept| kept.size).sum::<usize>());
        if self.kept.contains_key(&id) {
            return Ok(Submitted::Known);
        }
        if entries >= self.limits.stash_entries || bytes + size > self.limits.stash_bytes {
            return Err(SubmitError::StashFull { entries, bytes });
        }
        let uses = uses[..uses.len().min(MAX_USES)].to_vec();
        self.kept.insert(id, Kept { size, expires: submitted + self.limits.stash_lifetime, uses });
        Ok(Submitted::New)
    }

    /// Answers the question for the exposure of one of the transactions that wait for that.
    pub(super) fn record(&mut self, node: &mut Metered, now: Instant, choice: u8) {
        self.advance(now);
        let at = usize::from(choice) % self.exposing.len().max(1);
        let Some((id, answered)) = self.exposing.iter_mut().nth(at).filter(|(_, answered)| !**answered) else { return };
        *answered = true;
        let uses = node.uses(*id).count();
        node.run(|node| node.recorded(now, *id, uses));
    }

    /// Answers all questions.
    pub(super) fn record_all(&mut self, node: &mut Metered, now: Instant) {
        (0..self.exposing.len()).for_each(|choice| self.record(node, now, choice as u8));
    }

    /// Whether one that was accepted has not left yet, though it could.
    pub(super) fn waits(&self, node: &Node) -> bool {
        self.has_way_out && node.stash().any(|report| report.recipients == 0)
    }

    pub(super) fn forget(&mut self, node: &mut Metered, now: Instant, number: u8) {
        self.advance(now);
        let id = TxId::new([number; 32]);
        assert_eq!(node.run(|node| node.forget_tx(now, id)), self.kept.remove(&id).is_some());
    }

    /// Checks what the node says of an own transaction.
    pub(super) fn heard(&mut self, event: &Event, kinds: &[ZoneKind]) {
        match event {
            Event::Exposing { id, exposure } => {
                let anonymous = kinds.iter().any(|kind| kind.is_anonymity());
                assert_eq!(*exposure, if anonymous { Exposure::Anonymity } else { Exposure::Public });
                assert_ne!(self.durability, Durability::Memory);
                self.exposing.insert(*id, false);
            }
            Event::Queued { id, zone } => {
                Self::may_leave_by(kinds[zone.index()], kinds);
                assert!(self.by_courier || self.is_recorded(id), "leaves before that is written down");
            }
            Event::Handed { id, zone, recipients } => {
                Self::may_leave_by(kinds[zone.index()], kinds);
                assert!(!self.by_courier || self.is_recorded(id), "has left before that was written down");
                assert!(*recipients > 0);
                self.handed += 1;
            }
            Event::Seen { id, size, .. } => {
                let kept = self.kept.remove(id).expect("it was kept, and is seen once");
                assert_eq!(*size, kept.size);
            }
            Event::Expired { id } => {
                let left = self.expired.get_mut(id).expect("it was due");
                *left = left.checked_sub(1).expect("it expires once");
            }
            _ => {}
        }
    }

    fn is_recorded(&self, id: &TxId) -> bool {
        self.durability == Durability::Memory || self.exposing.get(id).copied().unwrap_or(false)
    }

    fn may_leave_by(zone: ZoneKind, kinds: &[ZoneKind]) {
        assert!(zone.is_anonymity() || !kinds.iter().any(|kind| kind.is_anonymity()), "queued for the public zone");
    }

    /// The stash holds what it must and nothing else. To be called when all outputs were taken.
    pub(super) fn check(&self, node: &Node, kinds: &[ZoneKind]) {
        assert!(self.expired.values().all(|&left| left == 0), "an expiry was not reported");
        assert!(node.stash().map(|report| report.id).eq(self.kept.keys().copied()), "lost, or kept too long");
        for report in node.stash() {
            let kept = &self.kept[&report.id];
            assert_eq!((report.size, report.expires), (kept.size, kept.expires));
            assert!(report.proven <= report.recipients);
            let uses: Vec<Use> = node.uses(report.id).collect();
            assert!(uses.starts_with(&kept.uses), "a use is forgotten");
            assert!(uses.len() <= MAX_USES);
            let hosts: BTreeSet<RecipientTag> = uses.iter().map(|used| used.recipient).collect();
            assert_eq!(hosts.len(), uses.len(), "a host is named twice");
            match report.state {
                StashState::Held(_) => assert_eq!(report.recipients, 0),
                StashState::Queued(zone) | StashState::Handed(zone) => Self::may_leave_by(kinds[zone.index()], kinds),
                _ => {}
            }
        }
    }
}

fn local_tx(mark: &[u8], number: u8, size: u8) -> LocalTx {
    let size = 64 + usize::from(size) * 16;
    let blob: Vec<u8> = mark.iter().chain(&[number]).copied().cycle().take(size).collect();
    LocalTx::new(Bytes::from(blob)).expect("neither empty nor too large")
}

/// Longer than anything lives in a stash.
pub(super) const AGES: Duration = Duration::from_secs(100 * 3_600);
