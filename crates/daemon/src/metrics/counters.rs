//! Counters of terms, addresses and the interface since the start; `moves.rs` has the others.

use std::net::IpAddr;

use kube_vip_core::plan::Plan;
use kube_vip_core::status::{Notice, Reason};
use prometheus::{IntCounterVec, Registry};

use super::counter;

#[derive(Debug)]
pub(super) struct Counters {
    terms: IntCounterVec,
    ended: IntCounterVec,
    overdue: IntCounterVec,
    lost: IntCounterVec,
    leftovers: IntCounterVec,
    announced: IntCounterVec,
    refused: IntCounterVec,
    links: IntCounterVec,
}

impl Counters {
    pub(super) fn new(registry: &Registry) -> Self {
        let counter = |name, help, labels: &[&str]| counter(registry, name, help, labels);
        Self {
            terms: counter(
                "kube_vip_leader_election_transitions_total",
                "How often this node became the holder of the Lease",
                &["lease_name"],
            ),
            ended: counter(
                "kube_vip_terms_ended_total",
                "How often a term of this node ended, by reason",
                &["lease_name", "reason"],
            ),
            overdue: counter(
                "kube_vip_renewals_overdue_total",
                "How often renewing the Lease had failed for longer than the renew deadline",
                &["lease_name"],
            ),
            lost: counter(
                "kube_vip_address_lost_total",
                "How often the kernel lost an address that this node holds",
                &["address"],
            ),
            leftovers: counter(
                "kube_vip_address_leftovers_total",
                "How often an address was found here without this node being entitled to it",
                &["address"],
            ),
            announced: counter(
                "kube_vip_announcements_total",
                "Announcements sent: gratuitous ARP in both forms, or neighbour discovery",
                &["address"],
            ),
            refused: counter(
                "kube_vip_kernel_refusals_total",
                "How often an address could not be added, removed or announced",
                &["address"],
            ),
            links: counter(
                "kube_vip_interface_changes_total",
                "How often the interface went up or down",
                &["interface", "state"],
            ),
        }
    }

    /// A series that is absent until its first event hides that event from `increase()`.
    pub(super) fn start_at_zero(&self, plan: &Plan) {
        let lease = plan.lease.name.as_str();
        self.terms.with_label_values(&[lease]);
        self.overdue.with_label_values(&[lease]);
        let reasons = [
            Reason::OtherHolds,
            Reason::TermOver,
            Reason::LinkDown,
            Reason::KernelRefuses,
            Reason::HoldingOn,
            Reason::HandingOver,
            Reason::Twin,
            Reason::Stranger,
            Reason::ShuttingDown,
        ];
        for reason in reasons {
            self.ended.with_label_values(&[lease, reason.name()]);
        }
        for vip in plan.vips.iter() {
            let address = vip.address().to_string();
            for counter in [&self.lost, &self.leftovers, &self.announced, &self.refused] {
                counter.with_label_values(&[&address]);
            }
        }
        for state in ["up", "down"] {
            let interface = plan.link.as_str();
            self.links.with_label_values(&[interface, state]);
        }
    }

    pub(super) fn observe(&self, notice: &Notice, plan: &Plan) {
        let lease = plan.lease.name.as_str();
        let one = |counter: &IntCounterVec, labels: &[&str]| {
            counter.with_label_values(labels).inc();
        };
        match notice {
            Notice::TermBegan(_) => one(&self.terms, &[lease]),
            Notice::TermEnded { reason } => one(&self.ended, &[lease, reason.name()]),
            Notice::RenewalFailing { .. } => one(&self.overdue, &[lease]),
            Notice::AddressLost(vip) => one(&self.lost, &[&vip.address().to_string()]),
            Notice::Leftover(held) => {
                one(&self.leftovers, &[&held.vip.address().to_string()]);
            }
            Notice::KernelRefused { address, .. } => one(&self.refused, &[&address.to_string()]),
            Notice::LinkChanged { up } => {
                let state = if *up { "up" } else { "down" };
                one(&self.links, &[plan.link.as_str(), state]);
            }
            _ => {}
        }
    }

    pub(super) fn announced(&self, address: IpAddr) {
        self.announced.with_label_values(&[&address.to_string()]).inc();
    }
}
