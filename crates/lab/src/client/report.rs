//! What a client has seen, in figures.

use std::time::Duration;

use kube_vip_measure::figures::Connects;
use serde::{Deserialize, Serialize};

/// What a client has seen of the service and, at the same time, of a host that no fault touches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientReport {
    /// Of the service's address.
    pub service: Seen,
    /// Of the control.
    pub control: Seen,
    /// For how long it looked.
    pub lasted: Duration,
}

impl ClientReport {
    /// Whether the machine itself was too busy for the figures to mean much: the control was
    /// noticeably absent, or a connection to it failed or was slow.
    #[must_use]
    pub fn disturbed(&self) -> bool {
        let connects = &self.control.connects;
        !self.control.probes.outages.is_empty()
            || connects.slow + connects.refused + connects.failed > 0
    }
}

/// What was seen of one address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// ICMP echo requests.
    pub probes: Probes,
    /// TCP connections.
    pub connects: Connects,
}

/// ICMP echo requests and their replies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// How many were sent.
    pub sent: u64,
    /// How many were answered, however late.
    pub answered: u64,
    /// The [noticeable](super::NOTICEABLE) outages.
    pub outages: Vec<Outage>,
    /// The longest time without an answer, noticeable or not.
    pub longest: Duration,
}

impl Probes {
    /// The sum of all noticeable outages.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.outages.iter().map(|outage| outage.length).sum()
    }
}

/// A time without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// When it began, since the client was started.
    pub at: Duration,
    /// How long it lasted.
    pub length: Duration,
}

#[cfg(test)]
mod tests;
