//! The rights of the service account: what the daemon asks for, and nothing else.

use serde_json::{Value, json};

use super::{ACCOUNT, Access, namespace, yaml};
use crate::settings::{Election, Settings};

/// Names of kube-vip's own generator, so that its wider rights are replaced.
const CLUSTER_ROLE: &str = "system:kube-vip-role";
const CLUSTER_BINDING: &str = "system:kube-vip-binding";

/// What of the rights is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All that the daemon can use.
    Everything,
    /// What is in the Lease's namespace, by a Role.
    Namespace,
    /// The same, by a `ClusterRole` that is bound in that namespace.
    BoundClusterRole,
}

/// Service account, roles and bindings, each behind a line `---`.
#[must_use]
pub fn rbac(settings: &Settings, election: &Election, extent: Extent) -> String {
    let account = namespace(settings, &Access::Account);
    let subject = json!({ "kind": "ServiceAccount", "name": ACCOUNT, "namespace": account });
    let bind = |kind: &str, name: &str, place: Option<&str>, role: (&str, &str)| {
        let mut binding = object(kind, name, place);
        binding["roleRef"] =
            json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": role.0, "name": role.1 });
        binding["subjects"] = json!([subject]);
        binding
    };
    let here = Some(election.namespace.as_str());
    let mut all = vec![json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": { "name": ACCOUNT, "namespace": account },
    })];
    if extent == Extent::BoundClusterRole {
        all.push(role("ClusterRole", CLUSTER_ROLE, None, &in_namespace()));
        all.push(bind("RoleBinding", ACCOUNT, here, ("ClusterRole", CLUSTER_ROLE)));
    } else {
        all.push(role("Role", ACCOUNT, here, &in_namespace()));
        all.push(bind("RoleBinding", ACCOUNT, here, ("Role", ACCOUNT)));
    }
    if extent == Extent::Everything {
        // The Service of the API servers is there; beside the Lease's rights where that is too.
        let name = if election.namespace == "default" { "kube-vip-endpoints" } else { ACCOUNT };
        let servers = [rule("discovery.k8s.io", "endpointslices", &["list"])];
        all.push(role("Role", name, Some("default"), &servers));
        all.push(bind("RoleBinding", name, Some("default"), ("Role", name)));
        all.push(role("ClusterRole", CLUSTER_ROLE, None, &[nodes(settings)]));
        all.push(bind("ClusterRoleBinding", CLUSTER_BINDING, None, ("ClusterRole", CLUSTER_ROLE)));
    }
    all.iter().map(|object| format!("---\n{}", yaml::document(object))).collect()
}

fn in_namespace() -> [Value; 2] {
    let lease = ["get", "list", "watch", "create", "update"];
    [rule("coordination.k8s.io", "leases", &lease), rule("", "events", &["create"])]
}

fn nodes(settings: &Settings) -> Value {
    let mut verbs = vec!["get", "list", "watch"];
    if settings.values().node_labels {
        verbs.push("patch");
    }
    rule("", "nodes", &verbs)
}

fn rule(group: &str, resource: &str, verbs: &[&str]) -> Value {
    json!({ "apiGroups": [group], "resources": [resource], "verbs": verbs })
}

fn object(kind: &str, name: &str, place: Option<&str>) -> Value {
    let mut metadata = json!({ "name": name });
    if let Some(namespace) = place {
        metadata["namespace"] = json!(namespace);
    }
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
    })
}

fn role(kind: &str, name: &str, place: Option<&str>, rules: &[Value]) -> Value {
    let mut role = object(kind, name, place);
    role["rules"] = json!(rules);
    role
}
