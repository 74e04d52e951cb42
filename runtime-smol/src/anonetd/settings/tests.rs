use std::time::Duration;

use anonet_core::route::WeakerZone;
use clap::Parser;

use super::super::args::Cli;
use super::*;
use crate::driver::{SocksAuth, SocksProxy, Transport};

const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";
const I2P: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";

fn settings(options: &str) -> Result<Settings, SettingsError> {
    let options = options.replace("ONION", ONION).replace("I2P", I2P);
    let cli = Cli::try_parse_from(["anonetd"].into_iter().chain(options.split_whitespace())).unwrap();
    Settings::new(&cli.run)
}

#[test]
fn tor_with_peer_and_service() {
    let options =
        "--no-public --proxy tor,127.0.0.1:9050,7 --add-peer ONION:18083 --anonymous-inbound I2P,30000,9 --rpc-bind none";
    let found = settings(options).unwrap();
    assert_eq!((found.rpc.is_none(), found.remarks), (true, vec![Remark::NotAdvertised(ZoneKind::I2p)]));
    let [tor, i2p] = found.service.config.zones.as_slice() else { panic!("{:?}", found.service) };
    assert_eq!((tor.kind, tor.max_outgoing, tor.max_incoming), (ZoneKind::Tor, 7, 0));
    assert_eq!((tor.isolation, tor.relay, tor.peers.len()), (StreamIsolation::PerDial, RelayPolicy::Courier, 1));
    assert_eq!((i2p.kind, i2p.max_outgoing, i2p.max_incoming, i2p.own.len()), (ZoneKind::I2p, 0, 9, 1));
    let [Transport::Socks(proxy), Transport::None] = found.service.transports.as_slice() else { panic!("{:?}", found.service) };
    assert!(matches!(proxy.auth, SocksAuth::IsolationRequired));
    let [listener] = found.service.listeners.as_slice() else { panic!("{:?}", found.service) };
    assert_eq!((listener.zone, listener.bind), (1, "127.0.0.1:30000".parse().unwrap()));
    assert_eq!(found.zones[0], ZoneLabel { kind: ZoneKind::Tor, proxy: Some("127.0.0.1:9050".parse().unwrap()) });
    assert_eq!(found.zones[1], ZoneLabel { kind: ZoneKind::I2p, proxy: None });
}

#[test]
fn a_daemon_is_the_witness_and_lets_hidden_services_be_known() {
    let options = "--no-public --proxy tor,127.0.0.1:9050 --add-peer ONION --anonymous-inbound I2P,30000";
    let without = settings(options).unwrap();
    assert!(without.daemon.is_none() && without.service.config.witness == Witness::PublicLinks);
    assert!(without.service.config.zones.iter().all(|zone| zone.advertise.is_none()));
    for (address, way) in [("127.0.0.1", "Way { transport: Direct, tls: None"), ("http://ONION:18089", "Way { transport: Socks")]
    {
        let with = settings(&format!("{options} --daemon-address {address}")).unwrap();
        let daemon = with.daemon.unwrap();
        assert!(format!("{:?}", daemon.way).starts_with(way) && !daemon.relays, "{daemon:?}");
        assert_eq!((with.service.config.witness, with.remarks), (Witness::Embedder, vec![]));
        let [tor, i2p] = with.service.config.zones.as_slice() else { panic!("{:?}", with.service) };
        assert_eq!((&tor.advertise, &i2p.advertise), (&None, &i2p.own.first().cloned()));
    }
    assert!(settings("--daemon-address localhost").unwrap().daemon.is_some_and(|daemon| daemon.relays));
    for refused in ["8.8.8.8", "ONION"] {
        let error = settings(&format!("--no-public --proxy i2p,127.0.0.1:1 --daemon-address {refused}")).unwrap_err();
        assert!(error.to_string().starts_with("--daemon-address: "), "{error}");
    }
}

#[test]
fn proxies_are_told_no_more_than_they_must() {
    let auth = |options: &str| match settings(options).unwrap().service.transports.swap_remove(0) {
        Transport::Socks(SocksProxy { auth, .. }) => format!("{auth:?}"),
        other => format!("{other:?}"),
    };
    assert_eq!(auth("--no-public --proxy tor,127.0.0.1:1"), "IsolationRequired");
    assert_eq!(auth("--no-public --proxy tor,127.0.0.1:1 --allow-no-isolation"), "IsolationOffered");
    assert_eq!(auth("--no-public --proxy i2p,127.0.0.1:1"), "IsolationOffered");
    assert_eq!(auth("--proxy 127.0.0.1:1"), "None");
    assert_eq!(auth("--proxy socks5://a:b@127.0.0.1:1"), "Fixed(…)");
    assert_eq!(auth(""), "Direct");
}

#[test]
fn a_public_peer_behind_a_proxy_has_more_time_to_be_reached() {
    let seconds = |options: &str| settings(options).unwrap().service.config.zones.pop().unwrap().dial_timeout.as_secs();
    assert_eq!((seconds(""), seconds("--proxy 127.0.0.1:1"), seconds("--proxy tor,127.0.0.1:1")), (10, 45, 10));
    assert_eq!(seconds("--no-public --proxy tor,127.0.0.1:1"), 90);
}

#[test]
fn pauses_between_rounds_are_an_option() {
    let pause = |options: &str| settings(options).unwrap().service.config.limits.round_pause;
    let seconds = |least, most| (Duration::from_secs(least), Duration::from_secs(most));
    assert_eq!((pause(""), pause("--retry-pause 3,7")), (seconds(300, 600), seconds(3, 7)));
}

#[test]
fn without_isolation_the_zone_says_so() {
    let found = settings("--no-public --tx-proxy tor,127.0.0.1:1 --allow-no-isolation --add-peer ONION").unwrap();
    assert_eq!(found.service.config.zones[0].isolation, StreamIsolation::None);
    assert_eq!(found.remarks, [Remark::NoIsolation]);
}

#[test]
fn consequences_are_remarked() {
    use Remark::{
        DisableNoise, DnsLeaks, InPeersWithoutListener, ListenerBesideProxy, NoAnonymity, NoPeers, NoSync, Offline, WeakerWaits,
    };
    for (options, expected) in [
        ("--network regtest", &[NoAnonymity, NoPeers(ZoneKind::Public)][..]),
        ("", &[NoAnonymity]),
        ("--add-peer 1.2.3.4 --network regtest", &[NoAnonymity]),
        ("--seed-node 1.2.3.4 --network regtest", &[NoAnonymity]),
        ("--no-public --proxy tor,127.0.0.1:1", &[]),
        ("--no-public --proxy tor,127.0.0.1:1 --network testnet", &[NoPeers(ZoneKind::Tor)]),
        ("--no-public --proxy tor,127.0.0.1:1 --network testnet --seed-node ONION", &[]),
        ("--proxy tor,127.0.0.1:1 --proxy i2p,127.0.0.1:2", &[WeakerWaits]),
        ("--proxy tor,127.0.0.1:1 --proxy i2p,127.0.0.1:2 --weaker-zone as-fallback", &[]),
        ("--no-sync --proxy-allow-dns-leaks", &[NoAnonymity, NoSync, DnsLeaks]),
        ("--offline", &[NoAnonymity, Offline]),
        ("--in-peers 5", &[NoAnonymity, InPeersWithoutListener]),
        ("--in-peers 0", &[NoAnonymity]),
        ("--in-peers 5 --p2p-bind-port 5", &[NoAnonymity]),
        ("--proxy 127.0.0.1:1 --p2p-bind-ip 127.0.0.1", &[NoAnonymity, ListenerBesideProxy]),
        ("--no-public --proxy tor,127.0.0.1:1,disable_noise --add-peer ONION", &[DisableNoise(ZoneKind::Tor)]),
    ] {
        assert_eq!(settings(options).unwrap().remarks, expected, "{options}");
    }
}

#[test]
fn noise_is_chosen_for_a_network_unless_its_proxy_forbids_it() {
    let zones = settings("--proxy tor,127.0.0.1:1 --proxy i2p,127.0.0.1:2,disable_noise --relay-policy tor=noise").unwrap();
    let policies: Vec<RelayPolicy> = zones.service.config.zones.iter().map(|zone| zone.relay).collect();
    assert_eq!(policies[..2], [RelayPolicy::Noise, RelayPolicy::Courier]);
    let refused = settings("--proxy tor,127.0.0.1:1,disable_noise --relay-policy noise").unwrap_err().to_string();
    assert!(refused.starts_with("--relay-policy: noise is chosen for tor"), "{refused}");
}

#[test]
fn the_faulty_one_of_several_values_is_named() {
    let message = |options: &str| settings(options).unwrap_err().to_string();
    let single = message("--add-peer example.com");
    assert!(single.starts_with("--add-peer: ") && !single.contains("value"), "{single}");
    let second = message("--add-peer 1.2.3.4 --add-peer example.com --add-peer 1.2.3.5");
    assert!(second.starts_with("--add-peer: ") && second.ends_with("(value 2 of 3)"), "{second}");
    assert!(message("--rpc-bind 0.0.0.0:1").starts_with("--rpc-bind: "));
}

#[test]
fn public_peers_are_counted_and_heard_where_asked() {
    let public = |options: &str| {
        let service = settings(options).unwrap().service;
        let binds: Vec<String> = service.listeners.iter().map(|listener| listener.bind.to_string()).collect();
        let zone = service.config.zones.last().cloned().unwrap();
        (zone.max_outgoing, zone.max_incoming, binds.join(" "))
    };
    for (options, expected) in [
        ("", (12, 0, "")),
        ("--out-peers 5 --in-peers 7", (5, 0, "")),
        ("--out-peers 0", (0, 0, "")),
        ("--out-peers -1 --in-peers -1 --p2p-bind-port 5", (12, 128, "0.0.0.0:5")),
        ("--in-peers 7 --p2p-bind-ip 127.0.0.1 --p2p-use-ipv6 --network testnet", (12, 7, "127.0.0.1:28080 [::]:28080")),
        ("--in-peers 0 --p2p-bind-port 5", (12, 0, "0.0.0.0:5")),
        ("--proxy tor,127.0.0.1:1 --p2p-bind-port 5 --in-peers 4294967295", (12, u32::MAX, "0.0.0.0:5")),
    ] {
        let (out, into, binds) = public(options);
        assert_eq!((out, into, binds.as_str()), expected, "{options}");
    }
    let parse = |options: &str| Cli::try_parse_from(["anonetd"].into_iter().chain(options.split_whitespace()));
    for bad in ["--out-peers -2", "--out-peers x", "--in-peers 4294967296", "--p2p-bind-port 65536", "--max-connections-per-ip 0"]
    {
        let said = parse(bad).unwrap_err().to_string();
        assert!(said.contains(bad.split(' ').next().unwrap()), "{said}");
    }
}

#[test]
fn named_seeds_come_before_built_in_ones_and_never_the_node_itself() {
    let zones = settings("--proxy tor,127.0.0.1:1 --proxy i2p,127.0.0.1:2 --seed-node 1.2.3.4 --seed-node ONION:18083");
    let zones = zones.unwrap().service.config.zones;
    let seeds: Vec<usize> = zones.iter().map(|zone| zone.seeds.len()).collect();
    // the named onion is one of the six
    assert_eq!(seeds, [6, 3, 7]);
    assert_eq!(zones[2].seeds[0].reveal().to_string(), "1.2.3.4:18080");
    let own = settings("--proxy tor,127.0.0.1:1 --anonymous-inbound ONION:18083,5").unwrap().service.config;
    assert_eq!(own.zones[0].seeds.len(), 5);
    let inbound_only = settings("--proxy i2p,127.0.0.1:1 --anonymous-inbound ONION:18083,5").unwrap().service.config;
    assert_eq!((inbound_only.zones[0].kind, inbound_only.zones[0].seeds.len()), (ZoneKind::Tor, 0));
}

#[test]
fn offline_keeps_the_zones_and_connects_nobody() {
    let found = settings("--offline --proxy tor,127.0.0.1:1 --add-peer ONION --anonymous-inbound I2P,5 --p2p-bind-port 7");
    let Service { config, listeners, .. } = found.unwrap().service;
    assert_eq!(listeners.len(), 0);
    assert_eq!(config.zones.len(), 3, "own transactions go where they would go otherwise");
    for zone in config.zones {
        assert_eq!((zone.max_outgoing, zone.max_incoming, zone.peers.len(), zone.seeds.len()), (0, 0, 0, 0));
    }
}

#[test]
fn choices_reach_the_core() {
    let config = |options: &str| settings(options).unwrap().service.config;
    assert!(config("--pad-transactions").pad_transactions && !config("").pad_transactions);
    assert_eq!(config("").zones[0].max_per_host, 1);
    assert_eq!(config("--max-connections-per-ip 9").zones[0].max_per_host, 9);
    assert_eq!(config("").route.weaker, WeakerZone::OnlyAlone);
    assert_eq!(config("--weaker-zone as-fallback").route.weaker, WeakerZone::AsFallback);
}

#[test]
fn the_port_is_told_where_others_can_reach_it() {
    let told = |options: &str| {
        let zone = settings(options).unwrap().service.config.zones.pop().unwrap();
        (zone.public_port, zone.can_ping_back)
    };
    for (options, expected) in [
        ("", (None, true)),
        ("--p2p-bind-port 5", (Some(5), true)),
        ("--p2p-bind-ip 1.2.3.4 --network stagenet", (Some(38_080), true)),
        ("--p2p-use-ipv6 --p2p-bind-port-ipv6 7", (Some(7), true)),
        ("--p2p-bind-port 5 --hide-my-port", (None, true)),
        ("--p2p-bind-port 5 --in-peers 0", (None, true)),
        ("--p2p-bind-port 5 --proxy 127.0.0.1:1", (None, false)),
        ("--p2p-bind-port 5 --offline", (None, true)),
    ] {
        assert_eq!(told(options), expected, "{options}");
    }
}
