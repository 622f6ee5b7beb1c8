//! `kube-vip-lab sim`: one seed as a timeline, or many as a summary.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::oracle::Guarantee;
use crate::timeline::What;

use super::scenario::Scenario;
use super::{Sabotage, campaign, examine, run_noting, shrink};

/// Which scenarios to simulate.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// The first seed; without --scenarios its timeline is printed
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How many scenarios to run; a summary is printed
    #[arg(long, value_name = "N")]
    pub scenarios: Option<usize>,
    /// Leave out the faults that the first violation does not need
    #[arg(long, requires = "seed", conflicts_with = "scenarios")]
    pub shrink: bool,
    /// Print every event that a core was told and every effect that it had as well
    #[arg(long, requires = "seed", conflicts_with = "scenarios")]
    pub trace: bool,
}

/// How many scenarios are run if nothing is said.
const SCENARIOS: usize = 2000;

/// Runs scenarios and writes what came of them; whether every guarantee was kept.
///
/// # Errors
/// If `out` cannot be written to.
pub fn cli(args: Args, out: &mut dyn Write) -> io::Result<bool> {
    if let (Some(seed), None) = (args.seed, args.scenarios) {
        let mut scenario = Scenario::draw(seed);
        if args.shrink {
            scenario = shrink(&scenario, Sabotage::None);
        }
        if args.trace {
            for line in run_noting(&scenario, Sabotage::None).trace {
                writeln!(out, "{line}")?;
            }
        }
        out.write_all(account(&scenario).as_bytes())?;
        return Ok(examine(&scenario, Sabotage::None).1.violations.is_empty());
    }
    let summary = campaign(args.seed.unwrap_or_default(), args.scenarios.unwrap_or(SCENARIOS));
    for failure in &summary.failures {
        writeln!(out, "{failure}")?;
    }
    write!(out, "{summary}")?;
    Ok(summary.failures.is_empty())
}

/// A scenario, its timeline and what the oracle says of it.
pub(super) fn account(scenario: &Scenario) -> String {
    let (outcome, verdict) = examine(scenario, Sabotage::None);
    let mut text = format!("seed {}, {} nodes", scenario.seed, scenario.hosts.len());
    // Writing to a String cannot fail.
    for host in &scenario.hosts {
        let [duration, deadline, retry] =
            [host.timings.duration(), host.timings.renew_deadline(), host.timings.retry()]
                .map(|span| span.as_secs());
        let _ = write!(text, ", {duration}/{deadline}/{retry} at {:+} ppm", host.ppm);
    }
    text.push('\n');
    let many = |what: &What| {
        matches!(what, What::Renewed { .. } | What::Announced { .. } | What::Says { .. })
    };
    let honest = verdict.violations.iter().all(|v| v.guarantee != Guarantee::Honest);
    let changes = |what: &What| !many(what) || !honest && matches!(what, What::Says { .. });
    for (index, timeline) in outcome.timelines.iter().enumerate() {
        if outcome.timelines.len() > 1 {
            let _ = writeln!(text, "address {} of {}:", index + 1, outcome.timelines.len());
        }
        text.push_str(&timeline.text(changes));
    }
    for violation in &verdict.violations {
        let _ = writeln!(text, "{violation}");
    }
    if verdict.violations.is_empty() {
        text.push_str("every guarantee was kept\n");
    }
    text
}
