//! An own transaction in records of one size, which cannot be told from noise by who sees only sizes
//! (spec: levin §5).

use bytes::{Bytes, BytesMut};

use crate::ids::ZoneId;
use crate::levin;
use crate::wire::{NewTransactions, TxForm, command};
use crate::zone::route::LocalExit;

/// Bytes of one unit, header included: monerod's noise frame.
pub(crate) const UNIT: usize = 3_072;

/// A unit without content, which every monerod ignores.
pub(crate) fn dummy() -> Bytes {
    let mut dummy = BytesMut::with_capacity(UNIT);
    levin::noise(&mut dummy, UNIT).expect("a unit is larger than a header");
    dummy.freeze()
}

/// An own transaction cut into units, for the links of one zone and no others.
#[derive(Debug)]
pub(crate) struct LocalUnits {
    zone: ZoneId,
    rest: Bytes,
}

impl LocalUnits {
    /// Cuts one transaction, in stem form, for the zone that `exit` names; `None` if it takes more than `most` units.
    pub(crate) fn cut(exit: &LocalExit, blob: &[u8], most: usize) -> Option<Self> {
        let mut body = BytesMut::with_capacity(blob.len() + 64);
        NewTransactions::encode(&mut body, TxForm::Stem, 0, [blob].into_iter());
        let mut out = BytesMut::new();
        let count = levin::fragments(&mut out, UNIT, command::NEW_TRANSACTIONS, &body).ok()?;
        (count <= most).then(|| Self { zone: exit.zone(), rest: out.freeze() })
    }

    /// Units that are left.
    pub(crate) fn count(&self) -> u32 {
        (self.rest.len() / UNIT) as u32
    }

    /// The next unit, for a link of `zone`; `None` at the end, or if that is not the zone they were cut for.
    pub(crate) fn next(&mut self, zone: ZoneId) -> Option<Bytes> {
        (zone == self.zone && self.rest.len() >= UNIT).then(|| self.rest.split_to(UNIT))
    }
}
