//! This host's Node: finding it, and whether it is cordoned.
//!
//! The name of this node in the election need not be that of its Node. It is found by name, then by
//! the label `kubernetes.io/hostname`, then by an `InternalIP` that this host has.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use kube_vip_core::event::{Event, Version};
use serde_json::Value;
use tokio::sync::watch::Sender;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::asks::{self, Asks};
use super::candidate::Owner;
use super::client::{Ask, Client};
use super::labels::Labelled;
use super::watch::{Ended, View, Watch, jittered, pause, random};

#[cfg(test)]
mod tests;

/// Bookmarks come about once a minute, at most after 75 seconds (`bookmarkFrequency` in
/// k8s.io/apiserver's pkg/storage/cacher), and a kubelet reports every five minutes at least.
const SILENCE: Duration = Duration::from_secs(100);

/// The longest pause between two searches.
const LONGEST: Duration = Duration::from_secs(60);

/// The most Nodes that are looked at for an address.
const MOST: usize = 5_000;

/// Where to look for this host's Node.
pub(super) struct Finder {
    pub(super) shared: Arc<Shared>,
    pub(super) client: Arc<Client>,
    /// Tells this host's own addresses.
    pub(super) addresses: fn() -> Vec<IpAddr>,
    /// The addresses that move from host to host.
    pub(super) vips: Arc<[IpAddr]>,
    /// Who waits for the Node.
    pub(super) owner: Arc<Sender<Option<Owner>>>,
    /// Who waits for its label.
    pub(super) label: Arc<Sender<Option<Labelled>>>,
}

/// What people were told already.
#[derive(Default)]
struct Told {
    refused: bool,
    absent: bool,
}

impl Finder {
    /// Looks for the Node and watches it, until this is dropped.
    pub(super) async fn run(self) {
        let mut failures = 0;
        let mut told = Told::default();
        let mut cordoned = None;
        loop {
            match self.find().await {
                Ok(Some(name)) => {
                    tracing::debug!(node = %name, "found this host's Node");
                    let mut watch = self.watch(name, cordoned);
                    watch.run().await;
                    cordoned = watch.view.cordoned;
                    self.owner.send_replace(None);
                    self.label.send_replace(None);
                    failures = 0;
                    told = Told::default();
                }
                Ok(None) => {
                    told.absent(&self.shared);
                    failures += 1;
                }
                Err(ended) => {
                    told.failed(&ended);
                    failures += 1;
                }
            }
            sleep(jittered(pause(failures, LONGEST), random())).await;
        }
    }

    fn watch(&self, name: String, cordoned: Option<bool>) -> Watch<Own> {
        Watch {
            client: Arc::clone(&self.client),
            asks: Asks::node(&name),
            silence: SILENCE,
            patience: self.shared.patience(),
            answered: Arc::clone(&self.shared.answered),
            view: Own {
                shared: Arc::clone(&self.shared),
                owner: Arc::clone(&self.owner),
                label: Arc::clone(&self.label),
                name,
                cordoned,
            },
        }
    }

    /// The name of the Node; none: there is none yet.
    async fn find(&self) -> Result<Option<String>, Ended> {
        let node = self.shared.node.as_str();
        let (status, object) = self.call(&Asks::node(node).read()).await?;
        if status == StatusCode::OK {
            return Ok(name(&object));
        }
        let (_, list) = self.call(&asks::nodes_by_host_name(node)).await?;
        if let Some(found) = only(items(&list).iter().filter_map(name)) {
            return Ok(Some(found));
        }
        self.find_by_address().await
    }

    async fn find_by_address(&self) -> Result<Option<String>, Ended> {
        let mut own = (self.addresses)();
        own.retain(|address| !self.vips.contains(address) && !address.is_loopback());
        let mut found = Vec::new();
        let mut more: Option<String> = None;
        for _ in 0..MOST {
            let (_, list) = self.call(&asks::nodes(more.as_deref())).await?;
            found
                .extend(items(&list).iter().filter(|node| has_one_of(node, &own)).filter_map(name));
            more = list["metadata"]["continue"].as_str().map(ToOwned::to_owned);
            if more.as_ref().is_none_or(String::is_empty) {
                break;
            }
        }
        Ok(only(found.into_iter()))
    }

    /// A good answer, or that there is no such object.
    async fn call(&self, ask: &Ask) -> Result<(StatusCode, Value), Ended> {
        let patience = self.shared.patience();
        let reply = timeout(patience, self.client.call(ask)).await;
        let reply = reply.map_err(|_| Ended::Slow(patience))??;
        match reply.status {
            StatusCode::OK => Ok((reply.status, serde_json::from_slice(&reply.body)?)),
            StatusCode::NOT_FOUND if reply.json()["kind"] == "Status" => {
                Ok((reply.status, Value::Null))
            }
            _ => Err(Ended::Status(reply.words())),
        }
    }
}

impl Told {
    fn absent(&mut self, shared: &Shared) {
        if !self.absent {
            tracing::info!(
                node = %shared.node,
                "no Node is found by this name, this host name or this host's addresses; until one \
                 is, a cordon is not noticed"
            );
        }
        self.absent = true;
    }

    fn failed(&mut self, ended: &Ended) {
        if ended.refused() && !self.refused {
            self.refused = true;
            warn(ended);
        } else {
            tracing::debug!(cause = %ended, "cannot look for this host's Node");
        }
    }
}

fn warn(cause: &Ended) {
    tracing::warn!(%cause, "cannot watch this host's Node; a cordon is not noticed");
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

fn name(object: &Value) -> Option<String> {
    object["metadata"]["name"].as_str().map(ToOwned::to_owned)
}

/// What there is, if there is one and no other.
fn only(mut all: impl Iterator<Item = String>) -> Option<String> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

fn has_one_of(node: &Value, own: &[IpAddr]) -> bool {
    let addresses = node["status"]["addresses"].as_array();
    addresses.into_iter().flatten().any(|address| {
        let number = address["address"].as_str().and_then(|text| text.parse().ok());
        address["type"] == "InternalIP" && number.is_some_and(|number| own.contains(&number))
    })
}

/// This host's Node.
struct Own {
    shared: Arc<Shared>,
    owner: Arc<Sender<Option<Owner>>>,
    label: Arc<Sender<Option<Labelled>>>,
    name: String,
    /// What the core was told last.
    cordoned: Option<bool>,
}

impl View for Own {
    fn listed(&mut self, items: Vec<Value>, _: &Version) -> Result<(), Ended> {
        let found = items.into_iter().find(|item| self.is_ours(item));
        self.changed(found.ok_or(Ended::Gone)?)
    }

    fn changed(&mut self, object: Value) -> Result<(), Ended> {
        if !self.is_ours(&object) {
            return Ok(());
        }
        let uid = object["metadata"]["uid"].as_str().map(ToOwned::to_owned);
        let owner = uid.map(|uid| Owner { name: self.name.clone(), uid });
        self.owner.send_if_modified(|known| {
            let changes = *known != owner;
            *known = owner;
            changes
        });
        let labelled = Some(Labelled::new(&self.name, &object));
        self.label.send_if_modified(|known| {
            let changes = *known != labelled;
            *known = labelled;
            changes
        });
        let cordoned = object["spec"]["unschedulable"].as_bool().unwrap_or(false);
        if self.cordoned != Some(cordoned) {
            self.cordoned = Some(cordoned);
            self.shared.tell(Event::Cordoned(cordoned));
        }
        Ok(())
    }

    fn deleted(&mut self, object: &Value, _: &Version) -> Result<(), Ended> {
        if self.is_ours(object) { Err(Ended::Gone) } else { Ok(()) }
    }

    fn needed(&self) -> bool {
        false
    }

    fn refused(&self, cause: &Ended) {
        warn(cause);
    }
}

impl Own {
    fn is_ours(&self, object: &Value) -> bool {
        object["metadata"]["name"] == *self.name
    }
}
