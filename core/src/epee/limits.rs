use super::{EpeeErrorKind, Kind};

/// What one document may hold. Counts are charged when they are read, before anything that they count.
///
/// The length of a string has no limit of its own: it is bounded by the body, and a string is borrowed, not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Fields of all sections together, the root included.
    pub fields: u32,
    /// Object fields and elements of object arrays; the root is not counted.
    pub objects: u32,
    /// String fields and elements of string arrays; keys are not counted.
    pub strings: u32,
    /// Elements of all arrays together.
    pub elements: u32,
    /// Sections open at once, the root included.
    pub depth: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self::LEVIN
    }
}

impl Limits {
    /// monerod's counts for Levin bodies (`epee.md` §A4); it has none for elements and allows about 31 nested objects.
    pub const LEVIN: Self = Self { fields: 16_384, objects: 8_192, strings: 16_384, elements: 16_384, depth: 8 };

    pub(super) fn charge_fields(&mut self, count: u64) -> Result<(), EpeeErrorKind> {
        charge(&mut self.fields, count, EpeeErrorKind::TooManyFields)
    }

    /// Charges `count` single values of a kind.
    pub(super) fn charge_values(&mut self, kind: Kind, count: u64) -> Result<(), EpeeErrorKind> {
        match kind {
            Kind::String => charge(&mut self.strings, count, EpeeErrorKind::TooManyStrings),
            Kind::Object => charge(&mut self.objects, count, EpeeErrorKind::TooManyObjects),
            _ => Ok(()),
        }
    }

    pub(super) fn charge_elements(&mut self, kind: Kind, count: u64) -> Result<(), EpeeErrorKind> {
        charge(&mut self.elements, count, EpeeErrorKind::TooManyElements)?;
        self.charge_values(kind, count)
    }

    pub(super) fn open_section(&mut self) -> Result<(), EpeeErrorKind> {
        self.depth = self.depth.checked_sub(1).ok_or(EpeeErrorKind::TooDeep)?;
        Ok(())
    }

    pub(super) fn close_section(&mut self) {
        self.depth = self.depth.saturating_add(1);
    }
}

fn charge(left: &mut u32, count: u64, kind: EpeeErrorKind) -> Result<(), EpeeErrorKind> {
    *left = u32::try_from(count).ok().and_then(|count| left.checked_sub(count)).ok_or(kind)?;
    Ok(())
}
