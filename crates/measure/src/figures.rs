//! What a client has seen, in figures.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;
use crate::connect::{End, News, Over};

/// An outage of at least this length is noticeable: it is in the timeline, and counts.
pub const NOTICEABLE: Duration = Duration::from_millis(10);

/// A connection that took longer is slow. One lost SYN makes it take a second.
pub const SLOW: Duration = Duration::from_millis(200);

/// Room for the times of so many connections before the list has to grow.
const ROOM: usize = 1 << 17;

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

/// Counts the connections to one target.
#[derive(Clone, Debug)]
pub struct Tally {
    seen: Connects,
    /// Of the connections made, in microseconds.
    times: Vec<u32>,
    /// When the first one began of those that were refused or failed since the last that was not.
    barred: Option<Stamp>,
    /// When the last one began that came about.
    came: Option<Stamp>,
}

impl Default for Tally {
    fn default() -> Self {
        let times = Vec::with_capacity(ROOM);
        Self { seen: Connects::default(), times, barred: None, came: None }
    }
}

impl Tally {
    /// Counts what happened to one of them.
    pub fn count(&mut self, news: &News) {
        match news {
            News::Begun { .. } => self.seen.tried += 1,
            News::Over(over) => self.over(over),
        }
    }

    /// The counts so far; without the distribution.
    #[must_use]
    pub const fn so_far(&self) -> &Connects {
        &self.seen
    }

    /// All figures.
    #[must_use]
    pub fn end(mut self) -> Connects {
        let seen = &mut self.seen;
        seen.unfinished = seen.tried - seen.made - seen.refused - seen.failed;
        seen.distribute(&mut self.times);
        self.seen
    }

    fn over(&mut self, over: &Over) {
        let (seen, begun) = (&mut self.seen, over.begun);
        if over.end == End::Made {
            let barred = self.barred.take_if(|since| *since < begun);
            seen.barred = seen.barred.max(barred.map_or(Duration::ZERO, |s| begun.since(s)));
            self.came = self.came.max(Some(begun));
        } else if self.came < Some(begun) {
            self.barred.get_or_insert(begun);
        }
        match over.end {
            End::Made => {
                let time = over.took();
                seen.made += 1;
                seen.slow += u64::from(time > SLOW);
                self.times.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
            }
            End::Refused => seen.refused += 1,
            End::Failed => seen.failed += 1,
        }
    }
}

impl Connects {
    /// Fills in the distribution from the times, in microseconds, of those made.
    fn distribute(&mut self, times: &mut [u32]) {
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
