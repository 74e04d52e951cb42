//! A private I2P network with server tunnels.

use serde_json::Value;

use super::process::{WorkDir, json_of, start, tool};
use super::tor::{pids_in, port_in};

/// A private I2P network: one real i2pd whose tunnels have no hops, on loopback.
/// Takes 2 to 20 s to start and 33 MB of memory.
#[derive(Debug)]
pub struct I2pNet {
    printed: Value,
    dir: WorkDir,
}

impl I2pNet {
    /// Starts a network with these server tunnels: name and loopback port behind it.
    ///
    /// Returns when each of them was found once through the SOCKS port.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start(servers: &[(&str, u16)]) -> Self {
        start("i2p-net", || {
            let dir = WorkDir::stopped_by("i2p", "i2p-net");
            let mut command = tool("i2p-net");
            command.arg("start").arg(dir.path()).args(["--timeout", "120"]);
            for (name, port) in servers {
                command.args(["--server", &format!("{name}=127.0.0.1:{port}")]);
            }
            let printed = json_of(&mut command)?;
            Ok(Self { printed, dir })
        })
    }

    /// The port of its SOCKS proxy, which offers no authentication and so no isolation.
    #[must_use]
    pub fn socks_port(&self) -> u16 {
        port_in(&self.printed["socks"], "port")
    }

    /// The `….b32.i2p` name of a server tunnel; `echo` is always there.
    ///
    /// # Panics
    ///
    /// When no tunnel has this name.
    #[must_use]
    pub fn b32(&self, name: &str) -> &str {
        self.printed["hosts"][name].as_str().unwrap_or_else(|| panic!("no tunnel {name} in {}", self.printed))
    }

    /// The ids of its processes.
    ///
    /// # Panics
    ///
    /// When one of them ended by itself.
    #[must_use]
    pub fn pids(&self) -> Vec<u64> {
        let status = json_of(tool("i2p-net").arg("status").arg(self.dir.path())).unwrap_or_else(|reason| panic!("lab: {reason}"));
        pids_in(&status, "processes")
    }
}
