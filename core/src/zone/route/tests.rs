use alloc::vec::Vec;

use super::*;
use crate::config::ZoneConfig;
use crate::network::Network;

/// Every state in which one zone can be; `None`: not configured.
fn states(id: u8, kind: ZoneKind) -> Vec<Option<ZoneStatus>> {
    let mut all = alloc::vec![None];
    for dials in [true, false] {
        for ready in [0, 1, 3] {
            for isolates in [true, false] {
                for proxy_down in [true, false] {
                    let ready = if dials { ready } else { 0 };
                    all.push(Some(ZoneStatus { id: ZoneId(id), kind, dials, ready, isolates, proxy_down }));
                }
            }
        }
    }
    all
}

fn every_world() -> Vec<Vec<ZoneStatus>> {
    let mut worlds = Vec::new();
    for public in states(0, ZoneKind::Public) {
        for tor in states(1, ZoneKind::Tor) {
            for i2p in states(2, ZoneKind::I2p) {
                worlds.push([public, tor, i2p].into_iter().flatten().collect());
            }
        }
    }
    worlds
}

/// The proof that a configuration with these zones would yield.
fn proof_for(world: &[ZoneStatus]) -> Option<NoAnonymityZone> {
    let mut config = Config::new(Network::Regtest);
    config.zones = world.iter().map(|zone| ZoneConfig::new(zone.kind)).collect();
    NoAnonymityZone::prove(&config)
}

#[test]
fn no_world_routes_a_local_transaction_to_the_public_zone_while_an_anonymity_zone_is_configured() {
    let stolen = proof_for(&[]);
    for world in every_world() {
        let anonymity = world.iter().any(|zone| zone.kind.is_anonymity());
        for weaker in [WeakerZone::AsFallback, WeakerZone::OnlyAlone] {
            // even with a proof that belongs to another configuration
            for proof in [proof_for(&world).as_ref(), stolen.as_ref(), None] {
                let Ok(exit) = route_local(RouteRules { weaker }, &world, proof) else { continue };
                let zone = world.iter().find(|zone| zone.id == exit.zone()).unwrap();
                assert_eq!(zone.kind.is_anonymity(), anonymity, "{world:?}");
                assert_eq!(exit.form() == ExitForm::PublicStem, !anonymity, "{world:?}");
                assert!(zone.dials && zone.ready > 0, "{world:?}");
            }
        }
    }
}

#[test]
fn without_the_proof_the_public_zone_stays_shut() {
    let public = ZoneStatus { id: ZoneId(0), kind: ZoneKind::Public, dials: true, ready: 5, isolates: false, proxy_down: false };
    assert_eq!(route_local(RouteRules::default(), &[public], None), Err(Why::NoZone));
    let exit = route_local(RouteRules::default(), &[public], proof_for(&[public]).as_ref()).unwrap();
    assert_eq!((exit.zone(), exit.form()), (ZoneId(0), ExitForm::PublicStem));
}

#[test]
fn a_way_out_is_found_whenever_the_rules_allow_one() {
    for world in every_world() {
        let usable = |zone: &&ZoneStatus| zone.kind.is_anonymity() && zone.dials && zone.ready > 0;
        let rules = RouteRules { weaker: WeakerZone::AsFallback };
        let routed = route_local(rules, &world, proof_for(&world).as_ref());
        if let Some(first) = world.iter().filter(usable).map(|zone| zone.isolates).max() {
            let exit = routed.unwrap();
            let chosen = world.iter().find(|zone| zone.id == exit.zone()).unwrap();
            assert_eq!(chosen.isolates, first, "an isolating zone comes first: {world:?}");
        } else if world.iter().any(|zone| zone.kind.is_anonymity()) {
            assert!(routed.is_err(), "{world:?}");
        }
    }
}

#[test]
fn the_reason_for_holding_says_what_is_missing() {
    let tor = ZoneStatus { id: ZoneId(1), kind: ZoneKind::Tor, dials: true, ready: 0, isolates: true, proxy_down: true };
    let i2p = ZoneStatus { id: ZoneId(2), kind: ZoneKind::I2p, dials: true, ready: 2, isolates: false, proxy_down: false };
    let public = ZoneStatus { id: ZoneId(0), kind: ZoneKind::Public, dials: true, ready: 0, isolates: false, proxy_down: false };
    let (strict, fallback) = (RouteRules::default(), RouteRules { weaker: WeakerZone::AsFallback });
    let table = [
        (RouteRules::default(), alloc::vec![tor], Why::ProxyDown),
        (RouteRules::default(), alloc::vec![ZoneStatus { proxy_down: false, ..tor }], Why::NoPeer),
        (RouteRules::default(), alloc::vec![ZoneStatus { dials: false, ..tor }, public], Why::NoProxy),
        (strict, alloc::vec![tor, i2p], Why::ProxyDown),
        (RouteRules::default(), alloc::vec![public], Why::NoPublicPeer),
        (RouteRules::default(), alloc::vec![], Why::NoZone),
    ];
    for (rules, world, why) in table {
        assert_eq!(route_local(rules, &world, proof_for(&world).as_ref()), Err(why), "{world:?}");
    }
    assert_eq!(route_local(strict, &[i2p], None).unwrap().zone(), ZoneId(2));
    assert_eq!(route_local(fallback, &[tor, i2p], None).unwrap().zone(), ZoneId(2));
}

#[test]
fn a_peers_transaction_goes_to_the_public_zone_or_waits() {
    for world in every_world() {
        match route_peer(&world) {
            Ok(exit) => {
                let zone = world.iter().find(|zone| zone.id == exit.zone()).unwrap();
                assert!(zone.kind == ZoneKind::Public && zone.ready > 0);
            }
            Err(why) => {
                let public = world.iter().find(|zone| zone.kind == ZoneKind::Public && zone.dials);
                assert_eq!(why, if public.is_some() { Why::NoPublicPeer } else { Why::NoZone });
            }
        }
    }
}

#[test]
fn a_configuration_with_an_anonymity_zone_yields_no_proof() {
    for world in every_world() {
        let anonymity = world.iter().any(|zone| zone.kind.is_anonymity());
        assert_eq!(proof_for(&world).is_none(), anonymity, "{world:?}");
    }
}
