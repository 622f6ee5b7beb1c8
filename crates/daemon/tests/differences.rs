//! docs/reference/differences.md names a test for each difference, and each of them is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const SCENARIOS: &str = "crates/core/tests/scenarios";
const PAGE: &str = "docs/reference/differences.md";

/// The file that the cases of a test are read from, as they were written.
const ERRORS: &str = "crates/daemon/tests/golden/settings-errors.txt";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The last cell of every row but those of the heads.
fn evidence(page: &str) -> Vec<(usize, &str)> {
    let rows = page.lines().enumerate().filter(|(_, line)| line.starts_with('|'));
    let cells = rows.filter_map(|(index, row)| {
        let (_, last) = row.strip_suffix('|')?.rsplit_once('|')?;
        Some((index + 1, last.trim()))
    });
    cells.filter(|(_, cell)| *cell != "test" && !cell.starts_with("---")).collect()
}

/// What stands between one pair of marks each.
fn marked(text: &str, mark: char) -> Vec<&str> {
    text.split(mark).skip(1).step_by(2).collect()
}

/// How often each test function is there, by its name, in all the Rust files below `folder`.
fn tests_below(folder: &Path, found: &mut BTreeMap<String, usize>) {
    for entry in fs::read_dir(folder).expect("the repository can be read") {
        let path = entry.expect("the repository can be read").path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("the repository can be read");
            for name in tests_in(&text) {
                *found.entry(name.to_owned()).or_default() += 1;
            }
        }
    }
}

/// The functions that have an attribute which makes them a test.
fn tests_in(text: &str) -> Vec<&str> {
    let mut tests = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        if let Some(function) = function {
            let name = function.split(['(', '<']).next();
            tests.extend(name.filter(|_| is_test));
            is_test = false;
        } else if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            is_test = false;
        }
    }
    tests
}

fn all_tests() -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for member in ["core", "daemon", "lab", "measure"] {
        for folder in ["src", "tests"] {
            let folder = root().join("crates").join(member).join(folder);
            if folder.is_dir() {
                tests_below(&folder, &mut found);
            }
        }
    }
    found
}

/// Why `name` is no test of this repository.
fn missing(name: &str, tests: &BTreeMap<String, usize>) -> Option<String> {
    if name.ends_with(".txt") {
        let there = root().join(SCENARIOS).join(name).is_file();
        return (!there).then(|| format!("no scenario {name} in {SCENARIOS}"));
    }
    match tests.get(name) {
        Some(1) => None,
        Some(several) => Some(format!("{several} tests are called {name}")),
        None => Some(format!("no test is called {name}")),
    }
}

#[test]
fn every_difference_has_a_test_that_is_there() {
    let page = read(PAGE);
    let (tests, errors) = (all_tests(), read(ERRORS));
    let rows = evidence(&page);
    assert!(!rows.is_empty(), "{PAGE} has no table");
    let mut faults = Vec::new();
    for (line, cell) in rows {
        let names = marked(cell, '`');
        if names.is_empty() {
            faults.push(format!("line {line}: no test"));
        }
        let absent = names.into_iter().filter_map(|name| missing(name, &tests));
        faults.extend(absent.map(|why| format!("line {line}: {why}")));
        let absent = marked(cell, '"')
            .into_iter()
            .filter(|case| !errors.contains(&format!("\n=== {case}: ")));
        faults.extend(absent.map(|case| format!("line {line}: no case {case:?} in {ERRORS}")));
    }
    assert!(faults.is_empty(), "{PAGE}:\n{}", faults.join("\n"));
}

#[test]
fn the_tests_of_what_is_refused_are_there() {
    let page = read(PAGE);
    let (intro, _) = page.split_once("\n## ").expect("sections");
    let tests = all_tests();
    // Names of settings and files have other characters, or one word.
    let named: Vec<_> = marked(intro, '`').into_iter().filter(|name| !name.contains('/')).collect();
    assert_eq!(named.len(), 2, "{named:?}");
    let faults: Vec<_> = named.into_iter().filter_map(|name| missing(name, &tests)).collect();
    assert!(faults.is_empty(), "{PAGE}: {}", faults.join("; "));
}

#[test]
fn a_test_is_known_by_its_attribute() {
    let text = "fn helper() {}\n\n#[test]\nfn one() {}\n\n#[tokio::test]\n#[expect(\n)]\nasync fn \
                not_seen() {}\n#[tokio::test(flavor = \"x\")]\n// Why.\nasync fn two() {}\n";
    assert_eq!(tests_in(text), ["one", "two"]);
    let known = BTreeMap::from([("one".to_owned(), 1), ("two".to_owned(), 2)]);
    assert_eq!(missing("one", &known), None);
    assert!(missing("two", &known).is_some());
    assert!(missing("three", &known).is_some());
    assert!(missing("first-node.txt", &known).is_none());
    assert!(missing("no-such-scenario.txt", &known).is_some());
}
