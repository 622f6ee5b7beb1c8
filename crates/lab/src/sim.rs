//! The simulated world: many nodes, virtual time, one seed.
//!
//! Every node runs the core as shipped. Around it is a model of what the core stands on: clocks
//! that run at their own rate, kernels that remove addresses late and go on when the daemon does
//! not, links, one API server per node in front of one store, a watch that lags, and faults drawn
//! from the seed. What happens is recorded as a [`Timeline`](crate::timeline::Timeline), which the
//! oracle judges as it judges a recording of real kernels.
//!
//! What is not modelled: clients, IPv6, hypervisors that freeze a guest, a kernel that takes long
//! over a call, or a process that is frozen in one, on a host without a fence.

use std::time::Duration;

use crate::oracle::{Bounds, Verdict, judge};

mod api;
mod calls;
mod campaign;
mod cli;
mod clock;
mod daemon;
mod health;
mod host;
mod kernel;
mod original;
mod queue;
mod rng;
mod sabotage;
mod scenario;
mod segment;
mod shrink;
mod store;
mod strike;
#[cfg(test)]
mod tests;
mod watch;
mod world;

pub use campaign::{Failure, Summary, campaign};
pub use cli::{Args, cli};
pub use sabotage::Sabotage;
pub use scenario::{Cue, HostPlan, Kind, Outcome, Planned, Scenario, Tally, Target};
pub use shrink::shrink;

/// Runs a scenario.
///
/// # Panics
/// If a node spins: if it wants to be called again at once, for ever.
#[must_use]
pub fn run(scenario: &Scenario, sabotage: Sabotage) -> Outcome {
    world::World::new(scenario, sabotage).run(scenario.ends)
}

/// Runs a scenario and notes every event that a core was told and every effect that it had.
#[must_use]
pub fn run_noting(scenario: &Scenario, sabotage: Sabotage) -> Outcome {
    let mut world = world::World::new(scenario, sabotage);
    world.trace = Some(Vec::new());
    world.run(scenario.ends)
}

/// What the guarantees allow in a scenario: virtual time is exact.
#[must_use]
pub fn bounds(scenario: &Scenario) -> Bounds {
    let settled = scenario
        .hosts
        .iter()
        .map(|host| host.timings.renew_deadline() + host.timings.retry())
        .max()
        .unwrap_or_default();
    let durations = scenario.hosts.iter().map(|host| host.timings.duration());
    Bounds {
        settled,
        shortest_lease: durations.min().unwrap_or_default(),
        holds_on: scenario.holds_on,
        calm: scenario.holds_on && !scenario.fail_back,
        ..Bounds::with_lifetimes(scenario.lease_duration(), Duration::ZERO)
    }
}

/// Runs a scenario and judges it.
#[must_use]
pub fn examine(scenario: &Scenario, sabotage: Sabotage) -> (Outcome, Verdict) {
    let outcome = run(scenario, sabotage);
    let mut verdict = Verdict::default();
    for timeline in &outcome.timelines {
        verdict.add(judge(timeline, &bounds(scenario)));
    }
    (outcome, verdict)
}
