use core::fmt;

use super::keys::Keys;
use super::limits::Limits;
use super::value::Value;
use super::{ARRAY, EpeeError, EpeeErrorKind, HEADER, Kind, LEGACY_ARRAY, MAX_SECTION_FIELDS, Tag, varint};

/// Bytes that a field takes at least: key length, one character, type, one byte.
const MIN_FIELD: u64 = 4;

/// Walks a document and calls `visit` with key and value of each field of the root section.
///
/// Bytes after the root section are ignored: they are padding. An error of the visitor ends the
/// walk.
///
/// # Errors
/// If the document breaks the grammar (`epee.md` §A) or a limit; see [`EpeeErrorKind`].
///
/// # Cost
/// One pass over the body, no allocation. A section whose keys are not in ascending order costs up
/// to 32²/2 key comparisons more.
pub fn read<'a, E: From<EpeeError>>(
    body: &'a [u8],
    limits: Limits,
    mut visit: impl FnMut(&'a [u8], &mut Value<'_, 'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = Reader { body, rest: body, budget: limits };
    reader.header().map_err(|kind| reader.error(kind))?;
    reader.section(&mut visit)
}

/// A position in a document, and what the document may still hold.
///
/// A fault is reported by its kind alone; [`Reader::error`] adds the position.
#[derive(Clone, Default)]
pub(super) struct Reader<'a> {
    body: &'a [u8],
    rest: &'a [u8],
    budget: Limits,
}

impl<'a> Reader<'a> {
    fn header(&mut self) -> Result<(), EpeeErrorKind> {
        if u32::try_from(self.body.len()).is_err() {
            return Err(EpeeErrorKind::TooLong);
        }
        self.rest = self.rest.strip_prefix(&HEADER).ok_or(EpeeErrorKind::Header)?;
        Ok(())
    }

    /// Reads a section, with `visit` for each of its fields.
    pub(super) fn section<E: From<EpeeError>>(
        &mut self,
        visit: &mut impl FnMut(&'a [u8], &mut Value<'_, 'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = self.open_section().map_err(|kind| self.error(kind))?;
        let mut keys = Keys::default();
        for _ in 0..count {
            let (key, tag) = self.field(&mut keys).map_err(|kind| self.error(kind))?;
            let mut value = Value::new(self, tag);
            visit(key, &mut value)?;
            if !value.is_taken() {
                self.skip(tag).map_err(|kind| self.error(kind))?;
            }
        }
        self.budget.close_section();
        Ok(())
    }

    pub(super) fn skip_section(&mut self) -> Result<(), EpeeErrorKind> {
        let count = self.open_section()?;
        let mut keys = Keys::default();
        for _ in 0..count {
            let (_, tag) = self.field(&mut keys)?;
            self.skip(tag)?;
        }
        self.budget.close_section();
        Ok(())
    }

    #[inline]
    fn open_section(&mut self) -> Result<usize, EpeeErrorKind> {
        let count = self.varint()?;
        if count.saturating_mul(MIN_FIELD) > self.remaining() {
            return Err(EpeeErrorKind::Count);
        }
        self.budget.open_section()?;
        self.budget.charge_fields(count)?;
        let count = usize::try_from(count).ok();
        count.filter(|&count| count <= MAX_SECTION_FIELDS).ok_or(EpeeErrorKind::TooManyFields)
    }

    /// Reads a key and the type of its value.
    #[inline]
    fn field(&mut self, keys: &mut Keys) -> Result<(&'a [u8], Tag), EpeeErrorKind> {
        let place = u32::try_from(self.offset()).map_err(|_| EpeeErrorKind::TooLong)?;
        let [length] = *self.chunk()?;
        if length == 0 {
            return Err(EpeeErrorKind::EmptyKey);
        }
        let from_key = self.rest;
        let key = self.take(u64::from(length))?;
        if !keys.insert(self.body, place, from_key, length) {
            return Err(EpeeErrorKind::DuplicateKey);
        }
        Ok((key, self.tag()?))
    }

    #[inline]
    fn tag(&mut self) -> Result<Tag, EpeeErrorKind> {
        let [byte] = *self.chunk()?;
        match Kind::from_id(byte & !ARRAY) {
            Some(kind) if byte & ARRAY == 0 => Ok(Tag::One(kind)),
            Some(kind) => Ok(Tag::Array(kind)),
            None if byte == LEGACY_ARRAY => self.legacy_array(),
            None if byte == LEGACY_ARRAY | ARRAY => Err(EpeeErrorKind::NestedArray),
            None => Err(EpeeErrorKind::UnknownType(byte)),
        }
    }

    #[cold]
    fn legacy_array(&mut self) -> Result<Tag, EpeeErrorKind> {
        let [byte] = *self.chunk()?;
        match Kind::from_id(byte & !ARRAY) {
            Some(kind) if byte & ARRAY != 0 => Ok(Tag::Array(kind)),
            None if byte == LEGACY_ARRAY | ARRAY => Err(EpeeErrorKind::NestedArray),
            _ => Err(EpeeErrorKind::UnknownType(byte)),
        }
    }

    fn skip(&mut self, tag: Tag) -> Result<(), EpeeErrorKind> {
        match tag {
            Tag::One(Kind::Object) => {
                self.charge(Kind::Object)?;
                self.skip_section()
            }
            Tag::One(Kind::String) => {
                self.charge(Kind::String)?;
                self.string().map(drop)
            }
            Tag::One(Kind::Bool) => self.bool().map(drop),
            Tag::One(kind) => self.take(kind.min_size()).map(drop),
            Tag::Array(kind) => {
                let count = self.count(kind)?;
                self.skip_elements(kind, count)
            }
        }
    }

    /// Skips elements whose number was checked and charged.
    pub(super) fn skip_elements(&mut self, kind: Kind, count: u64) -> Result<(), EpeeErrorKind> {
        match kind {
            Kind::Object => (0..count).try_for_each(|_| self.skip_section()),
            Kind::String => (0..count).try_for_each(|_| self.string().map(drop)),
            Kind::Bool => (0..count).try_for_each(|_| self.bool().map(drop)),
            _ => self.take(count.saturating_mul(kind.min_size())).map(drop),
        }
    }

    /// Reads and charges the number of elements of an array.
    pub(super) fn count(&mut self, kind: Kind) -> Result<u64, EpeeErrorKind> {
        let count = self.varint()?;
        if count.saturating_mul(kind.min_size()) > self.remaining() {
            return Err(EpeeErrorKind::Count);
        }
        self.budget.charge_elements(kind, count)?;
        Ok(count)
    }

    pub(super) fn charge(&mut self, kind: Kind) -> Result<(), EpeeErrorKind> {
        self.budget.charge_values(kind, 1)
    }

    pub(super) fn bool(&mut self) -> Result<bool, EpeeErrorKind> {
        match *self.chunk()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(EpeeErrorKind::Bool),
        }
    }

    #[inline]
    pub(super) fn string(&mut self) -> Result<&'a [u8], EpeeErrorKind> {
        let length = self.varint()?;
        self.take(length)
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, EpeeErrorKind> {
        let (value, rest) = varint::read(self.rest).ok_or(EpeeErrorKind::UnexpectedEnd)?;
        self.rest = rest;
        Ok(value)
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], EpeeErrorKind> {
        let length = usize::try_from(length).map_err(|_| EpeeErrorKind::UnexpectedEnd)?;
        let split = self.rest.split_at_checked(length);
        let (taken, rest) = split.ok_or(EpeeErrorKind::UnexpectedEnd)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn chunk<const N: usize>(&mut self) -> Result<&'a [u8; N], EpeeErrorKind> {
        let split = self.rest.split_first_chunk();
        let (chunk, rest) = split.ok_or(EpeeErrorKind::UnexpectedEnd)?;
        self.rest = rest;
        Ok(chunk)
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Goes on at `rest`, which is an end of what was not read yet.
    pub(super) fn jump(&mut self, rest: &'a [u8]) {
        self.rest = rest;
    }

    fn remaining(&self) -> u64 {
        u64::try_from(self.rest.len()).unwrap_or(u64::MAX)
    }

    fn offset(&self) -> usize {
        self.body.len().saturating_sub(self.rest.len())
    }

    #[cold]
    pub(super) fn error(&self, kind: EpeeErrorKind) -> EpeeError {
        EpeeError { kind, offset: self.offset() }
    }
}

/// Without the body: it may hold addresses, which must not end up in a log.
impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("offset", &self.offset()).finish_non_exhaustive()
    }
}
