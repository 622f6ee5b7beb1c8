//! What is asked of the API server, and when.

use std::time::Duration;

use super::{Asked, Elector, What, Wish};
use crate::address::NodeName;
use crate::election::{Sight, Standing};
use crate::event::{Call, Marks, Request};
use crate::moment::Moment;

/// What a request may take at most while the addresses are being handed over.
const HAND_OVER_REQUEST: Duration = Duration::from_secs(1);

impl Elector {
    /// The next request, if one is due.
    pub fn poll(&mut self, now: Moment) -> Option<Request> {
        if self.asked.is_some() || now < self.due() {
            return None;
        }
        let (what, call) = match (self.intent(now), &self.sight) {
            (What::Claim, Some(sight)) => {
                let marks = self.marks(sight);
                self.said = self.message.clone();
                (What::Claim, Call::Write(self.writes.claim(sight, marks, now)))
            }
            (What::Release, Some(sight)) => {
                let successor = self.message.successor.clone();
                let marks = Marks { offer: None, successor, ..self.marks(sight) };
                (What::Release, Call::Write(self.writes.release(sight, marks)))
            }
            (What::Read, _) | (_, None) => (What::Read, Call::Read),
        };
        self.ids += 1;
        let known = self.sight.as_ref().and_then(|sight| sight.version.clone());
        self.asked = Some(Asked { id: self.ids, sent: now, known, what });
        // In a hand-over nothing is worth waiting for any longer.
        let brief = what == What::Release || self.message.successor.is_some();
        let longest = if brief { HAND_OVER_REQUEST } else { Duration::MAX };
        // What a candidate reads late is of no use for a claim: better ask again.
        let candidate = what == What::Read && self.term.is_none();
        let useful = if candidate { self.prompt_within() * 2 } else { Duration::MAX };
        let timeout = (self.timings.renew_deadline() / 2).min(longest).min(useful);
        Some(Request { id: self.ids, timeout, call })
    }

    /// When something is to be done without any event.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        let request = self.asked.is_none().then(|| self.due());
        let term = self.term.map(|term| term.until);
        let complaint = self.api.complaint_due();
        let warning = self.renewal_warning();
        [request, term, complaint, warning].into_iter().flatten().min()
    }

    /// The API does not answer this node: the last request failed, or is overdue.
    #[must_use]
    pub fn is_unanswered(&self, now: Moment) -> bool {
        self.api().failing_since.is_some() || self.overdue().is_some_and(|at| at <= now)
    }

    /// The same, or the last answer came late, or a holder has not been told of any write since.
    #[must_use]
    pub fn is_troubled(&self, now: Moment) -> bool {
        self.is_unanswered(now) || self.grace.is_away()
    }

    /// The API was away for this node, and the holder has not renewed since it is back.
    #[must_use]
    pub fn was_away(&self) -> bool {
        let held = self.sight.as_ref().filter(|sight| sight.holder().is_some());
        held.is_some_and(|sight| self.grace.back() > sight.changed)
    }

    /// When it is high time that the term is renewed: an attempt was due and had time to succeed,
    /// though some requests may be answered.
    #[must_use]
    pub fn renewal_overdue(&self) -> Option<Moment> {
        let sent = self.confirmed.filter(|_| self.term.is_some())?;
        Some(sent + self.timings.retry() + self.prompt_within() * 2)
    }

    /// When the request under way is no longer answered promptly.
    #[must_use]
    pub fn overdue(&self) -> Option<Moment> {
        self.asked.as_ref().map(|asked| asked.sent + self.prompt_within())
    }

    pub(super) fn prompt_within(&self) -> Duration {
        self.timings.duration() / 10
    }

    /// What a write of ours leaves in the Lease for the others.
    fn marks(&self, sight: &Sight) -> Marks {
        let met = |to: &&NodeName| {
            to.as_str() != self.writes.holder() && Some(*to) != self.message.unmet.as_ref()
        };
        Marks {
            boot: Some(self.boot.clone()).filter(|boot| !boot.is_empty()),
            offer: self.message.offer.clone(),
            successor: None,
            move_to: sight.record.marks.move_to.as_ref().filter(met).cloned(),
        }
    }

    /// What a request would be for, now.
    fn intent(&self, now: Moment) -> What {
        let Some(sight) = self.sight.as_ref().filter(|_| !self.unsure) else {
            return What::Read;
        };
        match self.wish {
            Wish::Hold if self.too_late && self.is_ours(sight) => What::Release,
            Wish::Hold | Wish::Keep if self.may_claim(sight, now) => What::Claim,
            Wish::Release if self.is_ours(sight) => What::Release,
            Wish::Hold | Wish::Keep | Wish::Silent | Wish::Release => What::Read,
        }
    }

    /// Renewing is always right; claiming what was another's needs a fresh and prompt read.
    fn may_claim(&self, sight: &Sight, now: Moment) -> bool {
        let claimable = self.claimable(sight);
        let fresh = self.prompt.is_some_and(|sent| sight.holder().is_none() || sent >= claimable);
        self.term.is_some() || (now >= claimable && (fresh || self.is_ours(sight)))
    }

    /// When this node may claim if it has no term.
    pub(super) fn claimable(&self, sight: &Sight) -> Moment {
        let wait = self.standing.wait(self.timings);
        if self.is_ours(sight) {
            let newcomer = self.standing == Standing::Newcomer;
            let wait = if newcomer { sight.changed + wait } else { Moment::START };
            return sight.barred_until.max(wait);
        }
        let claimable = sight.claimable(self.timings.duration());
        match sight.holder() {
            Some(_) => claimable.max(self.grace.until()) + wait,
            None if wait.is_zero() => claimable,
            None => claimable.max(sight.changed + wait),
        }
    }

    /// When the next request is due.
    fn due(&self) -> Moment {
        let Some(sight) = self.sight.as_ref().filter(|_| !self.unsure) else {
            return self.next;
        };
        // Even when there is nothing to do the Lease is read once per term: a watch may be dead.
        let answered = self.api.status().answered;
        let look = answered.map_or(Moment::START, |at| at + self.timings.duration());
        // A candidate must know when the API is prompt again.
        let look = if self.term.is_none() && self.grace.is_away() { self.next } else { look };
        let act = match self.wish {
            Wish::Hold | Wish::Keep => match self.confirmed.filter(|_| self.term.is_some()) {
                // It vanished: made anew before a client-go elector finds it missing.
                Some(_) if sight.version.is_none() => Moment::START,
                Some(_) if self.has_news() => Moment::START,
                Some(sent) => sent + self.timings.retry(),
                None => self.claimable(sight).min(self.next_look(sight)),
            },
            Wish::Release if self.is_ours(sight) => Moment::START,
            Wish::Release | Wish::Silent => look,
        };
        act.max(self.next_write).min(look).max(self.next)
    }

    /// When a candidate looks at the Lease because its holder should have renewed it: a candidate
    /// that only waits would not know that the API was away for all.
    fn next_look(&self, sight: &Sight) -> Moment {
        let overdue = sight.changed + self.timings.renew_deadline();
        let looked = self.api().answered.unwrap_or(Moment::START);
        overdue.max(looked + self.timings.retry())
    }

    fn has_news(&self) -> bool {
        let declines = self.message.unmet.is_some() && self.message.unmet != self.said.unmet;
        self.message.offer != self.said.offer || declines
    }
}
