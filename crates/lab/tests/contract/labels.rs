//! Labels: lists and watches of what a selector takes, as nodes find each other's Leases and their
//! own Node; and the rules for labels and owners.

use serde_json::{Value, json};

use crate::subject::{LEASES, NODES, Payload, Subject};

const SELECTED: &str = "labelSelector=kube-vip.io%2Felection%3Dlock";

fn lease(name: &str, election: &str) -> Value {
    json!({
        "metadata": {
            "name": name,
            "labels": { "kube-vip.io/election": election },
            "annotations": { "kube-vip.io/fit": "true" },
        },
        "spec": { "holderIdentity": "a", "leaseDurationSeconds": 30 },
    })
}

async fn label(subject: &Subject, name: &str, election: Value) {
    let patch = json!({ "metadata": { "labels": { "kube-vip.io/election": election } } });
    let path = format!("{LEASES}/{name}");
    assert_eq!(subject.patch(&path, Payload::merge_patch(&patch)).await.code, 200);
}

pub(crate) async fn selected(subject: &Subject) {
    for (name, election) in [("lock-a", "lock"), ("lock-b", "lock"), ("door-a", "door")] {
        assert_eq!(subject.post(LEASES, lease(name, election)).await.code, 201);
    }
    let list = subject.get(&format!("{LEASES}?{SELECTED}")).await;
    let names: Vec<_> = list.body["items"].as_array().unwrap().iter().collect();
    let names: Vec<_> = names.iter().map(|item| item["metadata"]["name"].as_str()).collect();
    assert_eq!(names, [Some("lock-a"), Some("lock-b")]);

    let version = list.version();
    let path = format!("{LEASES}?{SELECTED}&watch=true&timeoutSeconds=3&resourceVersion={version}");
    let mut watch = subject.watch(&path).await;
    label(subject, "door-a", json!("window")).await;
    let renewed = Payload::merge_patch(&json!({ "spec": { "holderIdentity": "b" } }));
    subject.patch(&format!("{LEASES}/lock-a"), renewed).await;
    watch.expect("MODIFIED", "lock-a").await;
    label(subject, "door-a", json!("lock")).await;
    watch.expect("ADDED", "door-a").await;
    label(subject, "lock-b", Value::Null).await;
    let gone = watch.expect("DELETED", "lock-b").await;
    assert_eq!(gone["metadata"]["labels"]["kube-vip.io/election"], "lock", "as it was before");
    label(subject, "lock-b", json!("door")).await;
    subject.delete(&format!("{LEASES}/lock-b")).await;
    subject.delete(&format!("{LEASES}/lock-a")).await;
    watch.expect("DELETED", "lock-a").await;
    subject.delete(&format!("{LEASES}/door-a")).await;
    watch.expect("DELETED", "door-a").await;
    assert!(watch.next().await.is_none(), "nothing else was to be seen");
}

pub(crate) async fn rules(subject: &Subject) {
    let long = "x".repeat(64);
    for value in [long.as_str(), "-a", "a b"] {
        let refused = subject.post(LEASES, lease("labelled", value)).await;
        assert_eq!(refused.refusal(), (422, "Invalid"), "{value}");
    }
    let asked = subject.get(&format!("{LEASES}?labelSelector=a%3D{long}")).await;
    assert_eq!(asked.refusal(), (400, "BadRequest"));

    let mut owned = lease("owned", "lock");
    let owner =
        |uid: &str| json!([{ "apiVersion": "v1", "kind": "Node", "name": "n", "uid": uid }]);
    owned["metadata"]["ownerReferences"] = owner("");
    assert_eq!(subject.post(LEASES, owned.clone()).await.refusal(), (422, "Invalid"));
    owned["metadata"]["ownerReferences"] = owner("5f1c6b6e-0000-4000-8000-000000000000");
    let mut stored = subject.post(LEASES, owned).await;
    assert_eq!(stored.code, 201);
    // A write that knows the version keeps what it does not know.
    stored.body["spec"]["holderIdentity"] = json!("b");
    let kept = subject.put(&format!("{LEASES}/owned"), stored.body).await;
    assert_eq!(kept.body["metadata"]["ownerReferences"][0]["name"], "n");
    assert_eq!(kept.body["metadata"]["annotations"]["kube-vip.io/fit"], "true");
    subject.delete(&format!("{LEASES}/owned")).await;
}

pub(crate) async fn nodes(subject: &Subject) {
    let node = json!({
        "metadata": { "name": "labelled", "labels": { "kubernetes.io/hostname": "host-7" } },
    });
    assert_eq!(subject.post(NODES, node).await.code, 201);
    let path = format!("{NODES}/labelled/status");
    let addresses = json!([{ "type": "InternalIP", "address": "192.0.2.7" }]);
    let patch = Payload::merge_patch(&json!({ "status": { "addresses": addresses } }));
    assert_eq!(subject.patch(&path, patch).await.body["status"]["addresses"], addresses);

    let found =
        subject.get(&format!("{NODES}?labelSelector=kubernetes.io%2Fhostname%3Dhost-7")).await;
    assert_eq!(found.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(found.body["items"][0]["metadata"]["name"], "labelled");
    let none = subject.get(&format!("{NODES}?labelSelector=kubernetes.io%2Fhostname%3Dx")).await;
    assert_eq!(none.body["items"], json!([]));
    let all = subject.get(&format!("{NODES}?limit=25")).await;
    assert!(all.body["metadata"]["continue"].is_null(), "there are no more than that");

    let path = format!(
        "{NODES}?fieldSelector=metadata.name%3Dlabelled&watch=true&timeoutSeconds=2\
         &resourceVersion={}",
        found.version()
    );
    let mut watch = subject.watch(&path).await;
    let cordon = Payload::merge_patch(&json!({ "spec": { "unschedulable": true } }));
    subject.patch(&format!("{NODES}/labelled"), cordon).await;
    let cordoned = watch.expect("MODIFIED", "labelled").await;
    assert_eq!(cordoned["spec"]["unschedulable"], true);
    subject.delete(&format!("{NODES}/labelled")).await;
    watch.expect("DELETED", "labelled").await;
    assert!(watch.next().await.is_none());
}
