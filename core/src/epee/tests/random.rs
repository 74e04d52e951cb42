use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

/// A value that the tests can build and compare.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Number(u64),
    Signed(i64),
    Bool(bool),
    Text(Vec<u8>),
    Texts(Vec<Vec<u8>>),
    Object(Vec<(Vec<u8>, Self)>),
    Objects(Vec<Vec<(Vec<u8>, Self)>>),
}

fn put_string(out: &mut Vec<u8>, string: &[u8]) {
    out.extend(varint_bytes(u64::try_from(string.len()).unwrap()));
    out.extend_from_slice(string);
}

fn put_section(out: &mut Vec<u8>, fields: &[(Vec<u8>, Tree)]) {
    out.extend(varint_bytes(u64::try_from(fields.len()).unwrap()));
    for (key, value) in fields {
        out.push(u8::try_from(key.len()).unwrap());
        out.extend_from_slice(key);
        put_value(out, value);
    }
}

fn put_value(out: &mut Vec<u8>, value: &Tree) {
    match value {
        Tree::Number(number) => {
            out.push(5);
            out.extend(number.to_le_bytes());
        }
        Tree::Signed(number) => {
            out.push(1);
            out.extend(number.to_le_bytes());
        }
        Tree::Bool(bool) => out.extend([11, u8::from(*bool)]),
        Tree::Text(text) => {
            out.push(10);
            put_string(out, text);
        }
        Tree::Texts(texts) => {
            out.push(0x8a);
            out.extend(varint_bytes(u64::try_from(texts.len()).unwrap()));
            texts.iter().for_each(|text| put_string(out, text));
        }
        Tree::Object(fields) => {
            out.push(12);
            put_section(out, fields);
        }
        Tree::Objects(objects) => {
            out.push(0x8c);
            out.extend(varint_bytes(u64::try_from(objects.len()).unwrap()));
            objects.iter().for_each(|fields| put_section(out, fields));
        }
    }
}

/// Takes a value as the type that the model has there.
fn take(model: &Tree, value: &mut Value<'_, '_>) -> Result<Tree, EpeeError> {
    Ok(match model {
        Tree::Number(_) => Tree::Number(value.integer()?),
        Tree::Signed(_) => Tree::Signed(value.integer()?),
        Tree::Bool(_) => Tree::Bool(value.bool()?),
        Tree::Text(_) => Tree::Text(value.bytes()?.to_vec()),
        Tree::Texts(_) => Tree::Texts(value.strings()?.map(<[u8]>::to_vec).collect()),
        Tree::Object(fields) => {
            let mut taken = Vec::new();
            value.object(|key, value| take_field(fields, &mut taken, key, value))?;
            Tree::Object(taken)
        }
        Tree::Objects(models) => {
            let mut objects = value.objects()?;
            let mut taken = Vec::new();
            for fields in models {
                let mut object = Vec::new();
                let next = objects.read_next(|key, value| take_field(fields, &mut object, key, value));
                next.unwrap()?;
                taken.push(object);
            }
            assert_eq!(objects.left(), 0);
            Tree::Objects(taken)
        }
    })
}

fn take_field(
    models: &[(Vec<u8>, Tree)],
    taken: &mut Vec<(Vec<u8>, Tree)>,
    key: &[u8],
    value: &mut Value<'_, '_>,
) -> Result<(), EpeeError> {
    let model = &models[taken.len()].1;
    taken.push((key.to_vec(), take(model, value)?));
    Ok(())
}

/// Sections of up to six fields with different keys in any order.
fn any_section(value: impl Strategy<Value = Tree>) -> impl Strategy<Value = Vec<(Vec<u8>, Tree)>> {
    let key = prop_oneof![prop::collection::vec(any::<u8>(), 1..=12), prop::collection::vec(0..=1_u8, 7..=10),];
    prop::collection::hash_map(key, value, 0..=6).prop_map(|fields| fields.into_iter().collect())
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let text = || prop::collection::vec(any::<u8>(), 0..80);
    let leaf = prop_oneof![
        any::<u64>().prop_map(Tree::Number),
        any::<i64>().prop_map(Tree::Signed),
        any::<bool>().prop_map(Tree::Bool),
        text().prop_map(Tree::Text),
        prop::collection::vec(text(), 0..5).prop_map(Tree::Texts),
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        prop_oneof![
            any_section(inner.clone()).prop_map(Tree::Object),
            prop::collection::vec(any_section(inner), 0..4).prop_map(Tree::Objects),
        ]
    })
}

proptest! {
    #[test]
    fn varints_come_back(value in 0..=varint::MAX, wide in any::<bool>()) {
        let value = if wide { value } else { value >> 40 };
        let bytes = varint_bytes(value);
        prop_assert_eq!(varint::read(&bytes), Some((value, &[][..])));
    }

    #[test]
    fn documents_come_back(fields in any_section(any_tree())) {
        let mut body = HEADER.to_vec();
        put_section(&mut body, &fields);
        prop_assert_eq!(skip(&body, Limits::LEVIN), Ok(()));
        let mut taken = Vec::new();
        read(&body, Limits::LEVIN, |key, value| take_field(&fields, &mut taken, key, value)).unwrap();
        prop_assert_eq!(taken, fields);
    }

    #[test]
    fn a_key_written_twice_is_found(
        mut fields in any_section(any::<bool>().prop_map(Tree::Bool)),
        again in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!fields.is_empty());
        let copy = fields[again.index(fields.len())].clone();
        fields.insert(place.index(fields.len() + 1), copy);
        let mut body = HEADER.to_vec();
        put_section(&mut body, &fields);
        prop_assert_eq!(skip(&body, Limits::LEVIN), Err(EpeeErrorKind::DuplicateKey));
    }

    #[test]
    fn any_bytes_are_harmless(root in prop::collection::vec(any::<u8>(), 0..200)) {
        let body = [&HEADER[..], &root].concat();
        let error = read(&body, Limits::LEVIN, |_, value| value.bytes().map(drop));
        if let Err(error) = error {
            let error: EpeeError = error;
            prop_assert!(error.offset <= body.len());
        }
    }
}
