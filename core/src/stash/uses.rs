//! Who may have got an own transaction. No host is to get one twice: it would learn that this node is where it starts.

use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::time::Duration;

use rand_core::CryptoRng;
use sha3::{Digest, Sha3_256};

use crate::addr::Addr;
use crate::ids::ConnId;
use crate::time::Instant;

/// The most hosts that one own transaction is given to, over all runs.
pub const MAX_USES: usize = 32;

/// Uses are stored by the hour, so that the store is no diary.
const GRAIN: Duration = Duration::from_secs(3_600);

/// The secret under which hosts get their [`RecipientTag`]: random, made once for each store, and kept in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RecipientKey([u8; 32]);

impl RecipientKey {
    /// The key with these random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn draw(rng: &mut dyn CryptoRng) -> Self {
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        Self(key)
    }

    /// The 32 bytes, for the store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The tag of a host, whatever the port.
    pub(crate) fn tag(&self, addr: &Addr) -> RecipientTag {
        let mut text = Hashed(Sha3_256::new().chain_update(b"anonet recipient").chain_update(self.0));
        let written = match addr {
            Addr::Ipv6(addr) => write!(text, "{}", addr.ip().to_canonical()),
            other => other.write_host(&mut text),
        };
        debug_assert!(written.is_ok(), "a hash takes all");
        let hash: [u8; 32] = text.0.finalize().into();
        let mut tag = [0; 16];
        tag.copy_from_slice(&hash[..16]);
        RecipientTag(tag)
    }
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecipientKey(…)")
    }
}

/// Text on its way into a hash.
struct Hashed(Sha3_256);

impl fmt::Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

/// A host that may have got an own transaction, as the store names it: a hash of its name under a [`RecipientKey`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecipientTag([u8; 16]);

impl RecipientTag {
    /// The tag with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes, for the store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for RecipientTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecipientTag(…)")
    }
}

/// One host was chosen for one own transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the embedder fills it in from its store")]
pub struct Use {
    /// The host.
    pub recipient: RecipientTag,
    /// When, rounded down to the hour.
    pub at: Instant,
}

impl Use {
    pub(super) fn new(recipient: RecipientTag, now: Instant) -> Self {
        let at = now.as_micros() - now.as_micros() % GRAIN.as_micros() as u64;
        Self { recipient, at: Instant::from_micros(at) }
    }
}

/// How far a use has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// An earlier run wrote it down, and nobody knows what came of it.
    Earlier,
    /// Nothing has been written to the link yet.
    Chosen(ConnId),
    /// The transaction, or a part of it, was queued for the link.
    Begun(ConnId),
    /// The link ended before the peer had surely read it.
    Interrupted,
    /// The peer has surely read it.
    Proven,
}

/// Whether a transaction may go to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has not got it.
    Fresh,
    /// It was chosen in this run, and its link ended before it had surely read it, or before anything was written.
    LastResort,
    /// It has it, or may have it from an earlier run.
    Used,
}

/// The uses of one transaction, in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Uses {
    all: Vec<(Use, Progress)>,
    /// So many of them, from the first on, are written down.
    recorded: usize,
}

impl Uses {
    /// Those of an earlier run.
    pub(super) fn restored(mut uses: Vec<Use>) -> Self {
        uses.truncate(MAX_USES);
        Self { recorded: uses.len(), all: uses.into_iter().map(|entry| (entry, Progress::Earlier)).collect() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Use> + '_ {
        self.all.iter().map(|(entry, _)| *entry)
    }

    pub(super) fn standing(&self, tag: RecipientTag) -> Standing {
        match self.find(tag) {
            None if self.all.len() < MAX_USES => Standing::Fresh,
            Some((_, Progress::Chosen(_) | Progress::Interrupted)) => Standing::LastResort,
            _ => Standing::Used,
        }
    }

    /// Adds a host, which is reached by `conn`; `false` if there is no place for it, or it has the transaction.
    pub(super) fn choose(&mut self, now: Instant, tag: RecipientTag, conn: ConnId) -> bool {
        match self.standing(tag) {
            Standing::Used => return false,
            Standing::Fresh => self.all.push((Use::new(tag, now), Progress::Chosen(conn))),
            Standing::LastResort => {
                let again = self.all.iter_mut().filter(|(entry, _)| entry.recipient == tag);
                again.for_each(|(_, progress)| *progress = Progress::Chosen(conn));
            }
        }
        true
    }

    /// The first `count` are written down.
    pub(super) fn record(&mut self, count: usize) {
        self.recorded = self.recorded.max(count.min(self.all.len()));
    }

    pub(super) fn are_recorded(&self) -> bool {
        self.recorded == self.all.len()
    }

    /// Whether a host was chosen on this link, and nothing was written there yet.
    pub(super) fn are_chosen_on(&self, conn: ConnId) -> bool {
        self.all.iter().any(|(_, progress)| *progress == Progress::Chosen(conn))
    }

    pub(super) fn begin(&mut self, conn: ConnId) {
        self.change(Progress::Chosen(conn), Progress::Begun(conn));
    }

    pub(super) fn prove(&mut self, conn: ConnId) {
        self.change(Progress::Begun(conn), Progress::Proven);
    }

    pub(super) fn interrupt(&mut self, conn: ConnId) {
        self.change(Progress::Begun(conn), Progress::Interrupted);
    }

    fn change(&mut self, from: Progress, to: Progress) {
        self.all.iter_mut().filter(|(_, progress)| *progress == from).for_each(|(_, progress)| *progress = to);
    }

    fn find(&self, tag: RecipientTag) -> Option<&(Use, Progress)> {
        self.all.iter().find(|(entry, _)| entry.recipient == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;

    const NOW: Instant = Instant::from_micros(10 * 3_600_000_000 + 7);

    fn tag(number: usize) -> RecipientTag {
        RecipientTag([number as u8; 16])
    }

    #[test]
    fn a_tag_names_a_host_under_its_key_and_no_port() {
        let (one, other) = (RecipientKey::new([1; 32]), RecipientKey::new([2; 32]));
        let addr = |text: &str| Addr::parse(text, 1).unwrap();
        let onion = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";
        assert_eq!(one.tag(&addr(onion)), one.tag(&addr(&alloc::format!("{onion}:99"))));
        assert_eq!(one.tag(&addr("45.1.2.3")), one.tag(&addr("[::ffff:45.1.2.3]")));
        assert_ne!(one.tag(&addr(onion)), other.tag(&addr(onion)));
        assert_ne!(one.tag(&addr("45.1.2.3")), one.tag(&addr("45.1.2.4")));
        assert_eq!(alloc::format!("{one:?} {:?}", tag(7)), "RecipientKey(…) RecipientTag(…)");
    }

    #[test]
    fn a_host_is_fresh_until_it_is_chosen_and_a_last_resort_until_it_has_read() {
        let mut table = Table::new();
        let (first, second) = (ConnId(table.insert(())), ConnId(table.insert(())));
        let mut uses = Uses::default();
        assert_eq!(uses.standing(tag(1)), Standing::Fresh);
        assert!(uses.choose(NOW, tag(1), first) && !uses.are_recorded());
        assert!(uses.are_chosen_on(first) && !uses.are_chosen_on(second));
        assert_eq!(uses.standing(tag(1)), Standing::LastResort, "nothing was written");
        uses.record(1);
        uses.begin(first);
        assert_eq!((uses.standing(tag(1)), uses.are_chosen_on(first)), (Standing::Used, false), "it may be reading it");
        uses.interrupt(second);
        assert_eq!(uses.standing(tag(1)), Standing::Used, "another link");
        uses.interrupt(first);
        assert_eq!(uses.standing(tag(1)), Standing::LastResort);
        assert!(uses.choose(NOW, tag(1), second) && uses.are_recorded(), "it is written down already");
        uses.begin(second);
        uses.prove(second);
        uses.interrupt(second);
        assert_eq!(uses.standing(tag(1)), Standing::Used);
        assert!(!uses.choose(NOW, tag(1), first));
        assert_eq!(uses.iter().collect::<Vec<_>>(), [Use { recipient: tag(1), at: Instant::from_micros(10 * 3_600_000_000) }]);
    }

    #[test]
    fn uses_of_an_earlier_run_are_strict_and_there_are_no_more_than_the_store_has_places_for() {
        let conn = ConnId(Table::new().insert(()));
        let mut uses = Uses::restored((1..MAX_USES).map(|number| Use::new(tag(number), NOW)).collect());
        assert!(uses.are_recorded());
        assert_eq!((uses.standing(tag(1)), uses.choose(NOW, tag(1), conn)), (Standing::Used, false));
        assert!(uses.choose(NOW, tag(100), conn), "at the limit");
        assert_eq!((uses.standing(tag(101)), uses.choose(NOW, tag(101), conn)), (Standing::Used, false), "past it");
        uses.record(MAX_USES - 1);
        assert!(!uses.are_recorded());
        uses.record(MAX_USES + 5);
        assert!(uses.are_recorded());
        assert_eq!(Uses::restored((0..100).map(|number| Use::new(tag(number), NOW)).collect()).iter().count(), MAX_USES);
    }
}
