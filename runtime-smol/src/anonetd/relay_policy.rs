//! `--relay-policy`.

use anonet_core::{RelayPolicy, ZoneKind};
use thiserror::Error;

/// What `fluff` is and what it gives up, for logs and `status`.
const FLUFF: &str = "own transactions go to every outgoing link of the zone within seconds, with nothing \
    sent in between to hide them: who watches this machine's line can see that something was sent, and when";

/// What `noise` is and what it gives up, likewise.
const NOISE: &str = "on two links at a time a unit of 3,072 bytes leaves every 10 to 15 seconds, whether there is \
    anything to send or not; a transaction takes its place in it, and two peers get it. A peer that gets two can link them";

/// What `courier` is and what it costs, likewise.
const COURIER: &str = "short streams leave on a clock whether there is anything to send or not, each on a circuit of its own; \
    a transaction takes one of them, after a random wait, to a peer that gets no other that day. It takes minutes";

/// What a policy means.
pub(super) fn describe(policy: RelayPolicy) -> &'static str {
    describe_name(policy.name())
}

/// What the policy of this name means; nothing for one that a later version may have.
pub(super) fn describe_name(name: &str) -> &'static str {
    match name {
        "courier" => COURIER,
        "noise" => NOISE,
        "fluff" => FLUFF,
        _ => "",
    }
}

/// The policies of the anonymity zones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RelayPolicies {
    tor: Option<RelayPolicy>,
    i2p: Option<RelayPolicy>,
    others: Option<RelayPolicy>,
}

/// Why a value cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum RelayPolicyError {
    #[error(
        "--relay-policy: there is no such policy; write courier, noise or fluff, or one of them for one network as in tor=noise"
    )]
    Unknown,
    #[error("--relay-policy: only tor= and i2p= can stand before the policy; the public network has no choice of policies")]
    Zone,
    #[error("--relay-policy: the policy of one network is given twice; keep one")]
    Twice,
}

impl RelayPolicies {
    /// Reads all values of the option.
    pub(super) fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, RelayPolicyError> {
        let mut policies = Self::default();
        for value in values {
            let (place, name) = match value.split_once('=') {
                None => (&mut policies.others, value),
                Some(("tor", name)) => (&mut policies.tor, name),
                Some(("i2p", name)) => (&mut policies.i2p, name),
                Some(_) => return Err(RelayPolicyError::Zone),
            };
            let policy = match name {
                "fluff" => RelayPolicy::Fluff,
                "noise" => RelayPolicy::Noise,
                "courier" => RelayPolicy::Courier,
                _ => return Err(RelayPolicyError::Unknown),
            };
            if place.replace(policy).is_some() {
                return Err(RelayPolicyError::Twice);
            }
        }
        Ok(policies)
    }

    /// The policy of one zone; `courier` if the user chose none.
    pub(super) fn of(self, zone: ZoneKind) -> RelayPolicy {
        let own = match zone {
            ZoneKind::Tor => self.tor,
            ZoneKind::I2p => self.i2p,
            _ => None,
        };
        own.or(self.others).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        for good in [&[][..], &["courier"], &["tor=courier", "i2p=courier"]] {
            let policies = RelayPolicies::parse(good.iter().copied()).unwrap();
            assert_eq!([ZoneKind::Tor, ZoneKind::I2p].map(|zone| policies.of(zone)), [RelayPolicy::Courier; 2]);
        }
        for good in [&["fluff"][..], &["fluff", "tor=fluff", "i2p=fluff"]] {
            let policies = RelayPolicies::parse(good.iter().copied()).unwrap();
            assert_eq!([ZoneKind::Tor, ZoneKind::I2p].map(|zone| policies.of(zone)), [RelayPolicy::Fluff; 2]);
        }
        let policies = RelayPolicies::parse(["noise", "i2p=fluff"]).unwrap();
        assert_eq!([ZoneKind::Tor, ZoneKind::I2p].map(|zone| policies.of(zone)), [RelayPolicy::Noise, RelayPolicy::Fluff]);
        for (bad, expected) in [
            (&["Fluff"][..], RelayPolicyError::Unknown),
            (&[""], RelayPolicyError::Unknown),
            (&["public=fluff"], RelayPolicyError::Zone),
            (&["fluff", "fluff"], RelayPolicyError::Twice),
        ] {
            let found = RelayPolicies::parse(bad.iter().copied()).unwrap_err();
            assert_eq!(found, expected, "{bad:?}");
            assert!(found.to_string().starts_with("--relay-policy: "));
        }
    }
}
