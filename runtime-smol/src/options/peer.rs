//! `--add-peer`, `--add-priority-node`, `--add-exclusive-node` and `--seed-node`.

use anonet_core::addr::Addr;
use anonet_core::{Network, PeerRole};

use super::{OptionError, OptionName};

/// A peer that the user named.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerOption {
    /// Where it is.
    pub addr: Addr,
    /// Why it was named.
    pub role: PeerRole,
}

impl PeerOption {
    /// Reads the value of the option that belongs to `role`; without a port the P2P port of
    /// `network` is meant, for onion addresses too, as with monerod.
    ///
    /// # Errors
    /// [`OptionError::Addr`] for everything that [`Addr::parse`] refuses. monerod hands most of
    /// these texts to DNS, anonet none.
    ///
    /// Source: spec `addresses.md` §4.1.
    pub fn parse(text: &str, role: PeerRole, network: Network) -> Result<Self, OptionError> {
        match Addr::parse(text, network.p2p_port()) {
            Ok(addr) => Ok(Self { addr, role }),
            Err(fault) => Err(OptionError::Addr { option: option_of(role), fault }),
        }
    }

    /// The option that names such a peer.
    #[must_use]
    pub const fn option(&self) -> OptionName {
        option_of(self.role)
    }
}

/// Reads the value of `--seed-node`, by the same rules. Unlike with monerod it is for the network of its address.
///
/// # Errors
/// [`OptionError::Addr`].
pub fn parse_seed(text: &str, network: Network) -> Result<Addr, OptionError> {
    Addr::parse(text, network.p2p_port()).map_err(|fault| OptionError::Addr { option: OptionName::SeedNode, fault })
}

const fn option_of(role: PeerRole) -> OptionName {
    match role {
        PeerRole::Exclusive => OptionName::AddExclusiveNode,
        PeerRole::Priority => OptionName::AddPriorityNode,
        _ => OptionName::AddPeer,
    }
}

#[cfg(test)]
mod tests {
    use anonet_core::addr::AddrError;

    use super::*;

    const ONION: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptid.onion";

    #[test]
    fn the_network_gives_the_port() {
        for (text, network, printed) in [
            (ONION, Network::Mainnet, format!("{ONION}:18080")),
            (ONION, Network::Testnet, format!("{ONION}:28080")),
            (ONION, Network::Stagenet, format!("{ONION}:38080")),
            ("1.2.3.4", Network::Regtest, "1.2.3.4:18080".into()),
            ("1.2.3.4:5", Network::Mainnet, "1.2.3.4:5".into()),
            ("test.i2p:9", Network::Mainnet, "test.i2p".into()),
        ] {
            let peer = PeerOption::parse(text, PeerRole::Known, network).unwrap();
            assert_eq!(peer.addr.reveal().to_string(), printed);
        }
    }

    #[test]
    fn errors_name_the_option() {
        for (role, start) in [
            (PeerRole::Known, "--add-peer: "),
            (PeerRole::Priority, "--add-priority-node: "),
            (PeerRole::Exclusive, "--add-exclusive-node: "),
        ] {
            for (text, fault) in [
                ("example.com", AddrError::HostName),
                ("x.ONION.", AddrError::TrailingDot),
                ("xmrto2bturnore26.onion", AddrError::LegacyOnion),
                ("1.2.3.4:0", AddrError::PortZero),
            ] {
                let error = PeerOption::parse(text, role, Network::Mainnet).unwrap_err();
                assert_eq!(error.to_string(), format!("{start}{fault}"));
            }
        }
        for network in [Network::Mainnet, Network::Stagenet] {
            assert_eq!(parse_seed("1.2.3.4", network).unwrap().port(), network.p2p_port());
            let error = parse_seed("seeds.example", network).unwrap_err();
            assert_eq!(error.to_string(), format!("--seed-node: {}", AddrError::HostName));
        }
    }
}
