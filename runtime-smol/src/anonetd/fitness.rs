//! What monerods relay, as far as it can be seen without a chain: who hands in what they would not take hears it before OK,
//! and not after 72 hours of silence.
//!
//! Source: spec `rpc-and-wallet.md` §2 and §5.3; the numbers are those of the network since hard fork 15. A later fork may have
//! others, which is why nothing but the fee is looked at beyond the one that is known.

use std::fmt;

use monero_oxide::ringct::RctType;
use monero_oxide::transaction::{Input, Timelock, Transaction};

/// Members of a ring.
const RING: usize = 16;

/// Outputs: one would give away that it is change, and range proofs are made for no more than the other.
const OUTPUTS: (usize, usize) = (2, 16);

/// Weight: half of the smallest full block, but for what a miner's transaction takes.
const WEIGHT: usize = 149_400;

/// Bytes of the field `extra` that are relayed.
const EXTRA: usize = 1_060;

/// Hard forks whose rules these are.
const VERSIONS: (u8, u8) = (15, 16);

/// In percent of the daemon's lowest estimate. Daemons take 5 % less than they estimate and forgive 2 %, and a block in between
/// may change it.
const FEE_PERCENT: u128 = 92;

/// What the daemon says of the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The hard fork; that of today without a daemon.
    pub(crate) version: Option<u8>,
    /// The lowest fee for each unit of weight, in atomic units.
    pub(crate) fee: Option<u64>,
}

/// What is wrong with a transaction, in monerod's words and with its flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    RingSize,
    InvalidInput,
    InvalidOutput,
    TooBig,
    FeeTooLow,
    TooFewOutputs,
    ExtraTooBig,
    UnlockTime,
}

impl Flaw {
    const fn words(self) -> &'static str {
        match self {
            Self::RingSize => "bad ring size",
            Self::InvalidInput => "invalid input",
            Self::InvalidOutput => "invalid output",
            Self::TooBig => "too big",
            Self::FeeTooLow => "fee too low",
            Self::TooFewOutputs => "too few outputs",
            Self::ExtraTooBig => "tx-extra too big",
            Self::UnlockTime => "tx unlock time is not zero",
        }
    }
}

/// All of them, in monerod's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flaws(Vec<Flaw>);

impl Flaws {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, flaw: Flaw) -> bool {
        self.0.contains(&flaw)
    }
}

impl fmt::Display for Flaws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|flaw| flaw.words()).collect();
        f.write_str(&words.join(", "))
    }
}

impl Rules {
    /// What of a transaction is against them.
    pub(crate) fn flaws(&self, tx: &Transaction) -> Flaws {
        let mut flaws = Vec::new();
        let mut look = |flaw, is_wrong| {
            if is_wrong {
                flaws.push(flaw);
            }
        };
        let known = self.version.is_none_or(|version| (VERSIONS.0..=VERSIONS.1).contains(&version));
        let (prefix, weight) = (tx.prefix(), tx.weight());
        // outputs from before RingCT have an amount, and may have too few others of the same for a ring
        let fits = |input: &Input| !matches!(input, Input::ToKey { key_offsets, amount: None, .. } if key_offsets.len() != RING);
        let proofs = match tx {
            Transaction::V2 { proofs, .. } => proofs.as_ref(),
            Transaction::V1 { .. } => None,
        };
        if known {
            look(Flaw::RingSize, !prefix.inputs.iter().all(fits));
            look(Flaw::InvalidInput, prefix.inputs.is_empty());
            let untagged = self.version != Some(VERSIONS.0) && prefix.outputs.iter().any(|output| output.view_tag.is_none());
            let old = proofs.is_some_and(|proofs| proofs.rct_type() != RctType::ClsagBulletproofPlus);
            look(Flaw::InvalidOutput, untagged || old || prefix.outputs.len() > OUTPUTS.1);
            look(Flaw::TooBig, weight > WEIGHT);
        }
        let least = self.fee.map_or(0, |fee| u128::from(fee) * weight as u128 * FEE_PERCENT / 100);
        look(Flaw::FeeTooLow, proofs.is_some_and(|proofs| proofs.base.fee == 0 || u128::from(proofs.base.fee) < least));
        if known {
            look(Flaw::TooFewOutputs, proofs.is_some() && prefix.outputs.len() < OUTPUTS.0);
            look(Flaw::ExtraTooBig, prefix.extra.len() > EXTRA);
            look(Flaw::UnlockTime, prefix.additional_timelock != Timelock::None);
        }
        Flaws(flaws)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use monero_oxide::transaction::NotPruned;

    use super::super::hex;
    use super::*;

    fn tx() -> Transaction {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/tor/tx-1.hex");
        Transaction::<NotPruned>::read(&mut &hex::decode(&fs::read(path).unwrap()).unwrap()[..]).unwrap()
    }

    fn words(rules: Rules, change: impl FnOnce(&mut Transaction)) -> String {
        let mut tx = tx();
        change(&mut tx);
        rules.flaws(&tx).to_string()
    }

    fn with_prefix(change: impl FnOnce(&mut monero_oxide::transaction::TransactionPrefix)) -> String {
        words(Rules::default(), |tx| match tx {
            Transaction::V1 { prefix, .. } | Transaction::V2 { prefix, .. } => change(prefix),
        })
    }

    fn with_fee(fee: u64, rules: Rules) -> String {
        words(rules, |tx| {
            let Transaction::V2 { proofs: Some(proofs), .. } = tx else { unreachable!() };
            proofs.base.fee = fee;
        })
    }

    #[test]
    fn each_rule_has_its_words() {
        let ring = |prefix: &mut monero_oxide::transaction::TransactionPrefix, to: usize| {
            let Input::ToKey { key_offsets, .. } = &mut prefix.inputs[0] else { unreachable!() };
            key_offsets.resize(to, 1);
        };
        assert_eq!(with_prefix(|_| ()), "");
        for (found, expected) in [
            (with_prefix(|prefix| ring(prefix, 15)), "bad ring size"),
            (with_prefix(|prefix| ring(prefix, 17)), "bad ring size"),
            (with_prefix(|prefix| prefix.inputs.clear()), "invalid input"),
            (with_prefix(|prefix| prefix.outputs[1].view_tag = None), "invalid output"),
            (with_prefix(|prefix| prefix.outputs.resize(17, prefix.outputs[0].clone())), "invalid output"),
            (with_prefix(|prefix| prefix.outputs.truncate(1)), "too few outputs"),
            (with_prefix(|prefix| prefix.extra.resize(1_061, 0)), "tx-extra too big"),
            (with_prefix(|prefix| prefix.extra.resize(1_060, 0)), ""),
            (with_prefix(|prefix| prefix.additional_timelock = Timelock::Block(5)), "tx unlock time is not zero"),
            (with_prefix(|prefix| prefix.extra.resize(150_000, 0)), "too big, tx-extra too big"),
            (with_fee(0, Rules::default()), "fee too low"),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_fee_is_measured_by_what_the_daemon_asks_for() {
        let weight = tx().weight() as u64;
        let rules = Rules { version: Some(16), fee: Some(20_000) };
        for (percent, expected) in [(91, "fee too low"), (92, ""), (100, "")] {
            assert_eq!(with_fee(weight * 20_000 / 100 * percent + 2_000, rules), expected, "{percent}");
        }
        assert_eq!(with_fee(1, Rules { fee: None, ..rules }), "");
        let later = Rules { version: Some(17), fee: Some(u64::MAX) };
        assert_eq!(
            words(later, |tx| {
                let Transaction::V2 { prefix, .. } = tx else { unreachable!() };
                prefix.outputs.truncate(1);
            }),
            "fee too low",
            "what a later fork asks for is not known here"
        );
    }
}
