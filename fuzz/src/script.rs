//! Bytes read as a script.

/// What is left of a script. Its end reads as zeros, so that every prefix of a script is one.
#[derive(Debug)]
pub(crate) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub(crate) const fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// The next step's code; `None` at the end.
    pub(crate) fn step(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.step().unwrap_or(0)
    }

    /// The next byte as an index into something of `len` elements; 0 if it is empty.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::from(self.byte()) % len.max(1)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// A span of 1 µs to about six days, in steps that double.
    pub(crate) fn micros(&mut self) -> u64 {
        let byte = self.byte();
        u64::from(1 + (byte >> 6)) << ((byte & 63) % 38)
    }
}
