//! Everything that differs between zones, as one table of data.

use core::time::Duration;

use crate::addr::ZoneKind;
use crate::chain::Shown;
use crate::conn::budget::Rate;
use crate::levin::FrameLimits;
use crate::output::Direction;
use crate::wire::command;

/// One row of the table.
#[derive(Debug)]
pub(crate) struct ZonePolicy {
    /// The peer id that every node of the zone shows, where ids would tell nodes apart (spec: messages §3.4).
    pub(crate) constant_peer_id: Option<u64>,
    /// What `support_flags` says; the bit for fluffy blocks exists in the public zone only.
    pub(crate) support_flags: u32,
    /// Whether nodes name the port on which they listen, and ping each other on it.
    pub(crate) names_port: bool,
    /// What outgoing and incoming links show of the chain. In an anonymity zone an outgoing link must not be known by it.
    pub(crate) shown: (Shown, Shown),
    /// Commands that are handled; others get the answer of spec zones §8.
    pub(crate) commands: &'static [u32],
    /// Whether a copy of an own transaction on outgoing links is evidence that it has spread (design §3).
    pub(crate) echoes: bool,
    /// From [`Output::Dial`](crate::Output::Dial) to the embedder's answer, if the configuration says nothing else. A first
    /// contact with an onion or a lease set takes tens of seconds.
    pub(crate) dial_timeout: Duration,
    /// From the open stream to the finished handshake. An I2P proxy reports success before the peer is reached.
    pub(crate) handshake_timeout: Duration,
    /// After so long a dial counts as slow: it is waited for, but another takes its turn.
    pub(crate) dial_patience: Duration,
    /// Dials under way at once that are not slow.
    pub(crate) dials_in_flight: u32,
    /// Sizes, after the handshake.
    pub(crate) frames: FrameLimits,
    /// Frames that one link may send.
    pub(crate) frame_rate: Rate,
    /// Whether a proxy of this kind separates streams by SOCKS credentials, unless the configuration says otherwise.
    pub(crate) isolates: bool,
}

/// Dials under way at once in one zone, slow ones included; and how many where everything fails.
pub(crate) const DIALS_AT_MOST: (u32, u32) = (16, 4);

/// Pings of peers that dialled us: how many at once, and in the long run, as who dials us makes us dial.
pub(crate) const PINGS_AT_ONCE: u32 = 4;
pub(crate) const PINGS: Rate = Rate { burst: 8, per_second: 1 };

/// Before the handshake, in every zone: one frame, the handshake.
pub(crate) const BEFORE_HANDSHAKE: FrameLimits = FrameLimits::handshake_only();

/// The same where pings come without a handshake: to a node that names a port, and as the answer to its own.
pub(crate) const HANDSHAKE_OR_PING: FrameLimits = FrameLimits::handshake_only().with_ping();

const RELAY_COMMANDS: &[u32] = &[command::HANDSHAKE, command::TIMED_SYNC, command::NEW_TRANSACTIONS];

static PUBLIC: ZonePolicy = ZonePolicy {
    constant_peer_id: None,
    support_flags: 1,
    names_port: true,
    shown: (Shown::TipToEquals, Shown::TipToEquals),
    commands: &[
        command::HANDSHAKE,
        command::TIMED_SYNC,
        command::PING,
        command::SUPPORT_FLAGS,
        command::NEW_TRANSACTIONS,
        command::TXPOOL_COMPLEMENT,
    ],
    echoes: true,
    dial_timeout: Duration::from_secs(10),
    handshake_timeout: Duration::from_secs(10),
    dial_patience: Duration::from_secs(3),
    dials_in_flight: 4,
    frames: FrameLimits::public(),
    frame_rate: Rate { burst: 512, per_second: 32 },
    isolates: false,
};

static TOR: ZonePolicy = ZonePolicy {
    constant_peer_id: Some(1),
    support_flags: 0,
    names_port: false,
    shown: (Shown::Nothing, Shown::Coarse),
    commands: RELAY_COMMANDS,
    echoes: false,
    dial_timeout: Duration::from_secs(90),
    handshake_timeout: Duration::from_secs(30),
    dial_patience: Duration::from_secs(15),
    dials_in_flight: 4,
    frames: FrameLimits::anonymity(),
    frame_rate: Rate { burst: 128, per_second: 4 },
    isolates: true,
};

static I2P: ZonePolicy = ZonePolicy {
    constant_peer_id: Some(1),
    support_flags: 0,
    names_port: false,
    shown: (Shown::Nothing, Shown::Coarse),
    commands: RELAY_COMMANDS,
    echoes: false,
    dial_timeout: Duration::from_secs(120),
    handshake_timeout: Duration::from_secs(45),
    dial_patience: Duration::from_secs(20),
    dials_in_flight: 4,
    frames: FrameLimits::anonymity(),
    frame_rate: Rate { burst: 128, per_second: 4 },
    isolates: false,
};

impl ZonePolicy {
    pub(crate) const fn shown(&self, direction: Direction) -> Shown {
        match direction {
            Direction::Outgoing => self.shown.0,
            Direction::Incoming => self.shown.1,
        }
    }

    pub(crate) const fn of(kind: ZoneKind) -> &'static Self {
        match kind {
            ZoneKind::Public => &PUBLIC,
            ZoneKind::Tor => &TOR,
            ZoneKind::I2p => &I2P,
        }
    }
}
