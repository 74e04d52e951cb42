use alloc::format;

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::error::DialFailure;

const START: Instant = Instant::from_micros(1_000_000);

fn seeds(count: u8) -> Vec<Addr> {
    (0..count).map(|host| Addr::parse(&format!("45.1.1.{host}"), 18_080).unwrap()).collect()
}

fn nobody(_: &Addr) -> bool {
    false
}

#[test]
fn seeds_take_turns_one_at_a_time_ever_more_seldom() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let mut errands = Errands::new(START, seeds(3), &mut rng);
    let mut now = START;
    let mut asked = Vec::new();
    for visit in 0..12u32 {
        let Err(Some(at)) = errands.next_seed(now, nobody) else { panic!("it rests at first") };
        let rest = at.saturating_since(now);
        let middle = SEED_PAUSE * (1 << visit.saturating_sub(1).min(SEED_DOUBLINGS));
        let range = if visit == 0 { FIRST_SEED.0..=FIRST_SEED.1 } else { middle / 2..=middle * 3 / 2 };
        assert!(range.contains(&rest), "{visit}: {rest:?}");
        now = at;
        asked.push(errands.next_seed(now, nobody).unwrap());
        errands.began(Purpose::Seed);
        assert_eq!(errands.next_seed(now, nobody), Err(None), "one at a time");
        errands.ended(now, Purpose::Seed, CloseReason::Done, &mut rng);
    }
    assert!(asked.windows(3).all(|three| three[0] != three[1] && three[1] != three[2] && three[0] != three[2]));
    errands.of_use();
    assert_eq!(errands.visits, 0);
}

#[test]
fn a_proxy_that_is_down_is_no_visit_and_a_linked_seed_is_passed_over() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let mut errands = Errands::new(START, seeds(2), &mut rng);
    let now = START + FIRST_SEED.1;
    errands.began(Purpose::Seed);
    errands.ended(now, Purpose::Seed, CloseReason::Dial(DialFailure::ProxyUnreachable), &mut rng);
    let all = seeds(2);
    for _ in 0..4 {
        assert_eq!(errands.next_seed(now, |seed| *seed == all[0]), Ok(all[1].clone()));
    }
    assert_eq!(errands.next_seed(now, |_| true), Err(None));
    assert_eq!(Errands::new(START, seeds(0), &mut rng).next_seed(now, nobody), Err(None));
}

#[test]
fn a_check_is_planned_once_and_due_once() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let mut errands = Errands::new(START, seeds(0), &mut rng);
    assert_eq!(errands.next_check(), None);
    errands.plan_check(START, &mut rng);
    let at = errands.next_check().unwrap();
    assert!((CHECK_INTERVAL.0..=CHECK_INTERVAL.1).contains(&at.saturating_since(START)));
    errands.plan_check(START, &mut rng);
    assert_eq!(errands.next_check(), Some(at));
    assert!(errands.check_is_due(at) && !errands.check_is_due(at));
}
