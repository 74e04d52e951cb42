//! A Levin stream gives the same frames and the same error however it is cut.

use anonet_core::levin::{Decoder, FrameLimits, Kind, LevinError};

type Outcome = (Vec<(Kind, u32, Vec<u8>, u32)>, Option<LevinError>);

/// The first byte chooses the limits, the next four the sizes of the pieces (1 to 256 bytes, in turn), the rest is the
/// stream.
///
/// # Panics
/// If the pieces give other frames or another error than the whole, or the decoder holds more than its limit.
pub fn levin_split(data: &[u8]) {
    let Some((&[limits, ref sizes @ ..], stream)) = data.split_first_chunk::<5>() else {
        return;
    };
    let limits = match limits % 4 {
        0 => FrameLimits::handshake_only(),
        1 => FrameLimits::anonymity(),
        2 => FrameLimits::public(),
        _ => FrameLimits::anonymity().with_total(512),
    };
    let mut rest = stream;
    let pieces = sizes.iter().cycle().map_while(|size| {
        let (piece, after) = rest.split_at((usize::from(*size) + 1).min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    });
    assert_eq!(decode(pieces, &limits), decode([stream].into_iter(), &limits));
}

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>, limits: &FrameLimits) -> Outcome {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    for mut piece in pieces {
        loop {
            match decoder.feed(piece, limits) {
                Err(error) => {
                    assert_eq!(decoder.feed(b"more", limits), Err(error), "an error is not sticky");
                    return (frames, Some(error));
                }
                Ok((consumed, frame)) => {
                    piece = &piece[consumed..];
                    let Some(frame) = frame else {
                        assert!(piece.is_empty(), "no frame, yet bytes are left");
                        // what is unfinished counts most
                        assert!(u32::try_from(decoder.buffered()).is_ok_and(|held| held <= limits.total()));
                        break;
                    };
                    frames.push((frame.kind, frame.command, frame.body.to_vec(), frame.fragments));
                }
            }
            assert!(u32::try_from(decoder.buffered()).is_ok_and(|held| held <= limits.total()));
        }
    }
    (frames, None)
}

#[cfg(test)]
mod tests {
    use anonet_core::levin::{Flags, Header};

    use super::*;

    fn frame(header: Header, body: &[u8]) -> Vec<u8> {
        [&header.write()[..], body].concat()
    }

    fn fragment(flags: Flags, body: &[u8]) -> Vec<u8> {
        frame(Header { flags, ..Header::new(Kind::Dummy, 0, body.len() as u64) }, body)
    }

    /// Streams worth starting from, sound and broken.
    fn seeds() -> [Vec<u8>; 4] {
        let request = frame(Header::new(Kind::Request, 1001, 300), &[1; 300]);
        let message = frame(Header::new(Kind::Notify, 2002, 50), &[2; 50]);
        let sound = [
            request.clone(),
            fragment(Flags::BEGIN, &message[..20]),
            fragment(Flags::NOISE, &[0; 67]),
            frame(Header::new(Kind::Response { code: 1 }, 1002, 40), &[3; 40]),
            fragment(Flags::NONE, &message[20..60]),
            fragment(Flags::END, &[&message[60..], &[0; 9]].concat()),
        ]
        .concat();
        let version = Header { version: 2, ..Header::new(Kind::Notify, 2002, 0) };
        let unbegun = [request, fragment(Flags::END, &message)].concat();
        [[sound.clone(), frame(version, b"")].concat(), sound, unbegun, Vec::new()]
    }

    #[test]
    fn seeds_hold_under_every_limit_and_size() {
        for stream in seeds() {
            for limits in 0..4 {
                for size in [0, 1, 6, 32, 33, 99, 255] {
                    let input = [&[limits, size, 0, size, 32][..], &stream].concat();
                    levin_split(&input);
                    levin_split(&input[..input.len() / 2]);
                }
            }
        }
    }
}
