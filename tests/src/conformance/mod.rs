//! Tables that hold the node against the specification of monerod's behaviour, statement by statement.
//!
//! A test program has one table or more for one file of the specification. Each [`Row`] names the section its statement
//! stands in. Where this node differs on purpose, the row says why and asserts what this node does. What does not
//! concern a node of this kind is listed with its reason, and [`assert_covered`] counts that no section is left out.

mod stream;

use std::collections::BTreeSet;
use std::fmt::Debug;

pub use stream::{Peer, describe, stream};

/// One statement, and what this node is to make of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Row<I, O> {
    /// The section, as `file §number`.
    pub section: &'static str,
    /// The statement in a few words.
    pub what: &'static str,
    /// Why this node differs from it, if it does.
    pub differs: Option<&'static str>,
    /// What goes in.
    pub input: I,
    /// What this node does.
    pub output: O,
}

/// A statement that holds for this node.
#[must_use]
pub const fn same<I, O>(section: &'static str, what: &'static str, input: I, output: O) -> Row<I, O> {
    Row { section, what, differs: None, input, output }
}

/// A statement from which this node differs on purpose; `output` is what this node does.
#[must_use]
pub const fn differs<I, O>(section: &'static str, what: &'static str, why: &'static str, input: I, output: O) -> Row<I, O> {
    Row { section, what, differs: Some(why), input, output }
}

/// Runs every row, and fails with the number and the words of each that does not hold.
///
/// # Panics
/// If a row does not hold.
pub fn check<I, O: PartialEq + Debug>(rows: &[Row<I, O>], run: impl Fn(&I) -> O) {
    assert!(!rows.is_empty(), "an empty table says nothing");
    let failed = rows.iter().enumerate().filter_map(|(number, row)| {
        let Row { section, what, differs, input, output } = row;
        let found = run(input);
        (found != *output).then(|| {
            let ours = differs.map_or(String::new(), |why| format!(" (differs: {why})"));
            format!("row {}, {section}: {what}{ours}\n  expected {output:?}\n  found    {found:?}", number + 1)
        })
    });
    let failed: Vec<String> = failed.collect();
    assert!(failed.is_empty(), "{} of {} rows\n{}", failed.len(), rows.len(), failed.join("\n"));
}

/// A row whose steps drive a node and tell in words what it did.
pub type Dialogue = Row<fn() -> String, String>;

/// A statement on what a node does, that holds for this one.
#[must_use]
pub fn dialogue(section: &'static str, what: &'static str, steps: fn() -> String, told: &str) -> Dialogue {
    same(section, what, steps, told.to_owned())
}

/// What the node does with these bytes.
#[must_use]
pub fn after(mut peer: Peer, bytes: &[u8]) -> String {
    peer.send(bytes);
    peer.told()
}

/// What a table has to say of coverage.
pub trait Sections {
    /// Section and statement of each row, and why this node differs.
    fn sections(&self) -> Vec<(&'static str, &'static str, Option<&'static str>)>;
}

impl<I, O> Sections for Vec<Row<I, O>> {
    fn sections(&self) -> Vec<(&'static str, &'static str, Option<&'static str>)> {
        self.iter().map(|row| (row.section, row.what, row.differs)).collect()
    }
}

/// Asserts that every section of a file has a row, or a reason why it does not concern this node, that no row names a
/// section which the file does not have, and that no statement stands twice.
///
/// # Panics
/// If one of these does not hold.
pub fn assert_covered(sections: &[&str], tables: &[&dyn Sections], not_applicable: &[(&'static str, &str, &str)]) {
    let rows: Vec<_> = tables.iter().flat_map(|table| table.sections()).collect();
    let mut named: BTreeSet<&str> = rows.iter().map(|(section, ..)| *section).collect();
    for (section, what, why) in not_applicable {
        assert!(!what.is_empty() && why.len() > 10, "{section}: {what}: give the reason");
        named.insert(section);
    }
    let listed: BTreeSet<&str> = sections.iter().copied().collect();
    assert_eq!(named, listed, "sections that have rows, and sections of the file");
    let mut statements = BTreeSet::new();
    for (section, what, differs) in rows {
        assert!(statements.insert((section, what)), "{section}: {what}: stands twice");
        assert!(differs.is_none_or(|why| why.len() > 10), "{section}: {what}: give the reason");
    }
}

/// Bytes from hex digits; blanks and line ends between them are for the reader.
///
/// # Panics
/// If the text is anything else.
#[must_use]
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| u8::try_from(digit.to_digit(16).expect("a hex digit")).expect("below 16"))
        .collect();
    assert!(digits.len().is_multiple_of(2), "half a byte");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
