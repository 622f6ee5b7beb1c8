//! What people are told of each notice: who, what, why, and what happens next.
//!
//! The level says who must act: ERROR somebody now, WARN somebody soon, INFO nobody.

use std::time::Duration;

use kube_vip_core::address::Vip;
use kube_vip_core::event::Held;
use kube_vip_core::moment::Moment;
use kube_vip_core::plan::Plan;
use kube_vip_core::status::{Notice, Reason, Term};
use tracing::{error, info, warn};

use crate::clock::Wall;

/// Writes the log line of a notice. Moments are shown as times of day and spans by `wall`.
pub fn tell(notice: &Notice, plan: &Plan, wall: Wall) {
    let teller = Teller { plan, wall };
    match notice {
        Notice::HolderChanged { from, to } => teller.holder(from.as_deref(), to.as_deref()),
        Notice::TermBegan(term) => teller.began(*term),
        Notice::TermEnded { reason } => teller.ended(*reason),
        Notice::RenewalFailing { until, cause } => {
            let left = span(until.since(wall.now()));
            let until = second(wall, *until);
            warn!(
                lease = teller.lease(), %until, left, cause,
                "the Lease cannot be renewed; this node keeps the addresses until its term ends, \
                 and goes on trying"
            );
        }
        Notice::ApiAway { since, cause } => {
            let waited = span(wall.now().since(*since));
            let since = second(wall, *since);
            warn!(%since, waited, cause, "the API server does not answer; asking again");
        }
        Notice::ApiBack { since } => {
            let away = span(wall.now().since(*since));
            info!(away, "the API server answers again");
        }
        Notice::Released => info!(
            lease = teller.lease(),
            "the Lease is released; another node can take the addresses at once"
        ),
        Notice::NotReleased { cause } => warn!(
            lease = teller.lease(),
            cause,
            "the Lease could not be released; another node takes the addresses when it has \
             expired, {} after its last renewal",
            span(plan.lease.timings.duration())
        ),
        Notice::AddressAdded(vip) => teller.added(*vip),
        Notice::AddressRemoved(vip) => teller.removed(*vip),
        Notice::AddressLost(vip) => teller.lost(*vip),
        Notice::Leftover(held) => teller.leftover(held),
        Notice::KernelRefused { address, cause } => error!(
            %address, interface = %plan.link, cause,
            "the address could not be added, removed or announced; trying again in a second"
        ),
        Notice::LinkChanged { up } => teller.link(*up),
        other => info!(notice = ?other, "news"),
    }
}

struct Teller<'a> {
    plan: &'a Plan,
    wall: Wall,
}

impl Teller<'_> {
    fn lease(&self) -> String {
        format!("{}/{}", self.plan.lease.namespace, self.plan.lease.name)
    }

    fn holder(&self, from: Option<&str>, to: Option<&str>) {
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

    fn began(&self, term: Term) {
        let addresses: Vec<_> = self.plan.vips.iter().map(|vip| vip.to_string()).collect();
        let until = second(self.wall, term.until);
        let left = span(term.until.since(self.wall.now()));
        info!(
            node = %self.plan.node, addresses = addresses.join(","), interface = %self.plan.link,
            %until, left,
            "term began: this node takes the addresses, and renews its term from now on"
        );
    }

    fn ended(&self, reason: Reason) {
        let node = &self.plan.node;
        match reason {
            Reason::ShuttingDown => info!(
                %node, %reason,
                "term ended: this node lets go of the addresses and releases the Lease"
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
            Reason::TermOver
            | Reason::Starting
            | Reason::Elected
            | Reason::Claiming
            | Reason::HoldingOn
            | Reason::HandingOver
            | Reason::Twin
            | Reason::Stranger => warn!(
                %node, %reason,
                "term ended: this node lets go of the addresses, and claims them again once the \
                 API server answers, unless another node has them by then"
            ),
        }
    }

    fn added(&self, vip: Vip) {
        info!(
            address = %vip, interface = %self.plan.link,
            "the address is on the interface and is being announced"
        );
    }

    fn removed(&self, vip: Vip) {
        info!(address = %vip, interface = %self.plan.link, "the address is off the interface");
    }

    fn lost(&self, vip: Vip) {
        warn!(
            address = %vip, interface = %self.plan.link,
            "the address is gone from the interface, and this node did not remove it; putting it \
             back"
        );
    }

    fn leftover(&self, held: &Held) {
        let lifetime = held.lifetime.map_or_else(|| "for ever".to_owned(), span);
        warn!(
            address = %held.vip, interface = %held.link, lifetime,
            "the address was found here, and this node is not entitled to it; removing it"
        );
    }

    fn link(&self, up: bool) {
        let interface = &self.plan.link;
        if up {
            info!(%interface, "the interface is up; this node can hold the addresses");
        } else {
            warn!(
                %interface,
                "the interface is down or absent; this node cannot hold the addresses until it is \
                 up again"
            );
        }
    }
}

/// A moment as a time of day, to the second.
fn second(wall: Wall, moment: Moment) -> String {
    format!("{:.0}", wall.time_of(moment))
}

/// A span as people say it: milliseconds below a second, tenths below a minute, whole seconds
/// above.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{}ms", span.as_millis()),
        1..60 => format!("{}.{}s", seconds, span.subsec_millis() / 100),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        _ => format!("{}h{}m", seconds / 3600, seconds / 60 % 60),
    }
}
