//! G7: what a daemon says of itself and of the Lease, what the Lease says, and whether its node
//! answers, agree, while the daemon runs and the API accepts writes.
//!
//! Judged only where the recording shows what daemons say. After anything is done to a node, to the
//! Lease or to the store it has the time to settle; a Lease that was deleted or put back says
//! nothing that is true until a daemon that holds writes it again; and a Lease that names a daemon
//! which has not held since it started is a former daemon's.

use std::time::Duration;

use crate::timeline::{Entry, Fault, Timeline, What};

use super::scene::Scene;
use super::{Bounds, Guarantee, Verdict};

/// What one daemon says, and since when that has been wrong.
#[derive(Clone, Debug, Default)]
struct Word {
    says: Option<(bool, Option<usize>)>,
    /// It has not held since it started.
    fresh: bool,
    /// From when on it is judged.
    settled: Duration,
    wrong: Option<(Duration, String)>,
}

pub(super) fn judge(timeline: &Timeline, bounds: &Bounds, verdict: &mut Verdict) {
    if !timeline.entries.iter().any(|entry| matches!(entry.what, What::Says { .. })) {
        return;
    }
    let mut scene = Scene::before(timeline);
    let mut words = vec![Word::default(); timeline.nodes.len()];
    let mut lies = false;
    for entry in &timeline.entries {
        // What was so until now has been so for as long.
        for word in &mut words {
            word.conclude(entry.at, bounds, verdict);
        }
        scene.follow(entry);
        hear(entry, bounds, &mut words);
        lies |= matches!(entry.what, What::Fault(Fault::LeaseDeleted | Fault::LeaseRestored));
        let holds = |node: &usize| words[*node].says.is_some_and(|(holds, _)| holds);
        lies &= scene.is_written_by(entry).filter(holds).is_none();
        for (node, word) in words.iter_mut().enumerate() {
            let able = !lies && scene.able().contains(&node) && !scene.is_original(node);
            let wrong = wrong(timeline, &scene, node, word);
            word.look(able, entry.at, bounds, wrong);
            if able && matches!(entry.what, What::Says { node: who, .. } if who == node) {
                verdict.occasion(Guarantee::Honest);
            }
        }
    }
    for word in &mut words {
        word.conclude(timeline.ended, bounds, verdict);
    }
}

fn hear(entry: &Entry, bounds: &Bounds, words: &mut [Word]) {
    match entry.what {
        What::Says { node, holds, holder } => {
            if let Some(word) = words.get_mut(node) {
                word.says = Some((holds, holder));
                word.fresh &= !holds;
            }
        }
        What::Fault(fault) => {
            for (node, word) in words.iter_mut().enumerate() {
                if fault.node().is_none_or(|of| of == node) {
                    word.settled = word.settled.max(entry.at + bounds.settled);
                }
                if matches!(fault, Fault::Started(of) | Fault::Killed(of) if of == node) {
                    (word.says, word.fresh) = (None, true);
                }
            }
        }
        _ => {}
    }
}

impl Word {
    fn look(&mut self, able: bool, at: Duration, bounds: &Bounds, wrong: Option<String>) {
        if !able {
            self.settled = self.settled.max(at + bounds.settled);
        }
        match wrong.filter(|_| able) {
            None => self.wrong = None,
            Some(text) => self.wrong = Some((self.wrong.take().map_or(at, |(at, _)| at), text)),
        }
    }

    fn conclude(&mut self, now: Duration, bounds: &Bounds, verdict: &mut Verdict) {
        let Some((since, text)) = &self.wrong else { return };
        let from = (*since).max(self.settled);
        if now > from + bounds.honest + bounds.resolution {
            verdict.broken(Guarantee::Honest, from, now, text.clone());
            // Said once.
            (self.wrong, self.settled) = (None, NEVER);
        }
    }
}

/// Longer than any recording.
const NEVER: Duration = Duration::from_secs(1 << 40);

/// What does not agree, in words.
fn wrong(timeline: &Timeline, scene: &Scene, node: usize, word: &Word) -> Option<String> {
    let (says, holder) = word.says?;
    let (answers, named) = (scene.answers(node), scene.holder() == Some(node));
    let agree = says == named || (word.fresh && !says);
    if agree && says == answers && holder == scene.holder() {
        return None;
    }
    let who = |node: Option<usize>| node.map_or("nobody".to_owned(), |node| timeline.name(node));
    Some(format!(
        "{} {}, says that it {} and that the Lease names {}, and the Lease names {}",
        timeline.name(node),
        if answers { "answers" } else { "is silent" },
        if says { "holds" } else { "does not hold" },
        who(holder),
        who(scene.holder()),
    ))
}
