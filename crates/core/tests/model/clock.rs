//! The world's time, and a host's clock that runs a little faster or slower.

use std::time::Duration;

use kube_vip_core::moment::Moment;
use serde::Serialize;

/// So many nanoseconds since the world began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Instant(pub(crate) u64);

impl Instant {
    pub(crate) const START: Self = Self(0);

    pub(crate) fn after(self, span: Duration) -> Self {
        Self(self.0 + nanoseconds(span))
    }

    /// The first multiple of `step` that is later.
    pub(crate) fn next_multiple(self, step: Duration) -> Self {
        let step = nanoseconds(step);
        Self((self.0 / step + 1) * step)
    }

    pub(crate) fn is_multiple(self, step: Duration) -> bool {
        self.0.is_multiple_of(nanoseconds(step))
    }

    /// As wall clocks in a Lease show it.
    pub(crate) fn microseconds(self) -> i64 {
        i64::try_from(self.0 / 1000).expect("runs are short")
    }
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).expect("runs are short")
}

const MILLION: u64 = 1_000_000;

/// A clock that runs so many parts per million faster than the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Clock {
    pub(crate) ppm: i64,
}

impl Clock {
    fn rate(self) -> u64 {
        MILLION.checked_add_signed(self.ppm).expect("a clock goes forward")
    }

    /// What it shows.
    pub(crate) fn moment(self, now: Instant) -> Moment {
        Moment::after_start(Duration::from_nanos(now.0 * self.rate() / MILLION))
    }

    /// When it first shows at least this.
    pub(crate) fn when(self, moment: Moment) -> Instant {
        Instant((nanoseconds(moment.since_start()) * MILLION).div_ceil(self.rate()))
    }
}
