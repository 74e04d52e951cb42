//! Tests on an island: in a network namespace from which nothing leads out but a line that `tests/lab/island` reads.

use std::env;
use std::net::SocketAddr;
use std::process::{Command, ExitStatus};

use super::process::tool;

/// Set for a test that is on an island already.
const VARIABLE: &str = "ANONET_ISLAND";

/// Runs a command on an island, which lets TCP to `allow` pass for harmless.
///
/// # Panics
///
/// When the tool does not run.
#[must_use]
pub fn on_island(allow: &[SocketAddr], command: &Command) -> ExitStatus {
    let mut island = tool("island");
    for addr in allow {
        island.args(["--allow", &addr.to_string()]);
    }
    island.arg(command.get_program()).args(command.get_args());
    island.env(VARIABLE, "1").status().unwrap_or_else(|error| panic!("{island:?}: {error}"))
}

/// Runs `body`, the whole of the test of that name, on an island: this program once more, with that test alone.
///
/// # Panics
///
/// When the test fails there, when anything was sent off the island, and when there can be none: it takes root or user
/// namespaces, `/dev/net/tun`, and the packages iproute2 and util-linux.
pub fn island(test: &str, allow: &[SocketAddr], body: impl FnOnce()) {
    if env::var_os(VARIABLE).is_some() {
        return body();
    }
    let mut this = Command::new(env::current_exe().expect("a running program has a path"));
    this.args(["--ignored", "--exact", test]);
    let status = on_island(allow, &this);
    assert!(status.success(), "{test} on an island: {status}; what it said is above, 99 stands for packets off the island");
}
