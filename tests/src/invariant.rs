//! The invariant of a configured anonymity zone, attacked with random faults: no byte of an own transaction is ever written
//! to a public link, and none is lost.
//!
//! A seed draws the policy's turn, the zones, the peers and a schedule of faults: proxies that fail, peers that refuse, are silent or read
//! nothing, links that break, and restarts with what was written down. Peers take transactions and tell nobody, so no copy comes
//! back and the public zone has no reason to see one.

use std::fmt;
use std::time::Duration;

use anonet_core::{Config, Exposure, LocalTx, RelayPolicy, StashState, StoredTx, TxId, ZoneConfig, ZoneId, ZoneKind};
use bytes::Bytes;
use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::world::World;
use crate::world::cast::{addr, config, zone};

/// The policies that take turns, one seed each.
pub const POLICIES: [RelayPolicy; 3] = [RelayPolicy::Courier, RelayPolicy::Fluff, RelayPolicy::Noise];

const FAULTS: usize = 40;
const TXS: u8 = 8;
const PEERS: usize = 3;

/// When nothing fails any more: so long, and again as long as something has not left, so many times.
const CALM: (Duration, u32) = (Duration::from_secs(600), 36);

/// What was found to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// Bytes of an own transaction on a public link.
    Leaked(u8),
    /// An own transaction is neither kept nor at a peer.
    Lost(u8),
    /// An own transaction had six calm hours and has not left.
    Stuck(u8),
    /// The public zone was never in use, so that nothing was tried.
    Idle,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaked(tx) => write!(f, "transaction {tx} on a public link"),
            Self::Lost(tx) => write!(f, "transaction {tx} is lost"),
            Self::Stuck(tx) => write!(f, "transaction {tx} never left"),
            Self::Idle => f.write_str("no public link was made"),
        }
    }
}

impl std::error::Error for Broken {}

/// One seed's run.
#[derive(Debug)]
pub struct Run {
    world: World,
    rng: ChaCha20Rng,
    user: usize,
    config: Config,
    submitted: u8,
    others: Vec<usize>,
}

/// Runs a seed and says what is broken.
///
/// # Errors
/// [`Broken`]: a bug of the core.
pub fn check(seed: u64) -> Result<(), Broken> {
    let run = Run::of(seed);
    for number in 0..run.submitted {
        run.check(number)?;
    }
    if run.world.record.written(run.user, ZoneKind::Public).next().is_none() { Err(Broken::Idle) } else { Ok(()) }
}

/// Every run uses the same few transactions, which no other message contains.
fn blob(number: u8) -> Bytes {
    Bytes::from(vec![0xa0 | number; 600])
}

impl Run {
    /// Plays a seed to its end.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut world = World::new(seed);
        let relay = POLICIES[seed as usize % POLICIES.len()];
        let kinds: &[ZoneKind] = match rng.next_u32() % 4 {
            0 => &[ZoneKind::Tor],
            1 => &[ZoneKind::I2p],
            _ => &[ZoneKind::Tor, ZoneKind::I2p],
        };
        let peers = |kind| if kind == ZoneKind::I2p { PEERS - 1 } else { PEERS };
        let names = |kind| (1..=peers(kind)).collect::<Vec<usize>>();
        let mut zones: Vec<ZoneConfig> = kinds.iter().map(|&kind| zone(kind, 0, &names(kind))).collect();
        zones.iter_mut().for_each(|zone| zone.relay = relay);
        zones.insert(rng.next_u32() as usize % (zones.len() + 1), zone(ZoneKind::Public, 0, &names(ZoneKind::Public)));
        let mut config = config(zones);
        config.pad_transactions = rng.next_u32() % 2 == 0;
        let user = world.add(config.clone());
        let listening = |kind| names(kind).into_iter().map(move |index| self::config([zone(kind, index, &[])]));
        let all = [&[ZoneKind::Public], kinds].concat();
        let others = all.into_iter().flat_map(listening).map(|config| world.add(config)).collect();
        let mut run = Self { world, rng, user, config, submitted: 0, others };
        for _ in 0..FAULTS {
            run.fault();
            let pause = Duration::from_millis(run.below(30_000).into());
            run.world.run_for(pause);
        }
        run.world.faults = crate::world::Faults::default();
        for _ in 0..CALM.1 {
            run.world.run_for(CALM.0);
            if (0..run.submitted).all(|number| run.has_left(number)) {
                break;
            }
        }
        run
    }

    /// What is compared between two runs.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.world.record.hash()
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.rng.next_u32() % bound
    }

    fn anonymous(&mut self) -> (ZoneId, ZoneKind) {
        let zones: Vec<_> = self.world.node(self.user).zones().map(|zone| (zone.id, zone.kind)).collect();
        let anonymous: Vec<_> = zones.into_iter().filter(|(_, kind)| kind.is_anonymity()).collect();
        anonymous[self.below(anonymous.len() as u32) as usize]
    }

    fn fault(&mut self) {
        let (zone, kind) = self.anonymous();
        let peer = addr(kind, 1 + self.below(2) as usize);
        match self.below(9) {
            0 => drop(self.world.faults.proxies_down.insert((self.user, zone))),
            1 => self.world.faults.proxies_down.clear(),
            2 => drop(self.world.faults.refusing.insert(peer)),
            3 => drop(self.world.faults.silent.insert(peer)),
            4 => self.world.cut_all(self.user),
            5 => {
                let other = self.below(self.others.len() as u32) as usize;
                self.world.faults.deaf.insert(self.others[other]);
            }
            6 => {
                self.world.faults.deaf.clear();
                self.world.faults.refusing.clear();
            }
            7 => self.restart(),
            _ if self.submitted < TXS => {
                let (number, tx) = (self.submitted, LocalTx::new(blob(self.submitted)).expect("it has a legal size"));
                let submit = self.world.call(self.user, |node, now| node.submit_tx(now, TxId::new([number; 32]), tx));
                submit.expect("the stash has room");
                self.submitted += 1;
            }
            _ => self.world.faults.silent.clear(),
        }
    }

    /// Ends the user's node as a power cut would, and starts it with what it had written down of its transactions.
    fn restart(&mut self) {
        let exposure = |state| if matches!(state, StashState::Held(_)) { Exposure::Nobody } else { Exposure::Anonymity };
        let kept: Vec<_> = self.world.node(self.user).stash().map(|report| (report.id, exposure(report.state))).collect();
        self.world.kill(self.user);
        self.world.start(self.user, self.config.clone());
        for (id, exposure) in kept {
            let tx = LocalTx::new(blob(id.as_bytes()[0])).expect("it has a legal size");
            let uses = Vec::new();
            self.world
                .call(self.user, |node, now| node.restore_tx(now, StoredTx { id, tx, submitted: now, exposure, uses }))
                .expect("the stash has room");
        }
    }

    fn stands(&self, number: u8, kind: ZoneKind) -> bool {
        self.world.record.written(self.user, kind).any(|stream| has_row(stream, blob(number)[0], 64))
    }

    fn has_left(&self, number: u8) -> bool {
        self.stands(number, ZoneKind::Tor) || self.stands(number, ZoneKind::I2p)
    }

    fn check(&self, number: u8) -> Result<(), Broken> {
        if self.stands(number, ZoneKind::Public) {
            return Err(Broken::Leaked(number));
        }
        let report = self.world.node(self.user).stash().find(|report| report.id.as_bytes()[0] == number);
        match report.map(|report| report.state) {
            None => Err(Broken::Lost(number)),
            Some(_) if !self.has_left(number) => Err(Broken::Stuck(number)),
            Some(_) => Ok(()),
        }
    }
}

/// Whether so many of one byte stand in a row.
fn has_row(stream: &[u8], of: u8, length: usize) -> bool {
    let mut row = 0;
    stream.iter().any(|&byte| {
        row = if byte == of { row + 1 } else { 0 };
        row >= length
    })
}
