//! Names that targets share. None of them is ever contacted.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::OnceLock;

use anonet_core::wire::PeerEntry;
use anonet_core::{Addr, ZoneKind};

/// Well-formed names with valid keys: monerod's seed nodes.
const ONIONS: [&str; 6] = [
    "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion",
    "plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion",
    "plowsoffjexmxalw73tkjmf422gq6575fc7vicuu4javzn2ynnte6tyd.onion",
    "plowsofe6cleftfmk2raiw5h2x66atrik3nja4bfd3zrfa2hdlgworad.onion",
    "aclc4e2jhhtr44guufbnwk5bzwhaecinax4yip4wr4tjn27sjsfg6zqd.onion",
    "lykcas4tus7mkm4bhsgqe4drtd4awi7gja24goscc47xfgzj54yofyqd.onion",
];

const B32S: [&str; 3] = [
    "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p",
    "vdmnehdjkpkg57nthgnjfuaqgku673r5bpbqg56ix6fyqoywgqrq.b32.i2p",
    "ugnlcdciyhghh2zert7c3kl4biwkirc43ke33jiy5slnd3mv2trq.b32.i2p",
];

/// Address `index` of a network: one of 3 I2P names, of 6 onions with 2 ports each, or of 64 IPv4 hosts with 2 ports
/// each, of which every sixteenth is local.
pub(crate) fn addr(kind: ZoneKind, index: u8) -> Addr {
    static HIDDEN: OnceLock<(Vec<Addr>, Vec<Addr>)> = OnceLock::new();
    // parsed once: each onion costs a curve check
    let (onions, b32s) = HIDDEN.get_or_init(|| {
        let parse = |name: &&str, port| Addr::parse(name, port).expect("the name is well formed");
        let onions = ONIONS.iter().flat_map(|name| [parse(name, 18_083), parse(name, 18_084)]).collect();
        (onions, B32S.iter().map(|name| parse(name, 1)).collect())
    });
    match kind {
        ZoneKind::Tor => onions[usize::from(index) % onions.len()].clone(),
        ZoneKind::I2p => b32s[usize::from(index) % b32s.len()].clone(),
        _ => {
            let (host, port) = (index % 64, 18_080 + u16::from(index / 64 % 2));
            let ip = if host % 16 == 15 { Ipv4Addr::new(10, 0, 0, host) } else { Ipv4Addr::new(45, host, 0, 1) };
            Addr::Ipv4(SocketAddrV4::new(ip, port))
        }
    }
}

/// The peer-list entry of an address.
pub(crate) const fn entry(addr: Addr) -> PeerEntry {
    PeerEntry { addr, id: 1, last_seen: 1_700_000_000, pruning_seed: 0, rpc_credits_per_hash: 0, rpc_port: 0 }
}

/// The networks, by number.
pub(crate) const fn kind(number: u8) -> ZoneKind {
    match number % 3 {
        0 => ZoneKind::Public,
        1 => ZoneKind::Tor,
        _ => ZoneKind::I2p,
    }
}
