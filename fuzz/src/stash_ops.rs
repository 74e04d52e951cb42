//! The stash of a node that nobody can reach: what is submitted, forgotten and expires, against a naive model.

use std::time::Duration;

use anonet_core::route::Why;
use anonet_core::{
    Config, Event, Instant, LocalTx, Network, Node, Output, RelayPolicy, StashState, SubmitError, Submitted, TxId, ZoneConfig,
    ZoneKind,
};
use bytes::Bytes;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::script::Script;

const START: Instant = Instant::from_micros(1 << 50);

/// More steps than this teach nothing that fewer do not.
const MAX_STEPS: usize = 2_000;

#[derive(Debug, PartialEq, Eq)]
struct Kept {
    id: TxId,
    size: usize,
    expires: Instant,
}

struct Model {
    kept: Vec<Kept>,
    entries: usize,
    bytes: usize,
    lifetime: Duration,
}

/// The first three bytes choose the caps and the lifetime; then each step is a byte for what happens, and its operands.
///
/// # Panics
/// If an answer, an event or the list of kept transactions differs from the model's.
pub fn stash_ops(data: &[u8]) {
    let mut script = Script::new(data);
    let (entries, bytes) = (usize::from(script.byte() % 16), usize::from(script.byte()) * 32);
    let mut model = Model { kept: Vec::new(), entries, bytes, lifetime: Duration::from_micros(script.micros()) };
    let (mut node, mut now) = (node(&model), START);
    for _ in 0..MAX_STEPS {
        let Some(step) = script.step() else { break };
        match step % 8 {
            0..=2 => submit(&mut node, &mut model, now, script.byte(), script.byte()),
            3 => forget(&mut node, &mut model, now, script.byte()),
            4 => node.handle_timeout(Instant::from_micros(now.as_micros().saturating_sub(script.micros()))),
            5 => {
                now = node.poll_timeout().unwrap_or(now);
                expire(&mut node, &mut model, now);
            }
            6 => confirm(&mut node, &mut model, now, script.byte()),
            _ => {
                now = now + Duration::from_micros(script.micros());
                expire(&mut node, &mut model, now);
            }
        }
        compare(&mut node, &model, now);
    }
}

/// Its only zone wants links and knows no peer, so that all it takes in is held.
fn node(model: &Model) -> Node {
    let mut config = Config::new(Network::Regtest);
    config.zones.push(ZoneConfig::new(ZoneKind::Tor));
    config.zones[0].relay = RelayPolicy::Fluff;
    (config.limits.stash_entries, config.limits.stash_bytes) = (model.entries, model.bytes);
    config.limits.stash_lifetime = model.lifetime;
    Node::new(config, Box::new(ChaCha20Rng::from_seed([1; 32])), START).expect("the configuration is sound")
}

fn submit(node: &mut Node, model: &mut Model, now: Instant, number: u8, size: u8) {
    let id = TxId::new([number % 32; 32]);
    let Ok(tx) = LocalTx::new(Bytes::from(vec![number; usize::from(size)])) else {
        assert_eq!(size, 0);
        return;
    };
    let (entries, bytes) = (model.kept.len(), model.kept.iter().map(|kept| kept.size).sum::<usize>());
    let expected = if model.kept.iter().any(|kept| kept.id == id) {
        Ok(Submitted::Known)
    } else if entries == model.entries || bytes + usize::from(size) > model.bytes {
        Err(SubmitError::StashFull { entries, bytes })
    } else {
        model.kept.push(Kept { id, size: size.into(), expires: now + model.lifetime });
        Ok(Submitted::New)
    };
    assert_eq!(node.submit_tx(now, id, tx), expected);
    let held: Vec<TxId> = events(node).map(|event| must_be_held(&event)).collect();
    assert_eq!(held, if expected == Ok(Submitted::New) { vec![id] } else { vec![] });
}

fn forget(node: &mut Node, model: &mut Model, now: Instant, number: u8) {
    let id = TxId::new([number % 32; 32]);
    let before = model.kept.len();
    model.kept.retain(|kept| kept.id != id);
    assert_eq!(node.forget_tx(now, id), model.kept.len() < before);
}

fn confirm(node: &mut Node, model: &mut Model, now: Instant, number: u8) {
    let id = TxId::new([number % 32; 32]);
    let before = model.kept.len();
    model.kept.retain(|kept| kept.id != id);
    let known = model.kept.len() < before;
    assert_eq!(node.confirm_tx(now, id), known);
    let seen = events(node).inspect(|event| assert!(matches!(event, Event::Seen { id: seen, .. } if *seen == id), "{event:?}"));
    assert_eq!(seen.count(), usize::from(known));
}

fn expire(node: &mut Node, model: &mut Model, now: Instant) {
    node.handle_timeout(now);
    let mut due: Vec<TxId> = model.kept.iter().filter(|kept| kept.expires <= now).map(|kept| kept.id).collect();
    model.kept.retain(|kept| kept.expires > now);
    for event in events(node) {
        let Event::Expired { id } = event else { panic!("{event:?}") };
        let place = due.iter().position(|due| *due == id).expect("it was due, and is reported once");
        due.remove(place);
    }
    assert!(due.is_empty(), "not reported");
}

fn compare(node: &mut Node, model: &Model, now: Instant) {
    assert!(node.poll_output().is_none());
    let mut sorted: Vec<&Kept> = model.kept.iter().collect();
    sorted.sort_by_key(|kept| kept.id);
    assert_eq!(node.stash().count(), sorted.len());
    for (report, kept) in node.stash().zip(sorted) {
        assert_eq!((report.id, report.size, report.expires), (kept.id, kept.size, kept.expires));
        assert_eq!((report.state, report.recipients, report.proven), (StashState::Held(Why::NoPeer), 0, 0));
    }
    let next = model.kept.iter().map(|kept| kept.expires).min();
    assert_eq!(node.poll_timeout(), next);
    assert!(next.is_none_or(|at| at > now));
}

fn events(node: &mut Node) -> impl Iterator<Item = Event> {
    std::iter::from_fn(|| match node.poll_output()? {
        Output::Event(event) => Some(event),
        other => panic!("{other:?}"),
    })
}

fn must_be_held(event: &Event) -> TxId {
    match event {
        Event::Held { id, why: Why::NoPeer } => *id,
        other => panic!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::stash_ops;

    #[test]
    fn caps_repetition_age_and_forgetting() {
        let submit = |number, size| [0, number, size];
        let script = [
            &[2, 8, 20][..],
            &submit(1, 100),
            &submit(1, 100),
            &submit(2, 156),
            &submit(3, 1),
            &[3, 2],
            &submit(3, 157),
            &submit(3, 156),
            &[6, 3, 6, 2],
            &submit(2, 156),
            &[5, 4, 30, 7, 37],
        ];
        stash_ops(&script.concat());
    }
}
