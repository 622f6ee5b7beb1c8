//! What has happened on the way to a state, for the question whether the explored space contains
//! what it should contain.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube_vip_core::event::{Candidacy, LeaseRecord, Nonce, Observation, Voice};

use crate::clock::Instant;
use crate::host::{Host, Process, name};

/// How far a hand-over has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Handover {
    #[default]
    None,
    Offered {
        to: String,
        nonce: Nonce,
    },
    Agreed {
        to: String,
    },
    Released {
        to: String,
    },
    Claimed,
}

/// What the explored space must contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Milestone {
    /// A hand-over by offer, consent, release and claim.
    HandedOver,
    /// The same, and an answer of the API server was lost on its way.
    HandedOverWithoutAnAnswer,
    /// Another node answers while the one that held stands still.
    TakenOver,
    /// It woke up after that.
    WokeUpLate,
    /// A daemon started where its predecessor's address still answered, and went on.
    Resumed,
    /// A request reached the store when nobody waited for it any more.
    ArrivedLate,
    /// The API was away for all, and one that held on met its successor.
    Met,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    milestones: BTreeSet<Milestone>,
    handover: Handover,
    /// An answer was lost since the offer.
    lost_answer: bool,
    paused_holder: Option<usize>,
    restarted_holder: Option<usize>,
}

impl Story {
    pub(crate) fn has(&self, milestone: Milestone) -> bool {
        self.milestones.contains(&milestone)
    }

    fn reach(&mut self, milestone: Milestone, reached: bool) {
        if reached {
            self.milestones.insert(milestone);
        }
    }

    /// Two answer that may for a moment.
    pub(crate) fn met(&mut self) {
        self.reach(Milestone::Met, true);
    }

    /// A request reached the store.
    pub(crate) fn arrived(&mut self, awaited: bool) {
        self.reach(Milestone::ArrivedLate, !awaited);
    }

    /// A candidate wrote its Lease.
    pub(crate) fn registered(&mut self, index: usize, candidacy: &Candidacy) {
        if let Handover::Offered { to, nonce } = &self.handover
            && to == name(index).as_str()
            && candidacy.consent.as_ref() == Some(nonce)
        {
            self.handover = Handover::Agreed { to: to.clone() };
        }
    }

    /// The Lease was written.
    pub(crate) fn wrote(&mut self, before: Option<&Observation>, after: Option<&Observation>) {
        let Some(after) = after.map(|seen| &seen.record) else { return };
        self.handover = self.next(before.map(|seen| &seen.record), after);
        match self.handover {
            Handover::None => self.lost_answer = false,
            Handover::Claimed => {
                self.reach(Milestone::HandedOver, true);
                self.reach(Milestone::HandedOverWithoutAnAnswer, self.lost_answer);
            }
            _ => {}
        }
    }

    fn next(&self, before: Option<&LeaseRecord>, after: &LeaseRecord) -> Handover {
        let successor = after.marks.successor.as_ref().map(|node| node.as_str().to_owned());
        match (&self.handover, &after.marks.offer) {
            (Handover::Agreed { to }, _)
                if after.holder.is_empty() && successor.as_ref() == Some(to) =>
            {
                Handover::Released { to: to.clone() }
            }
            (Handover::Released { to }, _) if after.holder == *to => Handover::Claimed,
            (Handover::Agreed { to }, Some(offer)) if offer.to.as_str() == to => {
                self.handover.clone()
            }
            (_, Some(offer)) if before.is_some() => {
                let (to, nonce) = (offer.to.as_str().to_owned(), offer.nonce.clone());
                Handover::Offered { to, nonce }
            }
            _ => Handover::None,
        }
    }

    /// An answer of the store was lost.
    pub(crate) fn lost(&mut self) {
        self.lost_answer |= !matches!(self.handover, Handover::None | Handover::Claimed);
    }

    /// A kernel was given the address.
    pub(crate) fn held(&mut self, hosts: &[Arc<Host>; 3], index: usize, voice: Voice) {
        let paused = self.paused_holder.filter(|paused| hosts[*paused].process == Process::Paused);
        let answers = voice == Voice::Answering;
        let taken_over = answers && paused.is_some_and(|paused| paused != index);
        self.reach(Milestone::TakenOver, taken_over);
        let resumed = answers && self.restarted_holder == Some(index);
        self.reach(Milestone::Resumed, resumed);
    }

    pub(crate) fn paused(&mut self, host: &Host, now: Instant) {
        self.paused_holder = host.answers(now).then_some(host.index);
    }

    pub(crate) fn woke_up(&mut self, index: usize) {
        let late = self.has(Milestone::TakenOver) && self.paused_holder == Some(index);
        self.reach(Milestone::WokeUpLate, late);
    }

    pub(crate) fn started(&mut self, host: &Host, now: Instant) {
        self.restarted_holder = host.answers(now).then_some(host.index);
    }
}
