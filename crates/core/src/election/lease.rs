//! Election by a Kubernetes Lease, with client-go's record and rules
//! (tools/leaderelection/leaderelection.go), watched instead of polled.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::NodeName;
use crate::election::Sight;
use crate::election::api::Api;
use crate::election::manners::{Grace, Standing};
use crate::election::writes::Writes;
use crate::event::{Answer, Call, Failure, Marks, Observation, Offer, Request, Version};
use crate::jitter::Backoff;
use crate::moment::Moment;
use crate::plan::{Plan, Timings};
use crate::status::{ApiStatus, Notice, Reason, Term};

/// Crystals differ by up to 500 ppm, ours and the candidate's in opposite directions: a term is
/// shorter than the lease by one part in this many.
const CLOCK_RATE_ALLOWANCE: u32 = 1000;

/// What a request may take at most while the addresses are being handed over.
const HAND_OVER_REQUEST: Duration = Duration::from_secs(1);

/// What the elector is to aim at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// Claim when it is our turn, renew while we hold.
    Hold,
    /// Write nothing: this host still has addresses that must go first.
    Silent,
    /// Release what is ours, for the successor that was named if there is one; claim nothing.
    Release,
}

/// The election as this node takes part in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elector {
    timings: Timings,
    /// This boot of this host.
    boot: String,
    wish: Wish,
    standing: Standing,
    /// What is to stand in the Lease beside what the election itself needs.
    message: Message,
    /// What of it the last write said, or says.
    said: Message,
    sight: Option<Sight>,
    /// Who else holds the Lease in our name.
    namesake: Option<Namesake>,
    grace: Grace,
    asked: Option<Asked>,
    writes: Writes,
    term: Option<Term>,
    /// The send time of the write that the term counts from.
    confirmed: Option<Moment>,
    epoch: u64,
    ended: Option<Reason>,
    /// A write may have happened, or may still happen, that we have no answer to.
    unsure: bool,
    /// The claim came too late to be of use, from an API server that is slow.
    too_late: bool,
    /// The last read's send time, if it was answered within a tenth of the lease duration.
    prompt: Option<Moment>,
    /// No request before.
    next: Moment,
    backoff: Backoff,
    /// No write before: the last one met a conflict.
    next_write: Moment,
    conflicts: Backoff,
    ids: u64,
    api: Api,
    warned_of_renewal: bool,
    notices: VecDeque<Notice>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    id: u64,
    sent: Moment,
    /// The version known when it was sent.
    known: Option<Version>,
    what: What,
}

/// Somebody who is not this process, nor one before it on this boot of this host, and has the
/// Lease in this node's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Namesake {
    /// As far as is known what this host wrote before it booted.
    FormerLife,
    /// Another host: it renews.
    Twin,
}

/// What the holder wants to say in the Lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who is asked to take over.
    pub offer: Option<Offer>,
    /// For whom the Lease is released.
    pub successor: Option<NodeName>,
    /// A request to move that is withdrawn, as it cannot be met.
    pub unmet: Option<NodeName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum What {
    Read,
    Claim,
    Release,
}

impl Elector {
    /// A node that has seen nothing yet. The seed marks this process's writes: it must differ from
    /// any other process's.
    #[must_use]
    pub fn new(plan: &Plan, seed: u64) -> Self {
        let timings = plan.lease.timings;
        Self {
            timings,
            boot: plan.boot.clone(),
            wish: Wish::Hold,
            standing: Standing::First,
            message: Message::default(),
            said: Message::default(),
            sight: None,
            namesake: None,
            grace: Grace::default(),
            asked: None,
            writes: Writes::new(plan.node.clone(), timings.duration(), seed),
            term: None,
            confirmed: None,
            epoch: 0,
            ended: None,
            unsure: false,
            too_late: false,
            prompt: None,
            next: Moment::START,
            backoff: Backoff::new(seed, timings.retry()),
            next_write: Moment::START,
            conflicts: Backoff::new(!seed, timings.retry()),
            ids: 0,
            api: Api::default(),
            warned_of_renewal: false,
            notices: VecDeque::new(),
        }
    }

    /// The term of this node, as of the last event.
    #[must_use]
    pub const fn term(&self) -> Option<Term> {
        self.term
    }

    /// The Lease as last seen.
    #[must_use]
    pub const fn sight(&self) -> Option<&Sight> {
        self.sight.as_ref()
    }

    /// How the API server answers.
    #[must_use]
    pub const fn api(&self) -> &ApiStatus {
        self.api.status()
    }

    /// Why the last term ended, if none has begun since.
    #[must_use]
    pub const fn ended(&self) -> Option<Reason> {
        self.ended
    }

    /// This process has had no term yet, and may be going on for a predecessor on this host: the
    /// Lease names this node, or has not been seen.
    #[must_use]
    pub fn may_resume(&self) -> bool {
        self.epoch == 0 && self.sight.as_ref().is_none_or(|sight| self.is_ours(sight))
    }

    /// A claim or a release is under way, and may happen.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.what != What::Read)
    }

    /// The API does not answer this node: the last request failed, or is overdue.
    #[must_use]
    pub fn is_unanswered(&self, now: Moment) -> bool {
        self.api().failing_since.is_some() || self.overdue().is_some_and(|at| at <= now)
    }

    /// When the request under way is no longer answered promptly.
    #[must_use]
    pub fn overdue(&self) -> Option<Moment> {
        self.asked.as_ref().map(|asked| asked.sent + self.prompt_within())
    }

    fn prompt_within(&self) -> Duration {
        self.timings.duration() / 10
    }

    /// This process has had no term yet, and there is no Lease, or one that names this node.
    #[must_use]
    pub fn is_new(&self) -> bool {
        let new = |sight: &Sight| sight.version.is_none() || self.is_ours(sight);
        self.epoch == 0 && self.sight.as_ref().is_some_and(new)
    }

    /// Nothing in the Lease is ours, and no write of ours is under way.
    #[must_use]
    pub fn has_released(&self) -> bool {
        let ours = self.sight.as_ref().is_some_and(|sight| self.is_ours(sight));
        !ours && !self.is_writing() && !self.unsure
    }

    /// Another host renews the Lease in this node's name.
    #[must_use]
    pub const fn has_twin(&self) -> bool {
        matches!(self.namesake, Some(Namesake::Twin))
    }

    /// Since when this node, which has no term, may claim the Lease; none: it may not now.
    #[must_use]
    pub fn claimable_since(&self, now: Moment) -> Option<Moment> {
        let sight = self.sight.as_ref().filter(|_| self.term.is_none())?;
        let since = self.claimable(sight).max(sight.changed);
        (since <= now && (!self.is_ours(sight) || self.epoch == 0)).then_some(since)
    }

    /// What to tell people, oldest first.
    pub fn notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Sets what to aim at. Anything but holding ends the term.
    pub fn aim(&mut self, wish: Wish, reason: Reason) {
        if wish != Wish::Hold {
            self.end_term(reason);
        }
        self.wish = wish;
    }

    /// Sets how this node stands beside the other candidates.
    pub const fn stand(&mut self, standing: Standing) {
        self.standing = standing;
    }

    /// Sets what is to stand in the Lease; a holder writes it at once.
    pub fn say(&mut self, message: Message) {
        self.message = message;
    }

    fn has_news(&self) -> bool {
        let declines = self.message.unmet.is_some() && self.message.unmet != self.said.unmet;
        self.message.offer != self.said.offer || declines
    }

    /// Something makes it doubtful whether the Lease still is as it was last seen: it is read.
    pub fn doubt(&mut self) {
        self.unsure = true;
    }

    /// The watch showed the Lease.
    pub fn watched(&mut self, seen: Option<Observation>, now: Moment) {
        let outdated = |seen| self.sight.as_ref().is_some_and(|sight| sight.outdates(seen));
        if seen.as_ref().is_some_and(outdated) {
            // A slow watch, or an old state that was put back: a read will tell.
            self.doubt();
        } else {
            self.see(seen, None, now);
        }
    }

    /// A request ended.
    pub fn answered(&mut self, answer: Answer, now: Moment) {
        let Some(asked) = self.asked.take_if(|asked| asked.id == answer.id) else {
            // Given up long ago; if it was a write that happened, the watch or a read shows it.
            return;
        };
        match answer.outcome {
            Ok(seen) => self.succeeded(&asked, seen, now),
            Err(Failure::Conflict | Failure::Gone) => {
                // Somebody was faster, or an earlier write of ours happened after all.
                self.notices.extend(self.api.answered(now));
                self.said = Message::default();
                self.unsure = true;
                self.next = now;
                self.next_write = self.conflicts.failed(now);
            }
            Err(Failure::Timeout) => self.failed(&asked, "no answer in time".to_owned(), now),
            Err(Failure::Unavailable(cause)) => self.failed(&asked, cause, now),
        }
    }

    /// Ends what is over by now.
    pub fn tick(&mut self, now: Moment) {
        if self.term.is_some_and(|term| term.until <= now) {
            self.end_term(Reason::TermOver);
        }
        self.notices.extend(self.api.complain(now));
        self.warn_of_renewal(now);
    }

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
        let timeout = (self.timings.renew_deadline() / 2).min(longest);
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

    fn is_ours(&self, sight: &Sight) -> bool {
        sight.holder() == Some(self.writes.holder()) && self.namesake.is_none()
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
            Wish::Hold if self.may_claim(sight, now) => What::Claim,
            Wish::Release if self.is_ours(sight) => What::Release,
            Wish::Hold | Wish::Silent | Wish::Release => What::Read,
        }
    }

    /// Renewing is always right; claiming what was another's needs a fresh and prompt read.
    fn may_claim(&self, sight: &Sight, now: Moment) -> bool {
        let claimable = self.claimable(sight);
        let fresh = self.prompt.is_some_and(|sent| sight.holder().is_none() || sent >= claimable);
        self.term.is_some() || (now >= claimable && (fresh || self.is_ours(sight)))
    }

    /// When this node may claim if it has no term.
    fn claimable(&self, sight: &Sight) -> Moment {
        let wait = self.standing.wait(self.timings);
        if self.is_ours(sight) {
            let newcomer = self.standing == Standing::Newcomer;
            let wait = if newcomer { sight.changed + wait } else { Moment::START };
            return sight.barred_until.max(wait);
        }
        let claimable = sight.claimable(self.timings.duration());
        match sight.holder() {
            Some(_) => (claimable + wait).max(self.grace.until()),
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
            Wish::Hold => match self.confirmed.filter(|_| self.term.is_some()) {
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

    fn succeeded(&mut self, asked: &Asked, seen: Option<Observation>, now: Moment) {
        self.notices.extend(self.api.answered(now));
        self.backoff.succeeded();
        let prompt = now.since(asked.sent) <= self.prompt_within();
        self.prompt = prompt.then_some(asked.sent);
        if prompt {
            self.grace.answered(self.timings, now);
        } else {
            self.grace.failed(asked.sent);
        }
        self.next = if prompt { now } else { self.backoff.failed(now) };
        if asked.what == What::Read {
            self.unsure = false;
        }
        if asked.what == What::Release {
            self.notices.push_back(Notice::Released);
        }
        // The watch may have been faster than this answer.
        let outdates = |seen| self.sight.as_ref().is_some_and(|sight| sight.outdates(seen));
        let overtaken = self.sight.as_ref().map(|sight| &sight.version) != Some(&asked.known)
            && seen.as_ref().is_some_and(outdates);
        if !overtaken {
            let acknowledged = (asked.what == What::Claim).then_some(asked.sent);
            self.see(seen, acknowledged, now);
        }
    }

    /// The Lease is now this. Only a write of our own entitles: one that has been acknowledged by
    /// this very answer, or is found in the Lease by its mark.
    fn see(&mut self, seen: Option<Observation>, acknowledged: Option<Moment>, now: Moment) {
        let before = self.sight.take();
        let from = before.as_ref().and_then(Sight::holder).map(ToOwned::to_owned);
        let first = before.is_none();
        let known = before.as_ref().map(|sight| sight.changed);
        let sight = Sight::next(before, seen, self.timings.duration(), now);
        self.recognise(&sight, known);
        let to = sight.holder().map(ToOwned::to_owned);
        let nonce = sight.record.nonce.clone();
        let ours = self.is_ours(&sight);
        let vanished = sight.version.is_none();
        self.sight = Some(sight);
        if from != to || first {
            self.notices.push_back(Notice::HolderChanged { from, to });
        }
        if ours {
            if let Some(sent) = acknowledged.or_else(|| self.writes.sent(nonce.as_ref())) {
                self.confirm(sent, now);
            }
        } else if !vanished {
            self.too_late = false;
            self.end_term(Reason::OtherHolds);
        }
    }

    /// Whether the Lease is in our name by another boot. What a former life of this host wrote is
    /// nobody's; but if it is renewed while we look, another host has our name.
    fn recognise(&mut self, sight: &Sight, known: Option<Moment>) {
        let named = sight.holder() == Some(self.writes.holder());
        let boot = sight.record.marks.boot.as_ref().filter(|boot| named && **boot != self.boot);
        let mine = self.writes.sent(sight.record.nonce.as_ref()).is_some();
        let Some(boot) = boot.filter(|_| !mine && !self.boot.is_empty()) else {
            self.namesake = None;
            return;
        };
        let renewed = known.is_some_and(|known| known != sight.changed);
        if self.namesake == Some(Namesake::FormerLife) && renewed {
            self.namesake = Some(Namesake::Twin);
            self.notices.push_back(Notice::Twin { boot: boot.clone() });
        }
        self.namesake.get_or_insert(Namesake::FormerLife);
        self.end_term(Reason::Twin);
    }

    /// The write sent at `sent` has happened: the term counts from there.
    fn confirm(&mut self, sent: Moment, now: Moment) {
        let duration = self.timings.duration();
        let until = sent + (duration - duration / CLOCK_RATE_ALLOWANCE);
        if self.confirmed.is_some_and(|known| known >= sent) || self.wish != Wish::Hold {
            return;
        }
        if until <= now {
            // An API server that is prompt again lets us renew what is ours.
            self.too_late = self.prompt.is_none();
            return;
        }
        self.too_late = false;
        self.confirmed = Some(sent);
        self.conflicts.succeeded();
        self.warned_of_renewal = false;
        if let Some(term) = &mut self.term {
            term.until = until;
            return;
        }
        self.epoch += 1;
        let term = Term { epoch: self.epoch, since: now, until };
        self.term = Some(term);
        self.ended = None;
        self.notices.push_back(Notice::TermBegan(term));
    }

    fn end_term(&mut self, reason: Reason) {
        if self.term.take().is_some() {
            self.ended = Some(reason);
            self.notices.push_back(Notice::TermEnded { reason });
        }
    }

    fn failed(&mut self, asked: &Asked, cause: String, now: Moment) {
        self.unsure |= asked.what != What::Read;
        self.grace.failed(asked.sent);
        self.said = Message::default();
        self.prompt = None;
        self.next = self.backoff.failed(now);
        self.api.failed(cause, now);
    }

    fn renewal_warning(&self) -> Option<Moment> {
        let sent = self.confirmed.filter(|_| self.term.is_some() && !self.warned_of_renewal)?;
        Some(sent + self.timings.renew_deadline())
    }

    fn warn_of_renewal(&mut self, now: Moment) {
        let Some(term) = self.term else { return };
        if self.renewal_warning().is_some_and(|at| at <= now) {
            self.warned_of_renewal = true;
            let cause = self.api.cause();
            self.notices.push_back(Notice::RenewalFailing { until: term.until, cause });
        }
    }
}
