//! G4: an API that is slow or away moves no address, as long as the holder is alive, fit and
//! reachable: not at all if it is so for all alike, once at most if it is so for the holder alone,
//! and never to nobody.
//!
//! A case begins when the API turns bad for a holder that has been well for a while, in a world
//! without a stranger and without the original, and ends a lease duration after the API is good
//! again, or when anything else is done to it. It is "for all alike" while no other node that is
//! alive has a good API for longer than half a second.

use std::time::Duration;

use crate::timeline::{Entry, Fault, Timeline, What};

use super::scene::Scene;
use super::{Bounds, Guarantee, Verdict};

pub(super) fn judge(timeline: &Timeline, bounds: &Bounds, verdict: &mut Verdict) {
    if !bounds.calm {
        return;
    }
    let mut scene = Scene::before(timeline);
    let mut well = Well::default();
    for (index, entry) in timeline.entries.iter().enumerate() {
        let before = owner(&scene).filter(|owner| !scene.api_is_bad(*owner));
        scene.follow(entry);
        well.follow(&scene, entry);
        let Some(holder) = before.filter(|holder| scene.api_is_bad(*holder)) else { continue };
        if !scene.is_well(holder) || scene.is_cut_off(holder) || entry.at < well.since(bounds) {
            continue;
        }
        let case = Case {
            holder,
            owner: holder,
            began: entry.at,
            others: scene.all().map(|_| None).collect::<Vec<_>>(),
            looked: entry.at,
            able: entry.at,
            alike: true,
            returned: None,
            moves: 0,
            scene: scene.clone(),
        };
        case.run(timeline, index, (bounds, verdict));
    }
}

/// A failure for all alike does not reach all in the same instant.
const TOGETHER: Duration = Duration::from_millis(500);

/// A node whose API is bad knows that, and says so, within this time: three looks a second apart.
const KNOWN: Duration = Duration::from_secs(4);

/// The one node that answers, if the Lease names it and it is quite well.
fn owner(scene: &Scene) -> Option<usize> {
    let mut answering = scene.answering();
    let owner = answering.next().filter(|owner| scene.holder() == Some(*owner))?;
    let calm = scene.is_able(owner) && scene.has_renewed(owner);
    (answering.next().is_none() && calm).then_some(owner)
}

/// Since when nothing has been done but to APIs.
#[derive(Default)]
struct Well {
    disturbed: Duration,
    /// When an API server of one node alone was last well again.
    recovered: Duration,
}

impl Well {
    fn follow(&mut self, scene: &Scene, entry: &Entry) {
        let disturbs = match entry.what {
            What::Fault(fault) => !is_about_api(fault),
            What::Answers { .. } | What::Lease { .. } => true,
            _ => false,
        };
        if let What::Fault(Fault::ApiThawed(_) | Fault::ApiStarted(_) | Fault::ApiPaced(_)) =
            entry.what
        {
            self.recovered = entry.at;
        }
        if disturbs || scene.has_original() || scene.has_stranger() {
            self.disturbed = entry.at;
        }
    }

    /// From when on a case may begin: what was under way is over, and has been seen by all; and
    /// whoever was unwell for reasons of its own had the time to be found well again.
    fn since(&self, bounds: &Bounds) -> Duration {
        (self.disturbed + bounds.lease_duration).max(self.recovered + KNOWN)
    }
}

/// The fault concerns API servers, the store or what daemons see of them only.
const fn is_about_api(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::ApiKilled(_)
            | Fault::ApiStarted(_)
            | Fault::ApiFrozen(_)
            | Fault::ApiThawed(_)
            | Fault::ApiSlowed(_)
            | Fault::ApiPaced(_)
            | Fault::WatchBroken(_)
            | Fault::WatchMended(_)
            | Fault::StoreAway
            | Fault::StoreBack
            | Fault::WallStepped(_)
            | Fault::LeaseTouched
    )
}

/// The API turned bad for the holder.
struct Case {
    holder: usize,
    /// Who answers now, or did last.
    owner: usize,
    began: Duration,
    /// For each node: from when until when its API was good although the holder's is bad.
    others: Vec<Option<(Duration, Duration)>>,
    /// The time of the last look.
    looked: Duration,
    /// When another node was last able to take over.
    able: Duration,
    /// It has been bad for all alike so far.
    alike: bool,
    /// Since when the API has been good again for the holder.
    returned: Option<Duration>,
    /// How often the address moved.
    moves: u32,
    scene: Scene,
}

impl Case {
    fn run(
        mut self,
        timeline: &Timeline,
        first: usize,
        (bounds, verdict): (&Bounds, &mut Verdict),
    ) {
        self.look(self.began);
        for entry in &timeline.entries[first + 1..] {
            self.look(entry.at);
            self.scene.follow(entry);
            self.look(entry.at);
            if self.is_over(entry) {
                break;
            }
            let broken = match entry.what {
                What::Answers { node, on: false } if node == self.holder => self.silence(entry.at),
                What::Answers { node, on: true } if node != self.holder => {
                    self.moved(node, entry.at)
                }
                _ => None,
            };
            if let Some(text) = broken {
                let text = format!(
                    "{} held when its API turned bad at {:.4} s, and {text}",
                    timeline.name(self.holder),
                    self.began.as_secs_f64(),
                );
                return verdict.broken(Guarantee::Calm, entry.at, entry.at, text);
            }
            self.returns(entry.at);
            if self.returned.is_some_and(|at| entry.at > at + bounds.lease_duration) {
                break;
            }
        }
        verdict.occasion(Guarantee::Calm);
    }

    /// Is the API good again for the holder? If it always was for another one, it was not bad for
    /// all alike.
    fn returns(&mut self, at: Duration) {
        if self.returned.is_some() || self.scene.api_is_bad(self.holder) {
            return;
        }
        self.returned = Some(at);
        let always = |good: &Option<(Duration, Duration)>| {
            good.is_some_and(|(since, until)| since <= self.began && until == at)
        };
        self.alike &= !self.others.iter().any(always);
    }

    /// Time has passed, with everything as it is.
    fn look(&mut self, now: Duration) {
        if self.scene.able().into_iter().any(|node| node != self.holder) {
            self.able = now;
        }
        for node in self.scene.all().filter(|node| *node != self.holder) {
            let good = self.scene.is_whole(node) && !self.scene.api_is_bad(node);
            if !good {
                continue;
            }
            let since = match self.others[node] {
                Some((since, until)) if until == self.looked => since,
                _ => now,
            };
            self.others[node] = Some((since, now));
            self.alike &= self.returned.is_some() || now.saturating_sub(since) <= TOGETHER;
        }
        self.looked = now;
    }

    /// What is seen from here on has another cause, or the API is back and the Lease renewed.
    fn is_over(&self, entry: &Entry) -> bool {
        let scene = &self.scene;
        let alone = scene.all().all(|node| node == self.holder || scene.is_cut_off(node));
        let moved = self.owner != self.holder;
        let disturbed = match entry.what {
            // Where it has moved to, another story begins, or was about to.
            _ if moved && scene.api_is_bad(self.owner) => true,
            What::Fault(fault) if moved && fault.node() == Some(self.owner) => true,
            // It is good again: what comes now is another case.
            What::Fault(_) if self.returned.is_some_and(|at| entry.at > at) => true,
            What::Fault(fault) => match fault.node() {
                Some(node) if node != self.holder => matches!(
                    fault,
                    Fault::Reverted(_)
                        | Fault::Cordoned(_)
                        | Fault::Uncordoned(_)
                        | Fault::MoveAsked(_)
                        | Fault::AddressLeft(_)
                ),
                Some(_) => !is_about_api(fault),
                None => !is_about_api(fault),
            },
            _ => false,
        };
        let again = self.returned.is_some() && scene.api_is_bad(self.holder);
        // Then it is to let go: the others are served, and it is not.
        disturbed
            || again
            || alone
            || scene.is_shut_out(self.holder)
            || scene.is_cut_off(self.holder)
            || (moved && self.returned.is_some())
    }

    /// The holder fell silent.
    fn silence(&mut self, at: Duration) -> Option<String> {
        let able = at <= self.able + TOGETHER;
        if self.alike {
            Some("fell silent although it was bad for all alike".to_owned())
        } else if !able && !self.scene.answering().any(|node| node != self.holder) {
            Some("fell silent although nobody else was able to take over".to_owned())
        } else {
            None
        }
    }

    /// Another node began to answer.
    fn moved(&mut self, node: usize, at: Duration) -> Option<String> {
        self.moves += 1;
        self.owner = node;
        let bad = self.others[node].is_none_or(|(_, until)| at > until + KNOWN);
        if self.alike {
            Some("the address moved although it was bad for all alike".to_owned())
        } else if self.moves > 1 {
            Some("the address moved more than once".to_owned())
        } else if bad && self.returned.is_none() {
            Some("the address moved to a node whose API is bad as well".to_owned())
        } else {
            None
        }
    }
}
