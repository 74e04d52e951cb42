use super::*;

/// The steps, by what they do; see `steps.rs`.
const ACCEPT: u8 = 0;
const FRAME: u8 = 5;
const UP: u8 = 8;
const PASS: u8 = 12;
const DEADLINE: u8 = 14;
const SUBMIT: u8 = 15;
const RESOLVE: u8 = 17;
const WRITE_ALL: [u8; 2] = [19, 1];
const RECORD: u8 = 20;
const RESTORE: u8 = 21;

fn run(script: &[u8]) -> Run {
    let mut script = Script::new(script);
    let mut run = Run::new(script.byte(), script.byte());
    while let Some(step) = script.step() {
        run.step(step, &mut script);
        run.watch.drain();
    }
    run
}

#[test]
fn scripts_reach_links_hand_overs_and_tickets() {
    for config in [0, 1, 2, 4, 5, 6, 20, 27] {
        let up = [UP, 0, 0x30].repeat(6);
        let later = [DEADLINE, RECORD, 0, WRITE_ALL[0], WRITE_ALL[1]].repeat(16);
        let script = [&[config, 1], &up[..], &WRITE_ALL, &[SUBMIT, 1, 20], &later].concat();
        let mut run = run(&script);
        assert!(run.watch.ups > 0, "{config}");
        assert!(run.watch.own.handed > 0, "{config}");
        run.stop();
    }
    for name in ["courier-tor", "courier-recorded"] {
        let path = format!("{}/corpus/node_script/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut run = run(&std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")));
        assert!(run.watch.own.handed > 0, "{name}");
        run.stop();
    }
    let mut inbound = run(&[0, 1, ACCEPT, 0, 7, FRAME, 0, 0, 0x50, 3, FRAME, 0, 4, 0x22, 9, RESOLVE, 0, 2, PASS, 30]);
    assert_eq!((inbound.watch.ups, inbound.watch.tickets.len()), (1, 2));
    inbound.stop();
}

#[test]
fn every_step_and_frame_under_every_configuration() {
    for config in 0..40 {
        for code in 0..22 {
            node_script(&[&[config, code], &[UP, 0, 0x20, UP, 1, 0x21][..], &[code, 0, code, 3, 1].repeat(20)].concat());
        }
        for frame in 0..16 {
            for detail in [0, 15, 0x3e, 0x5a, 0xa7, 0xff] {
                node_script(&[config, 3, UP, 0, 0, FRAME, 0, frame, detail, 50, WRITE_ALL[0], WRITE_ALL[1], DEADLINE]);
            }
        }
    }
}

#[test]
fn what_an_earlier_run_left_is_kept_and_goes_where_it_may() {
    for config in 0..40 {
        let restore = [RESTORE, 0, 9, 20, RESTORE, 1, 9, 20, RESTORE, 2, 9, 20, RESTORE, 3, 9, 0x25];
        let later = [DEADLINE, RECORD, 0, RECORD, 1, RECORD, 2, WRITE_ALL[0], WRITE_ALL[1], UP, 0, 0x30].repeat(40);
        let mut run = run(&[&[config, 2][..], &restore, &later].concat());
        // without an outgoing link of an anonymity zone all is held
        assert_eq!(run.watch.own.handed > 0, config % 5 != 3, "{config}");
        run.stop();
    }
}

#[test]
fn what_is_accounted_for_is_less_than_twice_what_is_held() {
    for name in ["large-messages", "half-messages"] {
        let path = format!("{}/corpus/node_script/{name}", env!("CARGO_MANIFEST_DIR"));
        let data = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        // without the last, which lets time pass
        let mut run = run(&data[..data.len() - 2]);
        let due: usize = run.watch.accounted_for().iter().map(|(_, bytes)| bytes).sum();
        let held = run.watch.node.held();
        assert!((held..2 * held).contains(&due), "{name}: {held} of {due}");
        run.stop();
    }
}
