//! What answers and the watch mean.

use super::{Asked, Elector, Message, Namesake, What, Wish};
use crate::election::Sight;
use crate::event::{Answer, Failure, Observation};
use crate::moment::Moment;
use crate::status::{Notice, Reason, Term};

/// Crystals differ by up to 500 ppm, ours and the candidate's in opposite directions: a term is
/// shorter than the lease by one part in this many.
const CLOCK_RATE_ALLOWANCE: u32 = 1000;

impl Elector {
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
                self.came(&asked, now);
                self.said = Message::default();
                self.unsure = true;
                self.next = now;
                self.next_write = self.conflicts.failed(now);
            }
            Err(Failure::Timeout) => self.failed(&asked, "no answer in time".to_owned(), now),
            Err(Failure::Unavailable(cause)) => self.failed(&asked, cause, now),
        }
    }

    fn succeeded(&mut self, asked: &Asked, seen: Option<Observation>, now: Moment) {
        self.notices.extend(self.api.answered(now));
        self.backoff.succeeded();
        let prompt = self.came(asked, now);
        self.prompt = prompt.then_some(asked.sent);
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

    /// An answer came: whether promptly. For a holder the API is back when a write is answered: one
    /// that only reads may still be unable to renew.
    fn came(&mut self, asked: &Asked, now: Moment) -> bool {
        let prompt = now.since(asked.sent) <= self.prompt_within();
        if !prompt {
            self.grace.failed(asked.sent);
        } else if self.term.is_none() || asked.what != What::Read {
            self.grace.answered(self.timings, now);
        }
        prompt
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
        let wanted = matches!(self.wish, Wish::Hold | Wish::Keep);
        if self.confirmed.is_some_and(|known| known >= sent) || !wanted {
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

    fn failed(&mut self, asked: &Asked, cause: String, now: Moment) {
        self.unsure |= asked.what != What::Read;
        self.grace.failed(asked.sent);
        self.said = Message::default();
        self.prompt = None;
        self.next = self.backoff.failed(now);
        self.api.failed(cause, now);
    }
}
