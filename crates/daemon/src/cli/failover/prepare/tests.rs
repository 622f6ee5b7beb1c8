//! Who could take over.

use kube_vip_core::address::NodeName;
use kube_vip_core::event::{Candidacy, Candidate, Version};
use serde_json::Value;
use std::time::Duration;

use super::successors;
use crate::cli::cluster::CandidateLease;

fn candidate(node: &str, change: impl FnOnce(&mut CandidateLease)) -> CandidateLease {
    let candidacy = Candidacy {
        fit: true,
        cordoned: false,
        priority: 0,
        mac: None,
        address: None,
        boot: String::new(),
        consent: None,
    };
    let node = NodeName::new(node).unwrap();
    let candidate = Candidate { node, version: Version("1".to_owned()), candidacy };
    let mut lease = CandidateLease { candidate, renewed: None, gone: None, object: Value::Null };
    change(&mut lease);
    lease
}

#[test]
fn only_who_is_fit_and_there_could_take_over_the_preferred_one_first() {
    let all = [
        candidate("cp-1", |_| {}),
        candidate("cp-2", |one| one.candidate.candidacy.fit = false),
        candidate("cp-3", |one| one.candidate.candidacy.cordoned = true),
        candidate("cp-4", |one| one.gone = Some(Duration::from_secs(60))),
        candidate("cp-5", |_| {}),
        candidate("cp-6", |one| one.candidate.candidacy.priority = 7),
    ];
    let (fit, why) = successors("cp-1", &all);
    assert_eq!(fit, ["cp-6", "cp-5"]);
    let expected = "candidates: cp-1 (holder), cp-2 (not fit), cp-3 (cordoned), cp-4 (gone), \
                    cp-5, cp-6";
    assert_eq!(why, expected);
}

#[test]
fn alone_nobody_could() {
    assert_eq!(successors("cp-1", &[]), (Vec::new(), "there are no candidates".to_owned()));
    let alone = successors("cp-1", &[candidate("cp-1", |_| {})]);
    assert_eq!(alone, (Vec::new(), "candidates: cp-1 (holder)".to_owned()));
}
