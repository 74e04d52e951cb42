//! Two monerods behind hidden services of one private Tor network.

use std::sync::OnceLock;

use super::{Chain, Monerod, TorNet, free_port};

/// The port in both onion addresses.
const VIRTUAL_PORT: u16 = 18083;

const NAMES: [&str; 2] = ["one", "two"];

/// A network with two hidden services; what stands behind them each test starts for itself.
#[derive(Debug)]
pub struct TorPair {
    net: TorNet,
    ports: [u16; 2],
}

impl TorPair {
    /// The one of this test program, made at the first call; it ends with the program.
    pub fn shared() -> &'static Self {
        static PAIR: OnceLock<TorPair> = OnceLock::new();
        PAIR.get_or_init(|| {
            let ports = [free_port(), free_port()];
            let [one, two] = [0, 1].map(|place| (NAMES[place], VIRTUAL_PORT, ports[place]));
            Self { net: TorNet::start(&[one, two]), ports }
        })
    }

    /// The onion addresses of both services.
    #[must_use]
    pub fn addresses(&self) -> [String; 2] {
        NAMES.map(|name| format!("{}:{VIRTUAL_PORT}", self.net.onion(name)))
    }

    /// Tor's SOCKS port.
    #[must_use]
    pub fn socks_port(&self) -> u16 {
        self.net.socks_port()
    }

    /// Where what stands behind service 0 or 1 listens.
    #[must_use]
    pub fn port(&self, place: usize) -> u16 {
        self.ports[place]
    }

    /// The monerod behind service 0 or 1, with room for so many incoming links.
    #[must_use]
    pub fn monerod(&self, chain: &Chain, place: usize, room: u32) -> Monerod {
        Monerod::hidden_with_room(chain, ("tor", self.socks_port()), &self.addresses()[place], self.ports[place], room)
    }
}
