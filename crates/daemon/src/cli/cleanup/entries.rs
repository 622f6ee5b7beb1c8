//! What a node has left in the API: its name in the election's Lease, its candidate Lease, the
//! original's labels on its Node.

use std::fs;
use std::time::Duration;

use http::{Method, StatusCode};
use jiff::Timestamp;
use kube_vip_core::address::NodeName;
use kube_vip_core::event::{
    BOOT_ANNOTATION, MOVE_ANNOTATION, NONCE_ANNOTATION, OFFER_ANNOTATION, SUCCESSOR_ANNOTATION,
};
use serde_json::{Value, json};

use crate::cli::place::LeaseName;
use crate::drivers::lease::caller::{self, Answered, Caller};
use crate::drivers::lease::naming::candidate_lease;

/// Drawn by the kernel at every boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The original's labels on a Node: what it holds, and for which Services.
const LABELS: [&str; 2] = ["kube-vip.io/has-ip", "service-provided.kube-vip.io"];

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) kind: &'static str,
    pub(super) what: String,
    pub(super) why: String,
    method: Method,
    path: String,
    body: Value,
}

impl Entry {
    /// It is the Lease that elects.
    pub(super) fn is_the_lease(&self) -> bool {
        self.method == Method::PUT
    }

    /// Removes it.
    ///
    /// # Errors
    /// What stood in the way, for people.
    pub(super) async fn remove(&self, caller: &Caller) -> Result<(), String> {
        let sent = caller.send(self.method.clone(), &self.path, &self.body).await;
        let answer = sent.map_err(|error| error.to_string())?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(()),
            StatusCode::CONFLICT if self.is_the_lease() => {
                Err("somebody changed the Lease just now; look again".to_owned())
            }
            status if status.is_success() => Ok(()),
            _ => Err(answer.words),
        }
    }
}

/// What that node has left in that election.
///
/// # Errors
/// What could not be asked, for people.
pub(super) async fn find(
    caller: &Caller,
    election: &LeaseName,
    node: &NodeName,
) -> Result<Vec<Entry>, String> {
    let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", election.namespace);
    let path = format!("{leases}/{}", election.name);
    let boot = fs::read_to_string(BOOT_ID).unwrap_or_default();
    let mut found = Vec::new();
    if let Some(answer) = read(caller, &path).await? {
        found.extend(holder(&answer, &path, election, node, boot.trim())?);
    }
    let name = candidate_lease(&election.name, node.as_str());
    let path = format!("{leases}/{name}");
    if let Some(answer) = read(caller, &path).await? {
        let uid = &answer.body["metadata"]["uid"];
        found.push(Entry {
            kind: "candidate Lease",
            what: format!("{}/{name}", election.namespace),
            why: format!("{node} is a candidate by it"),
            method: Method::DELETE,
            path,
            body: json!({
                "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": uid }
            }),
        });
    }
    let path = format!("/api/v1/nodes/{node}");
    if let Some(answer) = read(caller, &path).await? {
        found.extend(labels(&answer.body, &path, node));
    }
    Ok(found)
}

/// What is at that path; none: nothing.
async fn read(caller: &Caller, path: &str) -> Result<Option<Answered>, String> {
    let answer = caller.get(path).await.map_err(|error| error.to_string())?;
    match answer.status {
        StatusCode::NOT_FOUND if answer.body["kind"] == "Status" => Ok(None),
        status if status.is_success() => Ok(Some(answer)),
        _ => Err(answer.words),
    }
}

/// The node's name as that of the holder.
///
/// # Errors
/// If another host may be renewing in its name.
fn holder(
    answer: &Answered,
    path: &str,
    election: &LeaseName,
    node: &NodeName,
    boot: &str,
) -> Result<Option<Entry>, String> {
    let Some(record) = caller::record(&answer.body) else {
        return Err("it cannot be read as a Lease".to_owned());
    };
    if record.holder != node.as_str() {
        return Ok(None);
    }
    let elsewhere = record.marks.boot.as_ref().is_some_and(|written| written != boot);
    if elsewhere && !is_over(answer, record.duration) {
        return Err(format!(
            "it names {node}, and was renewed lately by a host of another boot: another host may \
             hold it in this name; look again after {:?}",
            record.duration
        ));
    }
    Ok(Some(Entry {
        kind: "Lease",
        what: election.to_string(),
        why: format!("{node} is its holder"),
        method: Method::PUT,
        path: path.to_owned(),
        body: released(&answer.body),
    }))
}

/// Its time is over by the API server's clock; where that says nothing, it is not.
fn is_over(answer: &Answered, duration: Duration) -> bool {
    let renewed = answer.body["spec"]["renewTime"].as_str().and_then(|text| text.parse().ok());
    let renewed: Option<Timestamp> = renewed;
    let age = answer.date.zip(renewed).map(|(now, renewed)| now.duration_since(renewed));
    age.and_then(|age| Duration::try_from(age).ok()).is_some_and(|age| age > duration)
}

/// The Lease without a holder, as client-go leaves it, at the version that it was read at.
fn released(lease: &Value) -> Value {
    let mut lease = lease.clone();
    let now = format!("{:.6}", Timestamp::now());
    lease["spec"]["holderIdentity"] = "".into();
    lease["spec"]["leaseDurationSeconds"] = 1.into();
    lease["spec"]["acquireTime"] = now.clone().into();
    lease["spec"]["renewTime"] = now.into();
    if let Some(annotations) = lease["metadata"]["annotations"].as_object_mut() {
        let ours = [
            BOOT_ANNOTATION,
            MOVE_ANNOTATION,
            NONCE_ANNOTATION,
            OFFER_ANNOTATION,
            SUCCESSOR_ANNOTATION,
        ];
        annotations.retain(|name, _| !ours.contains(&name.as_str()));
    }
    lease
}

/// The original's labels.
fn labels(object: &Value, path: &str, node: &NodeName) -> Option<Entry> {
    let labels = object["metadata"]["labels"].as_object()?;
    let left = |name: &&String| {
        let prefix = name.split('/').next().unwrap_or_default();
        LABELS.contains(&name.as_str()) || prefix == LABELS[1]
    };
    let names: Vec<_> = labels.keys().filter(left).cloned().collect();
    if names.is_empty() {
        return None;
    }
    let none: serde_json::Map<_, _> =
        names.iter().map(|name| (name.clone(), Value::Null)).collect();
    Some(Entry {
        kind: "Node label",
        what: format!("{node} {}", names.join(" ")),
        why: "kube-vip's".to_owned(),
        method: Method::PATCH,
        path: path.to_owned(),
        body: json!({ "metadata": { "labels": none } }),
    })
}

#[cfg(test)]
mod tests;
