//! Peers by gossip alone, on a real Tor network: two monerods and our node, which is told of one of them; and one of them
//! learns our hidden service's address and dials it.

use std::env;
use std::time::Duration;

use anonet_tests::lab::{Chain, Monerod, Node, TorNet, free_port, throughout, wait_for};
use serde_json::Value;

const MINUTE: Duration = Duration::from_secs(60);
const VIRTUAL_PORT: u16 = 18083;

/// How long the node has to keep its links: 2 minutes, with `ANONET_LONG=1` 10.
fn watch() -> Duration {
    let long = env::var_os("ANONET_LONG").is_some_and(|value| value == "1");
    MINUTE * if long { 10 } else { 2 }
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn one_peer_is_named_and_the_other_found_and_both_are_kept_and_one_dials_us() {
    let [first_port, second_port, our_port] = [(); 3].map(|()| free_port());
    let services = [("first", first_port), ("second", second_port), ("ours", our_port)];
    let net = TorNet::start(&services.map(|(name, port)| (name, VIRTUAL_PORT, port)));
    let address = |service: &str| format!("{}:{VIRTUAL_PORT}", net.onion(service));
    let chain = Chain::shared();
    let second = Monerod::hidden(chain, "tor", net.socks_port(), &address("second"), second_port);
    // it dials the second one, whose address is white from then on, and told to others
    let proxy = format!("tor,127.0.0.1:{},10", net.socks_port());
    let inbound = format!("{},127.0.0.1:{first_port},40", address("first"));
    let dialled = address("second");
    let options = ["--synced", "--tx-proxy", &proxy, "--anonymous-inbound", &inbound, "--add-exclusive-node", &dialled];
    let first = Monerod::start(chain, &options);
    wait_for("one monerod dials the other", 2 * MINUTE, || match first.connections().len() {
        0 => Err("no connection"),
        _ => Ok(()),
    });

    // two links are wanted, one peer is named; without a daemon the service would not be advertised
    let daemon = Monerod::start(chain, &["--synced"]);
    let proxy = format!("tor,127.0.0.1:{},2", net.socks_port());
    let inbound = format!("{},127.0.0.1:{our_port},25", address("ours"));
    let daemon_address = format!("127.0.0.1:{}", daemon.rpc_port());
    let (named, ours) = (["--add-peer", &address("first")], ["--anonymous-inbound", &inbound]);
    let node =
        Node::start(&[&["--no-public", "--proxy", &proxy, "--daemon-address", &daemon_address][..], &named, &ours].concat());
    let outgoing = || {
        let zone = node.zone("tor");
        if zone["outgoing"] == 2 { Ok(()) } else { Err(zone) }
    };
    wait_for("the peer that nobody named is linked", 3 * MINUTE, outgoing);
    let incoming = |monerod: &Monerod| monerod.connections().iter().filter(|link| link["incoming"] == true).count();
    // the second one has a link from the first and one from us
    assert_eq!((incoming(&first), incoming(&second)), (1, 2));

    throughout(watch(), || {
        outgoing().expect("both links are kept");
    });
    // the first one dials its exclusive node alone
    let link = wait_for("the second monerod dials our hidden service", 3 * MINUTE, || {
        let ours = |link: &Value| link["incoming"] == false && link.to_string().contains(net.onion("ours"));
        second.connections().into_iter().find(ours).ok_or_else(|| second.peers())
    });
    assert_eq!(node.zone("tor")["incoming"], 1, "{link}");
    let transaction = chain.transaction(1);
    node.submit_ok(&transaction);
    for monerod in [&first, &second] {
        wait_for("it is in the pool", MINUTE, || monerod.holds(&transaction));
    }
    let log = node.stop();
    for service in ["first", "second", "ours"] {
        assert!(!log.contains(net.onion(service)), "no peer's address in the log");
    }
}
