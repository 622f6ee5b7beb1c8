//! Events, as nodes make them of what they do.

use serde_json::{Value, json};

use crate::subject::{NAMESPACE, Subject};

const EVENTS: &str = "/api/v1/namespaces/default/events";

fn event(name: &str, about: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "involvedObject": {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "namespace": about,
            "name": "lock",
        },
        "type": "Normal",
        "reason": "HolderChanged",
        "message": "a holds it now",
        "count": 2,
        "firstTimestamp": "2024-05-06T07:08:09Z",
        "lastTimestamp": "2024-05-06T07:08:19Z",
        "source": { "component": "kube-vip", "host": "a" },
        "reportingComponent": "kube-vip",
        "reportingInstance": "a",
    })
}

pub(crate) async fn created(subject: &Subject) {
    let made = subject.post(EVENTS, event("lock.1", NAMESPACE)).await;
    assert_eq!(made.code, 201);
    assert_eq!(subject.get(&format!("{EVENTS}/lock.1")).await.body, made.body);
    let again = subject.post(EVENTS, event("lock.1", NAMESPACE)).await;
    assert_eq!(again.refusal(), (409, "AlreadyExists"));
    let elsewhere = subject.post(EVENTS, event("lock.2", "kube-system")).await;
    assert_eq!(elsewhere.refusal(), (422, "Invalid"));
    let mut bare = event("lock.3", NAMESPACE);
    for part in ["source", "reportingComponent", "reportingInstance", "count", "firstTimestamp"] {
        bare.as_object_mut().unwrap().remove(part);
    }
    assert_eq!(subject.post(EVENTS, bare).await.code, 201);
}
