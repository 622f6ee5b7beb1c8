//! The few fields of Kubernetes' objects that commands need.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube_vip_core::event::Candidate;
use serde_json::Value;

use crate::drivers::lease::caller;
use crate::drivers::lease::mover::GONE;

/// A node's candidate Lease: what it says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateLease {
    /// Its name, whether it is fit and cordoned, its priority, MAC, address and boot.
    pub candidate: Candidate,
    /// When it was last renewed, by its own clock.
    pub renewed: Option<Timestamp>,
    /// It has not renewed for so long, while another one has: it is gone.
    pub gone: Option<Duration>,
    /// The object, for what else is in it.
    pub object: Value,
}

impl CandidateLease {
    /// Those among the objects that are candidate Leases of that election, by node.
    pub(super) fn all(objects: &[Value], lease: &str) -> Vec<Self> {
        let renewed = |object: &Value| time(&object["spec"]["renewTime"]);
        let newest = objects.iter().filter_map(renewed).max();
        let one = |object: &Value| {
            let renewed = renewed(object);
            let lag = newest.zip(renewed).map(|(newest, own)| newest.duration_since(own));
            Some(Self {
                candidate: caller::candidate(object, lease)?,
                renewed,
                gone: lag.filter(|lag| *lag > GONE).map(SignedDuration::unsigned_abs),
                object: object.clone(),
            })
        };
        let mut all: Vec<_> = objects.iter().filter_map(one).collect();
        all.sort_by(|one, other| one.candidate.node.cmp(&other.candidate.node));
        all
    }
}

/// A Node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its label says that it belongs to the control plane.
    pub control_plane: bool,
    /// It takes no new Pods.
    pub cordoned: bool,
    /// Its `InternalIP`s.
    pub addresses: Vec<IpAddr>,
}

/// The labels of control-plane nodes, the second up to Kubernetes 1.24.
const ROLES: [&str; 2] =
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

impl Node {
    /// From the object.
    pub(super) fn read(object: &Value) -> Self {
        let addresses = array(&object["status"]["addresses"]);
        let internal = addresses.filter(|of| of["type"] == "InternalIP");
        let label = |role: &&str| object["metadata"]["labels"].get(*role).is_some();
        Self {
            name: text(&object["metadata"]["name"]),
            control_plane: ROLES.iter().any(label),
            cordoned: object["spec"]["unschedulable"] == true,
            addresses: internal.filter_map(|of| of["address"].as_str()?.parse().ok()).collect(),
        }
    }
}

/// A Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The Node that it is on; empty: none yet.
    pub node: String,
    /// `Running`, `Pending`, …
    pub phase: String,
    /// Its condition `Ready` is true.
    pub ready: bool,
    /// It is being deleted.
    pub ending: bool,
    /// The images of its containers, as they are asked for.
    pub images: Vec<String>,
    /// How often its containers were started again.
    pub restarts: i64,
    /// Why a container does not run, in the kubelet's words; empty: all run.
    pub waiting: String,
    /// The arguments of its first container.
    pub args: Vec<String>,
    /// The environment of its first container, as far as it is written there.
    pub environment: BTreeMap<String, String>,
    /// What owns it: `DaemonSet`, `ReplicaSet`, `Node` (a static pod), or nothing.
    pub owner: String,
    /// It shows a static pod, which nobody can evict.
    pub mirror: bool,
}

impl Pod {
    /// From the object.
    pub(super) fn read(object: &Value) -> Self {
        let (metadata, spec) = (&object["metadata"], &object["spec"]);
        let status = &object["status"];
        let states = || array(&status["containerStatuses"]);
        let first = &spec["containers"][0];
        let waits = |state: &Value| {
            let waiting = &state["state"]["waiting"];
            let reason = waiting["reason"].as_str()?;
            let message = waiting["message"].as_str().unwrap_or_default();
            Some(format!("{reason}: {message}").trim_end_matches(": ").to_owned())
        };
        let ready = |of: &Value| of["type"] == "Ready" && of["status"] == "True";
        let set = |of: &Value| Some((of["name"].as_str()?.to_owned(), text(of.get("value")?)));
        let owners = &metadata["ownerReferences"];
        let owner = array(owners).find(|owner| owner["controller"] == true);
        Self {
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]),
            node: text(&spec["nodeName"]),
            phase: text(&status["phase"]),
            ready: array(&status["conditions"]).any(ready),
            ending: metadata["deletionTimestamp"].is_string(),
            images: array(&spec["containers"]).map(|one| text(&one["image"])).collect(),
            restarts: states().filter_map(|state| state["restartCount"].as_i64()).sum(),
            waiting: states().find_map(waits).unwrap_or_default(),
            args: array(&first["args"]).map(text).collect(),
            environment: array(&first["env"]).filter_map(set).collect(),
            owner: owner.map(|owner| text(&owner["kind"])).unwrap_or_default(),
            mirror: metadata["annotations"].get("kubernetes.io/config.mirror").is_some(),
        }
    }
}

/// An Event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// `HolderChanged`, …
    pub reason: String,
    /// It is a warning.
    pub warning: bool,
    /// What it says.
    pub message: String,
    /// How often it happened.
    pub count: i64,
    /// Who says so: the instance, which is a node's name, or else the program.
    pub source: String,
    /// When it happened last.
    pub last: Option<Timestamp>,
}

impl Happened {
    /// From the object (`v1`).
    pub(super) fn read(object: &Value) -> Self {
        let series = &object["series"];
        let last = [
            &series["lastObservedTime"],
            &object["lastTimestamp"],
            &object["eventTime"],
            &object["firstTimestamp"],
        ];
        let source = [
            &object["reportingInstance"],
            &object["source"]["host"],
            &object["reportingComponent"],
            &object["source"]["component"],
        ];
        let count = series["count"].as_i64().or_else(|| object["count"].as_i64());
        Self {
            reason: text(&object["reason"]),
            warning: object["type"] == "Warning",
            message: text(&object["message"]),
            count: count.unwrap_or(1),
            source: source.map(text).into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
            last: last.into_iter().find_map(time),
        }
    }
}

/// The items of a list, taken out of it.
pub(super) fn items(list: &mut Value) -> Vec<Value> {
    match list["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

/// A time as the API server writes it.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
