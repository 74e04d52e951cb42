use core::fmt;

use super::EpeeError;
use super::read::Reader;
use super::value::Value;
use super::varint;

/// The strings of an array that was checked; borrowed from the body.
#[derive(Clone, Default)]
pub struct Strings<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Strings<'a> {
    pub(super) fn new(rest: &'a [u8], left: usize) -> Self {
        Self { rest, left }
    }
}

impl<'a> Iterator for Strings<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let (length, rest) = varint::read(self.rest)?;
        let (string, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(string)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Strings<'_> {}

/// Without the contents: a transaction must not end up in a log.
impl fmt::Debug for Strings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strings").field("left", &self.left).finish_non_exhaustive()
    }
}

/// The objects of an array whose grammar was checked; each is read when it is asked for.
#[derive(Clone, Debug, Default)]
pub struct Objects<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Objects<'a> {
    pub(super) fn new(reader: Reader<'a>, left: usize) -> Self {
        Self { reader, left }
    }

    /// Objects that were not read yet.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }

    /// Reads the next object if it is of a form that the caller knows, see [`Value::objects_with`];
    /// else it stays the next one.
    ///
    /// `known` gets the document from the start of the object on and returns what it read and what
    /// follows the object.
    pub fn read_known<T>(&mut self, known: impl FnOnce(&'a [u8]) -> Option<(T, &'a [u8])>) -> Option<T> {
        let left = self.left.checked_sub(1)?;
        let (read, rest) = known(self.reader.rest())?;
        self.reader.jump(rest);
        self.left = left;
        Some(read)
    }

    /// Reads the next object with `visit`, as [`Value::object`] does; `None` after the last one.
    ///
    /// An error of the visitor concerns this object only: the next call reads the one after it.
    pub fn read_next<E: From<EpeeError>>(
        &mut self,
        mut visit: impl FnMut(&'a [u8], &mut Value<'_, 'a>) -> Result<(), E>,
    ) -> Option<Result<(), E>> {
        self.left = self.left.checked_sub(1)?;
        let start = self.reader.clone();
        let read = self.reader.section(&mut visit);
        if read.is_err() {
            self.reader = start;
            if self.reader.skip_section().is_err() {
                self.left = 0;
            }
        }
        Some(read)
    }
}
