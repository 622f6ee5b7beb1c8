//! The Lease, the term and the API server.

use kube_vip_core::moment::Moment;
use kube_vip_core::status::{Reason, Term};
use tracing::{info, warn};

use super::{Teller, span};

impl Teller<'_> {
    pub(super) fn holder(&self, from: Option<&str>, to: Option<&str>) {
        let lease = self.lease();
        let node = self.plan.node.as_str();
        let before = from.unwrap_or("nobody");
        match to {
            None => info!(lease, before, "nobody holds the Lease; the candidates claim it"),
            Some(holder) if holder == node => {
                info!(lease, holder, before, "this node holds the Lease now");
            }
            Some(holder) => info!(
                lease,
                holder, before, "another node holds the Lease now; this node stands by"
            ),
        }
    }

    pub(super) fn began(&self, term: Term) {
        let until = self.second(term.until);
        let left = span(term.until.since(self.wall.now()));
        info!(
            node = %self.plan.node, addresses = self.addresses(), interface = %self.plan.link,
            %until, left,
            "term began: this node takes the addresses, and renews its term from now on"
        );
    }

    pub(super) fn ended(&self, reason: Reason) {
        let node = &self.plan.node;
        match reason {
            Reason::ShuttingDown => info!(
                %node, %reason,
                "term ended: this node lets go of the addresses and releases the Lease"
            ),
            Reason::HandingOver => info!(
                %node, %reason,
                "term ended: this node answers no more, and accepts what still comes to it until \
                 its successor announces itself"
            ),
            Reason::HoldingOn => warn!(
                %node, %reason,
                "term ended: this node goes on serving the addresses without one, and renews it \
                 as soon as the API answers"
            ),
            Reason::OtherHolds => warn!(
                %node, %reason,
                "term ended: this node lets go of the addresses and stands by"
            ),
            Reason::LinkDown => warn!(
                %node, %reason, interface = %self.plan.link,
                "term ended: this node lets go of the addresses and stands by until its interface \
                 is up again"
            ),
            Reason::KernelRefuses => warn!(
                %node, %reason, interface = %self.plan.link,
                "term ended: this node leaves the addresses to others for a while, because its \
                 kernel does not take them"
            ),
            Reason::Twin | Reason::Stranger => warn!(
                %node, %reason,
                "term ended: this node lets go of the addresses, and claims none while that lasts"
            ),
            Reason::TermOver | Reason::Starting | Reason::Elected | Reason::Claiming => warn!(
                %node, %reason,
                "term ended: this node lets go of the addresses, and claims them again once the \
                 API server answers, unless another node has them by then"
            ),
        }
    }

    pub(super) fn renewal_failing(&self, until: Moment, cause: &str) {
        let left = span(until.since(self.wall.now()));
        let until = self.second(until);
        warn!(
            lease = self.lease(), %until, left, cause,
            "the Lease cannot be renewed; this node keeps the addresses until its term ends, and \
             goes on trying"
        );
    }

    pub(super) fn api_away(&self, since: Moment, cause: &str) {
        let waited = self.ago(since);
        let since = self.second(since);
        warn!(%since, waited, cause, "the API server does not answer; asking again");
    }

    pub(super) fn api_back(&self, since: Moment) {
        info!(away = self.ago(since), "the API server answers again");
    }

    pub(super) fn released(&self) {
        info!(
            lease = self.lease(),
            "the Lease is released; another node can take the addresses at once"
        );
    }

    pub(super) fn not_released(&self, cause: &str) {
        warn!(
            lease = self.lease(),
            cause,
            "the Lease could not be released; another node takes the addresses when it has \
             expired, {} after its last renewal",
            span(self.plan.lease.timings.duration())
        );
    }
}
