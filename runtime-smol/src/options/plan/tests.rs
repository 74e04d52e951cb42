use anonet_core::{Network, PeerRole};

use super::super::{parse_proxy_option, parse_seed};
use super::*;

const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion:18083";
const OTHER: &str = "plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion";
const I2P: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";
const TOR_PROXY: &str = "tor,127.0.0.1:9050,7,disable_noise";
const I2P_PROXY: &str = "i2p,127.0.0.1:4447";
const PUBLIC_PROXY: &str = "socks5://127.0.0.1:9050";

fn peer(text: &str, role: PeerRole) -> PeerOption {
    PeerOption::parse(text, role, Network::Mainnet).unwrap()
}

/// Proxies, inbounds and peers of `--add-peer`, as texts.
fn options(proxies: &[&str], inbounds: &[&str], peers: &[&str]) -> ZoneOptions {
    ZoneOptions {
        public: PublicSwitch::On,
        proxies: proxies.iter().map(|text| parse_proxy_option(text).unwrap()).collect(),
        inbounds: inbounds.iter().map(|text| text.parse().unwrap()).collect(),
        peers: peers.iter().map(|text| peer(text, PeerRole::Known)).collect(),
        ..ZoneOptions::default()
    }
}

fn seeded(options: ZoneOptions, seed: &str) -> ZoneOptions {
    ZoneOptions { seeds: vec![parse_seed(seed, Network::Mainnet).unwrap()], ..options }
}

fn without_public(options: ZoneOptions) -> ZoneOptions {
    ZoneOptions { public: PublicSwitch::Off, ..options }
}

/// The plan in short: zone, way out, way in, number of peers.
fn outline(plan: &ZonePlan) -> Vec<(ZoneKind, bool, bool, usize)> {
    let public = plan.public.iter().map(|public| (ZoneKind::Public, public.proxy.is_some(), false, public.peers.len()));
    let anonymity =
        plan.anonymity.iter().map(|zone| (zone.zone, zone.outgoing.is_some(), zone.inbound.is_some(), zone.peers.len()));
    public.chain(anonymity).collect()
}

#[test]
fn zones() {
    use ZoneKind::{I2p, Public, Tor};
    let onion_in = format!("{ONION},18083");
    let i2p_in = format!("{I2P},18084,30");
    let all = [TOR_PROXY, I2P_PROXY];
    for (options, expected) in [
        (options(&[], &[], &[]), vec![(Public, false, false, 0)]),
        (options(&[PUBLIC_PROXY], &[], &["1.2.3.4"]), vec![(Public, true, false, 1)]),
        (options(&[TOR_PROXY], &[], &[ONION, OTHER, "1.2.3.4"]), vec![(Public, false, false, 1), (Tor, true, false, 2)]),
        (without_public(options(&[TOR_PROXY], &[], &[])), vec![(Tor, true, false, 0)]),
        // I2P first on the command line, two zones, own services in both
        (
            without_public(options(&[I2P_PROXY, TOR_PROXY], &[&i2p_in, &onion_in], &[OTHER])),
            vec![(Tor, true, true, 1), (I2p, true, true, 0)],
        ),
        // Tor only accepts connections, I2P is the way out
        (
            options(&[I2P_PROXY], &[&onion_in], &[I2P]),
            vec![(Public, false, false, 0), (Tor, false, true, 0), (I2p, true, false, 1)],
        ),
        (
            options(&[PUBLIC_PROXY, all[0], all[1]], &[], &[]),
            vec![(Public, true, false, 0), (Tor, true, false, 0), (I2p, true, false, 0)],
        ),
    ] {
        let plan = ZonePlan::new(options).unwrap();
        assert_eq!(outline(&plan), expected);
        assert_eq!(plan.warnings, []);
    }
}

#[test]
fn values_arrive_in_the_plan() {
    let inbound = format!("{ONION},18083,5");
    let plan = ZonePlan::new(options(&[TOR_PROXY, PUBLIC_PROXY], &[&inbound], &[OTHER])).unwrap();
    let [tor] = &plan.anonymity[..] else { panic!("one zone is planned") };
    assert_eq!(tor.outgoing, Some(TOR_PROXY.parse().unwrap()));
    assert_eq!(tor.inbound, Some(inbound.parse().unwrap()));
    assert_eq!(tor.peers, [peer(OTHER, PeerRole::Known)]);
    let proxy = plan.public.unwrap().proxy.map(ProxyOption::Public);
    assert_eq!(proxy, parse_proxy_option(PUBLIC_PROXY).ok());
}

#[test]
fn conflicts() {
    let onion_in = format!("{ONION},18083");
    let other_in = format!("{OTHER}:1,18084");
    let i2p_in = format!("{I2P},18083");
    let option = OptionName::AddPeer;
    for (options, expected, names) in [
        (options(&[TOR_PROXY, "tor,127.0.0.1:9150"], &[], &[]), OptionError::TwoProxies(ZoneKind::Tor), "tor has two proxies"),
        (options(&[I2P_PROXY, TOR_PROXY, I2P_PROXY], &[], &[]), OptionError::TwoProxies(ZoneKind::I2p), "i2p has two proxies"),
        (options(&[PUBLIC_PROXY, PUBLIC_PROXY], &[], &[]), OptionError::TwoProxies(ZoneKind::Public), "public has two proxies"),
        (
            options(&[TOR_PROXY], &[&onion_in, &other_in], &[]),
            OptionError::TwoInbounds(ZoneKind::Tor),
            "--anonymous-inbound: tor has two",
        ),
        (options(&[TOR_PROXY], &[&onion_in, &i2p_in], &[]), OptionError::SameBind, "--anonymous-inbound"),
        (options(&[], &[&onion_in], &[]), OptionError::InboundWithoutProxy(ZoneKind::Tor), "add --proxy tor,127.0.0.1:9050"),
        (
            options(&[PUBLIC_PROXY], &[&i2p_in], &[]),
            OptionError::InboundWithoutProxy(ZoneKind::I2p),
            "add --proxy i2p,127.0.0.1:4447",
        ),
        (
            options(&[], &[], &[ONION]),
            OptionError::PeerWithoutProxy { option, zone: ZoneKind::Tor },
            "--add-peer: a peer in tor needs a proxy to reach it; add --proxy tor,127.0.0.1:9050",
        ),
        (
            options(&[TOR_PROXY, PUBLIC_PROXY], &[], &[I2P]),
            OptionError::PeerWithoutProxy { option, zone: ZoneKind::I2p },
            "add --proxy i2p,127.0.0.1:4447",
        ),
        // a zone that only accepts connections cannot dial
        (
            options(&[I2P_PROXY], &[&onion_in], &[OTHER]),
            OptionError::PeerWithoutProxy { option, zone: ZoneKind::Tor },
            "add --proxy tor,127.0.0.1:9050",
        ),
        (
            without_public(options(&[TOR_PROXY, PUBLIC_PROXY], &[], &[])),
            OptionError::PublicIsOff(OptionName::Proxy),
            "--proxy: this needs the public network",
        ),
        (
            without_public(options(&[TOR_PROXY], &[], &["1.2.3.4"])),
            OptionError::PublicIsOff(option),
            "--add-peer: this needs the public network",
        ),
        (without_public(options(&[], &[], &[])), OptionError::NoNetwork, "add --proxy tor"),
        (
            seeded(options(&[TOR_PROXY], &[], &[]), I2P),
            OptionError::PeerWithoutProxy { option: OptionName::SeedNode, zone: ZoneKind::I2p },
            "--seed-node: a peer in i2p needs a proxy",
        ),
        (
            seeded(without_public(options(&[TOR_PROXY], &[], &[])), "1.2.3.4"),
            OptionError::PublicIsOff(OptionName::SeedNode),
            "--seed-node: this needs the public network",
        ),
        (
            ZoneOptions { of_public: vec![OptionName::InPeers], ..without_public(options(&[TOR_PROXY], &[], &[])) },
            OptionError::PublicIsOff(OptionName::InPeers),
            "--in-peers: this needs the public network",
        ),
    ] {
        assert_eq!(ZonePlan::new(options), Err(expected));
        assert!(expected.to_string().contains(names), "{expected}");
    }
}

#[test]
fn own_address_is_no_peer() {
    let inbound = format!("{ONION},18083");
    let mut options = options(&[TOR_PROXY], &[&inbound], &[OTHER]);
    options.peers.push(peer(&ONION.to_uppercase(), PeerRole::Exclusive));
    let plan = ZonePlan::new(options).unwrap();
    assert_eq!(plan.anonymity[0].peers, [peer(OTHER, PeerRole::Known)]);
    assert_eq!(plan.warnings, [PlanWarning::OwnAddress(OptionName::AddExclusiveNode)]);
    assert!(plan.warnings[0].to_string().starts_with("--add-exclusive-node: "));
}

#[test]
fn strongest_role_wins() {
    use PeerRole::{Exclusive, Known, Priority};
    for (roles, expected) in [
        ([Known, Priority, Known], Priority),
        ([Exclusive, Priority, Known], Exclusive),
        ([Known, Known, Exclusive], Exclusive),
        ([Known, Known, Known], Known),
    ] {
        let mut options = options(&[], &[], &[]);
        options.peers = roles.map(|role| peer("1.2.3.4", role)).into();
        let plan = ZonePlan::new(options).unwrap();
        assert_eq!(plan.public.unwrap().peers, [peer("1.2.3.4", expected)]);
    }
}

#[test]
fn a_seed_goes_to_the_zone_of_its_address() {
    let mut options = options(&[TOR_PROXY, I2P_PROXY], &[], &[]);
    options.seeds = [ONION, I2P, "1.2.3.4"].map(|seed| parse_seed(seed, Network::Mainnet).unwrap()).into();
    let plan = ZonePlan::new(options).unwrap();
    let printed = |seeds: &[Addr]| seeds.iter().map(|seed| seed.reveal().to_string()).collect::<Vec<_>>();
    assert_eq!(printed(&plan.anonymity[0].seeds), [ONION]);
    assert_eq!(printed(&plan.anonymity[1].seeds), [I2P]);
    assert_eq!(printed(&plan.public.unwrap().seeds), ["1.2.3.4:18080"]);
}
