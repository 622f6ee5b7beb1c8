//! How the API server's objects are read.

use serde_json::json;

use super::objects::*;
use super::*;

#[test]
fn a_node_is_read() {
    let object = json!({
        "metadata": {
            "name": "cp-1",
            "labels": { "node-role.kubernetes.io/control-plane": "true" },
        },
        "spec": { "unschedulable": true },
        "status": {
            "addresses": [
                { "type": "Hostname", "address": "cp-1" },
                { "type": "InternalIP", "address": "192.168.20.141" },
            ],
        },
    });
    let expected = Node {
        name: "cp-1".to_owned(),
        control_plane: true,
        cordoned: true,
        addresses: vec!["192.168.20.141".parse().unwrap()],
    };
    assert_eq!(Node::read(&object), expected);
    let nothing = Node::read(&Value::Null);
    assert!(!nothing.control_plane && !nothing.cordoned);
}

#[test]
fn a_static_pod_is_read() {
    let object = json!({
        "metadata": {
            "name": "kube-vip-cp-1",
            "namespace": "kube-system",
            "annotations": { "kubernetes.io/config.mirror": "5e" },
            "ownerReferences": [{ "kind": "Node", "name": "cp-1", "controller": true }],
        },
        "spec": {
            "nodeName": "cp-1",
            "containers": [{
                "image": "kube-vip:v1",
                "args": ["manager"],
                "env": [
                    { "name": "address", "value": "10.0.0.9" },
                    { "name": "x", "valueFrom": {} },
                ],
            }],
        },
        "status": {
            "phase": "Pending",
            "containerStatuses": [{
                "restartCount": 3,
                "state": { "waiting": { "reason": "ErrImagePull", "message": "not found" } },
            }],
        },
    });
    let pod = Pod::read(&object);
    assert_eq!((pod.node.as_str(), pod.owner.as_str()), ("cp-1", "Node"));
    assert!(pod.mirror && !pod.ready && !pod.ending);
    assert_eq!((pod.restarts, pod.waiting.as_str()), (3, "ErrImagePull: not found"));
    assert_eq!(pod.environment, [("address".to_owned(), "10.0.0.9".to_owned())].into());
    assert_eq!(
        (pod.images, pod.args),
        (vec!["kube-vip:v1".to_owned()], vec!["manager".to_owned()])
    );
}

#[test]
fn candidate_leases_tell_who_is_gone() {
    let lease = |node: &str, renewed: &str| {
        json!({
            "metadata": {
                "name": format!("kube-vip-cp-{node}"),
                "resourceVersion": "7",
                "annotations": {
                    "kube-vip.io/fit": "true",
                    "kube-vip.io/mac": "02:00:00:00:00:01",
                },
            },
            "spec": { "holderIdentity": node, "renewTime": renewed },
        })
    };
    let objects = [
        lease("cp-2", "2026-01-01T00:01:00.000000Z"),
        lease("cp-1", "2026-01-01T00:00:00.000000Z"),
    ];
    let all = CandidateLease::all(&objects, "kube-vip-cp");
    let gone: Vec<_> = all
        .iter()
        .map(|one| (one.candidate.node.as_str(), one.gone.map(|g| g.as_secs())))
        .collect();
    assert_eq!(gone, [("cp-1", Some(60)), ("cp-2", None)]);
    assert!(all[0].candidate.candidacy.mac.is_some());
    assert!(CandidateLease::all(&objects, "plndr-cp-lock").is_empty(), "of another election");
}

#[test]
fn an_event_is_read_in_both_forms() {
    let old = json!({
        "reason": "HolderChanged", "type": "Normal", "message": "cp-1 holds it", "count": 2,
        "source": { "component": "kube-vip", "host": "cp-1" },
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:05Z",
    });
    let new = json!({
        "reason": "HolderChanged", "type": "Normal", "message": "cp-1 holds it",
        "reportingComponent": "kube-vip", "reportingInstance": "cp-1",
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "series": { "count": 2, "lastObservedTime": "2026-01-01T00:00:05.000000Z" },
    });
    let read = Happened::read(&old);
    assert_eq!((read.count, read.source.as_str(), read.warning), (2, "cp-1", false));
    assert_eq!(read, Happened::read(&new));
}
