//! ARCHITECTURE.md lists every budget with its constant and the tests at it and past it; this sees that the list is true.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anonet_tests::guards::{root, test_stands};

/// One row of a table.
struct Budget {
    name: String,
    file: PathBuf,
    constant: String,
    tests: [String; 2],
}

/// The rows of both tables, each with the sources that its table is about.
fn budgets() -> Vec<Budget> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = text.split("\n### Limits\n").nth(1).expect("there is a section of limits").split("\n### ").next().unwrap();
    let (mut sources, mut budgets) = ("", Vec::new());
    for line in section.lines() {
        match line {
            "In the core:" => sources = "core/src",
            "In the runtime:" => sources = "runtime-smol/src",
            _ => {}
        }
        let line = line.replace("\\|", "\u{0}");
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect();
        let [_, name, constant, at, past, _] = &cells[..] else { continue };
        let Some((file, constant)) = constant.trim_matches('`').split_once("`: `") else { continue };
        let past = if past == "same" { at } else { past };
        let (file, tests) = (Path::new(sources).join(file), [at.clone(), past.clone()]);
        budgets.push(Budget { name: name.clone(), file, constant: constant.to_owned(), tests });
    }
    budgets
}

#[test]
fn each_constant_stands_in_its_file_with_its_value() {
    let budgets = budgets();
    assert!(budgets.len() > 100, "{}", budgets.len());
    for Budget { name, file, constant, .. } in budgets {
        let text = fs::read_to_string(root().join(&file)).unwrap_or_else(|error| panic!("{name}: {}: {error}", file.display()));
        let stands = [";", ","].iter().any(|end| text.contains(&format!("{constant}{end}")));
        assert!(stands, "{name}: `{constant}` does not stand in {}", file.display());
    }
}

#[test]
fn each_budget_has_a_test_at_it_and_past_it() {
    for Budget { name, tests, .. } in budgets() {
        for test in tests {
            // where a type says it: a bounded channel, a buffer
            if test.starts_with("type: ") {
                continue;
            }
            let (suite, test) = test.split_once(": ").unwrap_or_else(|| panic!("{name}: `{test}` names no test"));
            let suite = suite.trim_matches('`').trim_end_matches(".rs");
            assert!(test_stands(suite, test.trim_matches('`')), "{name}: no test {test} in {suite}");
        }
    }
}

/// The sources of the core and the runtime, without their tests.
fn sources() -> Vec<PathBuf> {
    let mut left = vec![PathBuf::from("core/src"), PathBuf::from("runtime-smol/src")];
    let mut found = Vec::new();
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(root().join(&directory)).unwrap() {
            let path = directory.join(entry.unwrap().file_name());
            match path.file_stem().and_then(|stem| stem.to_str()) {
                Some("tests") => {}
                _ if root().join(&path).is_dir() => left.push(path),
                _ => found.push(path),
            }
        }
    }
    found
}

/// The names of a file's constants, of those that are numbers, spans of time or made of some.
fn constants(text: &str) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let declared = text.lines().filter_map(|line| {
        let (before, rest) = line.split_once("const ")?;
        let (name, of) = rest.split_once(':')?;
        let public = before.trim_start();
        let declares = public.is_empty() || public.starts_with("pub");
        let shouts =
            name.len() > 1 && name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_' || letter.is_ascii_digit());
        let is_number = !of.split('=').next()?.contains(['[', '&', '<']);
        (declares && shouts && is_number).then(|| name.to_owned())
    });
    declared.collect()
}

#[test]
fn every_constant_number_is_a_budget_or_said_to_be_none() {
    let text = fs::read_to_string(root().join("tests/no_budgets.txt")).unwrap();
    let mut others = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (file, names) = line.split_once(": ").unwrap();
        others.extend(names.split(' ').map(|name| (PathBuf::from(file), name.to_owned())));
    }
    let listed: BTreeSet<(PathBuf, String)> =
        budgets().into_iter().filter_map(|budget| Some((budget.file, budget.constant.split_once(':')?.0.to_owned()))).collect();
    let mut found = BTreeSet::new();
    for file in sources() {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        found.extend(constants(&text).into_iter().map(|name| (file.clone(), name)));
    }
    let known: BTreeSet<_> = listed.union(&others).cloned().collect();
    let missing: Vec<_> = found.difference(&known).collect();
    assert!(missing.is_empty(), "put them into the tables of ARCHITECTURE.md, or into tests/no_budgets.txt: {missing:?}");
    let gone: Vec<_> = others.difference(&found).collect();
    assert!(gone.is_empty(), "take them out of tests/no_budgets.txt: {gone:?}");
}

/// The fields of limits that embedders and callers have: each is a row.
#[test]
fn every_field_of_limits_is_a_budget() {
    let budgets = budgets();
    for (file, begin, no_budgets) in [
        ("core/src/config/limits.rs", "pub const fn new() -> Self {\n        Self {\n            white", &["round_pause"][..]),
        ("runtime-smol/src/anonetd/rpc/mod.rs", "const LIMITS: HttpLimits = HttpLimits {", &[]),
        ("runtime-smol/src/anonetd/control.rs", "const LIMITS: HttpLimits = HttpLimits {", &["headers_within", "body_within"]),
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let place = text.find(begin).unwrap_or_else(|| panic!("{file} has other words"));
        let block = text[place..].split("\n};").next().and_then(|block| block.split("\n        }\n").next()).unwrap();
        let fields = block.lines().filter_map(|line| line.trim().split_once(": ")).map(|(field, _)| field.trim());
        for field in fields.filter(|field| field.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')) {
            let listed = budgets.iter().any(|budget| {
                budget.file == Path::new(file) && budget.constant.split_once(':').is_some_and(|(name, _)| name == field)
            });
            assert!(listed || no_budgets.contains(&field), "{file}: {field} is in no table of ARCHITECTURE.md");
        }
    }
}
