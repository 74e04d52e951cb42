use alloc::vec;
use alloc::vec::Vec;

use bytes::BytesMut;

use super::*;

mod random;

/// `epee.md` §C, "every shape".
const EVERY_SHAPE: &str = "011101010101020101 20 0161 08 ff 0162 03 feff 0163 0b 01 0164 0a 08 6869 \
     0165 87 08 0100 0200 0166 0c 04 0178 06 07000000 0167 8c 08 00 04 0179 01 ffffffffffffffff \
     0168 09 000000000000f83f";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// A document whose root section has these bytes.
fn document(root: &str) -> Vec<u8> {
    [&HEADER[..], &hex(root)].concat()
}

/// Walks a document without taking anything.
fn skip(body: &[u8], limits: Limits) -> Result<(), EpeeErrorKind> {
    read(body, limits, |_, _| Ok(())).map_err(|error: EpeeError| error.kind)
}

fn skip_root(root: &str) -> Result<(), EpeeErrorKind> {
    skip(&document(root), Limits::LEVIN)
}

fn varint_bytes(value: u64) -> Vec<u8> {
    let mut out = BytesMut::new();
    varint::write(&mut out, value);
    out.to_vec()
}

#[test]
fn varints_of_the_specification() {
    let table = [
        (0, "00"),
        (1, "04"),
        (63, "fc"),
        (64, "0101"),
        (100, "9101"),
        (16_383, "fdff"),
        (16_384, "02000100"),
        (1_073_741_823, "feffffff"),
        (1_073_741_824, "0300000001000000"),
        (varint::MAX, "ffffffffffffffff"),
    ];
    for (value, text) in table {
        assert_eq!(varint_bytes(value), hex(text), "{value}");
        assert_eq!(varint::read(&hex(text)), Some((value, &[][..])), "{value}");
        let cut = hex(text);
        assert_eq!(varint::read(&cut[..cut.len() - 1]), None, "{value}");
    }
    // other widths than the smallest
    for text in ["14", "1500", "16000000", "1700000000000000"] {
        assert_eq!(varint::read(&hex(text)), Some((5, &[][..])), "{text}");
    }
}

#[test]
fn every_shape_is_read() {
    let body = hex(EVERY_SHAPE);
    let mut seen = Vec::new();
    read(&body, Limits::LEVIN, |key, value| {
        seen.push(key);
        match key {
            b"a" => assert_eq!(value.integer::<u8>()?, 255),
            b"b" => assert_eq!(value.integer::<i64>()?, -2),
            b"c" => assert!(value.bool()?),
            b"d" => assert_eq!(value.bytes()?, b"hi"),
            b"f" => value.object(|key, value| {
                assert_eq!((key, value.integer::<u64>()?), (&b"x"[..], 7));
                Ok::<_, EpeeError>(())
            })?,
            b"g" => {
                let mut objects = value.objects()?;
                assert_eq!(objects.left(), 2);
                let nothing = |_: &[u8], _: &mut Value<'_, '_>| -> Result<(), EpeeError> { panic!("the first object is empty") };
                assert_eq!(objects.read_next(nothing), Some(Ok(())));
                let second = objects.read_next(|key, value| {
                    assert_eq!((key, value.integer::<i64>()?), (&b"y"[..], -1));
                    Ok::<_, EpeeError>(())
                });
                assert_eq!(second, Some(Ok(())));
                assert_eq!(objects.read_next(|_, _| Ok::<_, EpeeError>(())), None);
            }
            _ => {}
        }
        Ok::<_, EpeeError>(())
    })
    .unwrap();
    assert_eq!(seen.concat(), b"abcdefgh");
}

#[test]
fn every_shape_cut_short_is_refused() {
    let body = hex(EVERY_SHAPE);
    for length in 0..body.len() {
        assert!(skip(&body[..length], Limits::LEVIN).is_err(), "{length} bytes");
    }
}

#[test]
fn bytes_after_the_root_section_are_ignored() {
    let padded = [hex(EVERY_SHAPE), vec![0; 3_039], vec![0xff; 9]].concat();
    assert_eq!(skip(&padded, Limits::LEVIN), Ok(()));
}

#[test]
fn examples_of_the_specification_are_written() {
    let mut out = BytesMut::new();
    write(&mut out, |_| ());
    assert_eq!(out[..], hex("01110101010102010100"));

    out.clear();
    write(&mut out, |root| {
        root.bytes("one", b"");
        root.bytes("two", b"");
    });
    assert_eq!(out[..], document("08 036f6e65 0a00 0374776f 0a00"));

    out.clear();
    write(&mut out, |root| {
        root.u8("a", 255);
        root.bool("c", true);
        root.bytes("d", b"hi");
        root.strings("e", [&b"x"[..], b""].into_iter());
        root.object("f", |section| section.u32("x", 7));
        root.objects("g", [None, Some(-1)].into_iter(), |section, value| {
            if let Some(value) = value {
                section.i64("y", value);
            }
        });
        root.repeated("h", b' ', 3);
        root.blobs("i", [[1; 2], [2; 2]].iter());
        root.u16("j", 0x0102);
        root.u64("k", 3);
    });
    let expected = "28 0161 08 ff 0163 0b 01 0164 0a 08 6869 0165 8a 08 0478 00 0166 0c 04 0178 06 07000000 \
         0167 8c 08 00 04 0179 01 ffffffffffffffff 0168 0a 0c 202020 0169 0a 10 01010202 016a 07 0201 \
         016b 05 0300000000000000";
    assert_eq!(out[..], document(expected));
}

#[test]
fn empty_arrays_are_not_written() {
    let mut out = BytesMut::new();
    write(&mut out, |root| {
        root.blobs::<32>("a", [].iter());
        root.strings("b", [].into_iter());
        root.objects("c", [0_u8; 0].into_iter(), |_, _| ());
    });
    assert_eq!(out[..], hex("01110101010102010100"));
}

#[test]
#[should_panic(expected = "b is written after c")]
fn keys_out_of_order_are_noticed() {
    write(&mut BytesMut::new(), |root| {
        root.u8("c", 0);
        root.u8("b", 0);
    });
}

#[test]
fn grammar_faults() {
    use EpeeErrorKind as Kind;
    let table = [
        ("", Kind::UnexpectedEnd),
        ("04 00 08 01 00", Kind::EmptyKey),
        ("04 0161 00 00", Kind::UnknownType(0)),
        ("04 0161 0e 00", Kind::UnknownType(14)),
        ("04 0161 80 00", Kind::UnknownType(0x80)),
        ("04 0161 8e 00", Kind::UnknownType(0x8e)),
        ("04 0161 8d 00", Kind::NestedArray),
        ("04 0161 8d 04 88 00", Kind::NestedArray),
        ("04 0161 0d 8d 00", Kind::NestedArray),
        ("04 0161 0d 08 00", Kind::UnknownType(8)),
        ("04 0161 0d 77 00", Kind::UnknownType(0x77)),
        ("04 0161 0b 02", Kind::Bool),
        ("04 0161 8b 08 01 02", Kind::Bool),
        ("08 0161 08 00 0161 08 00", Kind::DuplicateKey),
        ("0c 0162 08 00 0161 08 00 0162 08 00", Kind::DuplicateKey),
        ("0c 0161 08 00 0162 08 00 0161 08 00", Kind::DuplicateKey),
        // more than eight bytes in common, and a key with a zero
        ("08 0a 61616161616161616162 08 00 0a 61616161616161616162 08 00", Kind::DuplicateKey),
        ("08 02 6100 08 00 02 6100 08 00", Kind::DuplicateKey),
        ("04 0161 0c 08 0162 08 00 0162 08 00", Kind::DuplicateKey),
        // the claimed number of fields, elements or bytes is more than there is
        ("08 0161 08", Kind::Count),
        ("04 0161 85 08 0000000000000000", Kind::Count),
        ("04 0161 8a 0c 00 00", Kind::Count),
        ("04 0161 0a 08 00", Kind::UnexpectedEnd),
        ("04 0161 05 00000000000000", Kind::UnexpectedEnd),
    ];
    for (root, kind) in table {
        assert_eq!(skip_root(root), Err(kind), "{root}");
    }
}

#[test]
fn unusual_documents_that_are_fine() {
    let table = [
        "0c 0162 08 00 0161 08 00 0163 08 00",
        "08 02 6100 08 00 01 61 08 00",
        "08 0a 61616161616161616162 08 00 0a 61616161616161616161 08 00",
        "04 0161 0d 88 08 01 02",
        "04 0161 8a 0c 00 00 00",
        "04 0161 89 04 000000000000f83f",
        "1500 0161 08 00 0162 08 00 0163 08 00 0164 08 00 0165 08 00",
    ];
    for root in table {
        assert_eq!(skip_root(root), Ok(()), "{root}");
    }
}

#[test]
fn headers() {
    let good = hex("01110101010102010100");
    assert_eq!(skip(&good, Limits::LEVIN), Ok(()));
    for place in 0..HEADER.len() {
        let mut bad = good.clone();
        bad[place] ^= 2;
        assert_eq!(skip(&bad, Limits::LEVIN), Err(EpeeErrorKind::Header), "{place}");
    }
    assert_eq!(skip(&[], Limits::LEVIN), Err(EpeeErrorKind::Header));
    assert_eq!(skip(&good[..9], Limits::LEVIN), Err(EpeeErrorKind::UnexpectedEnd));
}

#[test]
fn hostile_counts_fail_at_once() {
    let huge = varint_bytes(1 << 40);
    for tag in [0x81, 0x88, 0x8a, 0x8b, 0x8c, 0x0a] {
        let body = [&document("04 0161")[..], &[tag], &huge].concat();
        assert_eq!(body.len(), 21);
        assert!(skip(&body, Limits::LEVIN).is_err(), "type {tag:#x}");
    }
    let root = [&HEADER[..], &huge].concat();
    assert_eq!(skip(&root, Limits::LEVIN), Err(EpeeErrorKind::Count));
    let most = [&document("04 0161 85")[..], &varint_bytes(varint::MAX)].concat();
    assert_eq!(skip(&most, Limits::LEVIN), Err(EpeeErrorKind::Count));
}

/// An array of `count` elements, each the byte 0.
fn array_of_zeros(tag: u8, count: usize) -> Vec<u8> {
    let count_bytes = varint_bytes(u64::try_from(count).unwrap());
    [&document("04 0161")[..], &[tag], &count_bytes, &vec![0; count]].concat()
}

#[test]
fn counts_at_the_limit_and_one_past() {
    let table = [
        (0x8c, 8_192, EpeeErrorKind::TooManyObjects),
        (0x8a, 16_384, EpeeErrorKind::TooManyElements),
        (0x88, 16_384, EpeeErrorKind::TooManyElements),
    ];
    for (tag, limit, kind) in table {
        assert_eq!(skip(&array_of_zeros(tag, limit), Limits::LEVIN), Ok(()), "{tag:#x}");
        assert_eq!(skip(&array_of_zeros(tag, limit + 1), Limits::LEVIN), Err(kind), "{tag:#x}");
    }
}

#[test]
fn lower_limits_at_the_limit_and_one_past() {
    // 5 fields, 2 objects, 3 strings, 2 elements, 3 sections open at once
    let body = document("10 0161 0c 04 0162 0c 00 0163 0a 00 0164 8a 08 00 00 0165 08 00");
    let enough = Limits { fields: 5, objects: 2, strings: 3, elements: 2, depth: 3 };
    assert_eq!(skip(&body, enough), Ok(()));
    let table = [
        (Limits { fields: 4, ..enough }, EpeeErrorKind::TooManyFields),
        (Limits { objects: 1, ..enough }, EpeeErrorKind::TooManyObjects),
        (Limits { strings: 2, ..enough }, EpeeErrorKind::TooManyStrings),
        (Limits { elements: 1, ..enough }, EpeeErrorKind::TooManyElements),
        (Limits { depth: 2, ..enough }, EpeeErrorKind::TooDeep),
    ];
    for (limits, kind) in table {
        assert_eq!(skip(&body, limits), Err(kind), "{limits:?}");
    }
}

/// A document of `count` fields in the root section, all different.
fn wide(count: u8) -> Vec<u8> {
    let mut body = [&HEADER[..], &varint_bytes(u64::from(count))].concat();
    for key in 1..=count {
        body.extend_from_slice(&[1, key, 8, 0]);
    }
    body
}

#[test]
fn fields_of_one_section_at_the_limit_and_one_past() {
    assert_eq!(skip(&wide(32), Limits::LEVIN), Ok(()));
    assert_eq!(skip(&wide(33), Limits::LEVIN), Err(EpeeErrorKind::TooManyFields));
}

#[test]
fn depth_at_the_limit_and_one_past() {
    let nested = |sections: usize| document(&["04 0161 0c".repeat(sections - 1), "00".into()].concat());
    assert_eq!(skip(&nested(8), Limits::LEVIN), Ok(()));
    assert_eq!(skip(&nested(9), Limits::LEVIN), Err(EpeeErrorKind::TooDeep));
    let arrays = |sections: usize| document(&["04 0161 8c 04".repeat(sections - 1), "00".into()].concat());
    assert_eq!(skip(&arrays(8), Limits::LEVIN), Ok(()));
    assert_eq!(skip(&arrays(9), Limits::LEVIN), Err(EpeeErrorKind::TooDeep));
    // closed sections do not count
    let wide = document("0c 0161 0c 00 0162 0c 00 0163 0c 00");
    assert_eq!(skip(&wide, Limits { depth: 2, ..Limits::LEVIN }), Ok(()));
}

/// Reads the only field of a root section.
fn only<T>(root: &str, take: impl Fn(&mut Value<'_, '_>) -> Result<T, EpeeError>) -> Result<T, EpeeErrorKind> {
    let mut taken = None;
    read(&document(root), Limits::LEVIN, |_, value| {
        taken = Some(take(value)?);
        Ok(())
    })
    .map_err(|error: EpeeError| error.kind)?;
    Ok(taken.unwrap())
}

#[test]
fn integers_are_converted_within_their_range() {
    let range = Err(EpeeErrorKind::IntegerRange);
    let wrong = Err(EpeeErrorKind::WrongType);
    let u8_table = [
        ("05 ff00000000000000", Ok(255)),
        ("05 0001000000000000", range),
        ("06 ff000000", Ok(255)),
        ("07 0001", range),
        ("04 7f", Ok(127)),
        ("04 ff", range),
        ("03 ff00", Ok(255)),
        ("02 ffffffff", range),
        ("01 ff00000000000000", Ok(255)),
        ("0b 01", wrong),
        ("09 0000000000000000", wrong),
        ("0a 04 31", wrong),
        ("0c 00", wrong),
        ("88 04 01", wrong),
    ];
    for (value, expected) in u8_table {
        let root = ["04 0161 ", value].concat();
        assert_eq!(only(&root, |value| value.integer::<u8>()), expected, "{value}");
    }
    let max = "04 0161 05 ffffffffffffffff";
    assert_eq!(only(max, |value| value.integer::<u64>()), Ok(u64::MAX));
    assert_eq!(only(max, |value| value.integer::<i64>()), Err(EpeeErrorKind::IntegerRange));
    let minus_one = "04 0161 04 ff";
    assert_eq!(only(minus_one, |value| value.integer::<i64>()), Ok(-1));
    assert_eq!(only(minus_one, |value| value.integer::<u64>()), Err(EpeeErrorKind::IntegerRange));
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    let wrong = EpeeErrorKind::WrongType;
    assert_eq!(only("04 0161 08 01", |value| value.bool()), Err(wrong));
    assert_eq!(only("04 0161 0b 02", |value| value.bool()), Err(EpeeErrorKind::Bool));
    assert_eq!(only("04 0161 08 01", |value| value.bytes().map(<[u8]>::len)), Err(wrong));
    assert_eq!(only("04 0161 8a 00", |value| value.bytes().map(<[u8]>::len)), Err(wrong));
    assert_eq!(only("04 0161 0a 08 6162", |value| value.blob().copied()), Ok(*b"ab"));
    assert_eq!(only("04 0161 0a 08 6162", |value| value.blob::<3>().copied()), Err(EpeeErrorKind::Length));
    assert_eq!(only("04 0161 8c 00", |value| value.object(|_, _| Ok(()))), Err(wrong));
    assert_eq!(only("04 0161 0a 00", |value| value.strings().map(|strings| strings.len())), Err(wrong));
    assert_eq!(only("04 0161 88 04 00", |value| value.strings().map(|strings| strings.len())), Err(wrong));
    assert_eq!(only("04 0161 88 00", |value| value.strings().map(|strings| strings.len())), Ok(0));
    assert_eq!(only("04 0161 8a 04 00", |value| value.objects().map(|objects| objects.left())), Err(wrong));
    assert_eq!(only("04 0161 8a 00", |value| value.objects().map(|objects| objects.left())), Ok(0));
    let twice = |value: &mut Value<'_, '_>| value.integer::<u8>().and_then(|_| value.integer::<u8>());
    assert_eq!(only("04 0161 08 01", twice), Err(EpeeErrorKind::TakenTwice));
}

#[test]
fn strings_borrow_from_the_body() {
    let body = document("04 0161 0d 8a 0c 00 04 78 08 797a");
    let mut strings = Strings::default();
    read(&body, Limits::LEVIN, |_, value| {
        strings = value.strings()?;
        Ok::<_, EpeeError>(())
    })
    .unwrap();
    assert_eq!(strings.len(), 3);
    assert!(strings.clone().eq([&b""[..], b"x", b"yz"]));
    assert!(body.as_ptr_range().contains(&strings.nth(2).unwrap().as_ptr()));
}

#[test]
fn objects_of_a_known_form_need_no_visitor() {
    // the known form is `{b: u8}`; the second object has another field, the last one another type
    let body = document("04 0161 8c 10 04 0162 08 01 04 0163 08 02 04 0162 08 03 04 0162 0b 01");
    let known = |bytes: &'static [u8]| -> Option<(u8, &'static [u8])> {
        let (&value, rest) = bytes.strip_prefix(b"\x04\x01b\x08")?.split_first()?;
        Some((value, rest))
    };
    let body: &'static [u8] = body.leak();
    let mut values = Vec::new();
    read(body, Limits::LEVIN, |_, value| {
        let mut objects = value.objects_with(|bytes| Some(known(bytes)?.1))?;
        assert_eq!(objects.left(), 4);
        while objects.left() > 0 {
            let value = objects.read_known(known);
            if value.is_none() {
                objects.read_next(|_, _| Ok::<_, EpeeError>(())).unwrap()?;
            }
            values.push(value);
        }
        assert_eq!(objects.read_known(known), None);
        Ok::<_, EpeeError>(())
    })
    .unwrap();
    assert_eq!(values, [Some(1), None, Some(3), None]);
    // a fault in an object of another form is found when the array is taken
    let bad = document("04 0161 8c 08 04 0162 08 01 04 0162 0b 02").leak();
    let refused = read(bad, Limits::LEVIN, |_, value| value.objects_with(|bytes| Some(known(bytes)?.1)).map(drop));
    assert_eq!(refused.map_err(|error: EpeeError| error.kind), Err(EpeeErrorKind::Bool));
}

#[test]
fn a_fault_in_an_object_leaves_the_others_readable() {
    let body = document("04 0161 8c 0c 08 0162 08 01 0163 0c 00 04 0162 0a 04 78 04 0162 08 03");
    let mut read_out = Vec::new();
    read(&body, Limits::LEVIN, |_, value| {
        let mut objects = value.objects()?;
        let mut number = 0;
        while let Some(result) = objects.read_next(|key, value| {
            if key == b"b" {
                number = value.integer::<u8>()?;
            }
            Ok::<_, EpeeError>(())
        }) {
            read_out.push(result.map(|()| number));
        }
        Ok::<_, EpeeError>(())
    })
    .unwrap();
    let fault = EpeeError { kind: EpeeErrorKind::WrongType, offset: 27 };
    assert_eq!(read_out, [Ok(1), Err(fault), Ok(3)]);
}
