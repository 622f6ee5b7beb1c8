//! Many scenarios, on all processors, and what came of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::oracle::{Guarantee, Violation};
use crate::timeline::Timeline;

use super::scenario::{Scenario, Tally};
use super::{Sabotage, examine, shrink};

/// Fewer faults that hit something do not make a scenario.
const ENOUGH_FAULTS: usize = 5;

/// What came of many scenarios.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Scenarios in which enough faults hit something.
    pub scenarios: usize,
    /// Scenarios that do not count: too few faults hit anything.
    pub idle: usize,
    /// Faults by kind.
    pub faults: Tally,
    /// The time that passed in the simulated worlds.
    pub simulated: Duration,
    /// How often there was an occasion to break each guarantee.
    pub occasions: BTreeMap<Guarantee, usize>,
    /// The longest time without anybody answering, whatever the reason, and its seed.
    pub longest_silence: (Duration, u64),
    /// The longest takeover of those that are bounded, in lease durations, and its seed.
    pub longest_takeover: (f64, u64),
    /// The scenarios that broke a guarantee, shrunken.
    pub failures: Vec<Failure>,
}

/// A scenario that broke a guarantee.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What was broken in the whole scenario.
    pub violations: Vec<Violation>,
    /// What happened in the shrunken scenario, for people.
    pub text: String,
}

/// Runs scenarios from the seed `first` on until `wanted` of them count, on every processor;
/// failing ones are shrunken. Stops early after the tenth failure.
#[must_use]
pub fn campaign(first: u64, wanted: usize) -> Summary {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(first);
    let total = Mutex::new(Summary::default());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !is_enough(&lock(&total), wanted) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let one = Summary::of(seed);
                    lock(&total).add(one);
                }
            });
        }
    });
    total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A thread that panicked has printed its seed; the rest of the summary is still right.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn is_enough(summary: &Summary, wanted: usize) -> bool {
    summary.scenarios >= wanted || summary.failures.len() >= 10
}

impl Summary {
    /// What comes of one seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let scenario = Scenario::draw(seed);
        let (outcome, verdict) = examine(&scenario, Sabotage::None);
        let counts = outcome.tally.total() >= ENOUGH_FAULTS;
        let lease = scenario.lease_duration().as_secs_f64();
        let takeover = verdict.longest_takeover.map_or(0.0, |span| span.as_secs_f64() / lease);
        let silence = outcome.timelines.iter().map(Timeline::longest_silence).max();
        let mut summary = Self {
            scenarios: usize::from(counts),
            idle: usize::from(!counts),
            faults: outcome.tally,
            simulated: scenario.ends,
            occasions: verdict.occasions,
            longest_silence: (silence.unwrap_or_default(), seed),
            longest_takeover: (takeover, seed),
            failures: Vec::new(),
        };
        if !verdict.violations.is_empty() {
            let text = shrunken(&scenario);
            summary.failures.push(Failure { seed, violations: verdict.violations, text });
        }
        summary
    }

    fn add(&mut self, other: Self) {
        self.scenarios += other.scenarios;
        self.idle += other.idle;
        self.faults.add(&other.faults);
        self.simulated += other.simulated;
        for (guarantee, count) in other.occasions {
            *self.occasions.entry(guarantee).or_default() += count;
        }
        self.longest_silence = self.longest_silence.max(other.longest_silence);
        if other.longest_takeover.0 > self.longest_takeover.0 {
            self.longest_takeover = other.longest_takeover;
        }
        self.failures.extend(other.failures);
    }
}

/// The shrunken scenario's timeline and violations.
fn shrunken(scenario: &Scenario) -> String {
    let small = shrink(scenario, Sabotage::None);
    super::cli::account(&small)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.simulated.as_secs_f64() / 3600.0;
        writeln!(
            f,
            "{} scenarios ({} more were idle), {hours:.1} simulated hours, {} faults:",
            self.scenarios,
            self.idle,
            self.faults.total()
        )?;
        for (kind, count) in &self.faults.0 {
            writeln!(f, "  {count:>8}  {kind}")?;
        }
        for (guarantee, count) in &self.occasions {
            writeln!(f, "  {guarantee} was put to the test {count} times")?;
        }
        let (takeover, seed) = self.longest_takeover;
        writeln!(f, "longest bounded takeover: {takeover:.3} lease durations (seed {seed})")?;
        let (silence, seed) = self.longest_silence;
        writeln!(
            f,
            "longest outage, whatever was broken: {:.1} s (seed {seed})",
            silence.as_secs_f64()
        )?;
        writeln!(f, "{} scenarios broke a guarantee", self.failures.len())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} broke:", self.seed)?;
        for violation in &self.violations {
            writeln!(f, "  {violation}")?;
        }
        writeln!(f, "without the faults that it does not need:")?;
        f.write_str(&self.text)
    }
}
