//! When a candidate leaves a claim to others for a moment. None of it entitles anybody, and all of
//! it passes by itself: an address never waits for long for somebody better.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::plan::Timings;

/// What a candidate thinks of itself beside the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Standing {
    /// As good as any.
    #[default]
    First,
    /// Another one has a higher priority, or is not cordoned.
    Second,
    /// The Lease was released for another node, which is about to claim it.
    Unnamed,
    /// This one is not fit, and another one is; or the holder may be, and only be slower to find
    /// back an API that was away.
    Last,
    /// This process has just started beside others, found none of its addresses, and the Lease is
    /// not there, or names this node as it was in another life: somebody may hold by what the Lease
    /// said before it was deleted, or put back.
    Newcomer,
}

impl Standing {
    /// How much longer than it must it waits.
    #[must_use]
    pub const fn wait(self, timings: Timings) -> Duration {
        match self {
            Self::First => Duration::ZERO,
            Self::Second => Duration::from_millis(100),
            Self::Unnamed => Duration::from_secs(1),
            Self::Last => Duration::from_millis(1500),
            Self::Newcomer => timings.duration(),
        }
    }
}

/// Since when the API has been away for this node, and what follows for its next claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grace {
    /// When the first request was sent that had no good answer.
    away: Option<Moment>,
    /// When it was last found to be back.
    back: Moment,
    until: Moment,
}

impl Grace {
    /// A request that was sent then had no good answer, or a late one.
    pub(super) fn failed(&mut self, sent: Moment) {
        self.away.get_or_insert(sent);
    }

    /// A prompt answer. A holder that held on while the API was away for all renews first: a
    /// candidate waits as long again as the API was away, at most for one attempt of the holder's
    /// that hangs, and the next one. What was away for a moment only, as while etcd elects a
    /// leader, costs no more than that moment.
    pub(super) fn answered(&mut self, timings: Timings, now: Moment) {
        let Some(away) = self.away.take() else { return };
        let attempt = timings.renew_deadline() / 2 + timings.retry() * 3 / 2;
        let wait = now.since(away).min(attempt).min(timings.duration());
        self.back = now;
        self.until = self.until.max(now + wait);
    }

    /// The last answer was bad or late.
    pub(super) const fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// When the API was last found to be back.
    pub(super) const fn back(&self) -> Moment {
        self.back
    }

    /// Before this moment a Lease of another holder is not claimed.
    pub(super) const fn until(&self) -> Moment {
        self.until
    }
}
