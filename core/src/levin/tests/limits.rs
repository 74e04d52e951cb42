//! Every limit at its edge and one past it.

use super::*;

const HANDSHAKE: FrameLimits = FrameLimits::handshake_only();
const ANONYMITY: FrameLimits = FrameLimits::anonymity();
const PUBLIC: FrameLimits = FrameLimits::public();
const MIB: u32 = 1 << 20;

/// What the decoder says to the header alone: limits do not wait for the body.
fn judge(header: Header, limits: &FrameLimits) -> Result<(), LevinError> {
    feed_all(&mut Decoder::new(), &header.write(), limits).map(|frames| assert!(frames.is_empty()))
}

fn assert_edge(kind: Kind, command: u32, limit: u32, limits: &FrameLimits) {
    let at = |length| judge(Header::new(kind, command, length), limits);
    assert_eq!(at(u64::from(limit)), Ok(()), "{command} at its limit");
    for length in [u64::from(limit) + 1, u64::from(u32::MAX) + 1, u64::MAX] {
        let refused = LevinError::TooLong { layer: Layer::Frame, command, length, limit };
        assert_eq!(at(length), Err(refused), "{command} past its limit");
    }
}

#[test]
fn tables() {
    for (command, anonymity, public) in [
        (1001, 65_536, 65_536),
        (1002, 65_536, 65_536),
        (1003, 4_096, 4_096),
        (1007, 4_096, 4_096),
        (1005, 4 * MIB, 8 * MIB),
        (2001, 4 * MIB, 8 * MIB),
        (2002, 4 * MIB, 8 * MIB),
        (2003, 2 * MIB, 2 * MIB),
        (2004, 4 * MIB, 8 * MIB),
        (2006, 524_288, 524_288),
        (2007, 4 * MIB, 4 * MIB),
        (2008, 4 * MIB, 4 * MIB),
        (2009, MIB, MIB),
        (2010, 4 * MIB, 4 * MIB),
        (9999, 4 * MIB, 8 * MIB),
    ] {
        for kind in [Kind::Request, Kind::Notify, Kind::Response { code: 1 }] {
            assert_edge(kind, command, anonymity, &ANONYMITY);
            assert_edge(kind, command, public, &PUBLIC);
        }
    }
    assert_edge(Kind::Dummy, 0, 4 * MIB, &ANONYMITY);
    assert_edge(Kind::Dummy, 0, 8 * MIB, &PUBLIC);
}

#[test]
fn only_a_handshake_comes_first() {
    assert_edge(Kind::Request, 1001, 65_536, &HANDSHAKE);
    assert_edge(Kind::Response { code: 1 }, 1001, 65_536, &HANDSHAKE);
    let too_early = |command| Err(LevinError::TooEarly { layer: Layer::Frame, command });
    for command in [0, 1000, 1002, 1003, 1007, 2002] {
        assert_eq!(judge(Header::new(Kind::Request, command, 0), &HANDSHAKE), too_early(command));
        assert_eq!(judge(Header::new(Kind::Notify, command, 0), &HANDSHAKE), too_early(command));
    }
    for flags in [Flags::NOISE, Flags::BEGIN, Flags::NONE, Flags::END] {
        assert_eq!(judge(Header::fragment(flags, 0), &HANDSHAKE), too_early(0));
    }
}

#[test]
fn limits_change_between_two_frames_of_one_read() {
    let stream = [encoded(Kind::Request, 1001, b"hello"), encoded(Kind::Notify, 2002, b"tx")].concat();
    let mut decoder = Decoder::new();
    let (consumed, frame) = decoder.feed(&stream, &HANDSHAKE).unwrap();
    assert_eq!(frame.map(Owned::from), Some(owned(Kind::Request, 1001, b"hello")));
    let frames = feed_all(&mut decoder, &stream[consumed..], &ANONYMITY);
    assert_eq!(frames, Ok([owned(Kind::Notify, 2002, b"tx")].to_vec()));
}

#[test]
fn filtered_commands_arrive_without_their_body() {
    let limits = ANONYMITY;
    for command in [1003, 1007, 2001, 2004, 2010, 9999] {
        let (frames, error) = decode(&encoded(Kind::Request, command, &[1; 4096]), &limits);
        assert_eq!((frames, error), ([owned(Kind::Request, command, b"")].to_vec(), None));
        let mut out = BytesMut::new();
        fragments(&mut out, 80, command, &[1; 4096]).unwrap();
        let (frames, error) = decode(&out, &limits);
        let count = frame_count(80, 4096).unwrap() as u32;
        let expected = Owned { fragments: count, ..owned(Kind::Notify, command, b"") };
        assert_eq!((frames, error), ([expected].to_vec(), None));
    }
    assert_eq!(limits.body(1002), BodyLimit::Keep(65_536));
    assert_eq!(limits.body(1003), BodyLimit::Skip(4_096));
    assert_eq!(HANDSHAKE.body(1003), BodyLimit::Refuse);
    assert_eq!(PUBLIC.body(1003), BodyLimit::Keep(4_096));
}

#[test]
fn limits_can_be_lowered() {
    let small = ANONYMITY.with_total(1000);
    assert_edge(Kind::Notify, 2002, 1000, &small);
    assert_edge(Kind::Request, 1001, 1000, &small);
    assert_edge(Kind::Request, 1003, 1000, &small);
    assert_edge(Kind::Dummy, 0, 1000, &small);
    let narrow = ANONYMITY.with_body(5000);
    assert_edge(Kind::Notify, 2002, 5000, &narrow);
    assert_edge(Kind::Request, 1003, 4096, &narrow);
    assert_edge(Kind::Dummy, 0, 4 * MIB, &narrow);
    assert_edge(Kind::Request, 1001, 10, &HANDSHAKE.with_body(10));
}

#[test]
fn half_assembled_messages_count() {
    let limits = ANONYMITY.with_total(1000);
    let message = encoded(Kind::Notify, 2002, &[0; 900]);
    let first = fragment(Flags::BEGIN, &message[..400]);
    let full = |command, length| LevinError::LinkFull { command, length, held: 400, limit: 1000 };

    let run = |next: Header| decode(&[&first[..], &next.write()].concat(), &limits).1;
    assert_eq!(run(Header::fragment(Flags::NONE, 600)), None);
    assert_eq!(run(Header::fragment(Flags::NONE, 601)), Some(full(0, 601)));
    assert_eq!(run(Header::fragment(Flags::END, 601)), Some(full(0, 601)));
    assert_eq!(run(Header::new(Kind::Notify, 2002, 600)), None);
    assert_eq!(run(Header::new(Kind::Notify, 2002, 601)), Some(full(2002, 601)));
    // these are not held beside it
    assert_eq!(run(Header::new(Kind::Dummy, 0, 1000)), None);
    assert_eq!(run(Header::new(Kind::Notify, 2004, 1000)), None);
    assert_eq!(run(Header::fragment(Flags::BEGIN, 1000)), None);
}

#[test]
fn the_inner_header_has_the_limit_of_its_command() {
    let run = |length: u64, limits: &FrameLimits| {
        let inner = Header::new(Kind::Notify, 1002, length).write();
        decode(&fragment(Flags::BEGIN, &inner), limits).1
    };
    assert_eq!(run(65_536, &ANONYMITY), None);
    let refused = |length, limit| Some(LevinError::TooLong { layer: Layer::Message, command: 1002, length, limit });
    assert_eq!(run(65_537, &ANONYMITY), refused(65_537, 65_536));
    assert_eq!(run(101, &ANONYMITY.with_body(100)), refused(101, 100));
}
