//! What the user's provider sees: the bytes between a real tor and its guards, by size and time, while real monerods get
//! transactions.

use std::ops::Range;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use anonet_core::{CourierConfig, Privacy};
use anonet_tests::lab::{
    Chain, GuardTap, Monerod, Node, Passed, Start, TorNet, Transaction, Wiretap, free_port, throughout, wait_for,
};
use anonet_tests::two_samples::{Window, compare};
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const VIRTUAL_PORT: u16 = 18083;
const NAMES: [&str; 3] = ["one", "two", "three"];

/// A network with three senders' tors, each watched at its guards, and three hidden services. What reaches a service is
/// counted before it gets to the monerod behind.
struct Lab {
    net: TorNet,
    taps: [GuardTap; 3],
    arrived: [Wiretap; 3],
    ports: [u16; 3],
    chain: Chain,
}

fn lab() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    LAB.get_or_init(|| {
        let chain = thread::spawn(|| Chain::with_transactions(TRANSACTIONS));
        let taps = [(); 3].map(|()| GuardTap::start());
        let ports = [(); 3].map(|()| free_port());
        let arrived = ports.map(Wiretap::before);
        let services = [0, 1, 2].map(|place| (NAMES[place], VIRTUAL_PORT, arrived[place].port()));
        let net = TorNet::start_tapped(&services, &taps);
        Lab { net, taps, arrived, ports, chain: chain.join().expect("the chain can be made") }
    })
}

impl Lab {
    fn address(&self, place: usize) -> String {
        format!("{}:{VIRTUAL_PORT}", self.net.onion(NAMES[place]))
    }

    /// A monerod that dials nobody over tor, so that the taps see nothing of it.
    fn monerod(&self, place: usize) -> Monerod {
        Monerod::hidden(&self.chain, "tor", 9, &self.address(place), self.ports[place])
    }

    /// The sender behind a tap, who knows the service of that number and has a link with it that stands.
    fn sender(&self, place: usize, options: &[&str]) -> Node {
        let proxy = format!("tor,127.0.0.1:{},1", self.net.tapped_port(place));
        let address = self.address(place);
        let all = [&["--no-public", "--proxy", &proxy, "--add-peer", &address], options].concat();
        Node::start_with(&all, Start::unhindered())
    }
}

fn answered(node: &Node, count: u64) {
    wait_for("couriers are answered", 2 * MINUTE, || match node.zone("tor")["couriers"].clone() {
        couriers if couriers["answered"].as_u64() >= Some(count) => Ok(()),
        couriers => Err(couriers),
    });
}

/// How long each size is looked at, and how long a courier of the largest is under way.
const COUNTED: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(25);

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn a_courier_costs_at_the_guard_little_more_than_its_records() {
    let lab = lab();
    let monerods = [0, 1, 2].map(|place| lab.monerod(place));
    let begin = lab.taps.each_ref().map(GuardTap::now);
    throughout(5 * SECOND, || {});
    let idle: Vec<_> = (0..3).map(|place| lab.taps[place].bytes(begin[place]..lab.taps[place].now())).collect();
    println!("tor alone, 5 s, bytes up and down: {idle:?}");

    let every = ["1.5,0,0", "0,2.5,0", "0,0,3"];
    let sizes = |place: usize| ["--relay-policy", "courier", "--privacy", "fast", "--courier-every", every[place]];
    let nodes = [0, 1, 2].map(|place| lab.sender(place, &sizes(place)));
    nodes.iter().for_each(|node| answered(node, 1));
    throughout(LONGEST, || {});
    let counts = || [0, 1, 2].map(|place| (lab.taps[place].now(), lab.arrived[place].heard().len()));
    let from = counts();
    throughout(COUNTED, || {});
    let to = counts();
    for (place, class) in ["small", "medium", "large"].into_iter().enumerate() {
        let arrived = to[place].1 - from[place].1;
        let [up, down] = lab.taps[place].bytes(from[place].0..to[place].0);
        let core = bytes_of_a_courier(place);
        let per_courier = |bytes: usize| bytes as f64 / arrived as f64 * core;
        println!(
            "{class}: {:.1} couriers' bytes, of {core:.0} each by the core's count; at the guard {:.0} up, {:.0} down for each",
            arrived as f64 / core,
            per_courier(up),
            per_courier(down)
        );
        assert!(arrived as f64 > 3.0 * core, "{class}: too few to count");
        // 498 bytes take a cell of 514 and a share of a TLS record; a circuit of its own takes some 15 cells up and 25 down
        assert!((core..core * 1.3 + 20_000.0).contains(&per_courier(up)), "{class}: {} up", per_courier(up));
        assert!(per_courier(down) < 40_000.0, "{class}: {} down", per_courier(down));
    }
    for node in nodes {
        node.stop();
    }
    drop(monerods);
}

/// By the core's own count.
fn bytes_of_a_courier(class: usize) -> f64 {
    let mut numbers = CourierConfig::preset(Privacy::Fast);
    let every = numbers.every[class];
    numbers.every = [Duration::ZERO; 3];
    numbers.every[class] = every;
    numbers.bytes_per_day() as f64 / f64::from(numbers.per_day())
}

/// As many as a sender with a courier every two seconds can be rid of in one period.
const TRANSACTIONS: usize = 20;
const PERIOD: Duration = Duration::from_secs(50);
const EACH: Duration = Duration::from_millis(2_300);
/// After so long the last courier that carried something has ended.
const LANDED: Duration = Duration::from_secs(8);
/// What an observer takes together.
const WINDOW: Duration = Duration::from_secs(5);
/// Bytes in one direction that are less far apart are one burst.
const BURST: Duration = Duration::from_millis(40);
/// A difference that comes about by chance more seldom than this is one.
const CHANCE: f64 = 0.001;
const EXCHANGES: u32 = 4_999;
const STATISTICS: [&str; 6] = ["pauses up", "bursts up", "volume up", "pauses down", "bursts down", "volume down"];

/// A statistic of each window within `span`.
fn windows(tap: &GuardTap, span: &Range<Duration>, statistic: usize, case: bool) -> Vec<Window> {
    let all: Vec<Passed> =
        tap.passed(Duration::ZERO..span.end).into_iter().filter(|passed| passed.up == (statistic < 3)).collect();
    let count = (span.end - span.start).as_micros() / WINDOW.as_micros();
    let mut windows = vec![(Vec::new(), case); usize::try_from(count).expect("a few")];
    let place =
        |at: Duration| Some(usize::try_from(at.checked_sub(span.start)?.as_micros() / WINDOW.as_micros()).expect("a few"));
    if statistic % 3 == 2 {
        windows.iter_mut().for_each(|(values, _)| values.push(0.0));
    }
    let bursts: Vec<&[Passed]> = all.chunk_by(|one, next| next.at - one.at < BURST).collect();
    for (index, burst) in bursts.iter().enumerate() {
        let Some((values, _)) = place(burst[0].at).and_then(|place| windows.get_mut(place)) else { continue };
        let bytes = burst.iter().map(|passed| passed.bytes).sum::<usize>() as f64;
        match statistic % 3 {
            0 => values.extend(index.checked_sub(1).map(|before| (burst[0].at - bursts[before][0].at).as_secs_f64())),
            1 => values.push(bytes),
            _ => values[0] += bytes,
        }
    }
    windows
}

/// Which statistics tell the periods of `arms` (tap, span, whether something was sent) apart.
fn told_apart(what: &str, lab: &Lab, arms: &[(usize, Range<Duration>, bool)]) -> Vec<&'static str> {
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let found = STATISTICS.iter().enumerate().filter(|&(statistic, name)| {
        let of_arm = |(tap, span, case): &(usize, Range<Duration>, bool)| windows(&lab.taps[*tap], span, statistic, *case);
        let windows: Vec<Window> = arms.iter().flat_map(of_arm).collect();
        let result = compare(&windows, EXCHANGES, &mut rng);
        println!("{what}, {name}: distance and chance {result:?}, windows {}", windows.len());
        result.is_some_and(|(_, chance)| chance < CHANCE)
    });
    found.map(|(_, name)| *name).collect()
}

/// Two senders with couriers, of whom each sends in one of two periods, and one without couriers, who sends in the second.
/// Returns what tells apart when somebody sends, of the two and of the third.
fn watch(lab: &Lab) -> [Vec<&'static str>; 2] {
    let monerods = [0, 1, 2].map(|place| lab.monerod(place));
    let couriers =
        ["--relay-policy", "courier", "--privacy", "fast", "--courier-every", "2,0,0", "--courier-first-record", "1,2"];
    let senders = [lab.sender(0, &couriers), lab.sender(1, &couriers), lab.sender(2, &["--relay-policy", "fluff"])];
    wait_for("the third has a link", MINUTE, || match senders[2].zone("tor") {
        zone if zone["outgoing"] == 1 => Ok(()),
        zone => Err(zone),
    });
    let linked = lab.taps[2].now();
    senders[..2].iter().for_each(|node| answered(node, 5));
    let transactions: Vec<Transaction> = (1..=TRANSACTIONS).map(|number| lab.chain.transaction(number)).collect();
    let (mut arms, mut control) = (Vec::new(), Vec::new());
    for who_sends in [&[0][..], &[1, 2]] {
        let from = lab.taps.each_ref().map(GuardTap::now);
        let mut next = transactions.iter();
        throughout(PERIOD, || {
            let due = lab.taps[0].now() - from[0] >= EACH * (TRANSACTIONS - next.len()) as u32;
            if let Some(transaction) = due.then(|| next.next()).flatten() {
                who_sends.iter().for_each(|&sender| hand_in(&senders[sender], transaction));
            }
        });
        assert_eq!(next.len(), 0, "all were handed in");
        for place in [0, 1] {
            arms.push((place, from[place]..lab.taps[place].now(), who_sends.contains(&place)));
        }
        if who_sends.contains(&2) {
            control.extend([(2, linked..from[2], false), (2, from[2]..lab.taps[2].now(), true)]);
        }
        // nobody sends any more when the next period begins
        for &sender in who_sends {
            wait_for("all have left", 2 * MINUTE, || match monerods[sender].pool().len() {
                TRANSACTIONS => Ok(()),
                count => Err(format!("{count} have come")),
            });
        }
        throughout(LANDED, || {});
    }
    for sender in senders {
        sender.stop();
    }
    [told_apart("couriers", lab, &arms), told_apart("fluff", lab, &control)]
}

/// As a wallet does, which does not wait for what becomes of it.
fn hand_in(node: &Node, transaction: &Transaction) {
    let hex: String = transaction.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let answer = node.rpc("/send_raw_transaction", &json!({"tx_as_hex": hex}));
    assert_eq!(answer["status"], "OK", "{answer}");
}

#[test]
#[ignore = "needs the Debian packages monero and tor; run by .ci/run"]
fn the_guards_line_does_not_show_who_sends_by_courier() {
    let lab = lab();
    let [mut found, control] = watch(lab);
    assert!(control.contains(&"volume up"), "what shows under another policy is found: {control:?}");
    if !found.is_empty() {
        // what was chance is something else the next time
        let again = watch(lab)[0].clone();
        found.retain(|name| again.contains(name));
    }
    assert_eq!(found, Vec::<&str>::new(), "found twice");
}
