//! Manifests made of settings: a Pod for kubelet's directory, a DaemonSet, and the rights for it.
//!
//! The layout is that of kube-vip's own generator, because installers edit its text: keys in the
//! order of the alphabet, lists at the column of their key, `name` of a variable in the line before
//! its `value`. What every part is for: `docs/reference/manifest.md`.

use serde_json::{Value, json};

use crate::settings::definition::Definition;
use crate::settings::{ADMIN_CONF, Settings, definitions};

mod environment;
mod pod;
mod rbac;
mod yaml;

pub use environment::{OWN, taken_from_environment};
pub use rbac::{Extent, rbac};

#[cfg(test)]
mod tests;

/// The service account of pods in the cluster.
const ACCOUNT: &str = "kube-vip";

/// Whose nodes they are: where the kubeconfig lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distribution {
    /// kubeadm, and whatever else has `/etc/kubernetes/admin.conf`.
    #[default]
    Kubeadm,
    /// k3s.
    K3s,
    /// RKE2.
    Rke2,
}

impl Distribution {
    /// Their names on the command line.
    pub const NAMES: [&str; 3] = ["kubeadm", "k3s", "rke2"];

    /// The one of that name, the first for any other.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "k3s" => Self::K3s,
            "rke2" => Self::Rke2,
            _ => Self::Kubeadm,
        }
    }

    /// The administrator's kubeconfig on the node.
    #[must_use]
    pub const fn kubeconfig(self) -> &'static str {
        match self {
            Self::Kubeadm => ADMIN_CONF,
            Self::K3s => "/etc/rancher/k3s/k3s.yaml",
            Self::Rke2 => "/etc/rancher/rke2/rke2.yaml",
        }
    }

    /// Where it is mounted in the container. At `/.kube/config` the original finds it as well, and
    /// keeps the server that it names.
    #[must_use]
    pub const fn mounted_at(self) -> &'static str {
        match self {
            Self::Kubeadm => ADMIN_CONF,
            Self::K3s | Self::Rke2 => "/.kube/config",
        }
    }
}

/// What a manifest says beside the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Whence the rights to use the API server come.
    pub access: Access,
    /// The image, with its tag.
    pub image: String,
    /// The pod's priority class; empty: none.
    pub priority_class: String,
    /// The CPU time that is asked for, as Kubernetes writes it; empty: none.
    pub cpu: String,
    /// The memory that is asked for, as Kubernetes writes it; empty: none.
    pub memory: String,
}

/// Whence the rights to use the API server come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// From the pod's service account.
    Account,
    /// From a kubeconfig on the node.
    Kubeconfig {
        /// Its path on the node.
        host: String,
        /// Its path in the container.
        mount: String,
    },
}

/// Where the pods of a DaemonSet run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nodes {
    /// On every node that has no taint against it.
    Any,
    /// On nodes of the control plane, whatever taints they have.
    ControlPlane,
}

/// The namespace of pod and service account. In the cluster, that is where the daemon has its
/// Lease.
#[must_use]
pub fn namespace(settings: &Settings, access: &Access) -> String {
    let services = definitions::named("svc_namespace");
    let given = services.and_then(|definition| settings.written(definition));
    let lease = || match access {
        Access::Account => settings.values().namespace.clone(),
        Access::Kubeconfig { .. } => "kube-system".to_owned(),
    };
    given.filter(|namespace| !namespace.is_empty()).unwrap_or_else(lease)
}

/// A Pod, for the directory from which kubelet starts pods by itself.
#[must_use]
pub fn pod(settings: &Settings, layout: &Layout) -> String {
    let mut spec = pod::spec(settings, layout);
    if let Some(priority) = pod::priority(&layout.priority_class) {
        spec["priority"] = json!(priority);
    }
    yaml::document(&json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "kube-vip", "namespace": namespace(settings, &layout.access) },
        "spec": spec,
    }))
}

/// A DaemonSet.
#[must_use]
pub fn daemon_set(settings: &Settings, layout: &Layout, nodes: Nodes) -> String {
    const NAME: &str = "kube-vip-ds";
    let mut spec = pod::spec(settings, layout);
    if nodes == Nodes::ControlPlane {
        let tolerated = |effect: &str| json!({ "effect": effect, "operator": "Exists" });
        spec["tolerations"] = json!([tolerated("NoSchedule"), tolerated("NoExecute")]);
        spec["affinity"] = json!({ "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [
                { "matchExpressions": [has("node-role.kubernetes.io/master")] },
                { "matchExpressions": [has("node-role.kubernetes.io/control-plane")] },
            ] },
        } });
    }
    let labels = json!({
        "app.kubernetes.io/name": NAME,
        "app.kubernetes.io/version": version(&layout.image),
    });
    yaml::document(&json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {
            "labels": labels,
            "name": NAME,
            "namespace": namespace(settings, &layout.access),
        },
        "spec": {
            "selector": { "matchLabels": { "app.kubernetes.io/name": NAME } },
            "template": { "metadata": { "labels": labels }, "spec": spec },
        },
    }))
}

fn has(label: &str) -> Value {
    json!({ "key": label, "operator": "Exists" })
}

/// The image with a tag: this release's, where it has none.
#[must_use]
pub fn tagged(image: &str, release: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains([':', '@']) { image.to_owned() } else { format!("{image}:{release}") }
}

/// An image's tag as a label can have it.
fn version(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    let tag =
        name.split('@').next().and_then(|name| name.split_once(':')).map_or("", |(_, tag)| tag);
    tag.chars().take(63).collect::<String>().trim_end_matches(['.', '-', '_']).to_owned()
}

/// The settings by these names, those that there are.
fn by_names(names: &[&str]) -> impl Iterator<Item = &'static Definition> {
    names.iter().filter_map(|name| definitions::named(name))
}
