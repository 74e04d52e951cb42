//! The portable storage reader on any bytes.

use anonet_core::epee::{EpeeError, Limits, Value, read};

/// The first byte chooses how values are taken, the rest is the document. Every way of taking them
/// must come to an end, with no more visits than the limits allow fields.
///
/// # Panics
/// If the reader visits more than that, or reports a place outside of the document.
pub fn epee(data: &[u8]) {
    let Some((&mode, body)) = data.split_first() else {
        return;
    };
    let mut visitor = Visitor { mode, visits: 0, depth: 0, deepest: 0 };
    for limits in [Limits::LEVIN, small()] {
        (visitor.visits, visitor.deepest) = (0, 0);
        let result = read(body, limits, |key, value| visitor.field(key, value));
        if let Err(error) = result {
            assert!(error.offset <= body.len(), "{error:?}");
        }
        // an array is charged as a whole before the visitor walks into it
        assert!(visitor.visits <= limits.fields, "{limits:?}");
        assert!(visitor.deepest < limits.depth, "the root is a section, too: {limits:?}");
    }
}

fn small() -> Limits {
    let mut limits = Limits::LEVIN;
    limits.fields = 20;
    limits.objects = 5;
    limits.strings = 5;
    limits.elements = 9;
    limits.depth = 3;
    limits
}

struct Visitor {
    mode: u8,
    visits: u32,
    /// Sections around the current field, but for the root, and the most there were.
    depth: u8,
    deepest: u8,
}

impl Visitor {
    fn inside<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        self.depth += 1;
        let walked = walk(self);
        self.depth -= 1;
        walked
    }

    /// Takes a value in one of eight ways; two of them walk into it.
    fn field(&mut self, key: &[u8], value: &mut Value<'_, '_>) -> Result<(), EpeeError> {
        self.visits += 1;
        self.deepest = self.deepest.max(self.depth);
        match (self.mode ^ key.first().copied().unwrap_or(0)) & 7 {
            0 => Ok(()),
            1 => value.integer::<u64>().map(drop),
            2 => value.integer::<i64>().map(drop),
            3 => value.bytes().map(drop),
            4 => value.bool().map(drop),
            5 => {
                let strings = value.strings()?;
                let (claimed, read) = (strings.len(), strings.count());
                assert_eq!(claimed, read, "a checked array ends early");
                Ok(())
            }
            6 => self.inside(|visitor| value.object(|key, value| visitor.field(key, value))),
            _ => {
                let mut objects = value.objects()?;
                let claimed = objects.left();
                let mut read = 0;
                self.inside(|visitor| {
                    while objects.read_next(|key, value| visitor.field(key, value)).is_some() {
                        read += 1;
                    }
                });
                assert_eq!(claimed, read, "a checked array ends early");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::epee;

    #[test]
    fn seeds() {
        epee(b"");
        epee(b"\0");
        let documents: [&[u8]; 3] = [
            b"\x01\x11\x01\x01\x01\x01\x02\x01\x01\x00",
            b"\x01\x11\x01\x01\x01\x01\x02\x01\x01\x08\x01a\x8c\x08\x00\x04\x01b\x8c\x04\x00\x01c\x8a\x08\x00\x04x",
            b"\x01\x11\x01\x01\x01\x01\x02\x01\x01\x04\x01a\x8c\x03\x00\x00\x00\x00\x00\x00\xff",
        ];
        for document in documents {
            for mode in 0..=7 {
                epee(&[&[mode], document].concat());
            }
        }
    }
}
