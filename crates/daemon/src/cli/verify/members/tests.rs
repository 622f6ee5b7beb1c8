//! What pods, Leases and candidates come to.

use kube_vip_core::address::NodeName;
use kube_vip_core::event::{Candidacy, Candidate, Version};
use serde_json::{Value, json};

use super::*;
use crate::cli::report::Verdict::{self, Failed, Ok as Good, Warning};
use crate::drivers::lease::caller;

fn running() -> Pod {
    Pod {
        name: "kube-vip-cp-1".to_owned(),
        phase: "Running".to_owned(),
        ready: true,
        images: vec!["kube-vip:1".to_owned()],
        args: vec!["manager".to_owned()],
        ..Pod::default()
    }
}

#[test]
fn a_pod_of_kube_vip_is_known() {
    assert!(is_kube_vip(&running()));
    assert!(!is_kube_vip(&Pod { args: vec!["server".to_owned()], ..running() }));
    let other = Pod { name: "x".to_owned(), images: vec!["x".to_owned()], ..running() };
    assert!(!is_kube_vip(&other));
}

#[test]
fn each_node_has_one_pod_that_is_ready() {
    let good = running();
    let waiting = Pod { waiting: "ErrImagePull: no".to_owned(), ready: false, ..running() };
    let ending = Pod { ending: true, ..running() };
    assert_eq!(pod(&[&good], true).result, Good);
    assert_eq!(pod(&[&good, &ending], true).result, Good);
    assert_eq!(pod(&[], true).result, Good, "a service");
    assert_eq!(pod(&[], false).result, Failed);
    assert_eq!(pod(&[&good, &good], true).result, Failed);
    let row = pod(&[&waiting], false);
    assert_eq!((row.result, row.evidence.ends_with("ErrImagePull: no")), (Failed, true));
}

fn lease(spec: &Value) -> ElectionLease {
    let object = json!({ "metadata": { "resourceVersion": "1" }, "spec": spec });
    ElectionLease { record: caller::record(&object).unwrap(), object }
}

#[test]
fn the_lease_has_one_live_holder_that_is_a_node() {
    let nodes = [Node { name: "cp-1".to_owned(), ..Node::default() }];
    let now = "2026-01-01T00:01:00Z".parse().unwrap();
    let of = |holder: &str, renewed: &str| {
        let spec = json!({
            "holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed,
        });
        held(Some(&lease(&spec)), &nodes, now).result
    };
    assert_eq!(of("cp-1", "2026-01-01T00:00:55.000000Z"), Good);
    assert_eq!(of("cp-1", "2026-01-01T00:01:09.000000Z"), Good, "its clock is ahead");
    assert_eq!(of("cp-1", "2026-01-01T00:00:40.000000Z"), Failed);
    assert_eq!(of("cp-9", "2026-01-01T00:00:55.000000Z"), Warning);
    assert_eq!(of("", "2026-01-01T00:00:55.000000Z"), Failed);
    assert_eq!(held(None, &nodes, now).result, Failed);
}

fn candidate_lease(fit: bool, cordoned: bool, gone: Option<u64>) -> CandidateLease {
    let candidacy = Candidacy {
        fit,
        cordoned,
        priority: 0,
        mac: None,
        address: None,
        boot: String::new(),
        consent: None,
    };
    CandidateLease {
        candidate: Candidate {
            node: NodeName::new("cp-1").unwrap(),
            version: Version("1".to_owned()),
            candidacy,
        },
        renewed: None,
        gone: gone.map(std::time::Duration::from_secs),
        object: Value::Null,
    }
}

#[test]
fn candidates_are_fit_and_there() {
    let verdict = |fit, cordoned, gone| -> Verdict {
        candidate(&candidate_lease(fit, cordoned, gone)).result
    };
    assert_eq!(verdict(true, false, None), Good);
    assert_eq!(verdict(true, true, None), Warning);
    assert_eq!(verdict(false, false, None), Failed);
    assert_eq!(verdict(true, false, Some(95)), Failed);
}

#[test]
fn several_versions_are_worth_a_warning() {
    let other = Pod { images: vec!["kube-vip:2".to_owned()], ..running() };
    assert_eq!(versions(&[running(), running()]).result, Good);
    let row = versions(&[running(), running(), other]);
    assert_eq!((row.result, row.evidence.as_str()), (Warning, "2× kube-vip:1, 1× kube-vip:2"));
    assert_eq!(versions(&[]).result, Verdict::Skipped);
}
