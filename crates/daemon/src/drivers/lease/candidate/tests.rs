//! What nodes tell each other, written and read back.

use std::net::Ipv4Addr;
use std::time::Duration;

use kube_vip_core::address::Mac;
use kube_vip_core::plan::Timings;

use super::*;

fn plan() -> LeasePlan {
    let seconds = Duration::from_secs;
    LeasePlan {
        namespace: "kube-system".to_owned(),
        name: "plndr-cp-lock".to_owned(),
        timings: Timings::new(seconds(15), seconds(10), seconds(2)).unwrap(),
    }
}

fn node() -> NodeName {
    NodeName::new("cp-1").unwrap()
}

fn candidacy() -> Candidacy {
    Candidacy {
        fit: true,
        cordoned: false,
        priority: 7,
        mac: Some(Mac([2, 0, 0, 0, 0, 1])),
        address: Some(Ipv4Addr::new(192, 0, 2, 7).into()),
        boot: "b-1".to_owned(),
        consent: Some(Nonce("n-1".to_owned())),
    }
}

fn owner(uid: &str) -> Owner {
    Owner { name: "worker".to_owned(), uid: uid.to_owned() }
}

fn write(object: Value, candidacy: &Candidacy, owner: Option<&Owner>) -> Value {
    let node = node();
    let entry = Entry { lease: "plndr-cp-lock", node: &node, candidacy, owner };
    written(object, entry, "2026-11-22T10:00:07.000001Z".parse().unwrap()).unwrap()
}

fn stored(mut object: Value, version: &str) -> Value {
    object["metadata"]["resourceVersion"] = version.into();
    object
}

#[test]
fn a_new_one_is_complete() {
    let object = write(blank(&plan(), &node()), &candidacy(), Some(&owner("u-1")));
    assert_eq!(
        object,
        json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": "plndr-cp-lock-cp-1",
                "namespace": "kube-system",
                "labels": { "kube-vip.io/election": "plndr-cp-lock" },
                "annotations": {
                    "kube-vip.io/fit": "true",
                    "kube-vip.io/cordoned": "false",
                    "kube-vip.io/priority": "7",
                    "kube-vip.io/mac": "02:00:00:00:00:01",
                    "kube-vip.io/address": "192.0.2.7",
                    "kube-vip.io/boot-id": "b-1",
                    "kube-vip.io/consent": "n-1",
                },
                "ownerReferences": [
                    { "apiVersion": "v1", "kind": "Node", "name": "worker", "uid": "u-1" },
                ],
            },
            "spec": {
                "holderIdentity": "cp-1",
                "leaseDurationSeconds": 30,
                "acquireTime": "2026-11-22T10:00:07.000001Z",
                "renewTime": "2026-11-22T10:00:07.000001Z",
            },
        })
    );
}

#[test]
fn what_is_written_is_read_back() {
    let object = stored(write(blank(&plan(), &node()), &candidacy(), None), "9");
    let read = candidate(&object, "plndr-cp-lock").unwrap().unwrap();
    assert_eq!((read.node.as_str(), read.version.0.as_str()), ("cp-1", "9"));
    assert_eq!(read.candidacy, candidacy());
    let bare = Candidacy {
        fit: false,
        cordoned: true,
        mac: None,
        address: None,
        consent: None,
        ..candidacy()
    };
    let object = stored(write(object, &bare, None), "10");
    assert_eq!(candidate(&object, "plndr-cp-lock").unwrap().unwrap().candidacy, bare);
}

#[test]
fn what_is_not_ours_is_kept() {
    let mut object = write(blank(&plan(), &node()), &candidacy(), Some(&owner("old")));
    object["metadata"]["annotations"]["note"] = json!("kept");
    object["metadata"]["labels"]["team"] = json!("infra");
    object["metadata"]["managedFields"] = json!([{ "manager": "kube-vip" }]);
    object["metadata"]["ownerReferences"].as_array_mut().unwrap().push(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u-9",
    }));
    object["spec"]["acquireTime"] = json!("2020-01-01T00:00:00.000000Z");
    object["spec"]["someday"] = json!([1, 2]);
    let mut expected = object.clone();
    // A Node that was made anew has another uid.
    let references = expected["metadata"]["ownerReferences"].as_array_mut().unwrap();
    references.swap(0, 1);
    references[1]["uid"] = json!("new");
    assert_eq!(write(object, &candidacy(), Some(&owner("new"))), expected);
}

#[test]
fn an_owner_that_is_not_known_changes_nothing() {
    let object = write(blank(&plan(), &node()), &candidacy(), Some(&owner("u-1")));
    assert_eq!(write(object.clone(), &candidacy(), None), object);
    let none = write(blank(&plan(), &node()), &candidacy(), None);
    assert!(none["metadata"]["ownerReferences"].is_null());
}

#[test]
fn what_makes_no_sense_invites_nobody() {
    let mut object = stored(write(blank(&plan(), &node()), &candidacy(), None), "9");
    object["metadata"]["annotations"] = json!({
        "kube-vip.io/fit": "yes",
        "kube-vip.io/priority": "-1",
        "kube-vip.io/mac": "here",
        "kube-vip.io/address": "192.0.2",
    });
    let read = candidate(&object, "plndr-cp-lock").unwrap().unwrap().candidacy;
    let none = Candidacy {
        fit: false,
        cordoned: false,
        priority: 0,
        mac: None,
        address: None,
        boot: String::new(),
        consent: None,
    };
    assert_eq!(read, none);
}

#[test]
fn a_lease_that_is_not_named_after_its_holder_is_no_candidate() {
    let object = stored(write(blank(&plan(), &node()), &candidacy(), None), "9");
    let with = |pointer: &str, value: &str| {
        let mut object = object.clone();
        *object.pointer_mut(pointer).unwrap() = json!(value);
        candidate(&object, "plndr-cp-lock").unwrap()
    };
    assert!(with("/spec/holderIdentity", "cp-1").is_some());
    assert!(with("/spec/holderIdentity", "CP-1").is_some());
    assert!(with("/spec/holderIdentity", "cp-2").is_none());
    assert!(with("/spec/holderIdentity", "").is_none());
    assert!(with("/metadata/name", "another").is_none());
    assert!(candidate(&object, "another-lock").unwrap().is_none());
}
