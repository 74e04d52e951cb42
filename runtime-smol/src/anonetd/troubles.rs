//! What is wrong with the node or what it needs, at this moment: one list, for `status`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// Where a trouble of the node itself is. Proxies and the daemon have their own state, and are added in `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// File descriptors run out.
    Descriptors,
    /// The stash on disk cannot be written.
    Stash,
    /// Entries of the stash on disk are not sent.
    Entries,
    /// Transactions on disk look too old.
    Late,
    /// The machine's clock cannot be right.
    Clock,
    /// The file of peers and bans cannot be written.
    Peers,
    /// Lines of the log are lost.
    Log,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Descriptors => "descriptors",
            Self::Stash | Self::Entries | Self::Late => "stash",
            Self::Clock => "clock",
            Self::Peers => "peers",
            Self::Log => "log",
        }
    }
}

/// One trouble, as `status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trouble {
    /// What has it: `descriptors`, `stash`, `clock`, `peers`, `log`, `daemon`, or the name of a zone.
    pub(super) part: String,
    /// What is wrong, and what to do.
    pub(super) reason: String,
}

impl Trouble {
    pub(super) fn new(part: &str, reason: &str) -> Self {
        Self { part: part.into(), reason: reason.into() }
    }
}

/// Those that last. Shared by clones.
#[derive(Clone, Debug, Default)]
pub(super) struct Troubles(Arc<Mutex<BTreeMap<Part, String>>>);

impl Troubles {
    /// Something is wrong, for this reason; says whether that is news.
    pub(super) fn begin(&self, part: Part, reason: impl ToString) -> bool {
        self.all().insert(part, reason.to_string()).is_none()
    }

    /// It is right again; says whether that is news.
    pub(super) fn end(&self, part: Part) -> bool {
        self.all().remove(&part).is_some()
    }

    /// Whether a part is in trouble.
    pub(super) fn has(&self, part: Part) -> bool {
        self.all().contains_key(&part)
    }

    /// All of them.
    pub(super) fn list(&self) -> Vec<Trouble> {
        self.all().iter().map(|(part, reason)| Trouble::new(part.name(), reason)).collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Part, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_news_once_and_gone_once() {
        let troubles = Troubles::default();
        assert!(troubles.begin(Part::Stash, "full") && !troubles.begin(Part::Stash, "read-only"));
        assert!(troubles.begin(Part::Descriptors, "none") && troubles.has(Part::Stash) && !troubles.has(Part::Peers));
        assert_eq!(troubles.list(), [Trouble::new("descriptors", "none"), Trouble::new("stash", "read-only")]);
        assert!(troubles.end(Part::Stash) && !troubles.end(Part::Stash));
        assert_eq!(troubles.clone().list().len(), 1);
    }
}
