//! Routing is total, fails closed, and takes the best zone.

use anonet_core::route::{ExitForm, NoAnonymityZone, RouteRules, WeakerZone, Why, ZoneStatus, route_local, route_peer};
use anonet_core::{Config, Network, ZoneConfig};

use crate::cast;
use crate::script::Script;

/// The first byte holds the rule and whether there is a proof that no anonymity zone is configured; then each zone is
/// two bytes. The proof is drawn apart from the zones, so that it may contradict them.
///
/// # Panics
/// If a transaction is routed otherwise than the rules say, in particular an own one to the public zone beside an
/// anonymity zone.
pub fn route_total(data: &[u8]) {
    let mut script = Script::new(data);
    let first = script.byte();
    let mut rules = RouteRules::default();
    rules.weaker = [WeakerZone::AsFallback, WeakerZone::OnlyAlone][usize::from(first & 1)];
    let mut config = Config::new(Network::Regtest);
    let proof = NoAnonymityZone::prove(&config).filter(|_| first & 2 == 2);
    let mut zones = Vec::new();
    while let Some(bits) = script.step().filter(|_| zones.len() < 12) {
        let kind = cast::kind(bits);
        config.zones.push(ZoneConfig::new(kind));
        let id = config.zone_id(zones.len()).expect("it was just added");
        let ready = u32::from(script.byte() % 4);
        let bit = |place: u8| bits >> place & 1 == 1;
        zones.push(ZoneStatus { id, kind, dials: bit(4), ready, isolates: bit(5), proxy_down: bit(6) });
    }
    let anonymous = zones.iter().any(|zone| zone.kind.is_anonymity());
    assert_eq!(NoAnonymityZone::prove(&config).is_none(), anonymous);
    peer(&zones);
    if anonymous { local(rules, &zones, proof.as_ref()) } else { local_public(rules, &zones, proof.as_ref()) }
}

fn peer(zones: &[ZoneStatus]) {
    let expected = match zones.iter().find(|zone| !zone.kind.is_anonymity() && zone.dials) {
        None => Err(Why::NoZone),
        Some(zone) if zone.ready == 0 => Err(Why::NoPublicPeer),
        Some(zone) => Ok(zone.id),
    };
    assert_eq!(route_peer(zones).map(|exit| exit.zone()), expected);
}

fn local_public(rules: RouteRules, zones: &[ZoneStatus], proof: Option<&NoAnonymityZone>) {
    let expected = match zones.iter().find(|zone| zone.dials) {
        _ if proof.is_none() => Err(Why::NoZone),
        None => Err(Why::NoZone),
        Some(zone) if zone.ready == 0 => Err(Why::NoPublicPeer),
        Some(zone) => Ok((zone.id, ExitForm::PublicStem)),
    };
    assert_eq!(route_local(rules, zones, proof).map(|exit| (exit.zone(), exit.form())), expected);
}

/// There is an anonymity zone: the first of the usable zones in order of preference, or the reason why there is none.
fn local(rules: RouteRules, zones: &[ZoneStatus], proof: Option<&NoAnonymityZone>) {
    let mut usable: Vec<ZoneStatus> = zones.iter().copied().filter(|zone| zone.kind.is_anonymity() && zone.dials).collect();
    if rules.weaker == WeakerZone::OnlyAlone && usable.iter().any(|zone| zone.isolates) {
        usable.retain(|zone| zone.isolates);
    }
    // stable, so that the order of configuration decides last
    usable.sort_by_key(|zone| std::cmp::Reverse(zone.ready));
    usable.sort_by_key(|zone| !zone.isolates);
    let expected = match usable.iter().find(|zone| zone.ready > 0) {
        Some(best) => Ok((best.id, ExitForm::Anonymity)),
        None if usable.is_empty() => Err(Why::NoProxy),
        None if usable.iter().all(|zone| zone.proxy_down) => Err(Why::ProxyDown),
        None => Err(Why::NoPeer),
    };
    assert_eq!(route_local(rules, zones, proof).map(|exit| (exit.zone(), exit.form())), expected);
}

#[cfg(test)]
mod tests {
    use super::route_total;

    #[test]
    fn every_pair_of_zones_under_every_rule() {
        for rules in 0..4 {
            for first in 0..=127 {
                route_total(&[rules, first, 1]);
                for second in 0..=127 {
                    for ready in 0..4 {
                        route_total(&[rules, first, ready & 1, second, ready >> 1]);
                    }
                }
            }
        }
    }
}
