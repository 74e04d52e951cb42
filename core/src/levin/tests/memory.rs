//! What a link makes us hold: bytes received, never bytes claimed.

use super::*;

#[test]
fn a_claim_reserves_nothing() {
    for flags in [Flags::REQUEST, Flags::RESPONSE, Flags::BEGIN, Flags::NOISE] {
        let header = Header { flags, ..Header::new(Kind::Notify, 2002, u64::from(OPEN.total())) };
        let mut decoder = Decoder::new();
        assert_eq!(feed_all(&mut decoder, &raw(header, b"x"), &OPEN), Ok(Vec::new()));
        assert!(decoder.capacity() < 4096, "{}", decoder.capacity());
    }
}

#[test]
fn noise_and_filtered_bodies_drip_without_an_allocation() {
    let mut stream = BytesMut::new();
    noise(&mut stream, 3072).unwrap();
    frame(&mut stream, Kind::Notify, 2004, |out| out.resize(out.len() + 3072, 1));
    let mut decoder = Decoder::new();
    let mut frames = 0;
    for byte in stream.chunks(1) {
        frames += feed_all(&mut decoder, byte, &FrameLimits::anonymity()).unwrap().len();
        assert_eq!(decoder.capacity(), 0);
    }
    assert_eq!(frames, 2);
}

#[test]
fn a_whole_frame_is_borrowed() {
    let stream = encoded(Kind::Notify, 2002, &[5; 5000]);
    let mut decoder = Decoder::new();
    let (_, frame) = decoder.feed(&stream, &OPEN).unwrap();
    assert_eq!(frame.unwrap().body.as_ptr(), stream[33..].as_ptr());
    assert_eq!(decoder.capacity(), 0);
    // also when only the header came before
    assert_eq!(feed_all(&mut decoder, &stream[..33], &OPEN), Ok(Vec::new()));
    let (_, frame) = decoder.feed(&stream[33..], &OPEN).unwrap();
    assert_eq!(frame.unwrap().body.as_ptr(), stream[33..].as_ptr());
    assert_eq!(decoder.capacity(), 0);
}

#[test]
fn the_buffer_is_recycled_and_a_large_one_given_back() {
    let mut decoder = Decoder::new();
    let mut drip = |body: usize| {
        let stream = encoded(Kind::Notify, 2002, &alloc::vec![3; body]);
        let received: usize = stream.chunks(100).map(|part| feed_all(&mut decoder, part, &OPEN).unwrap().len()).sum();
        assert_eq!((received, decoder.buffered()), (1, 0));
        decoder.capacity()
    };
    let small = drip(RETAINED - 1);
    assert!((RETAINED - 1..=RETAINED).contains(&small));
    for _ in 0..10 {
        assert_eq!(drip(RETAINED - 40), small, "recycled");
    }
    assert_eq!(drip(1_000_000), RETAINED);
    assert_eq!(drip(3000), RETAINED);
}

#[test]
fn an_assembly_is_held_until_its_frame_is_read() {
    let mut stream = BytesMut::new();
    fragments(&mut stream, 3072, 2002, &[1; 100_000]).unwrap();
    let mut decoder = Decoder::new();
    let cut = stream.len() - 1;
    assert_eq!(feed_all(&mut decoder, &stream[..cut], &OPEN), Ok(Vec::new()));
    let pieces = stream.len() / 3072 * 3039;
    assert_eq!(decoder.buffered(), pieces - 1);
    assert!(decoder.capacity() < 2 * pieces);
    let (_, frame) = decoder.feed(&stream[cut..], &OPEN).unwrap();
    assert_eq!(frame.unwrap().body, [1; 100_000]);
    assert_eq!(decoder.buffered(), pieces);
    assert_eq!(feed_all(&mut decoder, b"", &OPEN), Ok(Vec::new()));
    assert_eq!((decoder.buffered(), decoder.capacity()), (0, RETAINED));
}

#[test]
fn a_half_assembled_message_is_not_moved_by_frames_between() {
    let message = encoded(Kind::Notify, 2002, &[1; 20_000]);
    let between = encoded(Kind::Notify, 2002, b"between");
    let mut decoder = Decoder::new();
    feed_all(&mut decoder, &fragment(Flags::BEGIN, &message[..9000]), &OPEN).unwrap();
    feed_all(&mut decoder, &fragment(Flags::NONE, &message[9000..9001]), &OPEN).unwrap();
    let capacity = decoder.capacity();
    assert!(capacity >= 18_000, "room to grow");
    for half in between.chunks(35).cycle().take(10) {
        feed_all(&mut decoder, half, &OPEN).unwrap();
        assert_eq!(decoder.capacity(), capacity);
    }
    assert_eq!(decoder.buffered(), 9001);
}

#[test]
fn a_given_up_message_is_not_held() {
    let message = encoded(Kind::Notify, 2002, &[1; 900]);
    let mut decoder = Decoder::new();
    for _ in 0..100 {
        feed_all(&mut decoder, &fragment(Flags::BEGIN, &message[..500]), &OPEN).unwrap();
        assert_eq!(decoder.buffered(), 500);
    }
}

#[test]
fn debug_output_hides_the_body() {
    let stream = encoded(Kind::Notify, 2002, b"secret");
    let mut decoder = Decoder::new();
    let (_, frame) = decoder.feed(&stream, &OPEN).unwrap();
    let text = alloc::format!("{frame:?}");
    assert!(text.contains("body_len: 6") && !text.contains("115, 101"), "{text}");
}
