//! Goldens of the conversion.

use kube_vip_core::plan::Timings;

use kube_vip_core::event::Marks;

use super::*;

/// As client-go writes it, with what others may have added.
fn foreign() -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": "plndr-cp-lock",
            "namespace": "kube-system",
            "uid": "3f2c",
            "resourceVersion": "4711",
            "labels": { "team": "infra" },
            "annotations": { "note": "kept" },
            "managedFields": [{ "manager": "kube-vip" }],
        },
        "spec": {
            "acquireTime": "2026-11-22T10:00:00.123456Z",
            "holderIdentity": "node1",
            "leaseDurationSeconds": 15,
            "leaseTransitions": 3,
            "renewTime": "2026-11-22T12:00:00.5+02:00",
            "strategy": "OldestEmulationVersion",
            "preferredHolder": "node9",
            "someday": [1, 2],
        },
    })
}

fn write() -> LeaseWrite {
    LeaseWrite {
        version: Some(Version("4711".into())),
        holder: "node2".into(),
        duration: Duration::from_secs(5),
        transitions: 4,
        acquired: Stamp::Now,
        nonce: Nonce("abc-1".into()),
        marks: Marks::default(),
    }
}

fn now() -> Timestamp {
    "2026-11-22T10:00:07.0000019Z".parse().unwrap()
}

#[test]
fn reads_what_client_go_writes() {
    let seen = observation(&foreign()).unwrap();
    assert_eq!(seen.version, Version("4711".into()));
    assert_eq!(
        seen.record,
        LeaseRecord {
            holder: "node1".into(),
            duration: Duration::from_secs(15),
            acquired: Some(1_795_341_600_123_456),
            renewed: Some(1_795_341_600_500_000),
            transitions: 3,
            nonce: None,
            marks: Marks::default(),
        }
    );
}

#[test]
fn reads_a_lease_with_nothing_in_it() {
    for spec in [json!({}), Value::Null] {
        let object = json!({ "metadata": { "resourceVersion": "1" }, "spec": spec });
        assert_eq!(observation(&object).unwrap().record, LeaseRecord::default());
    }
}

#[test]
fn negative_numbers_count_as_none() {
    let mut object = foreign();
    object["spec"]["leaseDurationSeconds"] = json!(-5);
    object["spec"]["leaseTransitions"] = json!(-1);
    let record = observation(&object).unwrap().record;
    assert_eq!(record.duration, Duration::ZERO);
    assert_eq!(record.transitions, 0);
}

#[test]
fn refuses_what_is_no_lease() {
    let mut object = foreign();
    object["spec"]["renewTime"] = json!("yesterday");
    assert!(matches!(observation(&object), Err(ConvertError::Spec(_))));
    object = foreign();
    object["metadata"]["resourceVersion"] = Value::Null;
    assert!(matches!(observation(&object), Err(ConvertError::NoVersion)));
    assert!(matches!(observation(&json!([])), Err(ConvertError::NoVersion)));
}

#[test]
fn a_write_changes_the_election_and_nothing_else() {
    let mut expected = foreign();
    expected["metadata"]["annotations"][NONCE_ANNOTATION] = json!("abc-1");
    expected["spec"]["holderIdentity"] = json!("node2");
    expected["spec"]["leaseDurationSeconds"] = json!(5);
    expected["spec"]["leaseTransitions"] = json!(4);
    expected["spec"]["acquireTime"] = json!("2026-11-22T10:00:07.000001Z");
    expected["spec"]["renewTime"] = json!("2026-11-22T10:00:07.000001Z");
    assert_eq!(written(foreign(), &write(), now()).unwrap(), expected);
}

#[test]
fn times_that_are_kept_keep_their_microseconds() {
    let renewal = LeaseWrite { acquired: Stamp::Keep(Some(1_795_341_600_123_456)), ..write() };
    let object = written(foreign(), &renewal, now()).unwrap();
    assert_eq!(object["spec"]["acquireTime"], json!("2026-11-22T10:00:00.123456Z"));
    let none = LeaseWrite { acquired: Stamp::Keep(None), ..write() };
    let object = written(foreign(), &none, now()).unwrap();
    assert_eq!(object["spec"].get("acquireTime"), None);
}

#[test]
fn a_release_names_nobody() {
    let release = LeaseWrite { holder: String::new(), duration: Duration::from_secs(1), ..write() };
    let object = written(foreign(), &release, now()).unwrap();
    assert_eq!(object["spec"]["holderIdentity"], json!(""));
    assert_eq!(object["spec"]["leaseDurationSeconds"], json!(1));
    assert_eq!(observation(&object).unwrap().record.holder, "");
}

#[test]
fn a_new_lease_is_complete() {
    let plan = LeasePlan {
        namespace: "kube-system".into(),
        name: "plndr-cp-lock".into(),
        timings: Timings::new(
            Duration::from_secs(15),
            Duration::from_secs(10),
            Duration::from_secs(2),
        )
        .unwrap(),
    };
    let object = written(blank(&plan), &write(), now()).unwrap();
    let expected = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "annotations": { "kube-vip.io/write": "abc-1" },
            "name": "plndr-cp-lock",
            "namespace": "kube-system",
        },
        "spec": {
            "acquireTime": "2026-11-22T10:00:07.000001Z",
            "holderIdentity": "node2",
            "leaseDurationSeconds": 5,
            "leaseTransitions": 4,
            "renewTime": "2026-11-22T10:00:07.000001Z",
        },
    });
    assert_eq!(object, expected);
}

#[test]
fn what_is_written_is_read_back() {
    let object = written(foreign(), &write(), now()).unwrap();
    let record = observation(&object).unwrap().record;
    assert_eq!(record.nonce, Some(Nonce("abc-1".into())));
    assert_eq!(record.holder, "node2");
    assert_eq!(record.duration, Duration::from_secs(5));
    assert_eq!(record.acquired, Some(1_795_341_607_000_001));
    assert_eq!(record.renewed, record.acquired);
}

#[test]
fn annotations_that_are_null_or_missing_are_made() {
    let mut object = foreign();
    object["metadata"]["annotations"] = Value::Null;
    let object = written(object, &write(), now()).unwrap();
    assert_eq!(object["metadata"]["annotations"], json!({ NONCE_ANNOTATION: "abc-1" }));
    let no_metadata = written(json!({ "metadata": 5 }), &write(), now());
    assert!(matches!(no_metadata, Err(ConvertError::NoObject("metadata"))));
}
