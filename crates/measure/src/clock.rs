//! One clock for all hosts of the lab: CLOCK_MONOTONIC is the same in all namespaces.

use std::ops::Add;
use std::time::Duration;

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// A moment of CLOCK_MONOTONIC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(Duration);

impl Stamp {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self(read(ClockId::Monotonic))
    }

    /// The moment of a CLOCK_REALTIME reading of the recent past, such as the kernel puts on
    /// frames. A step of that clock in between makes it wrong by the step.
    #[must_use]
    pub fn from_realtime(realtime: Duration) -> Self {
        let ago = read(ClockId::Realtime).saturating_sub(realtime);
        Self(read(ClockId::Monotonic).saturating_sub(ago))
    }

    /// The time from `earlier` to here; zero if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Sleeps until this moment, at the precision that the kernel has for this thread.
    pub fn sleep(self) {
        let until = Timespec {
            tv_sec: i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: self.0.subsec_nanos().into(),
        };
        while clock_nanosleep_absolute(ClockId::Monotonic, &until) == Err(rustix::io::Errno::INTR) {
        }
    }
}

impl Add<Duration> for Stamp {
    type Output = Self;

    fn add(self, rest: Duration) -> Self {
        Self(self.0 + rest)
    }
}

/// Ticks at a fixed period. Ticks that were missed are left out, not made up for in a burst.
#[derive(Debug)]
pub struct Ticks {
    period: Duration,
    next: Stamp,
}

impl Ticks {
    /// The first tick comes one period from now. The calling thread gets the timer slack it needs.
    #[must_use]
    pub fn every(period: Duration) -> Self {
        let slack = std::num::NonZeroU64::MIN;
        // Refused only where the program may not change it; then ticks come 50 µs late.
        let _ = rustix::thread::set_current_timer_slack(Some(slack));
        Self { period, next: Stamp::now() + period }
    }

    /// When the next tick is due.
    #[must_use]
    pub const fn due(&self) -> Stamp {
        self.next
    }

    /// The tick was taken at `now`: the next one is due a period later, on the same grid.
    pub fn advance(&mut self, now: Stamp) {
        self.next = self.next + self.period;
        if self.next <= now {
            self.next = now + self.period;
        }
    }

    /// Sleeps until the next tick is due and takes it.
    pub fn wait(&mut self) {
        self.next.sleep();
        self.advance(Stamp::now());
    }
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests;
