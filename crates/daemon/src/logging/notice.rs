//! What people are told of each notice: who, what, why, and what happens next.
//!
//! The level says who must act: ERROR somebody now, WARN somebody soon, INFO nobody.

mod address;
mod election;
mod health;
mod moves;
mod rivals;

use std::time::Duration;

use kube_vip_core::moment::Moment;
use kube_vip_core::plan::Plan;
use kube_vip_core::status::Notice;

use crate::clock::Wall;

/// Writes the log line of a notice. Moments are shown as times of day and spans by `wall`.
pub fn tell(notice: &Notice, plan: &Plan, wall: Wall) {
    let teller = Teller { plan, wall };
    match notice {
        Notice::HolderChanged { from, to } => teller.holder(from.as_deref(), to.as_deref()),
        Notice::TermBegan(term) => teller.began(*term),
        Notice::TermEnded { reason } => teller.ended(*reason),
        Notice::RenewalFailing { until, cause } => teller.renewal_failing(*until, cause),
        Notice::ApiAway { since, cause } => teller.api_away(*since, cause),
        Notice::ApiBack { since } => teller.api_back(*since),
        Notice::Released => teller.released(),
        Notice::NotReleased { cause } => teller.not_released(cause),
        Notice::AddressAdded(vip) => teller.added(*vip),
        Notice::AddressRemoved(vip) => teller.removed(*vip),
        Notice::AddressLost(vip) => teller.lost(*vip),
        Notice::Leftover(held) => teller.leftover(held),
        Notice::KernelRefused { address, cause } => teller.refused(*address, cause),
        Notice::LinkChanged { up } => teller.link(*up),
        Notice::FenceChanged(fence) => teller.fence(fence),
        Notice::Offered { to, why } => teller.offered(to, *why),
        Notice::HandedOver { to } => teller.handed_over(to.as_ref()),
        Notice::NotHandedOver { cause } => teller.not_handed_over(cause),
        Notice::Consented => teller.consented(),
        Notice::HoldingOn { cause } => teller.holding_on(cause),
        Notice::HeldOn { since, end } => teller.held_on(*since, *end),
        Notice::FitnessChanged { fit: true, cause } => teller.well(cause),
        Notice::FitnessChanged { fit: false, cause } => teller.unwell(cause),
        Notice::Cordoned(true) => teller.cordoned(),
        Notice::Cordoned(false) => teller.uncordoned(),
        Notice::NotRegistered { cause } => teller.not_registered(cause),
        Notice::Rival { address, mac, node } => teller.rival(*address, *mac, node.as_ref()),
        Notice::RivalGone { address, mac } => teller.rival_gone(*address, *mac),
        Notice::Twin { boot } => teller.twin(boot),
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

    fn addresses(&self) -> String {
        let addresses: Vec<_> = self.plan.vips.iter().map(|vip| vip.to_string()).collect();
        addresses.join(",")
    }

    /// A moment as a time of day, to the second.
    fn second(&self, moment: Moment) -> String {
        format!("{:.0}", self.wall.time_of(moment))
    }

    /// How long ago a moment was.
    fn ago(&self, moment: Moment) -> String {
        span(self.wall.now().since(moment))
    }
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
