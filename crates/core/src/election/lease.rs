//! Election by a Kubernetes Lease, with client-go's record and rules
//! (tools/leaderelection/leaderelection.go), watched instead of polled.

mod asking;
mod seeing;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::address::NodeName;
use crate::election::Sight;
use crate::election::api::Api;
use crate::election::manners::{Grace, Standing};
use crate::election::writes::Writes;
use crate::event::{Offer, Version};
use crate::jitter::Backoff;
use crate::moment::Moment;
use crate::plan::{Plan, Timings};
use crate::status::{ApiStatus, Notice, Reason, Term};

/// What the elector is to aim at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// Claim when it is our turn, renew while we hold.
    Hold,
    /// The same, but release nothing, however late an answer is: the addresses are kept past the
    /// term.
    Keep,
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

    /// Since when this node's own Lease, by which it has no term, could have been another's: what
    /// it shows may be an old state that was put back. None: it could not, or the API is away.
    #[must_use]
    pub fn lapsed_since(&self, now: Moment) -> Option<Moment> {
        let sight =
            self.sight.as_ref().filter(|sight| self.term.is_none() && self.is_ours(sight))?;
        let since = sight.changed + self.timings.duration();
        let known = self.epoch > 0 && !self.is_unanswered(now);
        (known && since <= now).then_some(since)
    }

    /// What to tell people, oldest first.
    pub fn notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Sets what to aim at. Anything but holding ends the term.
    pub fn aim(&mut self, wish: Wish, reason: Reason) {
        if !matches!(wish, Wish::Hold | Wish::Keep) {
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

    /// Something makes it doubtful whether the Lease still is as it was last seen: it is read.
    pub fn doubt(&mut self) {
        self.unsure = true;
    }

    /// Ends what is over by now.
    pub fn tick(&mut self, now: Moment) {
        if self.term.is_some_and(|term| term.until <= now) {
            self.end_term(Reason::TermOver);
        }
        self.notices.extend(self.api.complain(now));
        self.warn_of_renewal(now);
    }

    fn is_ours(&self, sight: &Sight) -> bool {
        sight.holder() == Some(self.writes.holder()) && self.namesake.is_none()
    }

    fn end_term(&mut self, reason: Reason) {
        if self.term.take().is_some() {
            self.ended = Some(reason);
            self.notices.push_back(Notice::TermEnded { reason });
        }
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
