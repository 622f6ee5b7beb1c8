//! Parts of the world that are made to lie, on the way into the core and out of it: each stands for
//! a mistake that the core could make, and the oracle must notice it.

use std::time::Duration;

use kube_vip_core::address::Mac;
use kube_vip_core::event::{Answer, Effect, Event, Failure, Observation, Voice};
use kube_vip_core::segment::{Claim, Question, Said, Station};

use super::world::{Item, World};

/// A part of the world that is made to lie: to show that the oracle bites, or that one layer holds
/// without the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    /// Nothing lies.
    #[default]
    None,
    /// Kernels end nothing by themselves, neither lifetimes nor fences: layers 2 and 3 are off.
    EternalAddress,
    /// Address lifetimes never end: layer 2 is off.
    EternalLifetime,
    /// What is in a fence's sets never leaves them by itself: layer 3 is off.
    EternalFence,
    /// Drivers remove no address and silence none: layer 1 is off.
    DeafDriver,
    /// Every other host's clock is a fifth too slow: no allowance for clock rates would do.
    SlowClock,
    /// The store takes every write, whatever version it names: a claim from a stale watch succeeds.
    BlindStore,
    /// Terms count from the answer instead of the request.
    TermFromAnswer,
    /// A write that was not answered is taken for one that happened.
    LostIsLanded,
    /// A conflict is taken for success.
    ConflictIsSuccess,
    /// What was computed before a freeze is done after it, however late.
    NoToken,
    /// An address that is to accept in silence goes on answering.
    SkippedSilence,
    /// Whoever's term is over by the wall clocks of holder and candidate holds nothing any more.
    TrustedClock,
    /// The daemon hears nobody speak for the address: not its successor either.
    DeafDaemon,
    /// An answer to the daemon is taken for an announcement to all.
    AnswerIsAnnouncement,
    /// The daemon is told that somebody answered its questions, although nobody did.
    LivelySegment,
}

impl World {
    /// What the drivers do instead of what the core said.
    pub(super) fn tamper_with_effect(&mut self, host: usize, effect: Effect) -> Effect {
        match (self.sabotage, effect) {
            (Sabotage::SkippedSilence, Effect::Hold { vip, until, voice: Voice::Accepting }) => {
                Effect::Hold { vip, until, voice: Voice::Answering }
            }
            (Sabotage::LivelySegment, effect @ Effect::Question { question, .. }) => {
                self.answer_falsely(host, question);
                effect
            }
            (_, effect) => effect,
        }
    }

    /// What the core hears instead of what happened.
    pub(super) fn tamper_with_event(&mut self, host: usize, event: Event) -> Event {
        match (self.sabotage, event) {
            (Sabotage::TrustedClock, Event::Watched(seen)) => {
                Event::Watched(self.disbelieve(host, seen))
            }
            (Sabotage::TrustedClock, Event::Answered(Answer { id, outcome: Ok(seen) })) => {
                let outcome = Ok(self.disbelieve(host, seen));
                Event::Answered(Answer { id, outcome })
            }
            (Sabotage::AnswerIsAnnouncement, Event::Heard { from, said: Said::Claim(claim) }) => {
                let said = Said::Claim(Claim { to: Mac::BROADCAST, ..claim });
                Event::Heard { from, said }
            }
            (_, event) => event,
        }
    }

    /// Whoever is asked for an address of its own is said to have answered.
    fn answer_falsely(&mut self, host: usize, question: Question) {
        let wanted = question.address;
        if self.vips.iter().any(|vip| vip.address() == wanted) {
            return;
        }
        let from = Mac([2, 0, 0, 0, 2, 1]);
        let station = Station { mac: from, address: wanted };
        let said = Said::Claim(Claim { station, to: question.asker.mac });
        if let Some(daemon) = self.hosts[host].daemon_id() {
            let event = Event::Heard { from, said };
            self.after(Duration::from_micros(100), Item::Show { host, daemon, event });
        }
    }

    /// The Lease as one sees it who compares its holder's wall clock with its own.
    fn disbelieve(&self, host: usize, seen: Option<Observation>) -> Option<Observation> {
        let mut seen = seen?;
        let over = seen.record.renewed.is_some_and(|renewed| {
            let duration = i64::try_from(seen.record.duration.as_micros()).unwrap_or(i64::MAX);
            renewed.saturating_add(duration) < self.wall(host)
        });
        if over && seen.record.holder != self.hosts[host].name {
            seen.record.holder = String::new();
        }
        Some(seen)
    }

    /// What a write comes to, if a conflict is taken for success.
    pub(super) fn overlook_conflict(
        &self,
        pretended: Observation,
        outcome: Result<Option<Observation>, Failure>,
    ) -> Result<Option<Observation>, Failure> {
        match outcome {
            Err(Failure::Conflict) if self.sabotage == Sabotage::ConflictIsSuccess => {
                Ok(Some(pretended))
            }
            outcome => outcome,
        }
    }
}
