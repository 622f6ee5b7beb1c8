//! How the API server answers, and how often people are told when it does not.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::status::{ApiStatus, Notice};

/// The first repetition of a complaint; each further one takes twice as long.
const AGAIN: Duration = Duration::from_secs(30);

/// The API server as this node finds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Api {
    status: ApiStatus,
    /// When to complain next, and the pause after that.
    complaint: Option<(Moment, Duration)>,
}

impl Api {
    pub(super) const fn status(&self) -> &ApiStatus {
        &self.status
    }

    /// A good answer; something to tell if there was none for a while.
    pub(super) fn answered(&mut self, now: Moment) -> Option<Notice> {
        let since = self.status.failing_since;
        self.status = ApiStatus { answered: Some(now), failing_since: None, error: None };
        self.complaint = None;
        since.map(|since| Notice::ApiBack { since })
    }

    /// No answer, or a bad one.
    pub(super) fn failed(&mut self, cause: String, now: Moment) {
        self.status.failing_since.get_or_insert(now);
        self.status.error = Some(cause);
        self.complaint.get_or_insert((now, AGAIN));
    }

    /// The last failure, for people.
    pub(super) fn cause(&self) -> String {
        self.status.error.clone().unwrap_or_else(|| "no answer yet".to_owned())
    }

    /// When the next complaint is due.
    pub(super) fn complaint_due(&self) -> Option<Moment> {
        self.complaint.map(|(at, _)| at)
    }

    /// Says that the API server is away: at once, then ever more rarely.
    pub(super) fn complain(&mut self, now: Moment) -> Option<Notice> {
        let (_, pause) = self.complaint.filter(|(at, _)| *at <= now)?;
        self.complaint = Some((now + pause, pause * 2));
        let since = self.status.failing_since.unwrap_or(now);
        Some(Notice::ApiAway { since, cause: self.cause() })
    }
}
