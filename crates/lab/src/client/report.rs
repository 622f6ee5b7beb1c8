//! What a client has seen, in figures.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An outage of at least this length is noticeable: it is in the timeline, and counts.
pub const NOTICEABLE: Duration = Duration::from_millis(10);

/// A connection that took longer is slow. One lost SYN makes it take a second.
pub const SLOW: Duration = Duration::from_millis(200);

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
    /// The outages of at least [`NOTICEABLE`].
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

/// TCP connections: each was made, refused, failed or still open when the client stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connects {
    /// How many were tried.
    pub tried: u64,
    /// How many came about before their deadline, slow ones included.
    pub made: u64,
    /// How many of those took longer than [`SLOW`].
    pub slow: u64,
    /// How many were refused: a host answered, and nothing listens there.
    pub refused: u64,
    /// How many came to nothing: the deadline passed, or no host was there.
    pub failed: u64,
    /// The longest time from the beginning of one that was refused or failed to that of the next
    /// one that came about.
    pub barred: Duration,
    /// How many were open when the client stopped.
    pub unfinished: u64,
    /// The time that half of those made took.
    pub median: Duration,
    /// The time that 99 of 100 of those made took.
    pub p99: Duration,
    /// The longest time that one of those made took.
    pub longest: Duration,
}

impl Connects {
    /// Fills in the distribution from the times, in microseconds, of those made.
    pub(super) fn distribute(&mut self, times: &mut [u32]) {
        times.sort_unstable();
        let at = |part: usize, of: usize| {
            let index = (times.len() * part / of).min(times.len().saturating_sub(1));
            let micros = times.get(index).copied().unwrap_or(0);
            Duration::from_micros(micros.into())
        };
        self.median = at(1, 2);
        self.p99 = at(99, 100);
        self.longest = at(1, 1);
    }
}

#[cfg(test)]
mod tests;
