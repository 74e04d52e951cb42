//! A private Tor network with hidden services.

use serde_json::Value;

use super::GuardTap;
use super::process::{WorkDir, json_of, start, tool};

/// A private Tor network: three authorities, four relays, a client and a host of hidden
/// services, all on loopback. Takes about 20 s to start and 380 MB of memory.
#[derive(Debug)]
pub struct TorNet {
    state: Value,
    _dir: WorkDir,
}

impl TorNet {
    /// Starts a network with these hidden services: name, port in the onion address, and
    /// the loopback port that tor forwards to.
    ///
    /// Returns when each of them was reached once through the client.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start(services: &[(&str, u16, u16)]) -> Self {
        Self::start_with(services, &[])
    }

    /// The same, and tor names the circuit of each stream to the services `telling`, in a line before its bytes.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start_with(services: &[(&str, u16, u16)], telling: &[&str]) -> Self {
        Self::launch(services, telling, &[])
    }

    /// The same with a further client behind each of these taps, for [`TorNet::tapped_port`].
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start_tapped(services: &[(&str, u16, u16)], taps: &[GuardTap]) -> Self {
        Self::launch(services, &[], taps)
    }

    fn launch(services: &[(&str, u16, u16)], telling: &[&str], taps: &[GuardTap]) -> Self {
        start("tor-net", || {
            let dir = WorkDir::stopped_by("tor", "tor-net");
            let mut command = tool("tor-net");
            command.arg("start").arg(dir.path()).args(["--owner", &std::process::id().to_string()]);
            for (name, virtual_port, local_port) in services {
                command.args(["--service", &format!("{name}={virtual_port}:{local_port}")]);
            }
            for name in telling {
                command.args(["--circuit-ids", name]);
            }
            for tap in taps {
                command.args(["--client-behind", &tap.port().to_string()]);
            }
            let state = json_of(&mut command)?;
            Ok(Self { state, _dir: dir })
        })
    }

    /// The SOCKS port of the client behind the tap of this number.
    ///
    /// # Panics
    ///
    /// When there is no such tap.
    #[must_use]
    pub fn tapped_port(&self, tap: usize) -> u16 {
        port_in(&self.state["clients_behind"][tap], "socks_port")
    }

    /// The client's SOCKS port.
    #[must_use]
    pub fn socks_port(&self) -> u16 {
        self.port("socks_port")
    }

    /// The client's SOCKS port that answers with tor's extended error codes (F0 to F7).
    #[must_use]
    pub fn extended_port(&self) -> u16 {
        self.port("socks_extended_port")
    }

    /// The onion name of a service, without a port.
    ///
    /// # Panics
    ///
    /// When no service has this name.
    #[must_use]
    pub fn onion(&self, name: &str) -> &str {
        self.state["services"][name]["onion"].as_str().unwrap_or_else(|| panic!("no service {name} in {}", self.state))
    }

    /// The ids of its processes.
    #[must_use]
    pub fn pids(&self) -> Vec<u64> {
        pids_in(&self.state, "processes")
    }

    fn port(&self, key: &str) -> u16 {
        port_in(&self.state, key)
    }
}

/// The port under `key` in what a tool printed.
pub(super) fn port_in(state: &Value, key: &str) -> u16 {
    state[key].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or_else(|| panic!("no port {key} in {state}"))
}

/// The process ids that a tool recorded under `key`.
pub(super) fn pids_in(state: &Value, key: &str) -> Vec<u64> {
    let records = state[key].as_array().map(Vec::as_slice).unwrap_or_default();
    records.iter().filter_map(|record| record["pid"].as_u64()).collect()
}
