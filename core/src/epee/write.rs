use bytes::{BufMut, BytesMut};

use super::{ARRAY, HEADER, Kind, MAX_SECTION_FIELDS, varint};

/// Appends a document whose root section `fill` writes. Cost: one pass, no allocation beyond the growth of `out`.
pub fn write(out: &mut BytesMut, fill: impl FnOnce(&mut Section<'_>)) {
    out.put_slice(&HEADER);
    section(out, fill);
}

/// Appends a section: its count of fields is known, and put in front, once `fill` is done.
fn section(out: &mut BytesMut, fill: impl FnOnce(&mut Section<'_>)) {
    let place = out.len();
    out.put_u8(0);
    let mut section = Section { out, count: 0, last: "" };
    fill(&mut section);
    // a count below 64 takes one byte, shifted by the two width bits
    let count = section.count << 2;
    if let Some(byte) = out.get_mut(place) {
        *byte = count;
    }
}

/// A section being written. Keys must come in ascending order of their bytes, as monerod writes them, at most
/// [`MAX_SECTION_FIELDS`] of them, each 1 to 254 bytes long; debug builds check that.
#[derive(Debug)]
pub struct Section<'o> {
    out: &'o mut BytesMut,
    count: u8,
    last: &'static str,
}

impl Section<'_> {
    /// Writes a `u64` field.
    pub fn u64(&mut self, key: &'static str, value: u64) {
        self.field(key, Kind::U64.id());
        self.out.put_u64_le(value);
    }

    /// Writes a `u32` field.
    pub fn u32(&mut self, key: &'static str, value: u32) {
        self.field(key, Kind::U32.id());
        self.out.put_u32_le(value);
    }

    /// Writes a `u16` field.
    pub fn u16(&mut self, key: &'static str, value: u16) {
        self.field(key, Kind::U16.id());
        self.out.put_u16_le(value);
    }

    /// Writes a `u8` field.
    pub fn u8(&mut self, key: &'static str, value: u8) {
        self.field(key, Kind::U8.id());
        self.out.put_u8(value);
    }

    /// Writes an `i64` field.
    pub fn i64(&mut self, key: &'static str, value: i64) {
        self.field(key, Kind::I64.id());
        self.out.put_i64_le(value);
    }

    /// Writes a boolean field.
    pub fn bool(&mut self, key: &'static str, value: bool) {
        self.field(key, Kind::Bool.id());
        self.out.put_u8(u8::from(value));
    }

    /// Writes a string or blob.
    pub fn bytes(&mut self, key: &'static str, value: &[u8]) {
        self.field(key, Kind::String.id());
        self.string(value);
    }

    /// Writes a string of `length` times the same byte.
    pub fn repeated(&mut self, key: &'static str, byte: u8, length: usize) {
        self.field(key, Kind::String.id());
        self.length(length);
        self.out.put_bytes(byte, length);
    }

    /// Writes a blob that is the concatenation of elements of fixed size; nothing if there are none.
    pub fn blobs<'e, const N: usize>(&mut self, key: &'static str, elements: impl ExactSizeIterator<Item = &'e [u8; N]>) {
        if elements.len() == 0 {
            return;
        }
        self.field(key, Kind::String.id());
        self.length(elements.len().saturating_mul(N));
        elements.for_each(|element| self.out.put_slice(element));
    }

    /// Writes an array of strings; nothing if there are none.
    pub fn strings<'e>(&mut self, key: &'static str, elements: impl ExactSizeIterator<Item = &'e [u8]>) {
        if elements.len() == 0 {
            return;
        }
        self.field(key, Kind::String.id() | ARRAY);
        self.length(elements.len());
        elements.for_each(|element| self.string(element));
    }

    /// Writes an object, filled by `fill`.
    pub fn object(&mut self, key: &'static str, fill: impl FnOnce(&mut Section<'_>)) {
        self.field(key, Kind::Object.id());
        section(self.out, fill);
    }

    /// Writes an array of objects, each filled by `fill`; nothing if there are none.
    pub fn objects<T>(
        &mut self,
        key: &'static str,
        elements: impl ExactSizeIterator<Item = T>,
        mut fill: impl FnMut(&mut Section<'_>, T),
    ) {
        if elements.len() == 0 {
            return;
        }
        self.field(key, Kind::Object.id() | ARRAY);
        self.length(elements.len());
        elements.for_each(|element| section(self.out, |section| fill(section, element)));
    }

    fn field(&mut self, key: &'static str, tag: u8) {
        debug_assert!(self.last < key, "{key} is written after {}", self.last);
        debug_assert!(usize::from(self.count) < MAX_SECTION_FIELDS, "{key} is one field too many");
        debug_assert!(key.len() < 255, "{key} is too long");
        self.last = key;
        self.count = self.count.saturating_add(1);
        self.out.put_u8(u8::try_from(key.len()).unwrap_or(u8::MAX));
        self.out.put_slice(key.as_bytes());
        self.out.put_u8(tag);
    }

    fn string(&mut self, value: &[u8]) {
        self.length(value.len());
        self.out.put_slice(value);
    }

    fn length(&mut self, length: usize) {
        varint::write(self.out, u64::try_from(length).unwrap_or(varint::MAX));
    }
}
