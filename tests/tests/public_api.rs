//! What the core and the runtime offer to others, line by line, as it was last agreed upon: `core/public-api.txt` and
//! `runtime-smol/public-api.txt`. A line that goes or changes breaks whoever uses it, and wants another version (0.x: the second
//! number); a new line does not. With `WRITE_TABLES=1` the lists are written, else compared.

mod api;

use std::error::Error;
use std::fs;

use anonet_core::{
    Addr, BannedError, BansFull, CloseReason, Config, ConfigError, DialFailure, Event, LocalTx, Node, Output, PeerTx, Refused,
    StaleTicket, SubmitError, UnknownConn,
};
use anonet_tests::guards::root;
use api::Crate;

#[test]
fn the_public_api_is_the_one_that_was_agreed_upon() {
    for (package, name) in [("core", "anonet_core"), ("runtime-smol", "anonet_smol")] {
        let path = root().join(package).join("public-api.txt");
        let found = Crate::read(&root().join(package).join("src/lib.rs"), name).lines();
        let text: String = found.iter().map(|line| format!("{line}\n")).collect();
        if std::env::var_os("WRITE_TABLES").is_some() {
            fs::write(&path, text).unwrap();
            continue;
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let gone: Vec<&str> = kept.lines().filter(|line| !found.iter().any(|other| other == line)).collect();
        let new: Vec<&String> = found.iter().filter(|line| !kept.lines().any(|other| other == *line)).collect();
        assert!(
            gone.is_empty() && new.is_empty(),
            "the public API of {name} differs from {}.\nGone or changed, which breaks who uses it and wants another version:\n{gone:#?}\n\
             New:\n{new:#?}\nTo agree, run WRITE_TABLES=1 cargo test -p anonet-tests --test public_api",
            path.display()
        );
        assert_eq!(kept, text, "the order differs");
    }
}

#[test]
fn what_others_may_name_is_found_and_nothing_else() {
    let lines = Crate::read(&root().join("core/src/lib.rs"), "anonet_core").lines();
    let has = |wanted: &str| lines.iter().any(|line| line == wanted);
    for line in [
        "pub struct anonet_core::Node",
        "pub fn anonet_core::Node::handle_timeout(&mut self, now: Instant)",
        "pub enum anonet_core::Verdict #[non_exhaustive]",
        "variant anonet_core::Verdict::Accept",
        "field anonet_core::Limits::gray: usize",
        "pub mod anonet_core::levin",
        "pub const anonet_core::levin::HEADER_LEN: usize",
        "impl Debug for anonet_core::Node",
        "impl Buf for anonet_core::Outgoing<'_>",
        "impl Clone for anonet_core::Verdict",
        "pub fn anonet_core::route::route_peer(zones: &[ZoneStatus]) -> Result<PublicExit, Why>",
    ] {
        assert!(has(line), "{line}");
    }
    let hidden = ["Stash::", "Outbox", "node::tests", "Bans::", "fn anonet_core::Node::advance", "field anonet_core::Node::"];
    assert!(!lines.iter().any(|line| hidden.iter().any(|hidden| line.contains(hidden))));
}

/// Whoever embeds the core moves it to a thread, and sends what it says to others.
const fn is_send<T: Send + 'static>() {}
const _: () = {
    is_send::<Node>();
    is_send::<Output>();
    is_send::<Event>();
};
const fn is_shared<T: Send + Sync + 'static>() {}
const _: () = {
    is_shared::<Addr>();
    is_shared::<Config>();
    is_shared::<LocalTx>();
    is_shared::<PeerTx>();
};
const fn is_error<E: Error + Send + Sync + 'static>() {}
const _: () = {
    is_error::<BannedError>();
    is_error::<BansFull>();
    is_error::<CloseReason>();
    is_error::<ConfigError>();
    is_error::<DialFailure>();
    is_error::<Refused>();
    is_error::<StaleTicket>();
    is_error::<SubmitError>();
    is_error::<UnknownConn>();
};

/// The documentation of the core's crate.
fn documentation() -> String {
    fs::read_to_string(root().join("core/src/lib.rs")).unwrap()
}

#[test]
fn the_documentation_says_what_each_input_costs_and_each_output_asks() {
    let (lines, text) = (Crate::read(&root().join("core/src/lib.rs"), "anonet_core").lines(), documentation());
    let part = |title: &str| text.split(title).nth(1).and_then(|rest| rest.split("\n//! # ").next()).unwrap().to_owned();
    let (inputs, outputs) = (part("//! # What inputs cost"), part("//! # What outputs ask"));
    let after = |start: &'static str| {
        let names = lines.iter().filter_map(move |line| line.split_once(start)).map(|(_, rest)| rest);
        names.map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap().to_owned())
    };
    let methods: Vec<String> = after("fn anonet_core::Node::").collect();
    assert!(methods.len() > 20, "{methods:?}");
    for method in methods {
        assert!(inputs.contains(&format!("[`Node::{method}`]")), "what does Node::{method} cost?");
    }
    for (kind, start) in [("Output", "variant anonet_core::Output::"), ("Event", "variant anonet_core::Event::")] {
        let variants: Vec<String> = after(start).collect();
        assert!(variants.len() > 4, "{variants:?}");
        for variant in variants {
            assert!(outputs.contains(&format!("[`{kind}::{variant}`]")), "what does {kind}::{variant} ask?");
        }
    }
}
