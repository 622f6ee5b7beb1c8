//! A replay as people read it: what happened, what followed, and what changed by it.

mod say;

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};
use kube_vip_core::event::{Effect, Event};
use kube_vip_core::moment::Moment;
use kube_vip_core::status::Status;

use super::dump::{Dump, Header};
use super::{Difference, Entry, Replayed, Step};

/// Effects that are shown of either side of a difference.
const SHOWN: usize = 8;

/// Writes a timeline.
pub(super) struct Teller {
    started: Option<Timestamp>,
    brief: bool,
}

impl Teller {
    pub(super) fn new(header: &Header, brief: bool) -> Self {
        Self { started: header.started_at.parse().ok(), brief }
    }

    pub(super) fn header(&self, dump: &Dump, out: &mut dyn Write) -> io::Result<()> {
        let Header { node, version, build, cause, dumped, seed, plan, .. } = &dump.header;
        let vips: Vec<String> = plan.vips.iter().map(|vip| vip.to_string()).collect();
        writeln!(out, "node {node}, kube-vip {version} (build {build}), seed {seed}")?;
        writeln!(
            out,
            "{} on {}, elected by {}/{}",
            vips.join(", "),
            plan.link,
            plan.lease.namespace,
            plan.lease.name
        )?;
        let lines = dump.entries.len();
        writeln!(out, "written at {dumped} ({cause}), {lines} lines\n")?;
        let mut gaps = dump.entries.iter().filter_map(|entry| match entry {
            Entry::Gap(what) => Some(what),
            _ => None,
        });
        gaps.try_for_each(|what| writeln!(out, "left out by the daemon: {what}"))
    }

    pub(super) fn step(&self, step: &Step<'_>, out: &mut dyn Write) -> io::Result<()> {
        let changes = changes(&step.before.status(), &step.after.status());
        let shown = step.effects.iter().filter(|effect| !self.brief || is_news(effect));
        let effects: Vec<String> = shown.map(say::effect).collect();
        let silent = effects.is_empty() && changes.is_empty();
        let dull = self.brief || *step.event == Event::Tick;
        if silent && dull && *step.event != Event::Shutdown {
            return Ok(());
        }
        let at = step.at.since_start().as_secs_f64();
        writeln!(out, "{at:>12.4} s  {}  {}", self.time(step.at), say::event(step.event))?;
        for effect in effects {
            writeln!(out, "{:>30}-> {effect}", "")?;
        }
        for change in changes {
            writeln!(out, "{:>30}** {change}", "")?;
        }
        Ok(())
    }

    pub(super) fn outcome(&self, replayed: &Replayed, out: &mut dyn Write) -> io::Result<()> {
        let Replayed { events, differences } = replayed;
        if differences.is_empty() {
            return writeln!(out, "\n{events} events replayed: the same came out\n");
        }
        let count = differences.len();
        writeln!(out, "\n{events} events replayed, and {count} differences:")?;
        for difference in differences {
            self.difference(difference, out)?;
        }
        writeln!(out, "(a daemon of another version may have another core)\n")
    }

    fn difference(&self, difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
        match difference {
            Difference::State { entry, part } => {
                writeln!(out, "before event {entry}, the state: {part}")
            }
            Difference::Effects { entry, at, recorded, replayed } => {
                writeln!(out, "event {entry} at {at} ({}):", self.time(*at))?;
                for (who, effects) in [("the daemon", recorded), ("here", replayed)] {
                    writeln!(out, "  {who}:")?;
                    for effect in effects.iter().take(SHOWN) {
                        writeln!(out, "    -> {}", say::effect(effect))?;
                    }
                    if effects.is_empty() {
                        writeln!(out, "    nothing")?;
                    }
                }
                Ok(())
            }
        }
    }

    /// The time of day, by the daemon's wall clock when it wrote.
    fn time(&self, at: Moment) -> String {
        let span = SignedDuration::try_from(at.since_start()).unwrap_or(SignedDuration::MAX);
        let time = self.started.and_then(|started| started.checked_add(span).ok());
        time.map_or_else(|| "-".repeat(12), |time| time.strftime("%H:%M:%S%.3f").to_string())
    }
}

/// What people are told, and what changes the kernel.
fn is_news(effect: &Effect) -> bool {
    matches!(effect, Effect::Tell(_) | Effect::Drop(_))
}

/// What changed for people.
fn changes(before: &Status, after: &Status) -> Vec<String> {
    let mut changes = Vec::new();
    let mut differs = |changed: bool, text: &dyn Fn() -> String| {
        if changed {
            changes.push(text());
        }
    };
    let epoch = |status: &Status| status.term.map(|term| term.epoch);
    differs(epoch(before) != epoch(after), &|| match after.term {
        Some(term) => format!("term {} began, until {}", term.epoch, term.until),
        None => "the term ended".to_owned(),
    });
    differs(before.lease.holder != after.lease.holder, &|| {
        format!("the Lease names {}", after.lease.holder.as_deref().unwrap_or("nobody"))
    });
    differs(before.reason != after.reason, &|| {
        format!("{}: {}", after.reason.name(), after.reason)
    });
    differs(before.handing_over != after.handing_over, &|| match &after.handing_over {
        Some(to) => format!("handing over to {to}"),
        None => "no longer handing over".to_owned(),
    });
    differs(before.holding_on != after.holding_on, &|| match after.holding_on {
        Some(_) => "holding on without a term".to_owned(),
        None => "no longer holding on".to_owned(),
    });
    differs(before.fitness != after.fitness, &|| {
        let fitness = &after.fitness;
        format!("fit: {}, cordoned: {}", fitness.fit, fitness.cordoned)
    });
    for (before, after) in before.vips.iter().zip(&after.vips) {
        differs(before != after, &|| {
            let voice = after.voice.map_or_else(|| "no fence".to_owned(), |v| format!("{v:?}"));
            let there = if after.present { "is here" } else { "is not here" };
            format!("{} {there}, {voice}", after.vip)
        });
    }
    changes
}
