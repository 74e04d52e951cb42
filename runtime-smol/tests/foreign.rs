//! The core's examples, each a program with a runtime of its own, send a transaction to a node of this runtime.

#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};

use anonet_core::ZoneKind;

use self::support::proxy::{Pace, Proxy, Route};
use self::support::{ONIONS, TestNode, blob, run};

/// More than one chunk, and a size that no policy refuses.
const TX: usize = 60_000;
/// Lines that are no imports, comments, closing brackets and blank.
const DRIVER_LINES: usize = 60;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/examples")
}

/// `target/PROFILE/examples/NAME`, seen from `target/PROFILE/deps/TEST`.
fn example(name: &str) -> OsString {
    let this = env::current_exe().unwrap();
    let path = this.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.is_file(), "{} is missing: build it with `cargo build -p anonet-core --examples`", path.display());
    path.into()
}

/// Ended with the test, however that ends.
struct Started(Child, PathBuf);

impl Drop for Started {
    fn drop(&mut self) {
        // fails if it has ended already
        let _ = self.0.kill();
        let _ = self.0.wait();
        fs::remove_file(&self.1).unwrap();
    }
}

fn sends_a_transaction(name: &str, program: &[OsString]) {
    run(async |executor| {
        let service = TestNode::service(executor, ZoneKind::Tor, 1);
        let routes = [(ONIONS[0], Route::To(service.handle.listening()[0]))];
        let proxy = Proxy::start(executor, Pace::AtOnce, &routes).await;
        let file = env::temp_dir().join(format!("anonet-foreign-{}-{name}", process::id()));
        fs::write(&file, blob(7, TX)).unwrap();
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]).args([&proxy.addr.to_string(), &format!("{}:18083", ONIONS[0]), &"07".repeat(32)]).arg(&file);
        let mut sender = Started(command.stdout(Stdio::null()).spawn().unwrap(), file);

        service.up().await;
        assert_eq!(service.next_tx().await, blob(7, TX));
        let ended = smol::unblock(move || sender.0.wait()).await.unwrap();
        assert!(ended.success(), "{ended}");
    });
}

#[test]
fn threads_with_blocking_sockets_send_a_transaction() {
    sends_a_transaction("threads", &[example("threads")]);
}

#[test]
fn tokio_sends_a_transaction() {
    sends_a_transaction("tokio", &[example("tokio")]);
}

#[test]
fn a_host_that_knows_only_bytes_sends_a_transaction() {
    sends_a_transaction("bytes", &[example("bytes")]);
}

#[test]
#[ignore = "needs a compiler for WebAssembly: ANONET_WASM names the module that core/examples/wasm/build has built"]
fn javascript_around_webassembly_sends_a_transaction() {
    let module = env::var_os("ANONET_WASM").expect("ANONET_WASM names the module");
    sends_a_transaction("wasm", &["node".into(), examples().join("wasm/host.mjs").into(), module]);
}

#[test]
fn each_driver_is_short() {
    let code = |line: &str| {
        let line = line.trim();
        !(line.starts_with("//")
            || line.starts_with("use ")
            || line.starts_with("import ")
            || line.chars().all(|char| "})];,".contains(char)))
    };
    for driver in ["threads/driver.rs", "tokio/driver.rs", "bytes/host.rs", "wasm/host.mjs"] {
        let text = fs::read_to_string(examples().join(driver)).unwrap();
        let lines = text.lines().filter(|line| code(line)).count();
        assert!(lines > 20 && lines <= DRIVER_LINES, "{driver} has {lines} lines");
    }
}

#[test]
fn what_a_host_reaches_by_bytes_needs_no_std() {
    let text = fs::read_to_string(examples().join("bytes/machine.rs")).unwrap();
    assert!(text.contains("use alloc::") && !text.contains("std::"));
}
