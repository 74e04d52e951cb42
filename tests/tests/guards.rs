//! The list of guards is true to the code, and ARCHITECTURE.md has it. That each is caught takes a build for each, so the
//! program `guards` sees to that.

use std::collections::BTreeSet;
use std::fs;

use anonet_tests::guards::{all, root, test_stands};

#[test]
fn each_guard_stands_once_in_the_code_and_once_in_the_list() {
    let guards = all();
    assert!(guards.len() > 40, "{}", guards.len());
    for guard in &guards {
        let text = fs::read_to_string(root().join(&guard.file)).unwrap_or_else(|error| panic!("{}: {error}", guard.name));
        let without = guard.delete_from(&text).unwrap_or_else(|count| panic!("`{}` stands {count} times", guard.remove));
        assert_ne!(without, text, "{}", guard.name);
    }
    assert_eq!(guards.iter().map(|guard| &guard.name).collect::<BTreeSet<_>>().len(), guards.len());
}

#[test]
fn each_test_that_is_named_is_there() {
    for guard in all() {
        assert!(test_stands(&guard.suite, &guard.test), "no test {} in {}", guard.test, guard.suite);
    }
}

#[test]
fn architecture_lists_them_all() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let listed: Vec<&str> = text.lines().collect();
    for guard in all() {
        let row = guard.row();
        assert!(listed.contains(&row.as_str()), "write it anew with `cargo run -p anonet-tests --bin guards -- --table`: {row}");
    }
}
