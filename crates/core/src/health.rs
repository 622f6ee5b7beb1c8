//! Whether the local API server is well: looked at again and again, with counts that tell a hiccup
//! from an illness.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Check, Effect, Health};
use crate::moment::Moment;
use crate::plan::HealthPlan;
use crate::status::Notice;

/// What is shorter than this is one server's hiccup, and not an API that is away.
const AWAY: Duration = Duration::from_secs(1);

/// A look that has not ended so long after its time is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(1);

/// The local API server as this node finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiServer {
    plan: HealthPlan,
    /// It counts as well; what is not known yet does.
    well: bool,
    /// So many looks in a row said otherwise.
    against: u32,
    /// The last look: when it began, when it ended, what it showed.
    last: Option<(Moment, Moment, Check)>,
    /// When the first of the bad looks ended, of which there was no good one since.
    bad_since: Option<Moment>,
    /// When the API first answered after that, through another server.
    vouched: Option<Moment>,
    /// When the look under way began.
    looking: Option<Moment>,
    due: Moment,
    /// Since when the API has not answered this node, through whichever server.
    unanswered: Option<Moment>,
    /// Until then a process that is still there is not to be blamed for what all were away for.
    excused: Moment,
    /// When the API was last found to answer again: a look that began before says nothing.
    answered: Moment,
}

impl ApiServer {
    /// One that nothing is known of.
    #[must_use]
    pub const fn new(plan: HealthPlan) -> Self {
        Self {
            plan,
            well: true,
            against: 0,
            last: None,
            bad_since: None,
            vouched: None,
            looking: None,
            due: Moment::START,
            unanswered: None,
            excused: Moment::START,
            answered: Moment::START,
        }
    }

    /// It counts as well.
    #[must_use]
    pub const fn is_well(&self) -> bool {
        self.well
    }

    /// When the API was last found to answer this node again, through whichever server.
    #[must_use]
    pub const fn answered(&self) -> Moment {
        self.answered
    }

    /// It is unwell and does not get better, and the API is not away: when the API was away, a
    /// process that is still there has time to be found well again like all the others, before the
    /// address moves because of it. So the API must have answered, and a look that began after that
    /// been bad.
    #[must_use]
    pub fn is_to_blame(&self, now: Moment) -> bool {
        let Some((looked, _, check)) = &self.last else { return false };
        let alone = self.vouched.is_some_and(|vouched| *looked >= vouched.max(self.answered));
        let gone = matches!(check.local, Health::Refuses(_));
        let blamed = gone || self.excused <= now;
        !self.well && self.against == 0 && blamed && alone
    }

    /// When a process that is still there is to blame, if it stays unwell.
    #[must_use]
    pub const fn excused(&self) -> Moment {
        self.excused
    }

    /// It is not known whether the API is as bad as this server: somebody should ask.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        self.bad_since.is_some() && self.vouched.is_none()
    }

    /// Whether the API answers this node now, and when it last did, through whichever server.
    pub fn answers(&mut self, unanswered: bool, answer: Option<Moment>, now: Moment) {
        if self.vouched.is_none() {
            self.vouched = answer.filter(|at| self.bad_since.is_some_and(|since| *at >= since));
        }
        if !unanswered {
            if self.unanswered.take().is_some() {
                self.answered = now;
            }
            return;
        }
        let since = *self.unanswered.get_or_insert(now);
        if now.since(since) >= AWAY {
            self.excused = now + self.plan.period * (self.plan.rise + 2);
        }
    }

    /// What was wrong with it when it was last looked at; none: nothing.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        match self.last.as_ref().map(|(_, _, check)| &check.local)? {
            Health::Ready => None,
            Health::Live(why) | Health::Accepts(why) | Health::Refuses(why) => Some(why),
        }
    }

    /// Its process still accepts connections, or none that is known of does: nobody else serves
    /// clients better. Not known without a look in the last two periods and a time-out.
    #[must_use]
    pub fn is_as_good_as_any(&self, now: Moment) -> bool {
        let recent = self.plan.period * 2 + self.plan.timeout;
        let last = self.last.as_ref().filter(|(_, at, _)| now.since(*at) <= recent);
        last.is_some_and(|(_, _, check)| match check.local {
            Health::Ready | Health::Live(_) | Health::Accepts(_) => true,
            Health::Refuses(_) => check.elsewhere != Some(true),
        })
    }

    /// A look, if one is due.
    pub fn poll(&mut self, now: Moment) -> Option<Effect> {
        if now < self.deadline() {
            return None;
        }
        self.looking = Some(now);
        self.due = now + self.plan.period;
        Some(Effect::Check { timeout: self.plan.timeout })
    }

    /// When the next look is due.
    #[must_use]
    pub fn deadline(&self) -> Moment {
        match self.looking {
            Some(began) => self.due.max(began + self.plan.timeout + FORGOTTEN),
            None => self.due,
        }
    }

    /// A look has ended; something to tell if it now counts as well, or no longer does.
    pub fn checked(&mut self, check: Check, now: Moment) -> Option<Notice> {
        let began = self.looking.take().unwrap_or(now);
        let before = self.trouble().map(ToOwned::to_owned);
        let good = check.local == Health::Ready;
        if good {
            (self.bad_since, self.vouched) = (None, None);
        } else {
            self.bad_since.get_or_insert(now);
        }
        self.last = Some((began, now, check));
        if good == self.well {
            self.against = 0;
            return None;
        }
        self.against += 1;
        if self.against < if good { self.plan.rise } else { self.plan.fall } {
            return None;
        }
        self.against = 0;
        self.well = good;
        let cause = self.trouble().map(ToOwned::to_owned).or(before).unwrap_or_default();
        Some(Notice::FitnessChanged { fit: good, cause })
    }
}
