//! The guarantees, judged over a timeline: the same judge for the simulated and the real world.
//!
//! - G1, one owner: never two nodes answering at once.
//! - G2, bounded outage: when the node that answers (or is the Lease's holder) is taken away,
//!   another one answers within the lease duration + 0.3 s, if one was able to all the while.
//! - G3, no orphan: a node whose daemon is dead or frozen is silent when its term is over.
//! - G4, calm: an API that is slow or away for all moves nothing, neither then nor afterwards;
//!   for the holder alone, it moves the address once at most, and to a node that is well.
//! - G5, recovery: after the last fault, within the lease duration + 2 s, exactly one node answers,
//!   and so to the end.
//! - G6, unnoticed hand-over: the giver of a planned move accepts packets until the taker has
//!   announced the address.
//! - G7, honest state: what a daemon says, what the Lease says and what its node does agree.
//!
//! That clients notice nothing of a planned move only clients can say: the real world judges it.
//!
//! What the API accepts is read from the faults: a node is *able* while nothing has been taken from
//! it, and writes are accepted while the store is there and more than half of the hosts have power
//! and connection.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::timeline::Timeline;

mod calm;
mod honest;
mod one_owner;
mod orphan;
mod recovery;
mod scene;
mod takeover;
#[cfg(test)]
mod tests;
mod unnoticed;

/// What the guarantees allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The lease duration; the longest, where nodes differ.
    pub lease_duration: Duration,
    /// The shortest lease duration, where nodes differ.
    pub shortest_lease: Duration,
    /// What the recording cannot tell apart: shorter overlaps, gaps and afterglows are nothing.
    pub resolution: Duration,
    /// G2: how much later than a lease duration after the fault another node may answer.
    pub takeover: Duration,
    /// G2: for how long before the fault a candidate must have been able. What was in flight when
    /// it became able again must be over, and a pause between attempts.
    pub settled: Duration,
    /// G3: how much longer than its term a dead or frozen daemon's node may answer.
    pub orphan: Duration,
    /// G3: the same where the kernel has a fence.
    pub orphan_fenced: Duration,
    /// G3: how long one step of holding on lasts.
    pub step: Duration,
    /// G1: how long a holder that held on may answer beside the successor that it meets, if frames
    /// pass and its daemon runs.
    pub meeting: Duration,
    /// G1: how long a fence may be missing that somebody deleted.
    pub mending: Duration,
    /// Holders hold on while the API is away.
    pub holds_on: bool,
    /// G4 is judged: holders hold on, and no node is to take an address back for its own sake.
    pub calm: bool,
    /// G5: for how long nobody may answer between the giver and the taker of a planned move.
    pub handing_over: Duration,
    /// G6: for how long after the taker's announcement the giver goes on accepting.
    pub under_way: Duration,
    /// G7: for how long what is said may differ from what is so.
    pub honest: Duration,
    /// G5: how much later than a lease duration after the last fault there must be one owner.
    pub recovery: Duration,
}

impl Bounds {
    /// The bounds at the grain of address lifetimes (whole seconds, removed up to 0.4 s late), for
    /// a recording that is exact to `resolution`.
    #[must_use]
    pub const fn with_lifetimes(lease_duration: Duration, resolution: Duration) -> Self {
        Self {
            lease_duration,
            shortest_lease: lease_duration,
            resolution,
            takeover: Duration::from_millis(300),
            settled: Duration::from_secs(10),
            orphan: Duration::from_millis(100 + 500),
            orphan_fenced: Duration::from_millis(100),
            step: Duration::from_millis(2500),
            meeting: Duration::from_millis(250),
            mending: Duration::from_millis(100),
            holds_on: true,
            calm: true,
            handing_over: Duration::from_millis(300),
            under_way: Duration::from_millis(40),
            honest: Duration::from_secs(1),
            recovery: Duration::from_secs(2),
        }
    }
}

/// What is guaranteed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarantee {
    /// G1.
    OneOwner,
    /// G2.
    BoundedOutage,
    /// G3.
    NoOrphan,
    /// G4.
    Calm,
    /// G5.
    Recovery,
    /// G6.
    Unnoticed,
    /// G7.
    Honest,
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneOwner => "G1",
            Self::BoundedOutage => "G2",
            Self::NoOrphan => "G3",
            Self::Calm => "G4",
            Self::Recovery => "G5",
            Self::Unnoticed => "G6",
            Self::Honest => "G7",
        })
    }
}

/// A guarantee was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub guarantee: Guarantee,
    /// From when on, since the start of the recording.
    pub at: Duration,
    /// For how long.
    pub span: Duration,
    /// What happened, for people.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (guarantee, at) = (self.guarantee, self.at.as_secs_f64());
        write!(f, "{guarantee} at {at:.4} s: {}", self.text)
    }
}

/// What the oracle says of one timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What was broken, in the order of time for each guarantee.
    pub violations: Vec<Violation>,
    /// How often there was an occasion to break each guarantee; what was never put to the test
    /// has no entry.
    pub occasions: BTreeMap<Guarantee, usize>,
    /// The longest time from a fault to the answer of another node, of those that G2 bounds.
    pub longest_takeover: Option<Duration>,
}

impl Verdict {
    /// Adds what is said of another timeline.
    pub fn add(&mut self, other: Self) {
        self.violations.extend(other.violations);
        for (guarantee, count) in other.occasions {
            *self.occasions.entry(guarantee).or_default() += count;
        }
        self.longest_takeover = self.longest_takeover.max(other.longest_takeover);
    }

    fn occasion(&mut self, guarantee: Guarantee) {
        *self.occasions.entry(guarantee).or_default() += 1;
    }

    fn broken(&mut self, guarantee: Guarantee, from: Duration, to: Duration, text: String) {
        self.violations.push(Violation {
            guarantee,
            at: from,
            span: to.saturating_sub(from),
            text,
        });
    }
}

/// Judges a recording. Entries must be in the order of time; a fault stands before what it causes.
#[must_use]
pub fn judge(timeline: &Timeline, bounds: &Bounds) -> Verdict {
    let mut verdict = Verdict::default();
    one_owner::judge(timeline, bounds, &mut verdict);
    takeover::judge(timeline, bounds, &mut verdict);
    orphan::judge(timeline, bounds, &mut verdict);
    calm::judge(timeline, bounds, &mut verdict);
    recovery::judge(timeline, bounds, &mut verdict);
    unnoticed::judge(timeline, bounds, &mut verdict);
    honest::judge(timeline, bounds, &mut verdict);
    verdict
}
