//! The fields of a message as a small tree, printed as JSON or in one line.

use std::fmt;

use serde_json::{Map, Value};

use super::super::hex;

/// Bytes that a readable line shows of a longer blob.
const SHOWN: usize = 16;

/// Longer blobs are shown by their length and beginning.
const WHOLE: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Number(u64),
    Flag(bool),
    Text(String),
    Blob(Vec<u8>),
    List(Vec<Self>),
    Group(Vec<(&'static str, Self)>),
}

impl Field {
    /// A number that JSON may not hold: text then.
    pub(super) fn large(number: u128) -> Self {
        u64::try_from(number).map_or_else(|_| Self::Text(number.to_string()), Self::Number)
    }

    /// Everything, blobs as whole hex.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Text(text) => text.clone().into(),
            Self::Blob(blob) => hex::encode(blob).into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Group(fields) => {
                let fields = fields.iter().map(|(name, field)| ((*name).to_owned(), field.to_json()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Text(text) => f.write_str(text),
            Self::Blob(blob) if blob.len() <= WHOLE => f.write_str(&hex::encode(blob)),
            Self::Blob(blob) => write!(f, "{} bytes {}…", blob.len(), hex::encode(&blob[..SHOWN])),
            Self::List(items) => {
                f.write_str("[")?;
                for (place, item) in items.iter().enumerate() {
                    let comma = if place > 0 { ", " } else { "" };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str("]")
            }
            Self::Group(fields) => {
                for (place, (name, field)) in fields.iter().enumerate() {
                    let space = if place > 0 { " " } else { "" };
                    match field {
                        Self::Group(_) => write!(f, "{space}{name}({field})")?,
                        _ => write!(f, "{space}{name}={field}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms() {
        let field = Field::Group(vec![
            ("a", Field::Group(vec![("n", Field::Number(1)), ("big", Field::large(u128::MAX))])),
            ("l", Field::List(vec![Field::Flag(true), Field::Text("x".into())])),
            ("short", Field::Blob(vec![1; WHOLE])),
            ("long", Field::Blob(vec![1; WHOLE + 1])),
        ]);
        let (short, long) = ("01".repeat(WHOLE), "01".repeat(WHOLE + 1));
        let start = "01".repeat(SHOWN);
        assert_eq!(
            field.to_string(),
            format!("a(n=1 big=340282366920938463463374607431768211455) l=[true, x] short={short} long=33 bytes {start}…")
        );
        let expected = json!({
            "a": {"n": 1, "big": "340282366920938463463374607431768211455"}, "l": [true, "x"], "short": short, "long": long,
        });
        assert_eq!(field.to_json(), expected);
    }
}
