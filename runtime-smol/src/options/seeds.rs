//! The peers that are built in, for a node that knows nobody.
//!
//! Source: monerod's lists of the commit 0aa9c51b (`src/p2p/net_node.inl`: `get_ip_seed_nodes`, `get_seed_nodes`); spec
//! `zones-and-routing.md` §9. The names that monerod looks up in DNS are left out, as DNS would learn who runs a node.

use anonet_core::Network;
use anonet_core::addr::{Addr, ZoneKind};

/// Mainnet's hidden services, all with the same port.
const ONIONS: [&str; 6] = [
    "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion:18083",
    "plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion:18083",
    "plowsoffjexmxalw73tkjmf422gq6575fc7vicuu4javzn2ynnte6tyd.onion:18083",
    "plowsofe6cleftfmk2raiw5h2x66atrik3nja4bfd3zrfa2hdlgworad.onion:18083",
    "aclc4e2jhhtr44guufbnwk5bzwhaecinax4yip4wr4tjn27sjsfg6zqd.onion:18083",
    "lykcas4tus7mkm4bhsgqe4drtd4awi7gja24goscc47xfgzj54yofyqd.onion:18083",
];

/// Mainnet's I2P destinations.
const I2P: [&str; 3] = [
    "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p",
    "vdmnehdjkpkg57nthgnjfuaqgku673r5bpbqg56ix6fyqoywgqrq.b32.i2p",
    "ugnlcdciyhghh2zert7c3kl4biwkirc43ke33jiy5slnd3mv2trq.b32.i2p",
];

/// Hosts that serve mainnet, testnet and stagenet, each on that network's port.
const EVERYWHERE: [&str; 5] = ["176.9.0.187", "192.99.8.110", "37.187.74.171", "88.99.195.15", "5.104.84.64"];

/// One more of mainnet.
const MAINNET: &str = "88.198.163.90";

/// The built-in peers of one network's zone. Regtest has none, and hidden services there are of mainnet only.
#[must_use]
pub fn built_in_seeds(network: Network, zone: ZoneKind) -> Vec<Addr> {
    let texts: Vec<&str> = match (zone, network) {
        (_, Network::Regtest) => Vec::new(),
        (ZoneKind::Tor, Network::Mainnet) => ONIONS.into(),
        (ZoneKind::I2p, Network::Mainnet) => I2P.into(),
        (ZoneKind::Public, Network::Mainnet) => EVERYWHERE.into_iter().chain([MAINNET]).collect(),
        (ZoneKind::Public, _) => EVERYWHERE.into(),
        _ => Vec::new(),
    };
    // a test reads them all
    texts.into_iter().filter_map(|text| Addr::parse(text, network.p2p_port()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_is_whole_and_valid() {
        use Network::{Mainnet, Regtest, Stagenet, Testnet};
        use ZoneKind::{I2p, Public, Tor};
        for (network, zone, count, first) in [
            (Mainnet, Tor, 6, ONIONS[0]),
            (Mainnet, I2p, 3, I2P[0]),
            (Mainnet, Public, 6, "176.9.0.187:18080"),
            (Testnet, Public, 5, "176.9.0.187:28080"),
            (Stagenet, Public, 5, "176.9.0.187:38080"),
        ] {
            let seeds = built_in_seeds(network, zone);
            assert_eq!(seeds.len(), count);
            assert_eq!(seeds[0].reveal().to_string(), first);
            for seed in &seeds {
                assert_eq!((seed.zone(), seed.check_point()), (zone, Ok(())));
            }
        }
        for (network, zone) in [(Regtest, Public), (Regtest, Tor), (Testnet, Tor), (Stagenet, I2p)] {
            assert_eq!(built_in_seeds(network, zone), []);
        }
    }
}
