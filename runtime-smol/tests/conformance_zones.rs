//! Zones, options and routing, statement by statement (spec: zones-and-routing). The whole table of routes is
//! `route_table` in the test crate; here are the statements on it.

use std::time::Duration;

use anonet_core::levin::Kind;
use anonet_core::route::WeakerZone;
use anonet_core::{Addr, Config, LocalTx, Network, PeerRole, StashState, TxId, ZoneKind};
use anonet_smol::options::{Inbound, OptionError, PeerOption, PublicSwitch, TxProxy, ZoneOptions, ZonePlan, parse_proxy_option};
use anonet_tests::conformance::{Dialogue, Peer, Row, Sections, after, assert_covered, check, dialogue, differs, hex, same};
use anonet_tests::world::cast::{addr, config, frame, zone};
use anonet_tests::world::{Happened, World};
use bytes::Bytes;

const SECTIONS: [&str; 11] = [
    "zones §1",
    "zones §2",
    "zones §3",
    "zones §4",
    "zones §5",
    "zones §6",
    "zones §7",
    "zones §8",
    "zones §9",
    "zones §10",
    "zones §11",
];

const NOT_APPLICABLE: [(&str, &str, &str); 8] = [
    ("zones §1", "threads and idle loop", "inside monerod; the core has no thread"),
    ("zones §2", "--max-connections-per-ip, --offline, --no-sync", "not options of a node that relays and does not sync"),
    ("zones §2", "error texts", "they name the option and say what to do: the options' own tests"),
    ("zones §5", "pool states and who sees them", "this node has no pool: its stash is invisible to peers (node_replay)"),
    ("zones §5", "loop detection", "dandelion §7"),
    ("zones §6", "the pool's scan, forward and embargo timers", "dandelion §1 and §7"),
    ("zones §10", "counts and connections over RPC", "the RPC's own tests"),
    ("zones §11", "a time-limited fallback to the public network", "never offered: an own transaction is held"),
];

const ONION: &str = "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion";
const B32: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";
const BLOB: &[u8] = b"an own transaction that is looked for";
const ID: TxId = TxId::new([8; 32]);

fn word(error: impl std::fmt::Debug) -> String {
    format!("{error:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

/// A value of an option, and what it is read as.
type Option = Row<&'static str, String>;

fn value(what: &'static str, text: &'static str, told: &str) -> Option {
    same("zones §2", what, text, told.to_owned())
}

fn other(what: &'static str, why: &'static str, text: &'static str, told: &str) -> Option {
    differs("zones §2", what, why, text, told.to_owned())
}

fn tx_proxy(text: &str) -> String {
    match text.parse::<TxProxy>() {
        Ok(proxy) => format!("{} {} {:?} {}", proxy.zone, proxy.proxy.addr, proxy.max_outgoing, proxy.disable_noise),
        Err(error) => word(error),
    }
}

/// `--tx-proxy`, and `--proxy` with a network's name.
fn tx_proxy_rows() -> Vec<Option> {
    vec![
        value("network and proxy", "tor,127.0.0.1:9050", "tor 127.0.0.1:9050 None false"),
        value("a maximum", "tor,127.0.0.1:9050,10", "tor 127.0.0.1:9050 Some(10) false"),
        value("disable_noise", "i2p,127.0.0.1:9000,disable_noise", "i2p 127.0.0.1:9000 None true"),
        value("both in either order", "i2p,127.0.0.1:9000,disable_noise,7", "i2p 127.0.0.1:9000 Some(7) true"),
        value("an empty item is the default", "tor,127.0.0.1:9050,,disable_noise", "tor 127.0.0.1:9050 None true"),
        value("a proxy with a scheme", "tor,socks5://127.0.0.1:9050", "tor 127.0.0.1:9050 None false"),
        value("no network", ",127.0.0.1:9050", "MissingNetwork"),
        value("no proxy", "tor,", "MissingProxy"),
        value("another network", "ftp,127.0.0.1:9050", "UnknownNetwork"),
        value("more than two extras", "tor,127.0.0.1:9050,1,disable_noise,", "TooManyCommas"),
        value("a maximum of 0", "tor,127.0.0.1:9050,0", "InvalidMax"),
        value("a negative maximum", "tor,127.0.0.1:9050,-1", "InvalidMax"),
        value("a maximum beyond 32 bits", "tor,127.0.0.1:9050,4294967296", "InvalidMax"),
        value("a proxy that is no IP:PORT", "tor,localhost:9050", "Endpoint"),
        other(
            "one login for all streams of a zone",
            "each connection gets its own",
            "tor,socks5://u:p@127.0.0.1:9050",
            "FixedCredentials",
        ),
    ]
}

fn inbound(text: &str) -> String {
    match text.parse::<Inbound>() {
        Ok(inbound) => format!("{} {:?}", inbound.bind, inbound.max_incoming),
        Err(error) => word(error),
    }
}

/// `--anonymous-inbound`; each text is put behind an onion's name.
fn inbound_rows() -> Vec<Option> {
    vec![
        value("address and listener", ":18083,127.0.0.1:18084", "127.0.0.1:18084 None"),
        value("a maximum of incoming links", ":18083,127.0.0.1:18084,25", "127.0.0.1:18084 Some(25)"),
        value("an empty maximum", ":18083,127.0.0.1:18084,", "127.0.0.1:18084 None"),
        value("a maximum of incoming links of 0", ":18083,127.0.0.1:18084,0", "InvalidMax"),
        value("no listener", ":18083", "MissingBind"),
        other(
            "the listener's IP may not be left out",
            "the help text says that it may (§11)",
            ":18083,18084",
            "127.0.0.1:18084 None",
        ),
        other("further commas are ignored", "it is a mistake, and says so", ":18083,127.0.0.1:1,2,3,4", "TooManyCommas"),
        other("no port means port 0", "nobody could dial it (§11)", ",127.0.0.1:18084", "Addr"),
        other(
            "any address may be listened on",
            "who reaches it goes around the network",
            ":18083,0.0.0.0:18084",
            "ExposedInbound",
        ),
    ]
}

fn plan(proxies: &[&str], inbounds: &[&str], peers: &[(&str, PeerRole)], public: PublicSwitch) -> String {
    let build = || -> Result<ZonePlan, OptionError> {
        let mut options = ZoneOptions::default();
        options.public = public;
        options.proxies = proxies.iter().map(|text| parse_proxy_option(text)).collect::<Result<_, _>>()?;
        options.inbounds = inbounds.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let peers = peers.iter().map(|(text, role)| PeerOption::parse(text, *role, Network::Mainnet));
        options.peers = peers.collect::<Result<_, _>>()?;
        ZonePlan::new(options)
    };
    match build() {
        Ok(plan) => {
            let anonymity =
                plan.anonymity.iter().map(|zone| format!(" {}{}", zone.zone, if zone.outgoing.is_some() { "" } else { " (in)" }));
            format!("{}{}", if plan.public.is_some() { "public" } else { "-" }, anonymity.collect::<String>())
        }
        Err(error) => word(error),
    }
}

/// Which zones there are (§1), and what contradicts what (§2).
fn plan_rows() -> Vec<Row<fn() -> String, String>> {
    use PublicSwitch::{Off, On};
    let row = |section, what, steps: fn() -> String, told: &str| same(section, what, steps, told.to_owned());
    const TOR: &str = "tor,127.0.0.1:9050";
    const I2P: &str = "i2p,127.0.0.1:9000";
    const IN: &str = "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion:18083,18084";
    vec![
        row("zones §1", "the public zone always exists", || plan(&[], &[], &[], On), "public"),
        row("zones §1", "a proxy makes a zone", || plan(&[TOR, I2P], &[], &[], On), "public tor i2p"),
        row(
            "zones §1",
            "a peer alone does not: its zone needs a proxy",
            || plan(&[], &[], &[(ONION, PeerRole::Known)], On),
            "PeerWithoutProxy",
        ),
        row(
            "zones §1",
            "an inbound service makes a zone that only accepts",
            || plan(&[I2P], &[IN], &[], On),
            "public tor (in) i2p",
        ),
        row("zones §2", "an inbound service without any proxy", || plan(&[], &[IN], &[], On), "InboundWithoutProxy"),
        row("zones §2", "one network twice", || plan(&[TOR, "tor,127.0.0.1:9"], &[], &[], On), "TwoProxies"),
        row("zones §2", "one inbound network twice", || plan(&[TOR], &[IN, IN], &[], On), "TwoInbounds"),
        row(
            "zones §2",
            "a proxy for the public zone makes it no anonymity zone",
            || plan(&["127.0.0.1:9050", TOR], &[], &[], On),
            "public tor",
        ),
        differs(
            "zones §11",
            "the public zone cannot be left out",
            "--no-public",
            || plan(&[TOR], &[], &[], Off),
            "- tor".to_owned(),
        ),
        row(
            "zones §2",
            "the default port of a peer is that of the network",
            || {
                let peer = PeerOption::parse(ONION, PeerRole::Known, Network::Stagenet).expect("an onion");
                peer.addr.port().to_string()
            },
            "38080",
        ),
        differs(
            "zones §11",
            "malformed onion names go to the DNS",
            "nothing is ever resolved",
            || word(PeerOption::parse("xmrto2bturnore26.onion", PeerRole::Exclusive, Network::Mainnet).expect_err("version 2")),
            "Addr".to_owned(),
        ),
    ]
}

/// The seeds of §9: each is an address that can be dialled.
fn seed_rows() -> Vec<Row<&'static str, String>> {
    let seeds = [
        "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion:18083",
        "plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion:18083",
        "plowsoffjexmxalw73tkjmf422gq6575fc7vicuu4javzn2ynnte6tyd.onion:18083",
        "plowsofe6cleftfmk2raiw5h2x66atrik3nja4bfd3zrfa2hdlgworad.onion:18083",
        "aclc4e2jhhtr44guufbnwk5bzwhaecinax4yip4wr4tjn27sjsfg6zqd.onion:18083",
        "lykcas4tus7mkm4bhsgqe4drtd4awi7gja24goscc47xfgzj54yofyqd.onion:18083",
        "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p",
        "vdmnehdjkpkg57nthgnjfuaqgku673r5bpbqg56ix6fyqoywgqrq.b32.i2p",
        "ugnlcdciyhghh2zert7c3kl4biwkirc43ke33jiy5slnd3mv2trq.b32.i2p",
    ];
    seeds.into_iter().map(|seed| same("zones §9", seed, seed, seed.to_owned())).collect()
}

/// What a node of these zones does with an own transaction: the zones whose links carried it, and its state.
struct Outcome {
    world: World,
}

const KINDS: [ZoneKind; 3] = [ZoneKind::Public, ZoneKind::Tor, ZoneKind::I2p];

impl Outcome {
    /// The node is number 0; those of `up` have a peer that answers.
    fn of(config: Config, up: &[ZoneKind]) -> Self {
        let mut world = World::new(55);
        assert_eq!(world.add(config), 0);
        for &kind in up {
            world.add(anonet_tests::world::cast::config([zone(kind, 1, &[])]));
        }
        world.run_for(Duration::from_secs(60));
        let tx = LocalTx::new(Bytes::from_static(BLOB)).expect("a transaction");
        world.call(0, |node, now| node.submit_tx(now, ID, tx)).expect("it is kept");
        world.run_for(Duration::from_secs(30));
        Self { world }
    }

    fn told(&self) -> String {
        let carried = |kind: &ZoneKind| self.copies(*kind) > 0;
        let zones: Vec<&str> = KINDS.into_iter().filter(carried).map(ZoneKind::name).collect();
        let held = self.world.node(0).stash().any(|entry| matches!(entry.state, StashState::Held(_)));
        format!("{}{}", zones.join(" "), if held { "held" } else { "" })
    }

    fn copies(&self, kind: ZoneKind) -> usize {
        let streams = self.world.record.written(0, kind);
        streams.map(|bytes| bytes.windows(BLOB.len()).filter(|window| *window == BLOB).count()).sum()
    }
}

fn all() -> Config {
    config(KINDS.map(|kind| zone(kind, 0, &[1])))
}

/// §4 and §7.
fn routing_rows() -> Vec<Dialogue> {
    vec![
        dialogue(
            "zones §4",
            "without an anonymity zone it is public",
            || Outcome::of(config([zone(ZoneKind::Public, 0, &[1])]), &[ZoneKind::Public]).told(),
            "public",
        ),
        differs(
            "zones §4",
            "i2p has priority over tor",
            "a zone that isolates streams comes first",
            || Outcome::of(all(), &KINDS).told(),
            "tor".to_owned(),
        ),
        differs(
            "zones §4",
            "the zone that has outgoing connections",
            "one that does not isolate streams serves beside one that does only where the user says so",
            || Outcome::of(all(), &[ZoneKind::Public, ZoneKind::I2p]).told(),
            "held".to_owned(),
        ),
        dialogue(
            "zones §4",
            "and where the user says so, it is the zone that has outgoing connections",
            || {
                let mut config = all();
                config.route.weaker = WeakerZone::AsFallback;
                Outcome::of(config, &[ZoneKind::Public, ZoneKind::I2p]).told()
            },
            "i2p",
        ),
        dialogue("zones §4", "with none it is kept, and never public", || Outcome::of(all(), &[ZoneKind::Public]).told(), "held"),
        differs(
            "zones §11",
            "a single anonymity zone is not asked for a connection",
            "it is: without one the transaction is held",
            || Outcome::of(config([zone(ZoneKind::Tor, 0, &[1])]), &[]).told(),
            "held".to_owned(),
        ),
        differs(
            "zones §7",
            "what could not be sent counts as relayed and waits for five minutes",
            "it leaves as soon as a peer is there",
            || {
                let mut outcome = Outcome::of(config([zone(ZoneKind::Tor, 0, &[1])]), &[]);
                outcome.world.add(config([zone(ZoneKind::Tor, 1, &[])]));
                let left = outcome.world.run_until(Duration::from_secs(250), |world| {
                    world.node(0).stash().any(|entry| matches!(entry.state, StashState::Handed(_)))
                });
                left.to_string()
            },
            "true".to_owned(),
        ),
    ]
}

/// §3 and §6: repetition, lifetime, exclusive peers.
fn further_rows() -> Vec<Dialogue> {
    vec![
        differs(
            "zones §6",
            "a local transaction is sent again after 5, 10, 15 minutes and so on",
            "at most four times, at random pauses (§11), and to nobody twice",
            || {
                let mut outcome = Outcome::of(config([zone(ZoneKind::Tor, 0, &[1])]), &[ZoneKind::Tor]);
                outcome.world.run_for(Duration::from_secs(71 * 3_600));
                outcome.copies(ZoneKind::Tor).to_string()
            },
            "1".to_owned(),
        ),
        dialogue(
            "zones §6",
            "it lives for three days",
            || {
                let mut outcome = Outcome::of(config([zone(ZoneKind::Tor, 0, &[])]), &[]);
                outcome.world.run_for(Duration::from_secs(71 * 3_600));
                let before = outcome.world.node(0).stash().count();
                outcome.world.run_for(Duration::from_secs(2 * 3_600));
                format!("{before}, then {}", outcome.world.node(0).stash().count())
            },
            "1, then 0",
        ),
        dialogue(
            "zones §3",
            "with an exclusive peer nobody else is dialled in any zone",
            || {
                let mut config = all();
                config.zones[1].peers.push((addr(ZoneKind::Tor, 2), PeerRole::Exclusive));
                let mut world = World::new(56);
                world.add(config);
                world.run_for(Duration::from_secs(600));
                let dialled = world.record.of(0).filter_map(|happened| match happened {
                    Happened::Dialed(_, addr, _) => Some(addr.clone()),
                    _ => None,
                });
                let strangers: Vec<Addr> = dialled.filter(|dialled| *dialled != addr(ZoneKind::Tor, 2)).collect();
                strangers.len().to_string()
            },
            "0",
        ),
        dialogue(
            "zones §3",
            "inbound is unaffected by it",
            || {
                let mut config = config([zone(ZoneKind::Tor, 0, &[])]);
                config.zones[0].peers.push((addr(ZoneKind::Tor, 2), PeerRole::Exclusive));
                after(Peer::dialling_to(config, 0), &anonet_tests::world::cast::handshake_request())
            },
            "response 1001 243 rc 1",
        ),
    ]
}

/// §8: commands on anonymity zones; the answer and the link.
fn command_rows() -> Vec<Row<(ZoneKind, Kind, u32), String>> {
    let mut rows = Vec::new();
    let names = [("ping", 1003), ("a removed debugging request", 1004), ("support flags", 1007), ("an unknown request", 9999)];
    for (what, command) in names {
        rows.push(same("zones §8", what, (ZoneKind::Tor, Kind::Request, command), format!("response {command} 0 rc -6")));
    }
    rows.push(same("zones §8", "ping over I2P", (ZoneKind::I2p, Kind::Request, 1003), "response 1003 0 rc -6".to_owned()));
    let notifies = [
        ("new block", 2001),
        ("get objects", 2003),
        ("objects", 2004),
        ("request chain", 2006),
        ("chain entry", 2007),
        ("fluffy block", 2008),
        ("fluffy missing transactions", 2009),
        ("pool complement", 2010),
        ("an unknown notify", 2999),
    ];
    for (what, command) in notifies {
        rows.push(same("zones §8", what, (ZoneKind::Tor, Kind::Notify, command), String::new()));
    }
    rows
}

#[test]
fn options() {
    check(&tx_proxy_rows(), |text| tx_proxy(text));
    check(&inbound_rows(), |text| inbound(&format!("{ONION}{text}")));
    assert_eq!(inbound(&format!("{B32},127.0.0.1:30000")), "127.0.0.1:30000 None", "an I2P address has no port");
    check(&plan_rows(), |steps| steps());
    check(&seed_rows(), |text| Addr::parse(text, 0).map_or_else(word, |addr| addr.reveal().to_string()));
}

#[test]
fn routing() {
    check(&routing_rows(), |steps| steps());
    check(&further_rows(), |steps| steps());
}

#[test]
fn commands_of_anonymity_zones() {
    let empty = hex("01110101010102010100");
    check(&command_rows(), |&(zone, kind, command)| {
        let mut peer = Peer::incoming(zone);
        peer.send(&frame(kind, command, |out| out.extend_from_slice(&empty)));
        peer.told()
    });
}

#[test]
fn every_section_is_covered() {
    let tables: [&dyn Sections; 7] =
        [&tx_proxy_rows(), &inbound_rows(), &plan_rows(), &seed_rows(), &routing_rows(), &further_rows(), &command_rows()];
    assert_covered(&SECTIONS, &tables, &NOT_APPLICABLE);
}
