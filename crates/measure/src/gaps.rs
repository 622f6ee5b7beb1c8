//! Outages, from probes and answers.
//!
//! An outage begins with the first probe after an answer and ends with the next answer. A probe
//! that was not sent, because the prober was late, proves nothing and makes no outage.

use std::time::Duration;

use crate::clock::Stamp;

/// Where answers are missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gaps {
    /// The first probe since the last answer.
    open: Option<Stamp>,
}

/// A time without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When the first probe left that waited.
    pub from: Stamp,
    /// How long it waited.
    pub length: Duration,
}

impl Gaps {
    /// A probe left at `at`.
    pub fn sent(&mut self, at: Stamp) {
        self.open.get_or_insert(at);
    }

    /// An answer came at `at`: how long the oldest probe had waited for one.
    pub fn answered(&mut self, at: Stamp) -> Option<Gap> {
        let gap = self.so_far(at);
        self.open = None;
        gap
    }

    /// The gap that is open.
    #[must_use]
    pub fn so_far(&self, now: Stamp) -> Option<Gap> {
        self.open.map(|from| Gap { from, length: now.since(from) })
    }
}

#[cfg(test)]
mod tests;
