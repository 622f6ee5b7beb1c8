//! When which announcement is due.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Mac;
use crate::moment::Moment;

/// An announcement is repeated so long after the first: switches and neighbours may miss one.
const TRAIN: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(250), Duration::from_secs(1)];

/// Announces one address that the kernel has: at once, after 50 ms, 250 ms and 1 s, then every
/// `every`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Herald {
    mac: Mac,
    began: Moment,
    due: Moment,
}

impl Herald {
    /// The first announcement is due now.
    #[must_use]
    pub const fn begin(mac: Mac, now: Moment) -> Self {
        Self { mac, began: now, due: now }
    }

    /// The interface's address that is announced.
    #[must_use]
    pub const fn mac(&self) -> Mac {
        self.mac
    }

    /// When the next announcement is due.
    #[must_use]
    pub const fn due(&self) -> Moment {
        self.due
    }

    /// Somebody else spoke: the next announcement is due now.
    pub const fn again(&mut self, now: Moment) {
        self.due = now;
    }

    /// Whether an announcement is to be sent now; if so, the next one becomes due.
    pub fn announce(&mut self, now: Moment, every: Duration) -> bool {
        if now < self.due {
            return false;
        }
        // What a late caller missed is not made up for: one announcement says it all.
        let next = TRAIN.iter().map(|offset| self.began + *offset).find(|due| *due > now);
        self.due = next.unwrap_or(now + every);
        true
    }
}

#[cfg(test)]
mod tests;
