//! The Lease as this node last saw it, and what follows for a candidate.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{LeaseRecord, Observation, Version};
use crate::moment::Moment;

/// The Lease as last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// Its version; none: there is no such Lease.
    pub version: Option<Version>,
    /// Its contents; if it vanished, what it last said.
    pub record: LeaseRecord,
    /// When this node saw it change: another's clock tells nothing.
    pub changed: Moment,
    /// Nobody who has no term may claim before, whatever the record says: the Lease vanished, or
    /// went back to an older state, and somebody may hold by what it said before, seen here or not.
    pub barred_until: Moment,
    /// It changed, and its mark did not: its last writer is no node of ours, whatever name it has.
    /// A node that goes back to the original leaves a candidate Lease behind that vouches for it.
    pub unmarked: bool,
}

impl Sight {
    /// What is seen now, after what was seen before; `duration` is our own lease duration.
    #[must_use]
    pub fn next(
        before: Option<Self>,
        seen: Option<Observation>,
        duration: Duration,
        now: Moment,
    ) -> Self {
        match (before, seen) {
            (None, Some(Observation { version, record })) => Self {
                version: Some(version),
                unmarked: record.nonce.is_none(),
                record,
                changed: now,
                barred_until: Moment::START,
            },
            (None, None) => Self {
                version: None,
                record: LeaseRecord::default(),
                changed: now,
                barred_until: Moment::START,
                unmarked: false,
            },
            (Some(before), None) if before.version.is_none() => before,
            (Some(before), None) => Self {
                version: None,
                barred_until: before.bar(duration, now),
                changed: now,
                unmarked: before.unmarked,
                record: before.record,
            },
            (Some(before), Some(Observation { version, record })) => {
                let same = same_election(&before.record, &record);
                let older = before.version.as_ref().is_some_and(|known| is_older(&version, known));
                let barred_until =
                    if older { before.bar(duration, now) } else { before.barred_until };
                let mark_is_old = before.record.nonce == record.nonce;
                Self {
                    barred_until,
                    unmarked: if same { before.unmarked } else { mark_is_old },
                    changed: if same { before.changed } else { now },
                    version: Some(version),
                    record,
                }
            }
        }
    }

    /// Whether this observation is older than what was seen already. Versions are numbers that
    /// rise, as Kubernetes 1.35 documents and every API server before it did.
    #[must_use]
    pub fn outdates(&self, seen: &Observation) -> bool {
        self.version.as_ref().is_some_and(|known| is_older(&seen.version, known))
    }

    /// The Lease names a holder, or named one before it vanished.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        let holder = self.record.holder.as_str();
        (!holder.is_empty() && self.version.is_some()).then_some(holder)
    }

    /// When somebody who does not hold it may claim it: at once if it has no holder, else after
    /// the longer of its recorded duration and our own, since we saw it change.
    #[must_use]
    pub fn claimable(&self, duration: Duration) -> Moment {
        let expires = match self.holder() {
            Some(_) => self.changed + self.record.duration.max(duration),
            None => Moment::START,
        };
        expires.max(self.barred_until)
    }

    /// Until when somebody may hold by what the Lease said before it changed against the rules.
    fn bar(&self, duration: Duration, now: Moment) -> Moment {
        self.barred_until.max(now + self.record.duration.max(duration))
    }
}

/// Whether two records say the same as far as elections go: an annotation is no renewal.
fn same_election(a: &LeaseRecord, b: &LeaseRecord) -> bool {
    a.holder == b.holder
        && a.duration == b.duration
        && a.acquired == b.acquired
        && a.renewed == b.renewed
        && a.transitions == b.transitions
}

fn is_older(version: &Version, than: &Version) -> bool {
    match (version.0.parse::<u64>(), than.0.parse::<u64>()) {
        (Ok(version), Ok(than)) => version < than,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
