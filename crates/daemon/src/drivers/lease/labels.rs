//! The label on this host's Node that says that it has the address: set while it does, removed
//! otherwise.
//!
//! It stands beside everything else: what it costs and whether it can be written delays nothing.
//! Another election of this host may write the same label: only our own value is removed, and
//! another one's is replaced once, when the address comes.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch::{Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::asks::Asks;
use super::client::Client;
use super::watch::{jittered, pause, random};

/// The label, kube-vip's own.
const HAS_IP: &str = "kube-vip.io/has-ip";

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(60);

/// This host's Node as it was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Labelled {
    /// The Node.
    pub(super) node: String,
    /// The value of the label.
    pub(super) value: Option<String>,
    /// The version in which it was seen.
    pub(super) version: Option<String>,
}

impl Labelled {
    /// That Node as the API server has it.
    pub(super) fn new(node: &str, object: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let metadata = &object["metadata"];
        let (value, version) = (&metadata["labels"][HAS_IP], &metadata["resourceVersion"]);
        Self { node: node.to_owned(), value: text(value), version: text(version) }
    }
}

/// Keeps the label. Dropping it leaves the label as it is.
#[derive(Debug)]
pub(super) struct Labels {
    holds: Sender<bool>,
    settled: Arc<Sender<bool>>,
    _task: JoinSet<()>,
}

/// What keeps it.
pub(super) struct Labeller {
    pub(super) client: Arc<Client>,
    /// What the label is to say.
    pub(super) value: String,
    /// What it says, once the Node is found.
    pub(super) seen: Receiver<Option<Labelled>>,
    /// What one request may take.
    pub(super) patience: Duration,
}

impl Labels {
    /// Begins to keep the label of a node that has not the address.
    pub(super) fn start(labeller: Labeller) -> Self {
        let holds = Sender::new(false);
        let settled = Arc::new(Sender::new(true));
        let mut task = JoinSet::new();
        task.spawn(labeller.run(holds.subscribe(), Arc::clone(&settled)));
        Self { holds, settled, _task: task }
    }

    /// This node has the address from now on, or has it no longer.
    pub(super) fn hold(&self, holds: bool) {
        let changes = |known: &mut bool| std::mem::replace(known, holds) != holds;
        if self.holds.send_if_modified(changes) {
            self.settled.send_replace(false);
        }
    }

    /// Waits until the label says what it should, as far as is known.
    pub(super) async fn settle(&self) {
        // An error says that the task has ended: then nothing is to be waited for.
        let _ = self.settled.subscribe().wait_for(|settled| *settled).await;
    }
}

/// What there is to do about the label.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Write,
    Remove,
}

/// What follows from what is so; `fresh`: the address has come since the label was written.
fn step(holds: bool, fresh: bool, ours: &str, seen: Option<&str>) -> Step {
    match seen {
        Some(value) if value == ours && !holds => Step::Remove,
        Some(value) if value != ours && holds && fresh => Step::Write,
        None if holds => Step::Write,
        _ => Step::Nothing,
    }
}

impl Labeller {
    async fn run(mut self, mut holds: Receiver<bool>, settled: Arc<Sender<bool>>) {
        let (mut failures, mut told, mut fresh) = (0, false, false);
        let mut seen = self.seen.borrow_and_update().clone();
        loop {
            let held = *holds.borrow_and_update();
            fresh |= !held;
            if self.seen.has_changed().unwrap_or_default() {
                seen.clone_from(&self.seen.borrow_and_update());
            }
            let step = seen.as_ref().map_or(Step::Nothing, |seen| {
                step(held, fresh, &self.value, seen.value.as_deref())
            });
            settled.send_replace(step == Step::Nothing);
            let Some(labelled) = seen.as_ref().filter(|_| step != Step::Nothing) else {
                tokio::select! {
                    Ok(()) = holds.changed() => {}
                    Ok(()) = self.seen.changed() => self.seen.mark_changed(),
                    else => return,
                }
                continue;
            };
            match self.patch(labelled, &step).await {
                Ok(Some(now)) => {
                    fresh &= !held;
                    (failures, told) = (0, false);
                    seen = Some(now);
                }
                // Somebody was faster: the watch shows what is there now.
                Ok(None) => {
                    settled.send_replace(true);
                    let _ = timeout(self.patience, self.seen.changed()).await;
                    self.seen.mark_changed();
                }
                Err(cause) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(
                            node = labelled.node,
                            cause,
                            "cannot label this host's Node (this takes the right to patch nodes); \
                             it is tried again"
                        );
                    }
                    failures += 1;
                    let wait = sleep(jittered(pause(failures, LONGEST), random()));
                    tokio::select! {
                        () = wait => {}
                        Ok(()) = holds.changed() => {}
                    }
                }
            }
        }
    }

    /// What it is labelled afterwards; none: it is no longer as it was seen.
    async fn patch(&self, seen: &Labelled, step: &Step) -> Result<Option<Labelled>, String> {
        // What is removed has to be what was seen.
        let metadata = match step {
            Step::Remove => json!({ "labels": { HAS_IP: null }, "resourceVersion": seen.version }),
            _ => json!({ "labels": { HAS_IP: self.value } }),
        };
        let ask = Asks::node(&seen.node).patch(&json!({ "metadata": metadata }));
        let reply = timeout(self.patience, self.client.call(&ask)).await;
        match reply {
            Err(_) => Err(format!("no answer within {:?}", self.patience)),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(reply)) if reply.status == StatusCode::OK => {
                Ok(Some(Labelled::new(&seen.node, &reply.json())))
            }
            Ok(Ok(reply)) if reply.status == StatusCode::CONFLICT => Ok(None),
            Ok(Ok(reply)) => Err(reply.words()),
        }
    }
}

#[cfg(test)]
mod tests;
