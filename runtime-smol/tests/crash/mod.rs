//! What the crash loop is made of.

mod cast;
mod draw;
mod ledger;
mod life;
mod minted;
mod world;

use cast::Cast;
use draw::Draw;
use ledger::{Known, Ledger};
use minted::Minted;
pub(crate) use world::{Tally, World};

/// The numbers of transactions are shared out among so many callers.
const PARTS: u64 = 3;
