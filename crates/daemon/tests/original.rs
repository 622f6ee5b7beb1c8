//! Every setting of kube-vip v1.2.3 is known here: by its flag, by all its names in the
//! environment, and with its default.

use std::collections::BTreeSet;

use kube_vip::cli::{Outcome, decide};
use kube_vip::settings::definition::Definition;
use kube_vip::settings::definitions;

const TEXT: &str = include_str!("original/settings.txt");

/// Settings with another default than the original's: its own, and what their document says of it.
const OTHERWISE: [(&str, &str); 3] = [
    ("vip_subnet", "32 or 128, as in kube-vip"),
    ("control_plane_health_check_period_seconds", "The original's default is 5"),
    ("control_plane_health_check_timeout_seconds", "The original's default is 3"),
];

/// One line of the list.
struct Original {
    flag: Option<&'static str>,
    default: &'static str,
    names: Vec<&'static str>,
}

impl Original {
    fn read(line: &'static str) -> Self {
        let some = |word: &'static str| (word != "-").then_some(word);
        let words: Vec<_> = line.split(' ').collect();
        let [flag, default, names] = words[..] else { panic!("three words: {line}") };
        Self {
            flag: some(flag).map(|flag| flag.trim_start_matches('-')),
            default: some(default).unwrap_or_default(),
            names: some(names).map_or_else(Vec::new, |names| names.split(',').collect()),
        }
    }

    fn ours(&self) -> Option<&'static Definition> {
        let by_flag =
            |one: &&Definition| self.flag.is_some() && one.flag.map(|flag| flag.long) == self.flag;
        let by_name = |one: &&Definition| self.names.iter().any(|name| one.env.contains(name));
        definitions::all().find(by_flag).or_else(|| definitions::all().find(by_name))
    }

    /// What is otherwise here.
    fn fault(&self, ours: &Definition) -> Option<String> {
        let otherwise = OTHERWISE.iter().find(|(name, _)| *name == ours.name());
        if ours.flag.map(|flag| flag.long) != self.flag {
            return Some(format!("its flag is {:?}", ours.flag));
        }
        if let Some(name) = self.names.iter().find(|name| !ours.env.contains(name)) {
            return Some(format!("it has no name {name}"));
        }
        match otherwise {
            None if ours.default != self.default => {
                Some(format!("its default is {:?} rather than {:?}", ours.default, self.default))
            }
            Some((_, why)) if !ours.doc.contains(why) => Some(format!("nothing says: {why}")),
            _ => None,
        }
    }
}

fn all() -> Vec<Original> {
    TEXT.lines().skip_while(|line| !line.is_empty()).skip(1).map(Original::read).collect()
}

#[test]
fn every_setting_of_the_original_is_known_with_its_names_and_its_default() {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for original in all() {
        let label = original.names.first().copied().or(original.flag).expect("a name or a flag");
        match original.ours() {
            None => faults.push(format!("{label}: not known")),
            Some(ours) => {
                assert!(seen.insert(ours.name()), "{label} is there twice");
                faults.extend(original.fault(ours).map(|fault| format!("{label}: {fault}")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen.len() > 100, "only {}", seen.len());
}

/// As the original's generator or a person may write it: with the default beside it, before the
/// command and behind it.
#[test]
fn every_flag_of_the_original_is_one() {
    for original in all() {
        let Some(flag) = original.flag else { continue };
        let flag = format!("--{flag}={}", original.default);
        for args in [["kube-vip", "manager", &flag], ["kube-vip", &flag, "manager"]] {
            let outcome = decide(args.map(Into::into), [].into(), None);
            assert!(matches!(outcome, Outcome::Manager(_)), "{flag}: {outcome:?}");
        }
    }
    for short in [["-n", "infra"], ["-v", "4"]] {
        let args = ["kube-vip", "manager", short[0], short[1]].map(Into::into);
        assert!(matches!(decide(args, [].into(), None), Outcome::Manager(_)), "{short:?}");
    }
}
