//! Runs that several adversaries look at are made once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::Policy;
use super::arena::{Run, Scene};

/// A policy and a scene.
type Played = (&'static str, Scene);

/// A number of seeds, and the runs made of them so far.
#[derive(Debug)]
pub struct Bench {
    seeds: u64,
    runs: RefCell<BTreeMap<Played, Rc<[Run]>>>,
    figures: RefCell<BTreeMap<(&'static str, u64), f64>>,
}

impl Bench {
    /// Runs are made of the seeds from 0 on.
    #[must_use]
    pub const fn new(seeds: u64) -> Self {
        Self { seeds, runs: RefCell::new(BTreeMap::new()), figures: RefCell::new(BTreeMap::new()) }
    }

    /// How many.
    #[must_use]
    pub const fn seeds(&self) -> u64 {
        self.seeds
    }

    /// The runs of a policy in a scene, one of each seed.
    #[must_use]
    pub fn runs(&self, policy: Policy, scene: Scene) -> Rc<[Run]> {
        let key = (policy.name(), scene);
        if let Some(runs) = self.runs.borrow().get(&key) {
            return Rc::clone(runs);
        }
        let runs: Rc<[Run]> = (0..self.seeds).map(|seed| Run::of(policy, scene, seed)).collect();
        self.runs.borrow_mut().insert(key, Rc::clone(&runs));
        runs
    }

    /// A figure that several policies share is made once.
    pub fn once(&self, name: &'static str, variant: u64, make: impl FnOnce() -> f64) -> f64 {
        if let Some(figure) = self.figures.borrow().get(&(name, variant)) {
            return *figure;
        }
        let figure = make();
        self.figures.borrow_mut().insert((name, variant), figure);
        figure
    }
}
