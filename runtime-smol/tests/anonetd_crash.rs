//! A crash of `anonetd` leaves nothing behind: no core dump, and no word of what it held.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anonet_tests::lab::{Knowledge, audit};
use common::{ONION, Scratch, TXS, free_port, tx, tx1_hex, unhex};

const PASSPHRASE: &str = "nobody finds this passphrase";
const LOGIN: &str = "alice:nobody finds this password";

/// Runs a program without a limit for core dumps, in a directory of its own for them.
fn without_limit(program: &str, dir: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited && exec \"$@\"", "sh", program]).current_dir(dir).stdin(Stdio::null());
    command
}

/// Sends a signal until it ends. Rust's own handler takes the first SIGSEGV for a fault that will come again.
fn end(mut child: Child, signal: &str) -> ExitStatus {
    for _ in 0..50 {
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        sleep(Duration::from_millis(100));
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
    }
    child.kill().unwrap();
    panic!("{signal} does not end it");
}

/// A node that has a transaction and secrets of every kind, and crashes.
fn crash(signal: &str) {
    let dir = Scratch::new();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    fs::create_dir(dir.path().join("here")).unwrap();
    let arguments = [
        "run",
        "--network",
        "regtest",
        "--no-public",
        "--proxy",
        &format!("tor,127.0.0.1:{}", free_port()),
        "--add-peer",
        ONION,
        "--rpc-bind",
        &format!("127.0.0.1:{}", free_port()),
        "--data-dir",
        data.to_str().unwrap(),
    ]
    .map(str::to_owned);
    let environment = [("ANONET_STASH_PASSPHRASE", PASSPHRASE), ("RPC_LOGIN", LOGIN), ("RUST_BACKTRACE", "full")];
    let child = without_limit(env!("CARGO_BIN_EXE_anonetd"), &dir.path().join("here"))
        .args(&arguments)
        .envs(environment)
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let submit = || {
        let mut command = common::anonetd();
        command.args(["submit", "--wait", "held", "--data-dir"]).arg(&data).arg(tx(1));
        command.output().unwrap().status.success()
    };
    assert!(
        (0..100).any(|_| submit() || {
            std::thread::sleep(std::time::Duration::from_millis(100));
            false
        }),
        "it takes it"
    );
    let status = end(child, signal);
    assert!(status.signal().is_some() && !status.core_dumped(), "{signal}: {status}");
    assert_eq!(fs::read_dir(dir.path().join("here")).unwrap().count(), 0, "{signal}");
    let environment = environment[..2].iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut knowledge = Knowledge::of(&arguments, &environment.collect::<Vec<_>>());
    knowledge.transaction(&unhex(&tx1_hex()), &unhex(TXS[0]));
    assert_eq!(audit(&knowledge, &fs::read(&log).unwrap(), &data), Vec::<String>::new(), "{signal}");
}

#[test]
fn a_crash_leaves_no_core_dump_and_says_nothing() {
    // what this machine does with other programs
    let dir = Scratch::new();
    let other = without_limit("sleep", dir.path()).arg("60").spawn().unwrap();
    if !end(other, "-ABRT").core_dumped() {
        eprintln!("this machine writes no core dumps at all, so it cannot be seen that anonetd leaves none");
    }
    for signal in ["-ABRT", "-SEGV"] {
        crash(signal);
    }
}
