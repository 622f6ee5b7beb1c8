//! Asking the holder of an election, from outside, to hand over to a certain node: an annotation on
//! the Lease, so that RBAC decides who may.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use kube_vip_core::address::NodeName;
use kube_vip_core::event::{LeaseRecord, MOVE_ANNOTATION};
use kube_vip_core::plan::{LeasePlan, Timings};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::timeout;

use super::asks::Asks;
use super::candidate;
use super::client::{Ask, CallError, Client, Reply};
use super::convert::{self, ConvertError};
use super::credentials::{Places, Search};
use super::server::Local;
use super::servers::Servers;
use crate::settings::Election;

/// What one request may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A candidate that has not renewed for so long, while another one has, is gone: they renew every
/// ten seconds. Their clocks are taken to differ by less.
pub(crate) const GONE: SignedDuration = SignedDuration::from_secs(35);

/// Why something could not be asked or written.
#[derive(Debug, Error)]
pub enum MoverError {
    /// No kubeconfig, no connection, no rights; the text is for people.
    #[error("{0}")]
    Unavailable(String),
    /// The API server takes too long.
    #[error("no answer within {0:?}")]
    Slow(Duration),
    /// There is no such Lease.
    #[error("there is no such Lease")]
    NoLease,
}

impl From<CallError> for MoverError {
    fn from(error: CallError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<ConvertError> for MoverError {
    fn from(error: ConvertError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// A node that says that it takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub node: NodeName,
    /// It could hold the address well.
    pub fit: bool,
    /// Its Node is cordoned.
    pub cordoned: bool,
    /// It has not renewed for so long, while another one has.
    pub gone: Option<Duration>,
}

/// Somebody who may ask for a move.
#[derive(Debug)]
pub struct Mover {
    client: Client,
    lease: String,
    asks: Asks,
    candidates: Asks,
}

impl Mover {
    /// Of that election, to that node, with the credentials that are found in `places`.
    #[must_use]
    pub fn new(election: &Election, to: &NodeName, places: &Places) -> Self {
        let seconds = Duration::from_secs;
        // The times are of no account here.
        let timings = Timings::new(seconds(15), seconds(10), seconds(2))
            .expect("these are the usual times, which are in order");
        let plan = LeasePlan {
            namespace: election.namespace.clone(),
            name: election.name.clone(),
            timings,
        };
        let vips: Arc<[_]> = election.vips.clone().into();
        // No other API servers are learnt: the kubeconfig's is the one that is meant.
        let servers = Arc::new(Servers::new(Arc::clone(&vips), PATIENCE));
        let search = Search::new(places, Local { vips, port: election.port });
        Self {
            client: Client::beside(search, servers),
            asks: Asks::lease(&plan),
            candidates: Asks::candidates(&plan, to),
            lease: plan.name,
        }
    }

    /// The Lease as it is now.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub async fn lease(&self) -> Result<LeaseRecord, MoverError> {
        record(self.call(&self.asks.read()).await?)
    }

    /// The nodes that take part, by name.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn members(&self) -> Result<Vec<Member>, MoverError> {
        let reply = self.call(&self.candidates.list()).await?;
        if reply.status != StatusCode::OK {
            return Err(MoverError::Unavailable(reply.words()));
        }
        let list = reply.json();
        let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
        let newest = items.iter().filter_map(renewed).max();
        let mut members = Vec::new();
        for item in items {
            let Some(one) = candidate::candidate(item, &self.lease)? else { continue };
            let lag = newest.zip(renewed(item)).map(|(newest, own)| newest.duration_since(own));
            members.push(Member {
                node: one.node,
                fit: one.candidacy.fit,
                cordoned: one.candidacy.cordoned,
                gone: lag.filter(|lag| *lag > GONE).map(SignedDuration::unsigned_abs),
            });
        }
        members.sort_by(|one, other| one.node.cmp(&other.node));
        Ok(members)
    }

    /// Asks for a move to that node (none: asks no longer), and returns the Lease as it is then.
    ///
    /// # Errors
    /// If the Lease is not there, or may not be patched.
    pub async fn request(&self, to: Option<&NodeName>) -> Result<LeaseRecord, MoverError> {
        let value = to.map(NodeName::as_str);
        let patch = json!({ "metadata": { "annotations": { MOVE_ANNOTATION: value } } });
        record(self.call(&self.asks.patch(&patch)).await?)
    }

    async fn call(&self, ask: &Ask) -> Result<Reply, MoverError> {
        let reply = timeout(PATIENCE, self.client.call(ask)).await;
        Ok(reply.map_err(|_| MoverError::Slow(PATIENCE))??)
    }
}

fn record(reply: Reply) -> Result<LeaseRecord, MoverError> {
    match reply.status {
        StatusCode::OK => Ok(convert::observation(&reply.json())?.record),
        StatusCode::NOT_FOUND if reply.json()["kind"] == "Status" => Err(MoverError::NoLease),
        _ => Err(MoverError::Unavailable(reply.words())),
    }
}

fn renewed(lease: &Value) -> Option<Timestamp> {
    lease["spec"]["renewTime"].as_str()?.parse().ok()
}
