//! Writing our own candidate Lease.
//!
//! A yes to an offer travels this way: a write goes out at once, over a connection that carries
//! nothing else, even if an earlier one has not been answered yet. Each write names the version
//! that it replaces, and gives up when a later one has been asked for, so that an old one never
//! overwrites a new one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use kube_vip_core::event::{Candidacy, Event};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::Shared;
use super::asks::Asks;
use super::candidate::{self, Entry, Owner};
use super::client::{CallError, Client};
use super::convert::ConvertError;

/// After a refusal for want of rights nothing is asked for so long.
const RARELY: Duration = Duration::from_secs(30);

/// So often somebody else may be faster.
const ATTEMPTS: u32 = 5;

/// Why our candidate Lease is not written.
#[derive(Debug, Error)]
enum RegisterError {
    #[error("{0}")]
    Call(#[from] CallError),
    #[error("{0}")]
    Convert(#[from] ConvertError),
    #[error("{0}")]
    Status(String),
    #[error("no answer within {0:?}")]
    Slow(Duration),
    #[error("somebody else kept changing it")]
    Contended,
    #[error("a later write has overtaken this one")]
    Overtaken,
}

/// Writes our candidate Lease. Dropping it ends its requests.
#[derive(Debug)]
pub(super) struct Registrar {
    desk: Arc<Desk>,
    writes: JoinSet<()>,
}

#[derive(Debug)]
struct Desk {
    shared: Arc<Shared>,
    client: Arc<Client>,
    asks: Asks,
    /// Our Node, once it is found.
    owner: Receiver<Option<Owner>>,
    /// Some clusters let only those name an owner who may delete the Lease (the admission plugin
    /// `OwnerReferencesPermissionEnforcement`): then it has none.
    ownerless: AtomicBool,
    /// Our Lease as it was last answered.
    known: Mutex<Option<Value>>,
    /// How many writes have been asked for.
    asked: AtomicU64,
    refused: Mutex<Option<(Instant, String)>>,
}

impl Registrar {
    pub(super) fn new(
        shared: &Arc<Shared>,
        client: Arc<Client>,
        owner: Receiver<Option<Owner>>,
    ) -> Self {
        let desk = Arc::new(Desk {
            asks: Asks::candidates(&shared.plan, &shared.node),
            shared: Arc::clone(shared),
            client,
            owner,
            ownerless: AtomicBool::new(false),
            known: Mutex::default(),
            asked: AtomicU64::new(0),
            refused: Mutex::default(),
        });
        Self { desk, writes: JoinSet::new() }
    }

    /// Starts a write. [`Event::Registered`] follows, unless a later write is asked for first: then
    /// there is one for both.
    pub(super) fn write(&mut self, candidacy: Candidacy) {
        while self.writes.try_join_next().is_some() {}
        let desk = Arc::clone(&self.desk);
        let number = desk.asked.fetch_add(1, Ordering::Relaxed) + 1;
        self.writes.spawn(async move {
            let patience = desk.shared.patience();
            let outcome = match desk.refused_lately() {
                Some(cause) if candidacy.consent.is_none() => Err(cause),
                _ => match timeout(patience, desk.write(&candidacy, number)).await {
                    Ok(outcome) => desk.note(outcome),
                    Err(_) => Err(RegisterError::Slow(patience).to_string()),
                },
            };
            if desk.is_newest(number) {
                desk.shared.tell(Event::Registered(outcome));
            }
        });
    }
}

impl Desk {
    fn is_newest(&self, number: u64) -> bool {
        self.asked.load(Ordering::Relaxed) == number
    }

    async fn write(&self, candidacy: &Candidacy, number: u64) -> Result<(), RegisterError> {
        let owner = self.owner.borrow().clone();
        let owner = owner.filter(|_| !self.ownerless.load(Ordering::Relaxed));
        match self.write_as(candidacy, owner.as_ref(), number).await {
            Err(RegisterError::Call(CallError::Refused(_))) if owner.is_some() => {
                self.write_as(candidacy, None, number).await?;
                self.ownerless.store(true, Ordering::Relaxed);
                tracing::info!(
                    "this node's candidate Lease cannot name its Node as owner; it stays when the \
                     Node is deleted"
                );
                Ok(())
            }
            outcome => outcome,
        }
    }

    async fn write_as(
        &self,
        candidacy: &Candidacy,
        owner: Option<&Owner>,
        number: u64,
    ) -> Result<(), RegisterError> {
        for _ in 0..ATTEMPTS {
            let known = self.known().clone();
            let object = match known {
                Some(object) => object,
                None => self.read().await?,
            };
            let is_new = object["metadata"]["resourceVersion"].is_null();
            if !self.is_newest(number) {
                return Err(RegisterError::Overtaken);
            }
            let entry =
                Entry { lease: &self.shared.plan.name, node: &self.shared.node, candidacy, owner };
            let object = candidate::written(object, entry, Timestamp::now())?;
            let ask = if is_new { self.asks.create(&object) } else { self.asks.replace(&object) };
            let reply = self.client.call(&ask).await?;
            match reply.status {
                StatusCode::OK | StatusCode::CREATED => {
                    *self.known() = Some(reply.json());
                    return Ok(());
                }
                // Changed, made or deleted by somebody, or by an earlier write of ours.
                StatusCode::CONFLICT => *self.known() = None,
                StatusCode::NOT_FOUND if !is_new => *self.known() = None,
                _ => return Err(RegisterError::Status(reply.words())),
            }
        }
        Err(RegisterError::Contended)
    }

    /// Our Lease as it is, or a new one.
    async fn read(&self) -> Result<Value, RegisterError> {
        let reply = self.client.call(&self.asks.read()).await?;
        match reply.status {
            StatusCode::OK => Ok(reply.json()),
            StatusCode::NOT_FOUND if reply.json()["kind"] == "Status" => {
                Ok(candidate::blank(&self.shared.plan, &self.shared.node))
            }
            _ => Err(RegisterError::Status(reply.words())),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Value>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why rights were missing lately.
    fn refused_lately(&self) -> Option<String> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (when, cause) = refused.as_ref()?;
        (when.elapsed() < RARELY).then(|| cause.clone())
    }

    /// Keeps in mind whether rights are missing.
    fn note(&self, outcome: Result<(), RegisterError>) -> Result<(), String> {
        let missing = matches!(&outcome, Err(RegisterError::Call(CallError::Refused(_))));
        let outcome = outcome.map_err(|error| error.to_string());
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused = match &outcome {
            Err(cause) if missing => Some((Instant::now(), cause.clone())),
            _ => None,
        };
        outcome
    }
}
