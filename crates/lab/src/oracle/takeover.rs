//! G2: after the holder is taken away, another node answers within a lease duration + 0.3 s.
//!
//! The clock starts with the fault; it starts again when the node that was taken away, or one that
//! is itself in trouble, writes the Lease later (an answer that was under way, a claim of somebody
//! who then fails): the others owe that writer another lease duration. The bound is judged only if
//! one other node was able from a while before the fault until the end; and not if the node that
//! was taken away comes back meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::timeline::{Entry, Fault, Timeline, What};

use super::scene::{self, Scene};
use super::{Bounds, Guarantee, Verdict};

pub(super) fn judge(timeline: &Timeline, bounds: &Bounds, verdict: &mut Verdict) {
    let mut scene = Scene::before(timeline);
    let mut able = Able::default();
    for (index, entry) in timeline.entries.iter().enumerate() {
        if let Some((victim, fault)) = blow(entry, &scene) {
            let mut case = Case {
                victim,
                fault,
                struck: entry.at,
                owing: victim,
                since: entry.at,
                candidates: able.since(entry.at.saturating_sub(bounds.settled)),
                scene: scene.clone(),
            };
            case.candidates.remove(&victim);
            let end = case.run(&timeline.entries[index..], timeline.ended, bounds);
            conclude(timeline, &case, end, verdict);
        }
        scene.follow(entry);
        able.follow(&scene, entry.at);
    }
}

/// The entry takes away, for the first time, the node that answers or that the Lease names.
fn blow(entry: &Entry, scene: &Scene) -> Option<(usize, Fault)> {
    let What::Fault(fault) = entry.what else {
        return None;
    };
    let victim = fault.node()?;
    let strikes = fault.takes().is_some_and(scene::is_vital) && scene.is_whole(victim);
    let matters = scene.answers(victim) || scene.holder() == Some(victim);
    (strikes && matters).then_some((victim, fault))
}

fn conclude(timeline: &Timeline, case: &Case, end: End, verdict: &mut Verdict) {
    match end {
        End::Moot => {}
        End::Answered(after) => {
            verdict.occasion(Guarantee::BoundedOutage);
            verdict.longest_takeover = verdict.longest_takeover.max(Some(after));
        }
        End::Late { due, candidate } => {
            verdict.occasion(Guarantee::BoundedOutage);
            let text = format!(
                "no other node answered within {:.4} s of this: {}: {}; {} was able to",
                due.saturating_sub(case.struck).as_secs_f64(),
                timeline.name(case.victim),
                case.fault.text(),
                timeline.name(candidate),
            );
            verdict.broken(Guarantee::BoundedOutage, case.struck, due, text);
        }
    }
}

/// Since when each node has been able to take the address.
#[derive(Default)]
struct Able(Vec<(usize, Duration)>);

impl Able {
    fn follow(&mut self, scene: &Scene, at: Duration) {
        let able = scene.able();
        self.0.retain(|(node, _)| able.contains(node));
        for node in able {
            if !self.0.iter().any(|(known, _)| *known == node) {
                self.0.push((node, at));
            }
        }
    }

    fn since(&self, at: Duration) -> BTreeSet<usize> {
        let early = |(node, since): &(usize, Duration)| (*since <= at).then_some(*node);
        self.0.iter().filter_map(early).collect()
    }
}

/// A node was taken away.
struct Case {
    victim: usize,
    fault: Fault,
    struck: Duration,
    /// The node whose last write of the Lease the others must wait for.
    owing: usize,
    /// When that was, or when it was taken away, if that is later.
    since: Duration,
    /// Who could have taken the address all the while.
    candidates: BTreeSet<usize>,
    scene: Scene,
}

enum End {
    /// Nobody was able all the while, or the victim came back, or the recording ended.
    Moot,
    /// Another node answered, so long after the fault.
    Answered(Duration),
    /// Nobody did, although this one was able to.
    Late { due: Duration, candidate: usize },
}

impl Case {
    fn run(&mut self, entries: &[Entry], ended: Duration, bounds: &Bounds) -> End {
        let mut first = true;
        for entry in entries {
            if let Some(late) = self.late(entry.at, bounds) {
                return late;
            }
            self.scene.follow(entry);
            self.candidates = &self.candidates & &self.scene.able();
            self.restart(entry);
            if std::mem::take(&mut first) {
                // Somebody else answers already: a case for another guarantee.
                if self.answered() {
                    return End::Moot;
                }
                continue;
            }
            if self.answered() {
                return End::Answered(entry.at.saturating_sub(self.struck));
            }
            if self.candidates.is_empty() || self.is_back(entry) {
                return End::Moot;
            }
        }
        self.late(ended, bounds).unwrap_or(End::Moot)
    }

    fn late(&self, now: Duration, bounds: &Bounds) -> Option<End> {
        let due = self.since + bounds.lease_duration + bounds.takeover + bounds.resolution;
        let candidate = self.candidates.first().copied()?;
        (now > due).then_some(End::Late { due, candidate })
    }

    fn answered(&self) -> bool {
        self.scene.answering().any(|node| node != self.victim)
    }

    /// What was taken from the victim is given back.
    fn is_back(&self, entry: &Entry) -> bool {
        let What::Fault(fault) = entry.what else {
            return false;
        };
        fault.node() == Some(self.victim) && fault.gives().is_some_and(scene::is_vital)
    }

    /// Starts the clock again where the entry shows that somebody is owed another lease duration.
    fn restart(&mut self, entry: &Entry) {
        let writer = self.scene.is_written_by(entry);
        let owed = match entry.what {
            _ if writer.is_some() => {
                writer.filter(|node| *node == self.owing || !self.scene.is_able(*node))
            }
            // What vanished, or went back, counts as held once more.
            What::Fault(Fault::LeaseDeleted | Fault::LeaseRestored) => Some(self.owing),
            // Whoever took the Lease meanwhile is in trouble too.
            What::Fault(fault) if fault.takes().is_some() => {
                self.scene.holder().filter(|_| fault.node() == self.scene.holder())
            }
            _ => None,
        };
        if let Some(node) = owed {
            (self.owing, self.since) = (node, entry.at);
        }
    }
}
