//! The receiver's state machine on bytes alone.

use anonet_core::levin::{FrameLimits, Header, Kind};
use anonet_tests::conformance::{Row, differs, hex, same};

use crate::{NOTIFY_BODY, OPEN, PING, flagged, head, raw, sent};

/// Limits and bytes, and what a receiver makes of them.
type Given = Row<(FrameLimits, Vec<u8>), String>;

fn receiver(section: &'static str, what: &'static str, bytes: Vec<u8>, told: &str) -> Given {
    same(section, what, (OPEN, bytes), told.to_owned())
}

fn stricter(section: &'static str, what: &'static str, why: &'static str, bytes: Vec<u8>, told: &str) -> Given {
    differs(section, what, why, (OPEN, bytes), told.to_owned())
}

fn begin(part: &[u8]) -> Vec<u8> {
    flagged(4, false, part)
}

fn middle(part: &[u8]) -> Vec<u8> {
    flagged(0, false, part)
}

fn end(part: &[u8]) -> Vec<u8> {
    flagged(8, false, part)
}

/// Headers and flags.
pub(crate) fn header_rows() -> Vec<Given> {
    let notify = sent(Kind::Notify, 2002, NOTIFY_BODY);
    let other = Header { version: 0, ..Header::new(Kind::Response { code: 1 }, 1002, 0) };
    let mut wrong = hex(PING);
    wrong[3] = 0;
    vec![
        receiver("levin §4", "fewer than 8 bytes wait", hex(PING)[..7].to_vec(), ""),
        receiver("levin §4", "a wrong signature closes once 8 bytes are there", wrong[..8].to_vec(), "close Signature"),
        stricter(
            "levin §4",
            "the version is never rejected",
            "only version 1 exists, and another one changes what RESPONSE means",
            raw(other, &[]),
            "close Version",
        ),
        receiver("levin §4", "a body without bytes is complete at once", sent(Kind::Request, 1002, ""), "request 1002 0"),
        receiver("levin §4", "a frame waits for its whole body", notify[..50].to_vec(), ""),
        receiver("levin §1", "a request with an expectation is an invoke", flagged(1, true, &[]), "request 2002 0"),
        receiver("levin §1", "a request without one is a notify", flagged(1, false, &[]), "notify 2002 0"),
        receiver("levin §1", "a response carries its code", sent(Kind::Response { code: -4 }, 1002, ""), "response 1002 0 rc -4"),
        stricter(
            "levin §4",
            "REQUEST and RESPONSE together count as a response",
            "contradictory flags: no monerod sets both",
            flagged(3, false, &[]),
            "close Flags",
        ),
        stricter(
            "levin §4",
            "fragment bits beside REQUEST mean nothing",
            "contradictory flags: no monerod sets both",
            flagged(13, false, &[]),
            "close Flags",
        ),
        receiver(
            "levin §4",
            "bytes after the root section are part of the body",
            sent(Kind::Notify, 2002, &format!("{NOTIFY_BODY}0000")),
            "notify 2002 25",
        ),
    ]
}

/// Noise and fragments.
pub(crate) fn assembly_rows() -> Vec<Given> {
    let notify = sent(Kind::Notify, 2002, NOTIFY_BODY);
    let mut inner_signature = notify.clone();
    inner_signature[0] = 9;
    let mut inner_version = notify.clone();
    inner_version[29] = 2;
    vec![
        receiver("levin §4", "BEGIN and END together are discarded", flagged(12, false, &[7; 99]), "noise"),
        receiver(
            "levin §4",
            "BEGIN clears a half-finished message",
            [begin(&notify[..20]), begin(&notify[..30]), end(&notify[30..])].concat(),
            "notify 2002 23 of 2",
        ),
        stricter(
            "levin §4",
            "a middle fragment without BEGIN is appended",
            "monerod always begins with BEGIN (§9)",
            middle(&notify),
            "close NoBegin",
        ),
        receiver(
            "levin §4",
            "END with fewer than 33 bytes closes",
            [begin(&notify[..9]), end(&notify[9..32])].concat(),
            "close NoHeader",
        ),
        stricter(
            "levin §4",
            "the inner signature is not checked",
            "no monerod writes another one (§9)",
            [begin(&inner_signature[..40]), end(&inner_signature[40..])].concat(),
            "close Signature",
        ),
        stricter(
            "levin §4",
            "the inner version is not looked at",
            "no monerod writes another one (§9)",
            [begin(&inner_version[..40]), end(&inner_version[40..])].concat(),
            "close Version",
        ),
        receiver(
            "levin §4",
            "an inner length beyond what came closes",
            [begin(&notify[..40]), end(&notify[40..55])].concat(),
            "close Incomplete",
        ),
        receiver(
            "levin §8",
            "padding behind the inner length is cut off",
            [begin(&notify[..40]), end(&[&notify[40..], &[0; 500]].concat())].concat(),
            "notify 2002 23 of 2",
        ),
        stricter(
            "levin §4",
            "an inner header with neither REQUEST nor RESPONSE is dispatched by its command",
            "no monerod nests noise or fragments",
            [begin(&flagged(12, false, &[0; 9])[..33]), end(&[0; 9])].concat(),
            "close Flags",
        ),
        receiver(
            "levin §4",
            "complete messages may come between the fragments of one",
            [begin(&notify[..40]), notify.clone(), middle(&[]), hex(PING), end(&notify[40..])].concat(),
            "notify 2002 23, request 1003 10, notify 2002 23 of 3",
        ),
    ]
}

/// Sizes.
pub(crate) fn limit_rows() -> Vec<Given> {
    let notify = sent(Kind::Notify, 2002, NOTIFY_BODY);
    vec![
        receiver("levin §3", "a ping of 4096 bytes is fine", head(1003, 4096), ""),
        receiver("levin §3", "a ping of 4097 closes", head(1003, 4097), "close TooLong"),
        differs(
            "levin §3",
            "the limit before the handshake is 262,144 bytes of anything",
            "a handshake of 65,536 bytes is all that may come (§9)",
            (FrameLimits::handshake_only(), head(2002, 1)),
            "close TooEarly".to_owned(),
        ),
        same(
            "levin §3",
            "before the handshake a handshake of 65,536 bytes may come",
            (FrameLimits::handshake_only(), head(1001, 65_536)),
            String::new(),
        ),
        same(
            "levin §3",
            "before the handshake one of 65,537 bytes may not",
            (FrameLimits::handshake_only(), head(1001, 65_537)),
            "close TooLong".to_owned(),
        ),
        differs(
            "levin §9",
            "100 MB may be held for one connection",
            "the largest legal message of an anonymity zone is a batch of transactions: 4 MiB",
            (FrameLimits::anonymity(), head(2002, (4 << 20) + 1)),
            "close TooLong".to_owned(),
        ),
        same(
            "levin §3",
            "fragments under assembly count towards the maximum",
            (FrameLimits::anonymity(), [begin(&notify[..20]), head(2002, 4 << 20)].concat()),
            "close LinkFull".to_owned(),
        ),
    ]
}
