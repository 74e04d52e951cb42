//! Policy `noise` against real monerods behind a real Tor network.

use std::time::Duration;

use anonet_tests::lab::{Chain, Node, TorPair, wait_for};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn monerods_take_our_noise_and_put_our_fragments_together() {
    let (lab, chain) = (TorPair::shared(), Chain::shared());
    let (addresses, socks) = (lab.addresses(), lab.socks_port());
    let monerods = [0, 1].map(|place| lab.monerod(chain, place, 40));
    let proxy = format!("tor,127.0.0.1:{socks},4");
    let options = ["--no-public", "--relay-policy", "noise", "--proxy", &proxy];
    let peers = ["--add-peer", &addresses[0], "--add-peer", &addresses[1]];
    let node = Node::start(&[options.as_slice(), &peers].concat());
    wait_for("the node has both links", MINUTE, || {
        let zone = node.zone("tor");
        if zone["outgoing"] == 2 { Ok(()) } else { Err(zone) }
    });
    assert_eq!(node.zone("tor")["relay_policy"], "noise");

    // one that fits into a unit, and one that takes three
    for (number, units) in [(1, 1), (4, 3)] {
        let transaction = chain.transaction(number);
        assert_eq!(transaction.bytes.len().div_ceil(3_000), units);
        let said = node.submit(&transaction);
        assert!(said.status.success(), "{said:?}");
        for monerod in &monerods {
            wait_for(&format!("{units} units have brought it to a pool"), 2 * MINUTE, || monerod.holds(&transaction));
        }
        let entry = wait_for("status says handed", MINUTE, || node.stashed_as(&transaction, "handed"));
        assert_eq!(entry["peers_handed_to"], 2, "{entry}");
    }
    let zone = node.zone("tor");
    assert_eq!(zone["outgoing"], 2, "the links are the same all the time: {zone}");
    node.stop();
}
