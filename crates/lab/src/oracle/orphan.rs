//! G3: a holder that is killed or frozen stops answering when its term is over.
//!
//! The term is counted from the last write of the Lease that the recording shows before the fault;
//! a recording without renewals is judged as if the last one had been at the instant of the fault.
//! A holder that holds on past its term does so in short steps. A fence ends on time; where it is
//! gone, or was never there, the address lifetime does, which is coarser.

use std::time::Duration;

use crate::timeline::{Entry, Fault, Part, Timeline, What};

use super::scene::Scene;
use super::{Bounds, Guarantee, Verdict};

/// A daemon that cannot let go any more, from one instant on.
struct Dead {
    node: usize,
    since: Duration,
    how: Fault,
    /// Its node must be silent from here on.
    due: Duration,
    /// The same without a fence.
    unfenced: Duration,
    /// Since when its node has answered although it must not.
    answering: Option<Duration>,
}

pub(super) fn judge(timeline: &Timeline, bounds: &Bounds, verdict: &mut Verdict) {
    let renewals = |entry: &Entry| matches!(entry.what, What::Renewed { .. });
    let renewals_are_recorded = timeline.entries.iter().any(renewals);
    let mut scene = Scene::before(timeline);
    let mut dead: Vec<Dead> = Vec::new();
    for entry in &timeline.entries {
        if let What::Fault(how @ (Fault::Killed(node) | Fault::Frozen(node))) = entry.what {
            let wrote = if renewals_are_recorded { scene.wrote(node) } else { Some(entry.at) };
            let term = wrote.map_or(entry.at, |wrote| wrote + bounds.lease_duration);
            let answering = scene.answers(node) && !scene.is_original(node);
            if answering {
                verdict.occasion(Guarantee::NoOrphan);
            }
            // It begins a little before the term is over.
            let soon = entry.at + bounds.step;
            let holds_on = scene.may_hold_on(node, soon, bounds);
            let step = if holds_on { bounds.step } else { Duration::ZERO };
            let over = term.max(entry.at + step);
            let fenced = scene.is_fenced(node);
            dead.push(Dead {
                node,
                since: entry.at,
                how,
                due: over + if fenced { bounds.orphan_fenced } else { bounds.orphan },
                unfenced: over + bounds.orphan,
                answering: answering.then_some(entry.at),
            });
        }
        scene.follow(entry);
        match entry.what {
            What::Answers { node, on } => {
                for dead in dead.iter_mut().filter(|dead| dead.node == node) {
                    let from = dead.answering.take();
                    dead.report(from, entry.at, (timeline, bounds), verdict);
                    dead.answering = on.then_some(entry.at);
                }
            }
            What::Fenced { node, on: false } => {
                for dead in dead.iter_mut().filter(|dead| dead.node == node) {
                    dead.due = dead.unfenced;
                }
            }
            What::Fault(Fault::Reverted(node) | Fault::AddressLeft(node)) => {
                // What answers from here on is not ours.
                let (over, on) = dead.into_iter().partition(|dead| dead.node == node);
                dead = on;
                conclude(over, entry.at, (timeline, bounds), verdict);
            }
            What::Fault(fault) => {
                let part = fault.gives();
                if part == Some(Part::Process) || part == Some(Part::Schedule) {
                    let (over, on) = dead
                        .into_iter()
                        .partition(|dead| Some(dead.node) == fault.node() && dead.ends(part));
                    dead = on;
                    conclude(over, entry.at, (timeline, bounds), verdict);
                }
            }
            _ => {}
        }
    }
    conclude(dead, timeline.ended, (timeline, bounds), verdict);
}

fn conclude(dead: Vec<Dead>, until: Duration, world: (&Timeline, &Bounds), verdict: &mut Verdict) {
    for dead in dead {
        dead.report(dead.answering, until, world, verdict);
    }
}

impl Dead {
    /// This part, given back, brings the daemon to life.
    fn ends(&self, part: Option<Part>) -> bool {
        match self.how {
            Fault::Frozen(_) => true,
            _ => part == Some(Part::Process),
        }
    }

    fn report(
        &self,
        from: Option<Duration>,
        to: Duration,
        world: (&Timeline, &Bounds),
        verdict: &mut Verdict,
    ) {
        let (timeline, bounds) = world;
        let Some(from) = from.map(|from| from.max(self.due)) else {
            return;
        };
        let span = to.saturating_sub(from);
        if span <= bounds.resolution {
            return;
        }
        let text = format!(
            "{} still answered {:.4} s after this: {}; it had to be silent after {:.4} s",
            timeline.name(self.node),
            to.saturating_sub(self.since).as_secs_f64(),
            self.how.text(),
            self.due.saturating_sub(self.since).as_secs_f64(),
        );
        verdict.broken(Guarantee::NoOrphan, from, to, text);
    }
}
