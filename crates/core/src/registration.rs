//! Keeping this node's own candidate Lease up to date.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Candidacy, Effect, Nonce};
use crate::moment::Moment;
use crate::status::Notice;

/// It is renewed so often, whether anything has changed or not.
const EVERY: Duration = Duration::from_secs(10);

/// An answer that has not come by then will not come.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What was written, and how that went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// What was written last, and when.
    written: Option<(Candidacy, Moment)>,
    /// The last consent that was written, or was to be.
    consent: Option<Nonce>,
    under_way: bool,
    /// It could not be written, and people know.
    told: bool,
    /// No attempt before: the last one failed.
    next: Moment,
}

impl Registration {
    /// Writes what is to be said, if it is not said yet, or long ago.
    pub fn poll(&mut self, candidacy: Candidacy, now: Moment) -> Option<Effect> {
        let last = self.written.as_ref();
        let news = last.is_none_or(|(written, _)| *written != candidacy);
        let due = if news { Moment::START } else { self.renewal() };
        // Somebody waits for a yes, for a second: it waits for nothing itself.
        let consents = candidacy.consent.is_some() && candidacy.consent != self.consent;
        if !consents && now < due.max(self.next).max(self.patience()) {
            return None;
        }
        self.consent.clone_from(&candidacy.consent);
        self.written = Some((candidacy.clone(), now));
        self.under_way = true;
        Some(Effect::Register(candidacy))
    }

    /// An attempt has ended; what to tell.
    pub fn registered(&mut self, outcome: Result<(), String>, now: Moment) -> Option<Notice> {
        self.under_way = false;
        match outcome {
            Ok(()) => {
                self.told = false;
                None
            }
            Err(cause) => {
                // Nothing depends on it: no haste.
                self.written = None;
                self.next = now + EVERY;
                let told = std::mem::replace(&mut self.told, true);
                (!told).then_some(Notice::NotRegistered { cause })
            }
        }
    }

    /// What was said last has arrived, or cannot.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        !self.under_way
    }

    /// When to look again.
    #[must_use]
    pub fn deadline(&self) -> Moment {
        self.renewal().max(self.next).max(self.patience())
    }

    fn renewal(&self) -> Moment {
        self.written.as_ref().map_or(Moment::START, |(_, at)| *at + EVERY)
    }

    fn patience(&self) -> Moment {
        let asked = self.written.as_ref().filter(|_| self.under_way).map(|(_, at)| *at);
        asked.map_or(Moment::START, |at| at + ANSWER_WITHIN)
    }
}
