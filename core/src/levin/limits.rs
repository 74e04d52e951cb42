//! How much one link may send and make us hold (spec `levin.md` §2 and §3).

const HANDSHAKE: u32 = 1001;
const TIMED_SYNC: u32 = 1002;
const PING: u32 = 1003;
const NEW_TRANSACTIONS: u32 = 2002;

/// Bytes that a link may make us hold in all: before the handshake, and after it by the kind of the network.
const HANDSHAKE_TOTAL: u32 = 65_536;
const ANONYMITY_TOTAL: u32 = 4 << 20;
const PUBLIC_TOTAL: u32 = 8 << 20;

/// What happens to the body of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyLimit {
    /// Up to this many bytes, handed out with the frame.
    Keep(u32),
    /// Up to this many bytes, counted and dropped: the frame is handed out with an empty body.
    Skip(u32),
    /// The command may not be sent at all.
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    HandshakeOnly,
    /// Before the handshake, pings too.
    HandshakeOrPing,
    Anonymity,
    Public,
}

/// The limits of one link in one phase of its life. Plain data; the link passes the current ones to each
/// [`Decoder::feed`](super::Decoder::feed), so they may change between two frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    phase: Phase,
    total: u32,
    body: u32,
}

impl FrameLimits {
    /// Before the handshake: command 1001 up to 65,536 bytes; everything else, noise and fragments too, is an error
    /// as soon as its header is complete. monerod allows 256 KiB of anything here.
    #[must_use]
    pub const fn handshake_only() -> Self {
        Self { phase: Phase::HandshakeOnly, total: HANDSHAKE_TOTAL, body: u32::MAX }
    }

    /// The same with command 1003, a ping, up to 4,096 bytes: monerod sends it without a handshake to an address that a
    /// handshake named.
    #[must_use]
    pub const fn with_ping(self) -> Self {
        match self.phase {
            Phase::HandshakeOnly => Self { phase: Phase::HandshakeOrPing, ..self },
            _ => self,
        }
    }

    /// After the handshake on an anonymity network, 4 MiB in all where monerod allows 100 MB: the largest legal
    /// message is a batch of transactions, each at most 1,000,000 bytes.
    ///
    /// 1001 and 1002 keep 65,536 bytes, 2002 what the total leaves. Other commands are never acted upon here, but
    /// monerod tolerates them, so bodies within its own limit for the command (and the total) are skipped.
    #[must_use]
    pub const fn anonymity() -> Self {
        Self { phase: Phase::Anonymity, total: ANONYMITY_TOTAL, body: u32::MAX }
    }

    /// After the handshake on the public network: monerod's table, 8 MiB in all.
    ///
    /// The largest frames that reach a node which never asks for blocks are of 4 MiB (fluffy blocks, pool
    /// complements, chain entries); 8 MiB holds one of them beside a half-assembled message. Unknown commands are skipped.
    #[must_use]
    pub const fn public() -> Self {
        Self { phase: Phase::Public, total: PUBLIC_TOTAL, body: u32::MAX }
    }

    /// The same with at most `bytes` held for the link in all: a frame being received plus a half-assembled message.
    /// No body may be longer than that.
    #[must_use]
    pub const fn with_total(self, bytes: u32) -> Self {
        Self { total: bytes, ..self }
    }

    /// The same with no command's body above `bytes`; commands with a smaller limit keep theirs. Fragment and noise
    /// frames have no command: the total limits them.
    #[must_use]
    pub const fn with_body(self, bytes: u32) -> Self {
        Self { body: bytes, ..self }
    }

    /// The most bytes that the link may make us hold.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.total
    }

    /// What may come with `command`, in a frame of its own or re-assembled.
    #[must_use]
    pub const fn body(&self, command: u32) -> BodyLimit {
        let most = self.cap(monerod_limit(command));
        match (self.phase, command) {
            (_, HANDSHAKE) => BodyLimit::Keep(most),
            (Phase::HandshakeOrPing, PING) => BodyLimit::Keep(most),
            (Phase::HandshakeOnly | Phase::HandshakeOrPing, _) => BodyLimit::Refuse,
            (Phase::Anonymity, TIMED_SYNC | NEW_TRANSACTIONS) => BodyLimit::Keep(most),
            (Phase::Public, TIMED_SYNC | 1003 | 1007 | 2001..=2004 | 2006..=2010) => BodyLimit::Keep(most),
            (Phase::Anonymity | Phase::Public, _) => BodyLimit::Skip(most),
        }
    }

    /// What one fragment or noise frame may carry.
    pub(super) const fn fragment(&self) -> BodyLimit {
        match self.phase {
            Phase::HandshakeOnly | Phase::HandshakeOrPing => BodyLimit::Refuse,
            Phase::Anonymity | Phase::Public => BodyLimit::Keep(self.total),
        }
    }

    const fn cap(&self, mut bytes: u32) -> u32 {
        if bytes > self.body {
            bytes = self.body;
        }
        if bytes > self.total { self.total } else { bytes }
    }
}

/// `get_max_bytes` (spec `levin.md` §2); commands that are not in the table are unlimited.
const fn monerod_limit(command: u32) -> u32 {
    match command {
        HANDSHAKE | TIMED_SYNC => 65_536,
        1003 | 1007 => 4_096,
        2001 | NEW_TRANSACTIONS | 2004 => 134_217_728,
        2003 => 2_097_152,
        2006 => 524_288,
        2007 | 2008 | 2010 => 4_194_304,
        2009 => 1_048_576,
        _ => u32::MAX,
    }
}
