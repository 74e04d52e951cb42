use super::fields::EntryFields;
use super::{EntryFault, PeerEntry};

/// Two fields, the first is `adr`: an object of two fields, the first is `addr`: an object of two
/// fields, the first is `host`, a string.
const BEFORE_HOST: &[u8] = b"\x08\x03adr\x0c\x08\x04addr\x0c\x08\x04host\x0a";
const BEFORE_PORT: &[u8] = b"\x04port\x07";
const BEFORE_TYPE: &[u8] = b"\x04type\x08";
const BEFORE_ID: &[u8] = b"\x02id\x05";

/// An entry of a hidden host with nothing but address and id, in the exact form of monerod: nearly
/// every entry on an anonymity link. Read an order of magnitude faster than field by field.
pub(super) struct PlainEntry<'a> {
    host: &'a [u8],
    port: u16,
    kind: u8,
    id: u64,
}

impl<'a> PlainEntry<'a> {
    /// Reads the entry at the start of `bytes`, and what follows it; `None` if it has another form.
    #[inline]
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&length, rest) = bytes.strip_prefix(BEFORE_HOST)?.split_first()?;
        // the length of a hidden host takes one byte, whose two low bits are 0
        if length & 3 != 0 {
            return None;
        }
        let (host, rest) = rest.split_at_checked(usize::from(length >> 2))?;
        let (port, rest) = rest.strip_prefix(BEFORE_PORT)?.split_first_chunk()?;
        let (&kind, rest) = rest.strip_prefix(BEFORE_TYPE)?.split_first()?;
        let (id, rest) = rest.strip_prefix(BEFORE_ID)?.split_first_chunk()?;
        let entry = Self { host, port: u16::from_le_bytes(*port), kind, id: u64::from_le_bytes(*id) };
        Some((entry, rest))
    }

    pub(super) fn entry(self) -> Result<PeerEntry, EntryFault> {
        EntryFields::hidden(self.kind, self.host, self.port, self.id).entry()
    }
}
