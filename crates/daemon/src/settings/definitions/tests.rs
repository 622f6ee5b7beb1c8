//! Tests of the table's form: what every definition has to keep.

use std::collections::BTreeSet;

use super::*;
use crate::settings::definition::{Effect, Taken};
use crate::settings::values::Values;

#[test]
fn every_name_belongs_to_one_setting() {
    let mut names = BTreeSet::new();
    let mut flags = BTreeSet::new();
    let mut letters = BTreeSet::from(['h', 'V', 'o']);
    for definition in all() {
        assert!(!definition.name().is_empty());
        for name in definition.env.iter().chain(definition.mistaken) {
            assert!(names.insert(*name), "{name} is there twice");
        }
        if let Some(flag) = definition.flag {
            assert!(flags.insert(flag.long), "--{} is there twice", flag.long);
            assert!(flag.short.is_none_or(|letter| letters.insert(letter)));
        }
    }
}

#[test]
fn every_default_is_a_value() {
    for definition in all().filter(|definition| !definition.default.is_empty()) {
        let taken = definition.take(&mut Values::default(), definition.default);
        let expected =
            if definition.effect() == Effect::Counts { Taken::Yes } else { Taken::Silent };
        assert_eq!(taken, Ok(expected), "{}", definition.name());
    }
}

#[test]
fn values_that_must_not_be_zero_have_a_default() {
    for definition in all().filter(|definition| definition.effect() == Effect::Counts) {
        let text = matches!(definition.kind, Kind::Text(..));
        assert!(text || !definition.default.is_empty(), "{}", definition.name());
    }
}

#[test]
fn help_is_one_line_and_documents_are_sentences() {
    for definition in all() {
        let (name, help, doc) = (definition.name(), definition.help, definition.doc);
        assert!((8..=80).contains(&help.len()), "{name}: {} columns", help.len());
        assert!(help.starts_with(|c: char| c.is_uppercase()), "{name}: {help}");
        assert!(!help.ends_with('.') && !help.contains('\n'), "{name}: {help}");
        assert!(doc.is_empty() || doc.ends_with('.') || doc.ends_with(".)"), "{name}: {doc}");
        assert!(!doc.contains("  "), "{name}: {doc}");
    }
}

#[test]
fn a_feature_that_is_not_there_is_switched_on_by_something() {
    for definition in all().filter(|definition| definition.effect() == Effect::Accepted) {
        let feature = definition.missing().expect("accepted because its feature is missing");
        let refused = all()
            .filter(|other| other.effect() == Effect::Refused)
            .any(|other| other.missing() == Some(feature));
        assert!(refused, "{}", definition.name());
    }
}

#[test]
fn settings_are_found_by_every_name() {
    for name in ["vip_arp", "instance_name", "INSTANCE_NAME", "leaderElectionType"] {
        assert!(named(name).is_some_and(|definition| {
            definition.env.contains(&name) || definition.name() == name
        }));
    }
    assert!(named("vip_apr").is_none());
}
