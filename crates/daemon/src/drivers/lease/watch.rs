//! A watch: list, watch, and begin again.

use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use kube_vip_core::event::Version;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::asks::Asks;
use super::client::{self, CallError, Client, Head, Lane};
use super::connection::chain;
use super::convert::{self, ConvertError};
use lines::{Lines, LinesError};

mod lines;
#[cfg(test)]
mod tests;

/// The server ends a watch after this time, plus up to as much again divided by [`SPREAD`].
const WATCH_TIME: Duration = Duration::from_secs(280);
const SPREAD: u32 = 7;

/// The first pause after a failure, the longest, and the longest where rights are missing for what
/// the election can do without.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10);
const RARELY: Duration = Duration::from_secs(60);

/// A watch that lived so long ended in the ordinary way: it goes on without a pause.
const LIVED: Duration = Duration::from_secs(10);

/// Why a watch ended.
#[derive(Debug, Error)]
pub(super) enum Ended {
    #[error("{0}")]
    Call(#[from] CallError),
    #[error("no answer within {0:?}")]
    Slow(Duration),
    #[error("{0}")]
    Status(String),
    #[error("an answer that cannot be read: {0}")]
    Convert(#[from] ConvertError),
    #[error("an answer that is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the watch broke: {}", chain(.0))]
    Broken(#[from] LinesError),
    #[error("the watch was ended: {0}")]
    Expired(String),
    #[error("nothing was heard for {0:?}")]
    Silent(Duration),
    /// What is watched is gone, and is to be looked for elsewhere.
    #[error("it is gone")]
    Gone,
}

impl Ended {
    /// The server knows who asks, and does not let them.
    pub(super) fn refused(&self) -> bool {
        matches!(self, Self::Status(_) | Self::Call(CallError::Refused(_)))
    }
}

/// What becomes of what a watch shows.
pub(super) trait View: Send {
    /// All there is, as of that version.
    fn listed(&mut self, items: Vec<Value>, version: &Version) -> Result<(), Ended>;

    /// An object was added or changed.
    fn changed(&mut self, object: Value) -> Result<(), Ended>;

    /// An object was deleted, as of that version, or is no longer selected.
    fn deleted(&mut self, object: &Value, version: &Version) -> Result<(), Ended>;

    /// The election cannot do without it, so that it is asked for even where rights are missing.
    fn needed(&self) -> bool;

    /// One line for people: the server refuses the watch.
    fn refused(&self, cause: &Ended);
}

/// A watch of all objects that a selector takes.
pub(super) struct Watch<V> {
    pub(super) client: Arc<Client>,
    pub(super) asks: Asks,
    pub(super) view: V,
    /// After so long without a word it is looked at anew.
    pub(super) silence: Duration,
    /// How long a list, and the head of a watch, may take.
    pub(super) patience: Duration,
    /// Told when a request of the election has succeeded.
    pub(super) answered: Arc<Notify>,
}

impl<V: View> Watch<V> {
    /// Watches until what it watches is gone, or it is dropped.
    pub(super) async fn run(&mut self) {
        let mut failures = 0;
        let mut told = false;
        loop {
            let began = Instant::now();
            let Err(ended) = self.list_and_watch().await;
            if began.elapsed() >= LIVED {
                failures = 0;
                told = false;
            }
            if ended.refused() && !told {
                told = true;
                self.view.refused(&ended);
            } else {
                tracing::debug!(cause = %ended, "watching anew");
            }
            match ended {
                Ended::Gone => return,
                // It has waited long enough.
                Ended::Silent(_) => failures = 0,
                _ if ended.refused() && !self.view.needed() => {
                    sleep(jittered(pause(failures, RARELY), random())).await;
                    failures = failures.saturating_add(1);
                }
                _ => {
                    self.pause(failures).await;
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    /// Never ends well.
    async fn list_and_watch(&mut self) -> Result<std::convert::Infallible, Ended> {
        let mut version = self.list().await?;
        loop {
            let began = Instant::now();
            self.watch(&mut version).await?;
            if began.elapsed() < LIVED {
                return Err(Ended::Expired("at once".to_owned()));
            }
        }
    }

    /// Shows what there is, and returns the version to watch from.
    async fn list(&mut self) -> Result<Version, Ended> {
        let reply = timeout(self.patience, self.client.call(&self.asks.list()))
            .await
            .map_err(|_| Ended::Slow(self.patience))??;
        if reply.status != StatusCode::OK {
            return Err(Ended::Status(reply.words()));
        }
        let mut list: Value = serde_json::from_slice(&reply.body)?;
        let version = convert::version(&list)?;
        let items = list["items"].as_array_mut().map(std::mem::take);
        self.view.listed(items.unwrap_or_default(), &version)?;
        Ok(version)
    }

    /// Watches from that version, which it moves on, until the server ends the watch.
    async fn watch(&mut self, version: &mut Version) -> Result<(), Ended> {
        let time =
            WATCH_TIME + WATCH_TIME / SPREAD * u32::try_from(random() % 101).unwrap_or(0) / 100;
        let ask = self.asks.watch(version, time);
        let head = self.client.head(&ask, Lane::Own);
        let head = timeout(self.patience, head).await.map_err(|_| Ended::Slow(self.patience))??;
        if head.response.status() != StatusCode::OK {
            let reply = timeout(self.patience, client::read(head)).await;
            let reply = reply.map_err(|_| Ended::Slow(self.patience))??;
            return Err(Ended::Status(reply.words()));
        }
        // The connection lives as long as the watch.
        let Head { response, connection: _connection, .. } = head;
        let mut lines = Lines::new(response.into_body());
        loop {
            let line = timeout(self.silence, lines.next()).await;
            let line = line.map_err(|_| Ended::Silent(self.silence))??;
            let Some(line) = line else {
                return Ok(());
            };
            self.take(serde_json::from_slice(&line)?, version)?;
        }
    }

    /// One event of the watch.
    fn take(&mut self, mut event: Value, version: &mut Version) -> Result<(), Ended> {
        let object = event["object"].take();
        let kind = event["type"].as_str().unwrap_or_default();
        if kind == "ERROR" {
            let message = object["message"].as_str().unwrap_or("no reason given");
            return Err(Ended::Expired(message.to_owned()));
        }
        *version = convert::version(&object)?;
        match kind {
            "ADDED" | "MODIFIED" => self.view.changed(object),
            "DELETED" => self.view.deleted(&object, version),
            // Bookmarks only move the version.
            _ => Ok(()),
        }
    }

    /// Waits; at least for the first pause, and not longer than until a request has succeeded.
    async fn pause(&self, failures: u32) {
        let least = jittered(FIRST, random());
        let most = jittered(pause(failures, LONGEST), random());
        sleep(least).await;
        let answered = pin!(self.answered.notified());
        let _ = timeout(most.saturating_sub(least), answered).await;
    }
}

/// The pause after so many failures before this one, without its jitter.
pub(super) fn pause(failures: u32, longest: Duration) -> Duration {
    (FIRST * 2u32.saturating_pow(failures.min(10))).min(longest)
}

/// Between three quarters of the time and five quarters.
pub(super) fn jittered(time: Duration, random: u64) -> Duration {
    let percent = 75 + u32::try_from(random % 51).unwrap_or(0);
    time * percent / 100
}

/// Randomness enough to keep nodes from marching in step.
pub(super) fn random() -> u64 {
    RandomState::new().hash_one(0)
}
