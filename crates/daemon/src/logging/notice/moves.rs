//! Moves of the addresses to another node, and staying where they are while the API is away.

use kube_vip_core::address::NodeName;
use kube_vip_core::moment::Moment;
use kube_vip_core::status::{HoldingOnEnd, MoveReason};
use tracing::{info, warn};

use super::Teller;

impl Teller<'_> {
    pub(super) fn offered(&self, to: &NodeName, why: MoveReason) {
        let addresses = self.addresses();
        match why {
            MoveReason::Unfit => warn!(
                %to, %why, addresses,
                "this node asks another one to take the addresses over; it serves them until that \
                 one has agreed"
            ),
            MoveReason::ShuttingDown
            | MoveReason::Requested
            | MoveReason::Drain
            | MoveReason::FailBack => info!(
                %to, %why, addresses,
                "this node asks another one to take the addresses over; it serves them until that \
                 one has agreed"
            ),
        }
    }

    pub(super) fn handed_over(&self, to: Option<&NodeName>) {
        let to = to.map_or("a node that was heard, and is not known by name yet", NodeName::as_str);
        info!(
            to,
            addresses = self.addresses(),
            "another node has taken the addresses over; this one lets go of them"
        );
    }

    pub(super) fn not_handed_over(&self, cause: &str) {
        warn!(
            cause,
            addresses = self.addresses(),
            "the addresses were to move to another node, and did not; they stay while this node \
             runs, and moving is tried again while there is reason for it"
        );
    }

    pub(super) fn consented(&self) {
        info!(
            node = %self.plan.node, addresses = self.addresses(),
            "this node agrees to take the addresses over; it does when their holder has released \
             the Lease"
        );
    }

    pub(super) fn holding_on(&self, cause: &str) {
        warn!(
            node = %self.plan.node, addresses = self.addresses(), cause,
            "the term is over and the API is away for all: this node keeps serving the addresses \
             until the API is back or another node takes over (to let go of them instead: \
             vip_hold_on_api_loss=false)"
        );
    }

    pub(super) fn held_on(&self, since: Moment, end: HoldingOnEnd) {
        let held = self.ago(since);
        match end {
            HoldingOnEnd::Renewed => info!(
                %end, held,
                "the Lease is renewed: this node holds the addresses by a term again"
            ),
            HoldingOnEnd::SegmentDead => warn!(
                %end, held,
                "this node lets go of the addresses that it kept without a term, and claims them \
                 again once the API server answers, unless another node has them by then; look at \
                 its network"
            ),
            HoldingOnEnd::Successor | HoldingOnEnd::OthersServed | HoldingOnEnd::LetGo => info!(
                %end, held,
                "this node lets go of the addresses that it kept without a term"
            ),
        }
    }
}
