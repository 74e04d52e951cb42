//! What shows that an own transaction has spread (design §3).
//!
//! Being handed over is no evidence, and neither is a copy from a peer that may be the recipient's friend: an anonymity
//! peer, or whoever dialled us. What counts is a copy by two public peers that this node chose, in different networks,
//! neither of which it gave the transaction; or what the embedder's own daemon has.

use core::fmt;
use core::net::IpAddr;

use crate::addr::Addr;
use crate::ids::ConnId;

/// Who may tell a node that an own transaction has spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Witness {
    /// Its own public links: see [`Node::echo`](crate::Node::echo). A node without two of them has no witness, and hands
    /// a transaction to no further peers once two have surely read it.
    #[default]
    PublicLinks,
    /// The embedder, who looks at all that a daemon has in its pool and blocks, and calls
    /// [`Node::confirm_tx`](crate::Node::confirm_tx). Copies on links prove nothing then, as they can be arranged for.
    Embedder,
}

/// A copy of a transaction that could be evidence: it came by an outgoing public link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Echo {
    pub(crate) conn: ConnId,
    network: HostNetwork,
}

impl Echo {
    /// A copy from the peer at `addr`; `None` if that is no address by which networks can be told apart.
    pub(crate) fn from_peer(conn: ConnId, addr: &Addr) -> Option<Self> {
        HostNetwork::of(addr).map(|network| Self { conn, network })
    }

    /// Whether both together are evidence.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        self.conn != other.conn && self.network != other.network
    }
}

/// Hosts that one owner may well have rented together: the /16 of IPv4, the /32 of IPv6.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HostNetwork {
    V4([u8; 2]),
    V6([u8; 4]),
}

impl HostNetwork {
    fn of(addr: &Addr) -> Option<Self> {
        let ip = match addr {
            Addr::Ipv4(addr) => IpAddr::V4(*addr.ip()),
            Addr::Ipv6(addr) => addr.ip().to_canonical(),
            Addr::Onion(_) | Addr::I2p(_) => return None,
        };
        Some(match ip {
            IpAddr::V4(ip) => {
                let [a, b, ..] = ip.octets();
                Self::V4([a, b])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.octets();
                Self::V6([a, b, c, d])
            }
        })
    }
}

/// It is a part of an address.
impl fmt::Debug for HostNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostNetwork(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;

    #[test]
    fn two_peers_agree_only_from_different_networks() {
        let mut table = Table::new();
        let mut echo = |text: &str| Echo::from_peer(ConnId(table.insert(())), &Addr::parse(text, 1).unwrap());
        for (one, other, agree) in [
            ("45.1.2.3", "45.1.99.1", false),
            ("45.1.2.3", "45.2.2.3", true),
            ("45.1.2.3", "[::ffff:45.1.7.7]", false),
            ("45.1.2.3", "[2001:db8::1]", true),
            ("[2001:db8::1]", "[2001:db8:ffff::1]", false),
            ("[2001:db8::1]", "[2001:db9::1]", true),
        ] {
            let (one, other) = (echo(one).unwrap(), echo(other).unwrap());
            assert_eq!(one.agrees_with(&other), agree);
            assert!(!one.agrees_with(&one), "one link is one witness");
        }
        assert_eq!(echo("zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion"), None);
    }
}
