//! What a command reads from the API server and, where it must, writes: the election's Lease,
//! candidate Leases, Nodes, Pods, Secrets, Events, and the question what one may do.
//!
//! Made from the common flags: `Cluster::new(&Place::read(matches, inputs)?)`. Every call is one
//! request of at most five seconds ([`caller::PATIENCE`]), by the daemon's own connection code; a
//! list of Nodes or Pods may be several. Objects are read into the few fields that commands need.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use jiff::Timestamp;
use kube_vip_core::event::{Candidate, LeaseRecord};
use serde_json::{Value, json};
use thiserror::Error;

pub use self::objects::{CandidateLease, Happened, Node, Pod};
use self::objects::{items, time};
use super::place::Place;
use crate::drivers::lease::caller::{self, Answered, Caller, CallerError, Usable};
use crate::drivers::lease::naming::{ELECTION_LABEL, label};
use crate::settings::Election;

mod objects;
#[cfg(test)]
mod tests;

/// How many objects one request of a list asks for.
const AT_ONCE: u32 = 100;

/// Why something was not read or written.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// No API server answered, or it refused these credentials or this request to them.
    #[error(transparent)]
    Call(#[from] CallerError),
    /// The API server answered with an error: its status and words.
    #[error("{words}")]
    Answer {
        /// The status.
        status: StatusCode,
        /// What it said, with the status before it.
        words: String,
    },
}

/// Something that may be allowed or not, as in RBAC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// `get`, `update`, …
    pub verb: &'static str,
    /// The API group; empty: the core one.
    pub group: &'static str,
    /// The resource, in the plural.
    pub resource: &'static str,
    /// Where; none: it is not in a namespace, or in all.
    pub namespace: Option<String>,
    /// Which one; none: any.
    pub name: Option<String>,
}

/// What an election's Lease says.
#[derive(Clone, Debug, PartialEq)]
pub struct ElectionLease {
    /// Its fields and annotations as the election knows them; holder empty: nobody.
    pub record: LeaseRecord,
    /// The object, for what else is in it.
    pub object: Value,
}

impl ElectionLease {
    /// When it was last renewed, by the holder's clock.
    #[must_use]
    pub fn renewed(&self) -> Option<Timestamp> {
        time(&self.object["spec"]["renewTime"])
    }

    /// Since when its holder has it, by the holder's clock.
    #[must_use]
    pub fn acquired(&self) -> Option<Timestamp> {
        time(&self.object["spec"]["acquireTime"])
    }
}

/// The API server of one cluster, and the election in it that a command is about.
#[derive(Debug)]
pub struct Cluster {
    caller: Caller,
    election: Election,
}

impl Cluster {
    /// With the credentials and the election of the common flags.
    #[must_use]
    pub fn new(place: &Place) -> Self {
        let election = place.election.clone();
        Self { caller: Caller::new(&election, &place.places()), election }
    }

    /// The election.
    #[must_use]
    pub const fn election(&self) -> &Election {
        &self.election
    }

    /// Reads a path as it stands; any status but 401 and 403 is an answer.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn get(&self, path: &str) -> Result<Answered, CallerError> {
        self.caller.get(path).await
    }

    /// Asks the API server behind that socket; see [`Caller::get_at`].
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn get_at(&self, socket: SocketAddr, path: &str) -> Result<Answered, CallerError> {
        self.caller.get_at(socket, path).await
    }

    /// The kubeconfigs that are looked for, in order, and why some cannot be used.
    #[must_use]
    pub fn kubeconfigs(&self) -> Vec<Result<Usable, String>> {
        self.caller.places()
    }

    /// The election's Lease; none: there is no such Lease.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn lease(&self) -> Result<Option<ElectionLease>, ClusterError> {
        let object = self.object(&self.lease_path()).await?;
        Ok(object.and_then(|object| {
            let record = caller::record(&object)?;
            Some(ElectionLease { record, object })
        }))
    }

    /// The candidate Leases of the election, by node; empty where only the original runs.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn candidates(&self) -> Result<Vec<CandidateLease>, ClusterError> {
        let lease = &self.election.name;
        let selector = format!("labelSelector={ELECTION_LABEL}%3D{}", label(lease));
        let objects = self.list(&self.leases(), &selector).await?;
        Ok(CandidateLease::all(&objects, lease))
    }

    /// All Leases in the election's namespace, by name: elections of other names, and whatever else
    /// keeps one there.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn all_leases(&self) -> Result<BTreeMap<String, ElectionLease>, ClusterError> {
        let objects = self.list(&self.leases(), "").await?;
        let named = |object: Value| {
            let name = object["metadata"]["name"].as_str()?.to_owned();
            let record = caller::record(&object)?;
            Some((name, ElectionLease { record, object }))
        };
        Ok(objects.into_iter().filter_map(named).collect())
    }

    /// All Nodes, by name.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn nodes(&self) -> Result<Vec<Node>, ClusterError> {
        let objects = self.list("/api/v1/nodes", "").await?;
        let mut nodes: Vec<_> = objects.iter().map(Node::read).collect();
        nodes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(nodes)
    }

    /// The Node of that name; none: there is no such Node.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn node(&self, name: &str) -> Result<Option<Node>, ClusterError> {
        let object = self.object(&format!("/api/v1/nodes/{name}")).await?;
        Ok(object.as_ref().map(Node::read))
    }

    /// Where a candidate is reached: at the address that it tells, or else, where only its segment
    /// knows that one (RFC 4291, section 2.5.6), at its Node's; none: nobody says.
    pub async fn address_of(&self, candidate: &Candidate) -> Option<IpAddr> {
        match candidate.candidacy.address {
            Some(IpAddr::V6(address)) if address.is_unicast_link_local() => {
                let node = self.node(candidate.node.as_str()).await.ok()??;
                node.addresses.first().copied()
            }
            address => address,
        }
    }

    /// The Pods of a namespace (none: of all) that a selector takes: `labelSelector=app%3Dx`,
    /// `fieldSelector=spec.nodeName%3Dcp-1`, both with `&`, or nothing for all.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn pods(
        &self,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Pod>, ClusterError> {
        let path = namespace.map_or_else(
            || "/api/v1/pods".to_owned(),
            |namespace| format!("/api/v1/namespaces/{namespace}/pods"),
        );
        let objects = self.list(&path, selector).await?;
        Ok(objects.iter().map(Pod::read).collect())
    }

    /// Evicts a Pod (`policy/v1`), as `kubectl drain` does. [`ClusterError::Answer`] with 429: a
    /// disruption budget is in the way for now.
    ///
    /// # Errors
    /// If that is refused.
    pub async fn evict(&self, pod: &Pod) -> Result<(), ClusterError> {
        let path = format!("/api/v1/namespaces/{}/pods/{}/eviction", pod.namespace, pod.name);
        let eviction = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": { "name": pod.name, "namespace": pod.namespace },
        });
        let answer = self.caller.send(Method::POST, &path, &eviction).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        good(answer).map(drop)
    }

    /// The data of a Secret; none: there is no such Secret.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn secret(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<BTreeMap<String, Vec<u8>>>, ClusterError> {
        let object = self.object(&format!("/api/v1/namespaces/{namespace}/secrets/{name}")).await?;
        let Some(object) = object else { return Ok(None) };
        let data = object["data"].as_object().into_iter().flatten();
        let decoded = data
            .filter_map(|(key, value)| Some((key.clone(), STANDARD.decode(value.as_str()?).ok()?)));
        Ok(Some(decoded.collect()))
    }

    /// Whether these credentials may do that (`SelfSubjectAccessReview`), which anybody may ask.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn may(&self, access: &Access) -> Result<bool, ClusterError> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "verb": access.verb,
                "group": access.group,
                "resource": access.resource,
                "namespace": access.namespace,
                "name": access.name,
            } },
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = good(self.caller.send(Method::POST, path, &review).await?)?;
        Ok(answer.body["status"]["allowed"] == true)
    }

    /// The Events about the election's Lease, the oldest first.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn events(&self) -> Result<Vec<Happened>, ClusterError> {
        let path = format!("/api/v1/namespaces/{}/events", self.election.namespace);
        let selector = format!(
            "fieldSelector=involvedObject.kind%3DLease%2CinvolvedObject.name%3D{}",
            self.election.name
        );
        let objects = self.list(&path, &selector).await?;
        let mut events: Vec<_> = objects.iter().map(Happened::read).collect();
        events.sort_by_key(|event| event.last);
        Ok(events)
    }

    /// Changes what the patch names of the object at that path (RFC 7386), and returns the object
    /// as it is then.
    ///
    /// # Errors
    /// If it is not there, or may not be patched.
    pub async fn patch(&self, path: &str, patch: &Value) -> Result<Value, ClusterError> {
        Ok(good(self.caller.send(Method::PATCH, path, patch).await?)?.body)
    }

    /// Where the election's Lease is.
    #[must_use]
    pub fn lease_path(&self) -> String {
        format!("{}/{}", self.leases(), self.election.name)
    }

    fn leases(&self) -> String {
        let namespace = &self.election.namespace;
        format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
    }

    /// The object at that path; none: 404 of an API server.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn object(&self, path: &str) -> Result<Option<Value>, ClusterError> {
        let answer = self.caller.get(path).await?;
        if answer.status == StatusCode::NOT_FOUND && answer.body["kind"] == "Status" {
            return Ok(None);
        }
        good(answer).map(|answer| Some(answer.body))
    }

    /// All objects that the selector takes.
    async fn list(&self, path: &str, selector: &str) -> Result<Vec<Value>, ClusterError> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("{path}?{selector}&limit={AT_ONCE}{after}");
            let mut answer = good(self.caller.get(&path).await?)?;
            all.append(&mut items(&mut answer.body));
            match answer.body["metadata"]["continue"].as_str() {
                // A token of an API server is base64 without what a query would need escaped.
                Some(token) if !token.is_empty() => after = format!("&continue={token}"),
                _ => return Ok(all),
            }
        }
    }
}

fn good(answer: Answered) -> Result<Answered, ClusterError> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    Err(ClusterError::Answer { status: answer.status, words: answer.words })
}
