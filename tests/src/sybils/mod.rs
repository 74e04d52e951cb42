//! A node among honest peers and hostile ones that push made-up names, in virtual minutes: whom does it dial?
//!
//! Honest peers, three in ten of which are gone, tell of each other; each hostile identity dials the node, and all push the
//! same five thousand made-up names, all of which answer and push in turn, which is the worst they can do. One of them has
//! an outgoing link of the node from the start. Identities are real peers as well: honest ones tell of them, too.

pub mod monerod;
pub mod ours;

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// Honest names are those below this; then come the identities, of which there are fewer than a hundred, and then what they
/// made up.
pub const HONEST: u32 = 1_000;
const MADE_UP: u32 = HONEST + 100;

/// Names that are pushed.
pub const PUSHED: u32 = 5_000;

/// Outgoing links wanted.
pub const WANTED: usize = 12;

/// Entries of one timed sync.
const LIST: u32 = 250;

/// What an honest peer knows.
const KNOWN: u32 = 300;

/// How long a link lasts on average.
const LINK_MINUTES: u32 = 10;

/// Dials that a node may try in a minute.
const ATTEMPTS: u32 = 60;

/// A peer's name, by number.
pub type Name = u32;

/// Who told of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Teller {
    /// The peer of an outgoing link.
    Outgoing(Name),
    /// One who dialled us.
    Incoming,
}

/// A way to keep peers and to choose whom to dial. Time is in minutes.
pub trait Policy {
    /// A peer told of others.
    fn heard(&mut self, now: u32, from: Teller, names: &[Name]);
    /// Whom to dial with so many links; `None`: nobody this time.
    fn choose(&mut self, now: u32, outgoing: usize) -> Option<Name>;
    /// What became of it.
    fn dialled(&mut self, now: u32, name: Name, answers: bool);
    /// The peer of an outgoing link answered a timed sync.
    fn seen(&mut self, now: u32, name: Name);
    /// An outgoing link has ended.
    fn ended(&mut self, now: u32, name: Name);
    /// Has an outgoing link to this name from now on.
    fn link(&mut self, now: u32, name: Name);
    /// Whom to verify in the background, and what came of it.
    fn check(&mut self, now: u32, answers: &dyn Fn(Name) -> bool);
}

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// Hostile identities.
    pub identities: u32,
    /// Minutes before they come.
    pub peace: u32,
    /// Minutes after.
    pub attack: u32,
    /// Of all draws.
    pub seed: u64,
}

/// What came of it, since the hostile came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Dials for links.
    pub dials: u32,
    /// Of these, to hostile names.
    pub hostile_dials: u32,
    /// Minutes of links.
    pub link_minutes: u32,
    /// Of these, to hostile names.
    pub hostile_minutes: u32,
}

impl Outcome {
    /// Adds another run.
    pub const fn add(&mut self, other: Self) {
        self.dials += other.dials;
        self.hostile_dials += other.hostile_dials;
        self.link_minutes += other.link_minutes;
        self.hostile_minutes += other.hostile_minutes;
    }
}

struct Link {
    name: Name,
    /// What an honest peer still has to tell, or where a hostile one is in its names.
    untold: Vec<Name>,
    next: u32,
}

struct Play<'a> {
    scene: Scene,
    policy: &'a mut dyn Policy,
    rng: ChaCha20Rng,
    links: Vec<Link>,
    incoming: Vec<u32>,
    outcome: Outcome,
}

/// Plays a scene.
pub fn play(scene: Scene, policy: &mut dyn Policy) -> Outcome {
    let rng = ChaCha20Rng::seed_from_u64(scene.seed);
    let mut play = Play { scene, policy, rng, links: Vec::new(), incoming: Vec::new(), outcome: Outcome::default() };
    // what the user knows: one honest peer that is there
    play.policy.heard(0, Teller::Incoming, &[HONEST - 1]);
    for now in 0..scene.peace + scene.attack {
        if now == scene.peace {
            play.attack(now);
        }
        play.minute(now, now >= scene.peace);
    }
    play.outcome
}

const fn is_hostile(name: Name) -> bool {
    name >= HONEST
}

/// Three honest peers in ten are gone; whoever is hostile is there.
const fn answers(name: Name) -> bool {
    is_hostile(name) || name % 10 >= 3
}

impl Play<'_> {
    fn below(&mut self, bound: u32) -> u32 {
        self.rng.next_u32() % bound
    }

    fn attack(&mut self, now: u32) {
        self.incoming = vec![0; self.scene.identities as usize];
        if let Some(link) = self.links.pop() {
            self.policy.ended(now, link.name);
        }
        self.policy.link(now, HONEST);
        self.join(HONEST);
    }

    fn join(&mut self, name: Name) {
        let untold = if is_hostile(name) { Vec::new() } else { self.honest_list() };
        self.links.push(Link { name, untold, next: 0 });
    }

    /// What an honest peer knows: honest names, and identities in proportion.
    fn honest_list(&mut self) -> Vec<Name> {
        let identities = if self.incoming.is_empty() { 0 } else { self.scene.identities };
        let mut known = std::collections::BTreeSet::new();
        while known.len() < KNOWN as usize {
            let drawn = self.below(HONEST + identities);
            known.insert(drawn);
        }
        let mut list: Vec<Name> = known.into_iter().collect();
        for place in (1..list.len()).rev() {
            let other = self.below(place as u32 + 1);
            list.swap(place, other as usize);
        }
        list
    }

    fn minute(&mut self, now: u32, counts: bool) {
        for place in (0..self.links.len()).rev() {
            if self.below(LINK_MINUTES) == 0 {
                let link = self.links.swap_remove(place);
                self.policy.ended(now, link.name);
            }
        }
        self.fill(now, counts);
        for place in 0..self.links.len() {
            self.sync(now, place);
        }
        for identity in 0..self.incoming.len() {
            let names = pushed(&mut self.incoming[identity]);
            self.policy.heard(now, Teller::Incoming, &names);
        }
        self.policy.check(now, &answers);
        if counts {
            self.outcome.link_minutes += self.links.len() as u32;
            self.outcome.hostile_minutes += self.links.iter().filter(|link| is_hostile(link.name)).count() as u32;
        }
    }

    fn fill(&mut self, now: u32, counts: bool) {
        for _ in 0..ATTEMPTS {
            if self.links.len() >= WANTED {
                return;
            }
            let Some(name) = self.policy.choose(now, self.links.len()) else { continue };
            if counts {
                self.outcome.dials += 1;
                self.outcome.hostile_dials += u32::from(is_hostile(name));
            }
            self.policy.dialled(now, name, answers(name));
            if answers(name) {
                self.join(name);
            }
        }
    }

    fn sync(&mut self, now: u32, place: usize) {
        let link = &mut self.links[place];
        let names = if is_hostile(link.name) {
            pushed(&mut link.next)
        } else {
            link.untold.drain(..link.untold.len().min(LIST as usize)).collect()
        };
        let name = link.name;
        self.policy.heard(now, Teller::Outgoing(name), &names);
        self.policy.seen(now, name);
    }
}

/// The next of the made-up names, round and round.
fn pushed(next: &mut u32) -> Vec<Name> {
    let names = (0..LIST).map(|offset| MADE_UP + (*next + offset) % PUSHED).collect();
    *next = (*next + LIST) % PUSHED;
    names
}
