//! What the operator wants. A plan that makes no sense cannot be built.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::address::{LinkName, NodeName, Vip};

/// What one node is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// This node's name, and its identity in the election.
    pub node: NodeName,
    /// The interface that carries the addresses.
    pub link: LinkName,
    /// The addresses; all of them follow the one election.
    pub vips: Vips,
    /// Where and how fast the nodes elect.
    pub lease: LeasePlan,
    /// How often a holder repeats its announcement (kube-vip's `vip_arpRate`).
    pub announce_every: Duration,
    /// How it decides where the election leaves a choice.
    pub conduct: Conduct,
    /// This boot of this host: two processes with one name and two boots are twins.
    pub boot: String,
}

/// How a node decides where the election leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conduct {
    /// When the local API server counts as well, or not.
    pub health: HealthPlan,
    /// A holder keeps the address when the API is away for all alike.
    pub hold_on_api_loss: bool,
    /// Higher is preferred in every election.
    pub priority: u32,
    /// A holder gives the address to a fit candidate of higher priority.
    pub fail_back: bool,
}

impl Default for Conduct {
    /// As without any setting.
    fn default() -> Self {
        let health = HealthPlan::default();
        Self { health, hold_on_api_loss: true, priority: 0, fail_back: false }
    }
}

/// How often the local API server is looked at, and how many looks count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthPlan {
    /// From one look to the next.
    pub period: Duration,
    /// What one look may take; at most the period.
    pub timeout: Duration,
    /// So many good looks in a row make it well again; at least 1.
    pub rise: u32,
    /// So many bad looks in a row make it unwell; at least 1.
    pub fall: u32,
}

impl Default for HealthPlan {
    /// Looked at once a second; three bad looks and two good ones count.
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { period: second, timeout: second, rise: 2, fall: 3 }
    }
}

/// One or more addresses, each once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vips(Vec<Vip>);

/// Why a list of addresses cannot be planned.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum VipsError {
    /// There is no address.
    #[error("no address is given")]
    Empty,
    /// The same address twice.
    #[error("{0} is given twice")]
    Twice(Vip),
}

impl Vips {
    /// The addresses in the order given.
    ///
    /// # Errors
    /// If there is none, or one stands there twice.
    pub fn new(vips: Vec<Vip>) -> Result<Self, VipsError> {
        if vips.is_empty() {
            return Err(VipsError::Empty);
        }
        for (index, vip) in vips.iter().enumerate() {
            if vips.iter().take(index).any(|other| other.address() == vip.address()) {
                return Err(VipsError::Twice(*vip));
            }
        }
        Ok(Self(vips))
    }

    /// The addresses without their prefix lengths, in the order given.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.iter().map(Vip::address).collect()
    }

    /// The addresses, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = Vip> {
        self.0.iter().copied()
    }
}

/// Which Lease elects, and its times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeasePlan {
    /// The namespace of the Lease.
    pub namespace: String,
    /// The name of the Lease.
    pub name: String,
    /// The times of the election.
    pub timings: Timings,
}

/// The three times of an election, as client-go has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    duration: Duration,
    renew_deadline: Duration,
    retry: Duration,
}

/// Why three times make no election (`NewLeaderElector` in client-go's
/// tools/leaderelection/leaderelection.go refuses the same).
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TimingsError {
    /// The term must outlast the renewing.
    #[error("the lease duration must be longer than the renew deadline")]
    Duration,
    /// There must be time for more than one attempt.
    #[error("the renew deadline must be longer than 1.2 times the retry period")]
    RenewDeadline,
    /// Retrying without a pause.
    #[error("the retry period must be at least one second")]
    Retry,
}

impl Timings {
    /// Lease duration, renew deadline and retry period.
    ///
    /// # Errors
    /// Unless duration > renew deadline > 1.2 × retry period, and the last is at least 1 s.
    pub fn new(
        duration: Duration,
        renew_deadline: Duration,
        retry: Duration,
    ) -> Result<Self, TimingsError> {
        if duration <= renew_deadline {
            return Err(TimingsError::Duration);
        }
        if renew_deadline <= retry * 6 / 5 {
            return Err(TimingsError::RenewDeadline);
        }
        if retry < Duration::from_secs(1) {
            return Err(TimingsError::Retry);
        }
        Ok(Self { duration, renew_deadline, retry })
    }

    /// How long a write entitles its writer, and how long the others wait.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.duration
    }

    /// After so long without a renewal, failing is worth a warning; half of it is what one request
    /// to the API server may take.
    #[must_use]
    pub const fn renew_deadline(self) -> Duration {
        self.renew_deadline
    }

    /// The pause between two renewals, and between two attempts.
    #[must_use]
    pub const fn retry(self) -> Duration {
        self.retry
    }
}

#[cfg(test)]
mod tests;
