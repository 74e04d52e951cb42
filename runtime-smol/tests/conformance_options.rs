//! Every error of the specification's options (`zones-and-routing.md` §2), under both names that monerod gave them, and
//! every conflict: refused, by a message that names the option that is wrong and what to do.

mod common;

use common::{Scratch, anonetd, stderr};

const ONION: &str = common::ONION;
const OTHER: &str = "plowsof3t5hogddwabaeiyrno25efmzfxyro2vligremt7sxpsclfaid.onion:18083";
const I2P: &str = "uqj3aphckqtjsitz7kxx5flqpwjlq5ppr3chazfued7xucv3nheq.b32.i2p";
/// The checksum of another name.
const BAD_CHECKSUM: &str = "zbjkbsxc5munw3qusl7j2hpcmikhqocdf4pqhnhtpzw5nt5jrmofptad.onion:18083";
/// A name as it was before version 3.
const LEGACY: &str = "rveahdfho7wo4b2m.onion:28083";

/// What is refused, and what its message has to say.
struct Row<'a> {
    /// The condition, as the specification words it.
    condition: &'a str,
    options: &'a [&'a str],
    says: &'a [&'a str],
}

const fn row<'a>(condition: &'a str, options: &'a [&'a str], says: &'a [&'a str]) -> Row<'a> {
    Row { condition, options, says }
}

fn refuse(row: &Row<'_>) {
    let dir = Scratch::new();
    let output = anonetd().arg("run").args(row.options).env("HOME", dir.path()).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{}: {said}", row.condition);
    assert!(!dir.path().join(".local").exists(), "{}: something was started", row.condition);
    for says in row.says {
        assert!(said.contains(says), "{}: {says:?} is missing: {said}", row.condition);
    }
}

/// `--tx-proxy`, and `--proxy` with a network, which is what releases before v0.15 called it.
#[test]
fn zone_proxies_of_both_generations() {
    for option in ["--tx-proxy", "--proxy"] {
        let name = format!("{option}: ");
        let is = |condition, value: &str, fix: &str| refuse(&row(condition, &[option, value], &[&name, fix]));
        is("missing or empty NET", ",127.0.0.1:9050", "the network is missing");
        is("missing or empty PROXY", "tor", "the proxy is missing");
        is("missing or empty PROXY", "tor,", "tor,127.0.0.1:9050");
        is("missing or empty PROXY", "i2p,,5", "i2p,127.0.0.1:4447");
        is("> 2 extras", "tor,127.0.0.1:9050,1,disable_noise,2", "too many commas");
        for max in ["0", "-1", "+1", "4294967296", "ten", "1.5"] {
            is("bad max", &format!("tor,127.0.0.1:9050,{max}"), "maximum of connections");
        }
        for network in ["public", "TOR", "ipv4", " tor"] {
            is("other NET", &format!("{network},127.0.0.1:9050"), "must be tor or i2p");
        }
        for (proxy, fix) in [
            ("127.0.0.1", "the port is missing"),
            ("127.0.0.1:0", "port 0"),
            ("localhost:9050", "host names are not resolved"),
            ("socks4a://127.0.0.1:9050", "needs SOCKS5"),
            ("http://127.0.0.1:9050", "socks5://"),
            ("socks5://a:b@127.0.0.1:9050", "remove USER:PASS@"),
            ("socks5://%zz@127.0.0.1:9050", "percent sign"),
        ] {
            is("bad PROXY", &format!("tor,{proxy}"), fix);
        }
        is("an item twice (ours)", "tor,127.0.0.1:9050,1,2", "keep one");
        let twice = [option, "tor,127.0.0.1:9050", "--tx-proxy", "tor,127.0.0.1:9150"];
        refuse(&row("same NET twice", &twice, &["--proxy and --tx-proxy", "tor has two proxies"]));
    }
    refuse(&row("no network", &["--tx-proxy", "127.0.0.1:9050"], &["--tx-proxy: ", "the network is missing"]));
}

#[test]
fn the_public_proxy() {
    for (value, fix) in [
        ("127.0.0.1", "the port is missing"),
        ("127.0.0.1:0", "port 0"),
        ("proxy.example:1", "host names are not resolved"),
        ("socks4://127.0.0.1:1", "needs SOCKS5"),
        ("socks5://%zz@127.0.0.1:9050", "percent sign"),
    ] {
        refuse(&row("bad value", &["--proxy", value], &["--proxy: ", fix]));
    }
    let twice = ["--proxy", "127.0.0.1:1", "--proxy", "127.0.0.1:2"];
    refuse(&row("two of them", &twice, &["public has two proxies"]));
}

/// monerod blames `--tx-proxy` for a bad maximum, and its IP is not optional.
#[test]
fn hidden_services() {
    let proxy = ["--proxy", "tor,127.0.0.1:9050"];
    let is = |condition, value: &str, fix: &str| {
        let options = [&proxy[..], &["--anonymous-inbound", value]].concat();
        refuse(&row(condition, &options, &["--anonymous-inbound: ", fix]));
    };
    for (advertise, fix) in [
        ("", "write"),
        ("1.2.3.4:5", "an IP address would be told to strangers"),
        ("example.com:5", "DNS"),
        (BAD_CHECKSUM, "checksum"),
        (LEGACY, "version 3"),
        ("x.b32.i2p", "52 characters"),
        (ONION.split(':').next().unwrap(), "port"),
    ] {
        is("ADDR is not tor or i2p", &format!("{advertise},127.0.0.1:5"), fix);
    }
    is("BIND is missing", ONION, "the local port is missing");
    is("BIND is missing", &format!("{ONION},"), "the local port is missing");
    is("BIND is bad", &format!("{ONION},127.0.0.1"), "the port is missing");
    is("BIND is bad", &format!("{ONION},localhost:5"), "host names are not resolved");
    is("BIND is exposed (ours)", &format!("{ONION},0.0.0.0:5"), "loopback");
    for max in ["0", "-1", "x"] {
        is("bad MAX", &format!("{ONION},5,{max}"), "maximum of connections");
    }
    is("further commas (ours)", &format!("{ONION},5,5,haproxy,"), "too many commas");
    is("circuits of I2P (ours)", &format!("{I2P},5,haproxy"), "only Tor");

    let (one, two, i2p) = (format!("{ONION},5"), format!("{OTHER},6"), format!("{I2P},5"));
    let twice = [&proxy[..], &["--anonymous-inbound", &one, "--anonymous-inbound", &two]].concat();
    refuse(&row("same zone twice", &twice, &["--anonymous-inbound: ", "tor has two"]));
    let same = [&proxy[..], &["--anonymous-inbound", &one, "--anonymous-inbound", &i2p]].concat();
    refuse(&row("one port for two (ours)", &same, &["--anonymous-inbound: ", "the same local port"]));
    refuse(&row("no --tx-proxy at all", &["--anonymous-inbound", &one], &["--anonymous-inbound: ", "add --proxy tor,"]));
}

#[test]
fn peers_and_what_they_need() {
    for option in ["--add-peer", "--add-priority-node", "--add-exclusive-node", "--seed-node"] {
        let name = format!("{option}: ");
        for (value, fix) in [
            ("node.example", "anonet never asks DNS"),
            ("node.example:18080", "anonet never asks DNS"),
            (BAD_CHECKSUM, "checksum"),
            (&BAD_CHECKSUM.to_uppercase(), "checksum"),
            (LEGACY, "version 3"),
            ("1.2.3.4:0", "port"),
            ("1.2.3.4:65536", "port"),
            ("test.b32.i2p", "52 characters"),
            ("", "write"),
        ] {
            let options = [option, value, "--proxy", "tor,127.0.0.1:9050", "--proxy", "i2p,127.0.0.1:4447"];
            refuse(&row("an unparsable peer", &options, &[&name, fix]));
        }
        let zone = "Set outgoing peer for <zone> but did not set --tx-proxy";
        refuse(&row(zone, &[option, ONION], &[&name, "add --proxy tor,127.0.0.1:9050"]));
        refuse(&row(zone, &[option, I2P, "--proxy", "tor,127.0.0.1:9050"], &[&name, "add --proxy i2p,127.0.0.1:4447"]));
        let off = [option, "1.2.3.4", "--no-public", "--proxy", "tor,127.0.0.1:9050"];
        refuse(&row("a public peer with --no-public (ours)", &off, &[&name, "--no-public"]));
    }
}

#[test]
fn the_other_options() {
    for (options, says) in [
        (&["--out-peers", "-2"][..], "--out-peers"),
        (&["--out-peers", "4294967296"], "--out-peers"),
        (&["--in-peers", "x"], "--in-peers"),
        (&["--p2p-bind-ip", "::1"], "--p2p-bind-ip: write an IPv4 address"),
        (&["--p2p-bind-ip", "here.example"], "--p2p-bind-ip: write an IPv4 address"),
        (&["--p2p-bind-port", "0"], "--p2p-bind-port: port 0"),
        (&["--p2p-bind-port", "65536"], "--p2p-bind-port"),
        (&["--p2p-use-ipv6", "--p2p-bind-ipv6-address", "1.2.3.4"], "--p2p-bind-ipv6-address: write an IPv6 address"),
        (&["--p2p-use-ipv6", "--p2p-bind-port-ipv6", "0"], "--p2p-bind-port-ipv6: port 0"),
        (&["--p2p-bind-ipv6-address", "::1"], "--p2p-bind-ipv6-address: add --p2p-use-ipv6"),
        (&["--no-public"], "--no-public: no network is left"),
        (&["--ban-list", "/absent"], "--ban-list: cannot read /absent"),
        (&["--max-connections-per-ip", "0"], "--max-connections-per-ip"),
    ] {
        refuse(&row("a bad value", options, &[says]));
    }
    for option in [&["--out-peers", "3"][..], &["--in-peers", "3"], &["--p2p-bind-ip", "1.2.3.4"], &["--p2p-use-ipv6"]] {
        let options = [option, &["--no-public", "--proxy", "tor,127.0.0.1:9050"]].concat();
        refuse(&row("public only", &options, &[&format!("{}: ", option[0]), "--no-public switches off"]));
    }
}
