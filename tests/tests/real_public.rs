//! Our node as a peer that a real monerod dials: what it is asked for, and what keeps monerod content.

use std::time::Duration;

use anonet_core::wire::TxForm;
use anonet_core::{ChainTip, Config, Event, Network, ZoneConfig, ZoneKind};
use anonet_tests::lab::{Auth, BareNode, Chain, FakeSocks, Monerod, Transaction, onions, throughout, wait_for};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);

/// A monerod that asks a peer for blocks in vain gives up on it after 20 s.
const LONGER_THAN_ITS_PATIENCE: Duration = Duration::from_secs(40);

/// First epochs of as many monerods.
const EPOCHS: u32 = 9;

/// What a node is asked for that claims blocks.
const SYNC_COMMANDS: [u32; 4] = [2003, 2006, 2007, 2009];

fn node(kind: ZoneKind) -> BareNode {
    let mut zone = ZoneConfig::new(kind);
    (zone.max_incoming, zone.max_outgoing) = (8, 0);
    let mut config = Config::new(Network::Regtest);
    config.zones = vec![zone];
    BareNode::start(config)
}

fn dialler(chain: &Chain, node: &BareNode) -> Monerod {
    Monerod::start(chain, &["--add-exclusive-node", &format!("127.0.0.1:{}", node.port)])
}

/// The state and our height, as monerod sees its one connection.
fn seen_by(monerod: &Monerod) -> Result<(String, u64), String> {
    match &monerod.connections()[..] {
        [one] => Ok((one["state"].as_str().unwrap_or_default().to_owned(), one["height"].as_u64().unwrap_or_default())),
        other => Err(format!("{} connections", other.len())),
    }
}

fn tip(height: u64, top_id: [u8; 32]) -> ChainTip {
    ChainTip::new(height, top_id, u128::from(height), 16)
}

/// The form in which a transaction came, once it did.
fn form_of(node: &mut BareNode, transaction: &Transaction) -> Result<TxForm, String> {
    let came = node.events().iter().find_map(|event| match event {
        Event::Tx { blob, form, .. } if blob[..] == transaction.bytes => Some(*form),
        _ => None,
    });
    came.ok_or_else(|| format!("it has not come; links ended: {:?}", node.ends()))
}

/// Facts, from monerod 0.18: shown a longer chain than its own, it asks for it (2006), gets no answer, hangs up after
/// 20 s and dials again, for ever. Shown the first block, or its own tip, it asks for no blocks and stays.
#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_monerod_is_content_with_a_node_without_blocks_whatever_the_chain() {
    let chain = Chain::shared();
    let (height, id) = chain.tip();
    for (tip, shown) in [(None, 1), (Some(tip(height, id)), height), (Some(tip(height + 5, [0xab; 32])), 1)] {
        let mut node = node(ZoneKind::Public);
        if let Some(tip) = tip {
            node.call(move |node, now| node.set_tip(now, tip));
        }
        let monerod = dialler(chain, &node);
        wait_for("monerod dials", MINUTE, || seen_by(&monerod));
        throughout(LONGER_THAN_ITS_PATIENCE, || {
            assert_eq!(seen_by(&monerod), Ok(("normal".to_owned(), shown)), "{tip:?}");
            assert!(node.ends().is_empty(), "{tip:?}: {:?}", node.ends());
        });
        assert!(SYNC_COMMANDS.iter().all(|command| !node.heard().contains(command)), "{tip:?}: {:?}", node.heard());
        // it tells of new blocks, which are nothing to us
        monerod.mine(2);
        throughout(Duration::from_secs(10), || assert!(node.ends().is_empty(), "{:?}", node.ends()));
        eprintln!("shown {shown}: monerod sent {:?}", node.heard());
    }
}

/// The form in which a monerod that has just started sends its own transaction to a node that shows this tip, or none.
fn form_from_a_fresh_monerod(chain: &Chain, tip: Option<ChainTip>) -> TxForm {
    let mut node = node(ZoneKind::Public);
    if let Some(tip) = tip {
        node.call(move |node, now| node.set_tip(now, tip));
    }
    let (monerod, transaction) = (dialler(chain, &node), chain.transaction(1));
    wait_for("monerod dials", MINUTE, || seen_by(&monerod));
    monerod.sync_peer();
    monerod.submit(&transaction);
    wait_for("the transaction comes", MINUTE, || form_of(&mut node, &transaction))
}

/// Before 0.18.2 a monerod fluffs its own transactions too in one epoch of five, and draws the first as it starts: that all of
/// [`EPOCHS`] are of that kind has a chance of one in two million.
#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_monerod_stems_through_a_node_on_its_height_and_only_fluffs_to_one_without_a_chain() {
    let chain = Chain::shared();
    let (height, id) = chain.tip();
    let stems = (0..EPOCHS).any(|_| form_from_a_fresh_monerod(chain, Some(tip(height, id))) == TxForm::Stem);
    assert!(stems, "never a stem in {EPOCHS} epochs");
    for _ in 0..2 {
        assert_eq!(form_from_a_fresh_monerod(chain, None), TxForm::Fluff);
    }
}

/// monerod 0.18 sends noise, and transactions in it, only to peers that claim at least its own height.
#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_monerod_with_noise_goes_on_sending_to_our_hidden_service_while_the_chain_grows() {
    let chain = Chain::shared();
    let (mut height, id) = chain.tip();
    let mut node = node(ZoneKind::Tor);
    node.call(move |node, now| node.set_tip(now, tip(height, id)));
    let name = &onions(1)[0];
    let proxy = FakeSocks::start(&json!({ "*": node.port }), Auth::Any);
    let through = format!("tor,127.0.0.1:{},10", proxy.port());
    let monerod = Monerod::start(chain, &["--synced", "--tx-proxy", &through, "--add-exclusive-node", &format!("{name}:18083")]);
    wait_for("monerod dials", MINUTE, || seen_by(&monerod));
    for (number, blocks) in [(1, 10), (2, 40)] {
        for _ in 0..blocks {
            monerod.mine(1);
            height += 1;
            node.call(move |node, now| node.set_tip(now, tip(height, [height as u8; 32])));
            std::thread::sleep(Duration::from_secs(2));
        }
        let claimed = height.next_multiple_of(30);
        wait_for("monerod is shown a height above its own", MINUTE * 2, || match seen_by(&monerod)? {
            (state, shown) if state == "normal" && shown == claimed => Ok(()),
            other => Err(format!("{other:?}")),
        });
        let transaction = chain.transaction(number);
        monerod.submit(&transaction);
        let form = wait_for("the transaction comes in noise", MINUTE * 6, || form_of(&mut node, &transaction));
        assert_eq!(form, TxForm::Stem);
        assert!(node.ends().is_empty(), "{:?}", node.ends());
    }
}
