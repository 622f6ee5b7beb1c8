//! Which API server a request goes to: the kubeconfig's own, or another one of the cluster while
//! that does not answer.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::connection::Connection;

#[cfg(test)]
mod tests;

/// How long another server is preferred before the own one is looked at again; twice as long after
/// each time that it was taken back and failed soon, up to the second.
const AWAY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A server that has been preferred for so long since it came back is as good as any.
const SETTLED: Duration = Duration::from_secs(30);

/// One of the API servers that the same credentials are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The one that the kubeconfig names.
    Named,
    /// Another one of the cluster.
    Other(SocketAddr),
}

/// How a server failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No connection, or no answer.
    Silent,
    /// An answer that says that it cannot.
    Unable,
}

/// What is known of the servers, for all who have the same one named.
#[derive(Debug, Default)]
pub(super) struct Route(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The other servers, as they were last told.
    others: Vec<SocketAddr>,
    /// Since when and for how long the named server is not preferred.
    away: Option<Away>,
    /// When the named server was last taken back, and how long it had been away.
    back: Option<(Instant, Duration)>,
    /// The other server that answered last.
    good: Option<SocketAddr>,
    /// The other servers that failed and have not answered since.
    bad: Vec<SocketAddr>,
    watches: Vec<(Target, AbortHandle)>,
}

#[derive(Clone, Copy, Debug)]
struct Away {
    until: Instant,
    time: Duration,
}

impl Route {
    /// The servers in the order in which they are to be asked.
    pub(super) fn order(&self, others: &[SocketAddr]) -> Vec<Target> {
        let mut inner = self.lock();
        inner.others = others.to_vec();
        let rank = |other: &SocketAddr| {
            if inner.good == Some(*other) {
                0
            } else if inner.bad.contains(other) {
                2
            } else {
                1
            }
        };
        let mut sorted = others.to_vec();
        sorted.sort_by_key(rank);
        let mut order: Vec<_> = sorted.into_iter().map(Target::Other).collect();
        let place = if inner.away.is_some() { order.len() } else { 0 };
        order.insert(place, Target::Named);
        order
    }

    /// That server has answered. True: it is preferred from now on, and was not.
    pub(super) fn answered(&self, target: Target) -> bool {
        let mut inner = self.lock();
        match target {
            Target::Named => inner.take_back(),
            Target::Other(other) => {
                inner.bad.retain(|bad| *bad != other);
                inner.away.is_some() && inner.good.replace(other) != Some(other)
            }
        }
    }

    /// That server has failed. True: another one is preferred from now on.
    pub(super) fn failed(&self, target: Target, fault: Fault) -> bool {
        let mut inner = self.lock();
        if inner.others.is_empty() {
            return false;
        }
        if fault == Fault::Silent {
            // They would be silent too. Who reads there begins anew, and elsewhere.
            inner.watches.retain(|(watched, handle)| {
                if *watched == target {
                    handle.abort();
                }
                *watched != target
            });
        }
        match target {
            Target::Named => inner.leave(),
            Target::Other(other) => {
                inner.bad.retain(|bad| *bad != other);
                inner.bad.push(other);
                inner.good.take_if(|good| *good == other).is_some()
            }
        }
    }

    /// When the named server is to be looked at again; none: it is the preferred one.
    pub(super) fn away_until(&self) -> Option<Instant> {
        self.lock().away.map(|away| away.until)
    }

    /// The named server was looked at, and is as it was.
    pub(super) fn still_away(&self) {
        if let Some(away) = &mut self.lock().away {
            away.until = Instant::now() + away.time;
        }
    }

    /// A watch reads from that connection: it ends when the server fails.
    pub(super) fn watches(&self, target: Target, connection: &Connection) {
        let mut inner = self.lock();
        inner.watches.retain(|(_, handle)| !handle.is_finished());
        inner.watches.push((target, connection.abort_handle()));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here can be left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn leave(&mut self) -> bool {
        if self.away.is_some() {
            return false;
        }
        let now = Instant::now();
        let time = match self.back {
            Some((back, before)) if now - back < SETTLED => (before * 2).min(AWAY.1),
            _ => AWAY.0,
        };
        self.away = Some(Away { until: now + time, time });
        true
    }

    fn take_back(&mut self) -> bool {
        let Some(away) = self.away.take() else {
            return false;
        };
        self.back = Some((Instant::now(), away.time));
        self.good = None;
        true
    }
}
