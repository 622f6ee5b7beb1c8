//! What the control loop hands to everybody who looks at it: the servers, the metrics.

use std::time::Duration;

use kube_vip_core::moment::Moment;
use kube_vip_core::status::{Status, Term};

/// The loop publishes at least so often, whether something has changed or not.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// A status, and when the loop published it. It goes through a `tokio::sync::watch` channel, of
/// which only the latest value counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The status.
    pub status: Status,
    /// When it was published.
    pub at: Moment,
}

/// After so long without a report nothing is held without a term: a loop that turns reports twice
/// as often, and the kernel silences an address that nobody renews sooner.
const STALE: Duration = Duration::from_secs(4);

impl Published {
    /// The term that entitles this node at `now`. A loop that hangs leaves its last term here; it
    /// is over when its time is over, whatever the loop says.
    #[must_use]
    pub fn term(&self, now: Moment) -> Option<Term> {
        self.status.term.filter(|term| now < term.until)
    }

    /// Since when this node has been keeping the addresses at `now` although its term is over;
    /// none: it does not.
    #[must_use]
    pub fn holding_on(&self, now: Moment) -> Option<Moment> {
        self.status.holding_on.filter(|_| now.since(self.at) < STALE)
    }

    /// This node has the addresses at `now`: by its term, or because it is holding on.
    #[must_use]
    pub fn holds(&self, now: Moment) -> bool {
        self.term(now).is_some() || self.holding_on(now).is_some()
    }
}
