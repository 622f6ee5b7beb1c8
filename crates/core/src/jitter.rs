//! Back-off and jitter from a seed: the core draws no random numbers of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// A stream of spreads, the same for the same seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jitter(u64);

impl Jitter {
    /// A stream for a seed; any number will do.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `span`, up to a tenth longer, so that nodes which failed together do not ask together.
    pub fn spread(&mut self, span: Duration) -> Duration {
        let tenths = u32::try_from(self.next() >> 48).unwrap_or_default();
        span + span / 10 * tenths / (1 << 16)
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Pauses between attempts that fail: from 100 ms, doubling, up to a longest one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    jitter: Jitter,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);

    /// Pauses of at most `longest`, and a tenth of it.
    #[must_use]
    pub const fn new(seed: u64, longest: Duration) -> Self {
        Self { jitter: Jitter::new(seed), longest, failures: 0 }
    }

    /// An attempt succeeded.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// An attempt failed at `now`: when to try again.
    pub fn failed(&mut self, now: Moment) -> Moment {
        let doubled = Self::FIRST.saturating_mul(1 << self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        now + self.jitter.spread(doubled.min(self.longest))
    }
}

#[cfg(test)]
mod tests;
