//! What the decoder refuses, and what it lets pass because monerod sends or ignores it.

use super::*;

const NOTIFY: Header = Header::new(Kind::Notify, 2002, 2);

fn error_of(stream: &[u8]) -> Option<LevinError> {
    decode(stream, &OPEN).1
}

#[test]
fn a_wrong_signature_is_seen_at_its_first_byte() {
    for at in 0..8 {
        let mut bytes = NOTIFY.write();
        bytes[at] ^= 0x40;
        assert_eq!(error_of(&bytes[..at]), None);
        assert_eq!(error_of(&bytes[..=at]), Some(LevinError::Signature { layer: Layer::Frame }));
        assert_eq!(Header::parse(&bytes), Err(LevinError::Signature { layer: Layer::Frame }));
    }
}

#[test]
fn errors_are_sticky_and_free_the_buffer() {
    let mut decoder = Decoder::new();
    let partial = raw(Header::new(Kind::Notify, 2002, 5000), &[0; 4999]);
    assert_eq!(feed_all(&mut decoder, &partial, &OPEN), Ok(Vec::new()));
    assert_eq!(decoder.buffered(), 4999);
    let error = Err(LevinError::Signature { layer: Layer::Frame });
    assert_eq!(feed_all(&mut decoder, b"\0x", &OPEN), error);
    assert_eq!((decoder.buffered(), decoder.capacity()), (0, 0));
    assert_eq!(feed_all(&mut decoder, &encoded(Kind::Notify, 2002, b""), &OPEN), error);
}

#[test]
fn only_version_1() {
    for version in [0, 2, u32::MAX] {
        let refused = |layer| Some(LevinError::Version { layer, command: 2002, version });
        let frame = raw(Header { version, ..NOTIFY }, b"ab");
        assert_eq!(error_of(&frame), refused(Layer::Frame));
        assert_eq!(error_of(&fragment(Flags::BEGIN, &frame)), refused(Layer::Message));
    }
}

#[test]
fn flags() {
    for bits in 0..16 {
        let header = Header { flags: Flags::from_bits(bits), ..NOTIFY };
        let expected = match bits {
            1 | 2 | 4 | 12 => None,
            0 | 8 => Some(LevinError::NoBegin { bits }),
            _ => Some(LevinError::Flags { layer: Layer::Frame, command: 2002, bits }),
        };
        assert_eq!(error_of(&raw(header, b"ab")), expected, "{bits}");

        let message = [fragment(Flags::BEGIN, b""), fragment(Flags::END, &raw(header, b"ab"))].concat();
        let expected = match bits {
            1 | 2 => None,
            _ => Some(LevinError::Flags { layer: Layer::Message, command: 2002, bits }),
        };
        assert_eq!(error_of(&message), expected, "{bits} re-assembled");
    }
}

#[test]
fn undefined_bits_and_any_non_zero_expectation_pass() {
    let mut bytes = raw(Header { flags: Flags::from_bits(0x8000_0011), ..NOTIFY }, b"ab");
    assert_eq!(decode(&bytes, &OPEN), ([owned(Kind::Notify, 2002, b"ab")].to_vec(), None));
    bytes[16] = 0x80;
    assert_eq!(decode(&bytes, &OPEN), ([owned(Kind::Request, 2002, b"ab")].to_vec(), None));
    let response = Header { expects_response: true, ..Header::new(Kind::Response { code: i32::MIN }, 1002, 0) };
    let expected = owned(Kind::Response { code: i32::MIN }, 1002, b"");
    assert_eq!(decode(&response.write(), &OPEN), ([expected].to_vec(), None));
}

#[test]
fn fragments_need_a_first_one() {
    let message = encoded(Kind::Notify, 2002, b"ab");
    for (flags, bits) in [(Flags::NONE, 0), (Flags::END, 8)] {
        let refused = Some(LevinError::NoBegin { bits });
        assert_eq!(error_of(&fragment(flags, &message)), refused);
        // a finished message leaves nothing to go on with
        let complete = [fragment(Flags::BEGIN, &message), fragment(Flags::END, b"")].concat();
        let (frames, error) = decode(&[complete, fragment(flags, b"")].concat(), &OPEN);
        assert_eq!((frames.len(), error), (1, refused));
        // nor does noise begin one
        let mut stream = BytesMut::new();
        noise(&mut stream, 40).unwrap();
        assert_eq!(error_of(&[&stream[..], &fragment(flags, &message)].concat()), refused);
    }
}

#[test]
fn the_inner_header_is_checked() {
    let message = encoded(Kind::Notify, 2002, b"ab");
    let run = |message: &[u8]| error_of(&[fragment(Flags::BEGIN, message), fragment(Flags::END, b"")].concat());
    assert_eq!(run(&message), None);
    assert_eq!(run(&message[..32]), Some(LevinError::NoHeader { length: 32 }));
    assert_eq!(run(b""), Some(LevinError::NoHeader { length: 0 }));
    let incomplete = LevinError::Incomplete { command: 2002, length: 2, available: 1 };
    assert_eq!(run(&message[..34]), Some(incomplete));
    let mut damaged = message.to_vec();
    damaged[7] = 0;
    assert_eq!(run(&damaged), Some(LevinError::Signature { layer: Layer::Message }));
}

#[test]
fn a_new_first_fragment_restarts() {
    let given_up = encoded(Kind::Notify, 2002, &[1; 500]);
    let sent = encoded(Kind::Notify, 2002, b"sent");
    let stream = [
        fragment(Flags::BEGIN, &given_up[..200]),
        fragment(Flags::NONE, &given_up[200..300]),
        fragment(Flags::BEGIN, &sent[..10]),
        fragment(Flags::END, &sent[10..]),
    ];
    let expected = Owned { fragments: 2, ..owned(Kind::Notify, 2002, b"sent") };
    assert_eq!(decode(&stream.concat(), &OPEN), ([expected].to_vec(), None));
}

#[test]
fn other_frames_come_between_fragments() {
    let message = encoded(Kind::Response { code: 1 }, 1002, b"the response");
    let between = encoded(Kind::Notify, 2002, b"between");
    let mut dummy = BytesMut::new();
    noise(&mut dummy, 100).unwrap();
    let stream = [
        &fragment(Flags::BEGIN, &message[..1])[..],
        &between,
        &fragment(Flags::NONE, &message[1..40]),
        &dummy,
        &fragment(Flags::NONE, b""),
        &between,
        &fragment(Flags::END, &message[40..]),
        &between,
    ]
    .concat();
    let notify = owned(Kind::Notify, 2002, b"between");
    let expected = [
        notify.clone(),
        owned(Kind::Dummy, 0, b""),
        notify.clone(),
        Owned { fragments: 4, ..owned(Kind::Response { code: 1 }, 1002, b"the response") },
        notify,
    ]
    .to_vec();
    assert_eq!(decode(&stream, &OPEN), (expected.clone(), None));
    assert_eq!(decode_pieces(stream.chunks(1), &OPEN), (expected, None));
}

#[test]
fn messages_say_what_is_wrong() {
    use alloc::string::ToString;
    let refused = LevinError::TooLong { layer: Layer::Message, command: 1002, length: 70_000, limit: 65_536 };
    let text = "re-assembled message of command 1002 claims 70000 bytes, limit 65536: close the connection";
    assert_eq!(refused.to_string(), text);
}
