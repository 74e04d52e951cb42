//! A user whose node dies again and again.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::life::{Door, Life};
use super::{Cast, Draw, Known, Ledger, Minted, PARTS};
use crate::common::monerod::Monerod;
use crate::common::{Scratch, heard, store_peers};

const PASSPHRASE: &str = "correct horse";

/// Couriers so often that lives of a second hand something over, and the pauses that hold up what may have left.
const OFTEN: &str = "--privacy fast --courier-every 1,1,2 --courier-first-record 0.1,0.2 --courier-gap 0.02,0.05 --courier-rest 1 \
                     --retry-pause 1,2";

/// Calls in one life that hand something in, at most: each is a row that stays.
const CALLS: u64 = 6;

/// A peer that is not among the others, does not answer, and is in the list of peers that has to outlive all.
const HEARD_OF: &str = "ofcpkm3stoeea5zinsyq336rzokkugmezzeay27qr6ui7lplsx3qvyyd.onion:18083";

/// The life that finds a list of peers, and ends in peace, so that it writes its own.
const PEACE: u64 = 3;

/// When a life ends.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after its start, ready or not.
    Start(Duration),
    /// So long after it was ready, with calls under way.
    Load(Duration),
    /// The same, and then as soon after a submission was sent.
    Commit(Duration, Duration),
    /// So soon after a transaction has arrived somewhere, or after a few seconds without one.
    HandOver(Duration),
    /// So soon after it was asked to stop, following a while under load.
    Stop(Duration, Duration),
}

impl Moment {
    fn draw(draw: &mut Draw) -> Self {
        match draw.below(10) {
            0 | 1 => Self::Start(draw.millis(0..250)),
            2 | 3 => Self::Load(draw.millis(0..2_000)),
            4 | 5 => Self::Commit(draw.millis(0..800), draw.millis(0..12)),
            6..=8 => Self::HandOver(draw.millis(0..5)),
            _ => Self::Stop(draw.millis(0..800), draw.millis(0..60)),
        }
    }
}

/// What came of the lives of one world.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) kills: u64,
    pub(crate) handed_in: usize,
    /// Without an answer: kept by the node, and not.
    pub(crate) unanswered: [usize; 2],
    /// Hosts that got one, counted for each transaction.
    pub(crate) handed: usize,
    /// Transactions that came whole to some node.
    pub(crate) delivered: usize,
    /// Transactions that the daemon has shown.
    pub(crate) shown: usize,
}

/// One data directory and all that happens to it.
pub(crate) struct World {
    seed: u64,
    number: u64,
    dir: Arc<Scratch>,
    cast: Cast,
    daemon: Option<Monerod>,
    ledger: Mutex<Ledger>,
    /// The life from which on the stash is sealed.
    sealed_from: u64,
    shown: BTreeSet<u64>,
    kills: u64,
}

impl World {
    pub(crate) fn new(seed: u64, number: u64, lives: u64) -> Self {
        let mut draw = Draw::new(seed, [number, 0, 0]);
        let dir = Arc::new(Scratch::new());
        let file = dir.file("passphrase", PASSPHRASE);
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        // sealed from the start, on the way, or never
        let sealed_from = if number.is_multiple_of(2) { u64::MAX } else { draw.below(lives) + 2 };
        let daemon = (number % 4 < 2).then(Monerod::start);
        let ledger = Mutex::default();
        Self { seed, number, dir, cast: Cast::start(), daemon, ledger, sealed_from, shown: BTreeSet::new(), kills: 0 }
    }

    /// The life of this number, counted from 1. The first ones are killed while they make their files.
    pub(crate) fn live(&mut self, number: u64) {
        let mut draw = Draw::new(self.seed, [self.number, number, 0]);
        let moment = match number {
            1..PEACE => Moment::Start(draw.millis(10..200)),
            PEACE => Moment::HandOver(Duration::ZERO),
            // killed in the middle of sealing, if it takes so long
            _ if (self.sealed_from..self.sealed_from.saturating_add(2)).contains(&number) => Moment::Start(draw.millis(50..600)),
            _ => Moment::draw(&mut draw),
        };
        let options = self.options(number, &mut draw);
        if number == PEACE {
            let data = self.dir.path().join("data");
            // those before may have been killed too early to make it
            fs::create_dir_all(&data).unwrap();
            store_peers(&data.join("peers.redb"), &heard(HEARD_OF));
        }
        let mut life = Life::begin(&self.dir, &options);
        let killed = match moment {
            Moment::Start(age) => {
                life.age_to(age);
                life.signal(Signal::KILL);
                life.end(false)
            }
            _ => {
                let Some(status) = life.ready() else { return };
                self.ledger.lock().unwrap().compare(&status);
                self.compare_directory();
                let known = life.says("peers known from earlier runs: 1");
                let killed = self.load(&mut life, moment, number);
                assert!(known, "the list of peers is lost:\n{}", life.end_of_log());
                killed
            }
        };
        self.kills += u64::from(killed);
        self.look_back(number);
    }

    pub(crate) fn tally(&self) -> Tally {
        let ledger = self.ledger.lock().unwrap();
        Tally {
            kills: self.kills,
            handed_in: ledger.count(),
            unanswered: ledger.unanswered,
            handed: ledger.handed(),
            delivered: self.cast.delivered().len(),
            shown: self.shown.len(),
        }
    }

    fn options(&self, number: u64, draw: &mut Draw) -> Vec<String> {
        let mut options = self.cast.options();
        let policy = if draw.once_in(4) { "fluff" } else { "courier" };
        options.extend(["--relay-policy", policy].into_iter().chain(OFTEN.split_whitespace()).map(str::to_owned));
        if number >= self.sealed_from {
            options.extend(["--stash-passphrase-file".into(), self.dir.path().join("passphrase").display().to_string()]);
        }
        if let Some(daemon) = &self.daemon {
            options.extend(["--daemon-address".to_owned(), daemon.option()]);
        }
        options
    }

    /// Calls come while it lives, up to the moment of its end; whether it was killed.
    fn load(&self, life: &mut Life, moment: Moment, number: u64) -> bool {
        let course = Course::default();
        thread::scope(|scope| {
            let life = &*life;
            let caller = |door, part| {
                let draw = Draw::new(self.seed, [self.number, number, 1 + part]);
                Caller { ledger: &self.ledger, life, course: &course, door, part, first: number * (CALLS + 1), draw }
            };
            for (door, part) in [(Door::Control, 0), (Door::Rpc, 1)] {
                let mut caller = caller(door, part);
                scope.spawn(move || caller.call());
            }
            match moment {
                Moment::Start(span) | Moment::Load(span) => thread::sleep(span),
                Moment::Commit(span, then) => {
                    thread::sleep(span);
                    let mut last = caller(Door::Control, 2);
                    scope.spawn(move || last.hand_in(CALLS));
                    thread::sleep(then);
                }
                Moment::HandOver(then) => {
                    self.cast.arrival_within(Duration::from_secs(3));
                    thread::sleep(then);
                }
                Moment::Stop(span, then) => {
                    thread::sleep(span);
                    course.stopping.store(true, Ordering::SeqCst);
                    life.signal(Signal::TERM);
                    thread::sleep(then);
                }
            }
            course.over.store(true, Ordering::SeqCst);
            if number != PEACE {
                life.signal(Signal::KILL);
            }
        });
        if number == PEACE {
            life.stop();
            return false;
        }
        life.end(course.stopping.into_inner())
    }

    /// One more life, in peace: all that was accepted is there at its begin and after its end.
    pub(crate) fn rest(&mut self, number: u64) {
        let mut draw = Draw::new(self.seed, [self.number, number, 0]);
        let options = self.options(number, &mut draw);
        let mut life = Life::begin(&self.dir, &options);
        if let Some(status) = life.ready() {
            self.ledger.lock().unwrap().compare(&status);
            life.stop();
        }
        self.look_back(number);
    }

    /// Nothing but what is used, whatever was half done when the lives before ended.
    fn compare_directory(&self) {
        let entries = fs::read_dir(self.dir.path().join("data")).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(
            names,
            ["control.sock", "lock", "peers.redb", "rpc_ssl.crt", "rpc_ssl.key", "stash.redb"],
            "something piles up in the data directory"
        );
    }

    /// What the hosts were told in the life of this number, and what it left on disk. The daemon then shows some of what has
    /// arrived.
    fn look_back(&mut self, number: u64) {
        let ledger = self.ledger.get_mut().unwrap();
        for (host, numbers) in self.cast.overhear() {
            ledger.told(host, numbers);
        }
        let copy = self.dir.path().join("copy");
        // the very first start may have been killed before there was one
        if fs::copy(self.dir.path().join("data/stash.redb"), &copy).is_ok() {
            let passphrase = (number >= self.sealed_from).then_some(PASSPHRASE);
            smol::block_on(ledger.compare_file(&copy, passphrase));
        } else {
            assert!((0..PARTS).all(|part| ledger.kept(part).is_empty()), "the stash is gone");
        }
        let mut draw = Draw::new(self.seed, [self.number, number, 9]);
        if let Some(daemon) = &self.daemon {
            for number in self.cast.delivered() {
                if !self.shown.contains(&number)
                    && draw.once_in(6)
                    && let Some(id) = ledger.show(number)
                {
                    daemon.says.lock().unwrap().pool.push(id.to_owned());
                    self.shown.insert(number);
                }
            }
        }
    }
}

/// How far the end of a life has come.
#[derive(Default)]
struct Course {
    /// It was asked to stop.
    stopping: AtomicBool,
    /// It is killed at this moment.
    over: AtomicBool,
}

/// One who calls, by one door and with transactions of its own.
struct Caller<'a> {
    ledger: &'a Mutex<Ledger>,
    life: &'a Life,
    course: &'a Course,
    door: Door,
    /// Which part of all numbers is its own.
    part: u64,
    first: u64,
    draw: Draw,
}

impl Caller<'_> {
    fn call(&mut self) {
        for call in 0..CALLS {
            thread::sleep(self.draw.millis(0..200));
            if self.course.over.load(Ordering::SeqCst) {
                return;
            }
            match self.draw.below(12) {
                0 => self.hand_in_again(),
                1 => self.abandon(),
                _ => self.hand_in(call),
            }
        }
    }

    fn hand_in(&mut self, call: u64) {
        let tx = Minted::new((self.first + call) * PARTS + self.part, &mut self.draw);
        self.ledger().handing_in(&tx);
        if self.judge(self.life.submit(&tx, self.door)).is_some() {
            self.ledger().set(tx.number, Known::Kept);
        }
    }

    fn hand_in_again(&mut self) {
        if let Some(tx) = self.one() {
            let known = self.judge(self.life.submit(&tx, self.door));
            assert_ne!(known, Some(false), "transaction {} was accepted and is not known", tx.number);
        }
    }

    fn abandon(&mut self) {
        if let Some(tx) = self.one() {
            self.ledger().set(tx.number, Known::Abandoning);
            if self.judge(self.life.abandon(&tx)).is_some() {
                self.ledger().set(tx.number, Known::Abandoned);
            }
        }
    }

    /// One of its own that the node has.
    fn one(&mut self) -> Option<Minted> {
        let ledger = self.ledger.lock().unwrap();
        let kept = ledger.kept(self.part);
        let place = self.draw.below(kept.len().max(1) as u64);
        kept.get(place as usize).map(|tx| (*tx).clone())
    }

    /// An answer, unless there is none for a good reason.
    fn judge<T, R: std::fmt::Debug>(&self, answer: std::io::Result<Result<T, R>>) -> Option<T> {
        match answer {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(refusal)) => {
                assert!(self.course.stopping.load(Ordering::SeqCst), "refused: {refusal:?}");
                None
            }
            Err(error) => {
                let ends = self.course.over.load(Ordering::SeqCst) || self.course.stopping.load(Ordering::SeqCst);
                assert!(ends, "no answer, and it lives: {error}");
                None
            }
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }
}
