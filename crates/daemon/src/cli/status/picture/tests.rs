//! Pictures of a cluster that is well, and of clusters that are not.

use kube_vip_core::event::LeaseRecord;

use super::super::daemons::Seen;
use super::*;
use crate::cli::cluster::Happened;
use crate::drivers::lease::caller;

pub(in crate::cli::status) fn at() -> Timestamp {
    "2026-11-22T21:32:30Z".parse().expect("a time")
}

fn name() -> LeaseName {
    LeaseName { namespace: "kube-system".to_owned(), name: "plndr-cp-lock".to_owned() }
}

/// What the daemon of a node says, as docs/reference/status.md has it, with changes.
pub(in crate::cli::status) fn said(node: &str, change: impl FnOnce(&mut Value)) -> Said {
    let holds = node == "cp-1";
    let mut whole = json!({
        "node": node,
        "holding": holds,
        "reason": if holds { "Elected" } else { "OtherHolds" },
        "message": if holds { "elected by the Lease" } else { "another node holds the Lease" },
        "holder": { "node": "cp-1", "since": "2026-11-22T21:30:25Z" },
        "term": if holds {
            json!({ "since": "2026-11-22T21:30:25.750Z", "until": "2026-11-22T21:32:42.900Z" })
        } else {
            Value::Null
        },
        "holdingOn": null,
        "addresses": [{
            "address": "192.168.20.140", "prefix": 24, "interface": "end0",
            "present": holds, "voice": if holds { json!("Answering") } else { Value::Null },
        }],
        "fence": { "state": "Ready", "missing": null },
        "fitness": { "fit": true, "cordoned": false, "apiServer": null },
        "candidates": [],
        "rival": null,
        "lease": { "namespace": "kube-system", "name": "plndr-cp-lock", "transitions": 7 },
        "api": { "answering": true, "error": null },
        "reportedAt": "2026-11-22T21:32:29Z",
        "version": "v1.0.0",
    });
    change(&mut whole);
    let seen: Seen = serde_json::from_value(whole.clone()).expect("a status");
    Said { at: "127.0.0.1:2112".parse().expect("an address"), seen, whole }
}

/// The Lease, held by that node.
fn lease(holder: &str, renewed: &str) -> ElectionLease {
    let object = json!({
        "metadata": { "resourceVersion": "1" },
        "spec": {
            "holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 7,
            "acquireTime": "2026-11-22T21:30:25.000000Z", "renewTime": renewed,
        },
    });
    let record: LeaseRecord = caller::record(&object).expect("a Lease");
    ElectionLease { record, object }
}

fn candidate(node: &str, fit: bool, cordoned: bool) -> CandidateLease {
    let object = json!({
        "metadata": {
            "name": format!("plndr-cp-lock-{node}"), "resourceVersion": "1",
            "annotations": {
                "kube-vip.io/fit": fit.to_string(),
                "kube-vip.io/cordoned": cordoned.to_string(),
            },
        },
        "spec": { "holderIdentity": node, "renewTime": "2026-11-22T21:32:25.000000Z" },
    });
    let candidate = caller::candidate(&object, "plndr-cp-lock").expect("a candidate Lease");
    let renewed = "2026-11-22T21:32:25Z".parse().ok();
    CandidateLease { candidate, renewed, gone: None, object }
}

fn event(reason: &str, message: &str) -> Happened {
    Happened {
        reason: reason.to_owned(),
        message: message.to_owned(),
        count: 1,
        source: "cp-1".to_owned(),
        last: "2026-11-22T21:30:25Z".parse().ok(),
        ..Happened::default()
    }
}

pub(in crate::cli::status) fn written() -> Written {
    Written {
        lease: Some(lease("cp-1", "2026-11-22T21:32:28.000000Z")),
        candidates: vec![
            candidate("cp-1", true, false),
            candidate("cp-2", true, false),
            candidate("cp-3", true, true),
        ],
        events: vec![event("HolderChanged", "cp-1 holds 192.168.20.140 now, before it cp-2")],
    }
}

pub(in crate::cli::status) fn picture(written: Option<Written>, daemons: Vec<Said>) -> Picture {
    let elections = vec![(name(), written)];
    Picture::of(Evidence { at: at(), elections, daemons, not_asked: Vec::new() })
}

fn problems(picture: &Picture) -> Vec<&str> {
    picture.elections.iter().flat_map(|one| &one.problems).map(String::as_str).collect()
}

#[test]
fn a_cluster_that_is_well_has_no_problems() {
    let daemons = ["cp-1", "cp-2", "cp-3"].map(|node| said(node, |_| {}));
    let picture = picture(Some(written()), daemons.to_vec());
    assert_eq!(problems(&picture), Vec::<&str>::new());
    let election = &picture.elections[0];
    let holder = election.holder.as_ref().expect("cp-1");
    assert_eq!((holder.node.as_str(), holder.own_words), ("cp-1", true));
    assert_eq!(holder.until.as_deref(), Some("2026-11-22T21:32:42.900Z"));
    let names: Vec<_> = election.nodes.iter().map(|node| node.node.as_str()).collect();
    assert_eq!(names, ["cp-1", "cp-2", "cp-3"]);
    // Of its own it knows more than its Lease says.
    assert_eq!(election.nodes[2].cordoned, Some(false));
    assert_eq!(picture.code(), 0);
}

#[test]
fn the_lease_alone_tells_who_and_until_when() {
    let picture = picture(Some(written()), Vec::new());
    let holder = picture.elections[0].holder.as_ref().expect("cp-1");
    assert!(!holder.own_words && holder.message.is_none());
    assert_eq!(holder.until.as_deref(), Some("2026-11-22T21:32:43Z"));
    assert_eq!(problems(&picture), Vec::<&str>::new());
}

#[test]
fn nobody_and_somebody_who_is_late_are_problems() {
    let nobody = Written { lease: Some(lease("", "2026-11-22T21:32:28Z")), ..written() };
    assert_eq!(problems(&picture(Some(nobody), Vec::new())), ["nobody holds the addresses"]);
    let none = Written { lease: None, ..written() };
    assert_eq!(problems(&picture(Some(none), Vec::new())), ["nobody holds the addresses"]);
    let late = Written { lease: Some(lease("cp-1", "2026-11-22T21:32:00Z")), ..written() };
    let found = picture(Some(late), Vec::new());
    assert!(problems(&found)[0].contains("it has been over for 15s"), "{:?}", problems(&found));
    assert_eq!(found.code(), 2);
}

#[test]
fn what_daemons_say_against_each_other_is_a_problem() {
    let also = said("cp-2", |status| status["holding"] = true.into());
    let found = picture(Some(written()), vec![said("cp-1", |_| {}), also]);
    assert_eq!(problems(&found)[0], "more than one node says that it holds: cp-1, cp-2");
    let denies = said("cp-1", |status| {
        status["holding"] = false.into();
        status["message"] = "the term ended without a renewal".into();
    });
    let found = picture(Some(written()), vec![denies]);
    assert!(problems(&found)[0].contains("which says that it does not hold: the term ended"));
}

#[test]
fn strangers_hangs_and_an_api_that_is_away_are_problems() {
    let heard = said("cp-1", |status| {
        status["rival"] = json!({
            "address": "192.168.20.140", "mac": "02:42:ac:11:00:09", "node": null,
            "heardAt": "2026-11-22T21:32:25.750Z",
        });
        status["reportedAt"] = "2026-11-22T21:32:10Z".into();
        status["api"] = json!({ "answering": false, "error": "connection refused" });
    });
    let found = picture(Some(written()), vec![heard]);
    let expected = [
        "the API does not answer cp-1: connection refused",
        "the control loop of cp-1 has not reported for 20s: it hangs",
        "cp-1 heard 02:42:ac:11:00:09 (no node of the election) speak for 192.168.20.140",
    ];
    assert_eq!(problems(&found), expected);
    let on = said("cp-1", |status| {
        status["reason"] = "HoldingOn".into();
        status["message"] = "the API is away for all; keeping the address".into();
        status["term"] = Value::Null;
        status["holdingOn"] = json!({ "since": "2026-11-22T21:32:09.900Z" });
    });
    let found = picture(None, vec![on]);
    assert!(problems(&found)[0].starts_with("cp-1 holds on without a term since 2026-11-22T21:32"));
    assert_eq!(found.elections[0].holder.as_ref().expect("cp-1").node, "cp-1");
}

#[test]
fn nobody_who_could_take_over_is_a_problem() {
    let unfit = Written {
        candidates: vec![candidate("cp-1", true, false), candidate("cp-2", false, false)],
        ..written()
    };
    let found = picture(Some(unfit), Vec::new());
    let expected = [
        "no other node could take over: none is fit and not cordoned",
        "cp-2 is not fit: its daemon could not be asked why",
    ];
    assert_eq!(problems(&found), expected);
    // Of the original nothing is known.
    let original = Written { candidates: Vec::new(), ..written() };
    assert_eq!(problems(&picture(Some(original), Vec::new())), Vec::<&str>::new());
}

#[test]
fn without_any_election_nothing_is_known() {
    let nothing = Evidence {
        at: at(),
        elections: Vec::new(),
        daemons: Vec::new(),
        not_asked: vec![NotAsked { what: "the API".to_owned(), why: "refused".to_owned() }],
    };
    let picture = Picture::of(nothing);
    assert_eq!(picture.code(), 1);
    let document: Value = serde_json::from_str(&picture.json()).expect("JSON");
    assert_eq!(document["result"], "unknown");
    assert_eq!(document["notAsked"][0]["why"], "refused");
}
