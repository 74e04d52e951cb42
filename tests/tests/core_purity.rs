//! The core names nothing of std and pulls in nothing that needs it.

use std::path::{Path, PathBuf};
use std::process::Command;

fn core_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core")
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_crate_is_no_std_without_a_condition_and_never_links_std() {
    let root = std::fs::read_to_string(core_dir().join("src/lib.rs")).unwrap();
    assert!(root.lines().any(|line| line == "#![no_std]"), "unconditional #![no_std]");
    let mut files = Vec::new();
    sources(&core_dir().join("src"), &mut files);
    assert!(files.len() > 30);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let named = code.contains("extern crate std") || code.contains("std::") || code.contains("cfg(fuzzing)");
            assert!(!named, "{}:{}: {line}", file.display(), number + 1);
        }
    }
}

#[test]
fn no_dependency_of_the_core_has_its_std_feature_on() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let tree = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--locked",
            "-p",
            "anonet-core",
            "-e",
            "normal,features",
            "--prefix",
            "none",
            "-f",
            "{p} [{f}]",
        ])
        .current_dir(core_dir())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).unwrap();
    assert!(text.contains("curve25519-dalek") && text.contains("sha3"), "{text}");
    for line in text.lines() {
        assert!(!line.contains("feature \"std\"") && !line.contains("[std") && !line.contains(",std"), "{line}");
    }
}

#[test]
fn components_know_neither_the_node_nor_links() {
    let apart = ["levin", "epee", "peers", "select.rs", "stash", "relay", "zone/route.rs", "timer.rs", "rand.rs"];
    for part in apart {
        let path = core_dir().join("src").join(part);
        let mut files = Vec::new();
        if path.is_dir() {
            sources(&path, &mut files);
        } else {
            files.push(path);
        }
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                assert!(!line.contains("crate::node"), "{}: {line}", file.display());
                assert!(!line.contains("crate::conn::") || line.contains("SentSet"), "{}: {line}", file.display());
            }
        }
    }
}
