use super::array::{Objects, Strings};
use super::read::Reader;
use super::{EpeeError, EpeeErrorKind, Kind, Tag};

/// A value that the visitor may take, once; one that it does not take is skipped.
#[derive(Debug)]
pub struct Value<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// `None` once the value was taken.
    tag: Option<Tag>,
}

impl<'r, 'a> Value<'r, 'a> {
    #[inline]
    pub(super) fn new(reader: &'r mut Reader<'a>, tag: Tag) -> Self {
        Self { reader, tag: Some(tag) }
    }

    #[inline]
    pub(super) fn is_taken(&self) -> bool {
        self.tag.is_none()
    }

    /// An integer of any width and sign that fits `T` (`u8` to `u64`, `i8` to `i64`).
    ///
    /// # Errors
    /// If the value is no integer or does not fit.
    #[inline]
    pub fn integer<T: TryFrom<u64> + TryFrom<i64>>(&mut self) -> Result<T, EpeeError> {
        self.take_integer().map_err(|kind| self.reader.error(kind))
    }

    /// A boolean.
    ///
    /// # Errors
    /// If the value is no boolean, or neither 0 nor 1.
    pub fn bool(&mut self) -> Result<bool, EpeeError> {
        let taken = self.expect(Kind::Bool).and_then(|()| self.reader.bool());
        taken.map_err(|kind| self.reader.error(kind))
    }

    /// A string or blob, borrowed from the body.
    ///
    /// # Errors
    /// If the value is no string or longer than the rest of the document.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], EpeeError> {
        let taken = self.expect(Kind::String).and_then(|()| self.reader.string());
        taken.map_err(|kind| self.reader.error(kind))
    }

    /// A blob of exactly `N` bytes.
    ///
    /// # Errors
    /// As [`Value::bytes`], and if it has another length.
    pub fn blob<const N: usize>(&mut self) -> Result<&'a [u8; N], EpeeError> {
        let blob = self.bytes()?.try_into();
        blob.map_err(|_| self.reader.error(EpeeErrorKind::Length))
    }

    /// An object: calls `visit` with key and value of each of its fields.
    ///
    /// # Errors
    /// If the value is no object, as for [`read`](super::read()), or with the error of the visitor.
    #[inline]
    pub fn object<E: From<EpeeError>>(
        &mut self,
        mut visit: impl FnMut(&'a [u8], &mut Value<'_, 'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(Kind::Object).map_err(|kind| self.reader.error(kind))?;
        self.reader.section(&mut visit)
    }

    /// An array of strings, or an empty array of anything. The whole array is checked here, so that
    /// iterating cannot fail.
    ///
    /// # Errors
    /// If the value is no such array, or for a fault inside of it.
    pub fn strings(&mut self) -> Result<Strings<'a>, EpeeError> {
        let taken = self.take_array(Kind::String, Reader::skip_elements);
        let (left, start) = taken.map_err(|kind| self.reader.error(kind))?;
        Ok(Strings::new(start.rest(), left))
    }

    /// An array of objects, or an empty array of anything. Grammar and limits of the whole array
    /// are checked here.
    ///
    /// # Errors
    /// If the value is no such array, or for a fault inside of it.
    pub fn objects(&mut self) -> Result<Objects<'a>, EpeeError> {
        self.objects_with(|_| None)
    }

    /// As [`Value::objects`], with a faster way to check objects of a form that the caller knows.
    ///
    /// `known` gets the document from the start of an object on. If that is a well-formed object of
    /// its form it returns what follows the object, else `None`. Of an object that it knows only
    /// the object itself counts towards the limits.
    ///
    /// # Errors
    /// As [`Value::objects`].
    pub fn objects_with(&mut self, known: impl Fn(&'a [u8]) -> Option<&'a [u8]>) -> Result<Objects<'a>, EpeeError> {
        let taken = self.take_array(Kind::Object, |reader, _, count| {
            (0..count).try_for_each(|_| match known(reader.rest()) {
                Some(rest) => {
                    reader.jump(rest);
                    Ok(())
                }
                None => reader.skip_section(),
            })
        });
        let (left, start) = taken.map_err(|kind| self.reader.error(kind))?;
        Ok(Objects::new(start, left))
    }

    /// Checks an array with `skip`, leaves it behind, and returns the number of its elements and a
    /// reader at the first one.
    fn take_array(
        &mut self,
        element: Kind,
        skip: impl FnOnce(&mut Reader<'a>, Kind, u64) -> Result<(), EpeeErrorKind>,
    ) -> Result<(usize, Reader<'a>), EpeeErrorKind> {
        let Tag::Array(kind) = self.take_tag()? else {
            return Err(EpeeErrorKind::WrongType);
        };
        let count = self.reader.count(kind)?;
        if kind != element && count != 0 {
            return Err(EpeeErrorKind::WrongType);
        }
        let start = self.reader.clone();
        skip(self.reader, kind, count)?;
        let left = usize::try_from(count).map_err(|_| EpeeErrorKind::Count)?;
        Ok((left, start))
    }

    #[inline]
    fn take_integer<T: TryFrom<u64> + TryFrom<i64>>(&mut self) -> Result<T, EpeeErrorKind> {
        let Tag::One(kind) = self.take_tag()? else {
            return Err(EpeeErrorKind::WrongType);
        };
        let reader = &mut *self.reader;
        let integer = match kind {
            Kind::I64 => T::try_from(i64::from_le_bytes(*reader.chunk()?)).ok(),
            Kind::I32 => T::try_from(i64::from(i32::from_le_bytes(*reader.chunk()?))).ok(),
            Kind::I16 => T::try_from(i64::from(i16::from_le_bytes(*reader.chunk()?))).ok(),
            Kind::I8 => T::try_from(i64::from(i8::from_le_bytes(*reader.chunk()?))).ok(),
            Kind::U64 => T::try_from(u64::from_le_bytes(*reader.chunk()?)).ok(),
            Kind::U32 => T::try_from(u64::from(u32::from_le_bytes(*reader.chunk()?))).ok(),
            Kind::U16 => T::try_from(u64::from(u16::from_le_bytes(*reader.chunk()?))).ok(),
            Kind::U8 => T::try_from(u64::from(u8::from_le_bytes(*reader.chunk()?))).ok(),
            Kind::Double | Kind::String | Kind::Bool | Kind::Object => {
                return Err(EpeeErrorKind::WrongType);
            }
        };
        integer.ok_or(EpeeErrorKind::IntegerRange)
    }

    #[inline]
    fn expect(&mut self, expected: Kind) -> Result<(), EpeeErrorKind> {
        if self.take_tag()? != Tag::One(expected) {
            return Err(EpeeErrorKind::WrongType);
        }
        self.reader.charge(expected)
    }

    #[inline]
    fn take_tag(&mut self) -> Result<Tag, EpeeErrorKind> {
        self.tag.take().ok_or(EpeeErrorKind::TakenTwice)
    }
}
