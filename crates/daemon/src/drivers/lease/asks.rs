//! The requests about one object, and about all that a selector takes.

use std::time::Duration;

use http::Method;
use hyper::body::Bytes;
use kube_vip_core::address::NodeName;
use kube_vip_core::event::Version;
use kube_vip_core::plan::LeasePlan;
use serde_json::Value;

use super::client::Ask;
use super::naming;

#[cfg(test)]
mod tests;

pub(super) const JSON: &str = "application/json";

/// RFC 7386.
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";

/// How many Nodes are asked for at once: one may have tens of kilobytes.
const NODES_AT_ONCE: u32 = 25;

/// The paths of an object, and of those that are listed and watched with it.
#[derive(Clone, Debug)]
pub(super) struct Asks {
    all: String,
    one: String,
    selector: String,
}

impl Asks {
    /// The plan's Lease, alone.
    pub(super) fn lease(plan: &LeasePlan) -> Self {
        Self::named(leases(plan), &plan.name)
    }

    /// That node's candidate Lease, and all of the same election.
    pub(super) fn candidates(plan: &LeasePlan, node: &NodeName) -> Self {
        let all = leases(plan);
        let name = naming::candidate_lease(&plan.name, node.as_str());
        Self {
            one: format!("{all}/{}", escaped(&name)),
            selector: label_selector(naming::ELECTION_LABEL, &naming::label(&plan.name)),
            all,
        }
    }

    /// The Node of that name, alone.
    pub(super) fn node(name: &str) -> Self {
        Self::named(NODES.to_owned(), name)
    }

    fn named(all: String, name: &str) -> Self {
        let name = escaped(name);
        Self {
            one: format!("{all}/{name}"),
            selector: format!("fieldSelector=metadata.name%3D{name}"),
            all,
        }
    }

    /// A quorum read: without `resourceVersion` the API server asks etcd.
    pub(super) fn read(&self) -> Ask {
        get(self.one.clone())
    }

    /// Creates the object.
    pub(super) fn create(&self, object: &Value) -> Ask {
        send(Method::POST, &self.all, object)
    }

    /// Replaces the object if it still is the version that it names.
    pub(super) fn replace(&self, object: &Value) -> Ask {
        send(Method::PUT, &self.one, object)
    }

    /// Changes what the patch names and nothing else, whatever the version.
    pub(super) fn patch(&self, patch: &Value) -> Ask {
        Ask { kind: MERGE_PATCH, ..send(Method::PATCH, &self.one, patch) }
    }

    /// A quorum read of the list of those that the selector takes; its version is there to watch
    /// from even if there are none.
    pub(super) fn list(&self) -> Ask {
        get(format!("{}?{}", self.all, self.selector))
    }

    /// All changes after that version; the server ends it after that time.
    pub(super) fn watch(&self, version: &Version, time: Duration) -> Ask {
        get(format!(
            "{}?{}&watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
            self.all,
            self.selector,
            escaped(&version.0),
            time.as_secs(),
        ))
    }
}

/// The Nodes whose label `kubernetes.io/hostname` is that name.
pub(super) fn nodes_by_host_name(name: &str) -> Ask {
    get(format!("{NODES}?{}", label_selector("kubernetes.io/hostname", name)))
}

/// Some of all Nodes; those that follow where a list said that there are more.
pub(super) fn nodes(after: Option<&str>) -> Ask {
    let more = after.map(|token| format!("&continue={}", escaped(token))).unwrap_or_default();
    get(format!("{NODES}?limit={NODES_AT_ONCE}{more}"))
}

/// Creates a Kubernetes Event.
pub(super) fn event(namespace: &str, object: &Value) -> Ask {
    send(Method::POST, &format!("/api/v1/namespaces/{}/events", escaped(namespace)), object)
}

const NODES: &str = "/api/v1/nodes";

fn leases(plan: &LeasePlan) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", escaped(&plan.namespace))
}

fn label_selector(label: &str, value: &str) -> String {
    format!("labelSelector={}%3D{}", escaped(label), escaped(value))
}

/// Reads what is at that path.
pub(super) fn get(path: String) -> Ask {
    Ask { method: Method::GET, path, body: Bytes::new(), kind: JSON }
}

fn send(method: Method, path: &str, object: &Value) -> Ask {
    Ask { method, path: path.to_owned(), body: object.to_string().into(), kind: JSON }
}

/// Percent-encodes all but the unreserved characters of RFC 3986, section 2.3.
fn escaped(text: &str) -> String {
    use std::fmt::Write;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
