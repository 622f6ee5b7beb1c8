//! A candidate Lease as the API server writes it, and as the core knows it.

use std::str::FromStr;

use jiff::Timestamp;
use kube_vip_core::address::NodeName;
use kube_vip_core::event::{Candidacy, Candidate, Nonce};
use kube_vip_core::plan::LeasePlan;
use serde_json::{Value, json};

use super::convert::{self, ConvertError};
use super::naming::{self, ELECTION_LABEL};

#[cfg(test)]
mod tests;

/// What a candidate Lease says of how often it is renewed; nobody takes it from its node.
const DURATION: u32 = 30;

const FIT: &str = "kube-vip.io/fit";
const CORDONED: &str = "kube-vip.io/cordoned";
const PRIORITY: &str = "kube-vip.io/priority";
const MAC: &str = "kube-vip.io/mac";
const ADDRESS: &str = "kube-vip.io/address";
const BOOT: &str = "kube-vip.io/boot-id";
const CONSENT: &str = "kube-vip.io/consent";

/// The Node that a candidate Lease belongs to, and is deleted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) uid: String,
}

/// Whose candidate Lease of that election it is, and what it says; none: it is not one. What is
/// missing or makes no sense counts as what invites nobody: not fit, not cordoned, priority 0.
pub(super) fn candidate(object: &Value, lease: &str) -> Result<Option<Candidate>, ConvertError> {
    let holder = object["spec"]["holderIdentity"].as_str().unwrap_or_default();
    let Ok(node) = NodeName::new(holder) else {
        return Ok(None);
    };
    if object["metadata"]["name"] != *naming::candidate_lease(lease, node.as_str()) {
        return Ok(None);
    }
    let says = |name| object["metadata"]["annotations"][name].as_str();
    let candidacy = Candidacy {
        fit: says(FIT) == Some("true"),
        cordoned: says(CORDONED) == Some("true"),
        priority: parsed(says(PRIORITY)).unwrap_or(0),
        mac: parsed(says(MAC)),
        address: parsed(says(ADDRESS)),
        boot: says(BOOT).unwrap_or_default().to_owned(),
        consent: says(CONSENT).map(|nonce| Nonce(nonce.to_owned())),
    };
    Ok(Some(Candidate { node, version: convert::version(object)?, candidacy }))
}

fn parsed<T: FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}

/// An object for `POST`, without anything that changes yet.
pub(super) fn blank(plan: &LeasePlan, node: &NodeName) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": naming::candidate_lease(&plan.name, node.as_str()),
            "namespace": plan.namespace,
        },
        "spec": {},
    })
}

/// What a node writes into its candidate Lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// The election's Lease.
    pub(super) lease: &'a str,
    pub(super) node: &'a NodeName,
    pub(super) candidacy: &'a Candidacy,
    /// None: the owner stays what it is.
    pub(super) owner: Option<&'a Owner>,
}

/// The object with all that is ours in it, and everything else as it was.
pub(super) fn written(
    mut object: Value,
    entry: Entry<'_>,
    now: Timestamp,
) -> Result<Value, ConvertError> {
    let Entry { lease, node, candidacy, owner } = entry;
    let spec = convert::child(&mut object, "spec")?;
    spec.insert("holderIdentity".into(), node.as_str().into());
    spec.insert("leaseDurationSeconds".into(), DURATION.into());
    let time = convert::text(now)?;
    spec.entry("acquireTime").or_insert_with(|| time.clone());
    spec.insert("renewTime".into(), time);
    let metadata = convert::child(&mut object, "metadata")?;
    let labels = convert::map(metadata, "labels", "metadata.labels")?;
    labels.insert(ELECTION_LABEL.into(), naming::label(lease).into());
    let annotations = convert::annotations(metadata)?;
    let says = [
        (FIT, Some(candidacy.fit.to_string())),
        (CORDONED, Some(candidacy.cordoned.to_string())),
        (PRIORITY, Some(candidacy.priority.to_string())),
        (MAC, candidacy.mac.map(|mac| mac.to_string())),
        (ADDRESS, candidacy.address.map(|address| address.to_string())),
        (BOOT, Some(candidacy.boot.clone())),
        (CONSENT, candidacy.consent.as_ref().map(|nonce| nonce.0.clone())),
    ];
    for (name, value) in says {
        match value {
            Some(value) => annotations.insert(name.into(), value.into()),
            None => annotations.remove(name),
        };
    }
    if let Some(owner) = owner {
        let owned = owned(metadata.remove("ownerReferences"), owner);
        metadata.insert("ownerReferences".into(), owned);
    }
    Ok(object)
}

/// The owners with our Node among them. A Node of before, with another uid, would have the Lease
/// deleted as soon as it is written.
fn owned(owners: Option<Value>, owner: &Owner) -> Value {
    let mut owners = match owners {
        Some(Value::Array(owners)) => owners,
        _ => Vec::new(),
    };
    owners.retain(|known| known["kind"] != "Node" || known["apiVersion"] != "v1");
    owners.push(json!({
        "apiVersion": "v1",
        "kind": "Node",
        "name": owner.name,
        "uid": owner.uid,
    }));
    Value::Array(owners)
}
