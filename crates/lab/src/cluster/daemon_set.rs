//! What controllers would make of a DaemonSet: there are none, and no scheduler.

use serde_json::{Value, json};

/// Where the pods of the namespace `kube-system` are made.
pub const PODS: &str = "/api/v1/namespaces/kube-system/pods";

/// Where the DaemonSets of that namespace are made.
pub const SETS: &str = "/apis/apps/v1/namespaces/kube-system/daemonsets";

/// Where its ConfigMaps are made.
pub const CONFIG_MAPS: &str = "/api/v1/namespaces/kube-system/configmaps";

/// The objects of a text with several documents.
///
/// # Errors
/// If one of them is no YAML.
pub fn documents(text: &str) -> Result<Vec<Value>, serde_saphyr::Error> {
    let documents = text.split("---\n").filter(|document| document.contains("kind: "));
    documents.map(serde_saphyr::from_str).collect()
}

/// Where objects of this one's kind are made.
#[must_use]
pub fn collection(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = text(&object["kind"]).to_ascii_lowercase();
    let base = match text(&object["apiVersion"]).as_str() {
        "v1" => "/api/v1".to_owned(),
        group => format!("/apis/{group}"),
    };
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{base}/namespaces/{namespace}/{kind}s"),
        None => format!("{base}/{kind}s"),
    }
}

/// The authority of the API servers, in PEM, as `root-ca-cert-publisher` publishes it in every
/// namespace.
#[must_use]
pub fn authority(certificate: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "kube-root-ca.crt" },
        "data": { "ca.crt": certificate },
    })
}

/// The name of a set's pod on a node.
#[must_use]
pub fn pod_name(set: &Value, node: &str) -> String {
    format!("{}-{node}", set["metadata"]["name"].as_str().unwrap_or_default())
}

/// The pod of a set's template that the controller would make for a node, bound to it as the
/// scheduler would. The set is as the API server has it.
#[must_use]
pub fn pod(set: &Value, node: &str) -> Value {
    let mut pod = set["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!(pod_name(set, node));
    pod["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "name": set["metadata"]["name"],
        "uid": set["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    }]);
    pod["spec"]["nodeName"] = json!(node);
    pod
}
