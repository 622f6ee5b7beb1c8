//! Counters of what happened since the start.

use std::net::Ipv4Addr;

use kube_vip_core::plan::Plan;
use kube_vip_core::status::{MoveReason, Notice, Reason};
use prometheus::{IntCounterVec, Opts, Registry};

use super::register;

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
    offers: IntCounterVec,
    moves: IntCounterVec,
    held_on: IntCounterVec,
    unwell: IntCounterVec,
    rivals: IntCounterVec,
}

/// How a hand-over ended.
const DONE: &str = "done";
const FAILED: &str = "failed";

impl Counters {
    pub(super) fn new(registry: &Registry) -> Self {
        let counter = |name, help, labels: &[&str]| {
            let made = IntCounterVec::new(Opts::new(name, help), labels);
            register(registry, made)
        };
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
                "Announcements sent; each is a gratuitous ARP request and a gratuitous ARP reply",
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
            offers: counter(
                "kube_vip_handover_offers_total",
                "How often this node asked another one to take the addresses over, by reason",
                &["lease_name", "reason"],
            ),
            moves: counter(
                "kube_vip_handovers_total",
                "How often the addresses went from this node to another one without a break (done), \
                 and how often they were to and did not (failed)",
                &["lease_name", "result"],
            ),
            held_on: counter(
                "kube_vip_holding_on_total",
                "How often this node began to keep the addresses without a term, as the API was away",
                &["lease_name"],
            ),
            unwell: counter(
                "kube_vip_unfit_total",
                "How often the API server of this node became unwell",
                &["lease_name"],
            ),
            rivals: counter(
                "kube_vip_rivals_total",
                "How often somebody else began to speak for the address",
                &["address"],
            ),
        }
    }

    /// A series that is absent until its first event hides that event from `increase()`.
    pub(super) fn start_at_zero(&self, plan: &Plan) {
        let lease = plan.lease.name.as_str();
        self.terms.with_label_values(&[lease]);
        for counter in [&self.overdue, &self.held_on, &self.unwell] {
            counter.with_label_values(&[lease]);
        }
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
        let reasons = [
            MoveReason::ShuttingDown,
            MoveReason::Requested,
            MoveReason::Unfit,
            MoveReason::Drain,
            MoveReason::FailBack,
        ];
        for reason in reasons {
            self.offers.with_label_values(&[lease, reason.name()]);
        }
        for result in [DONE, FAILED] {
            self.moves.with_label_values(&[lease, result]);
        }
        for vip in plan.vips.iter() {
            let address = vip.address().to_string();
            let of_address =
                [&self.lost, &self.leftovers, &self.announced, &self.refused, &self.rivals];
            for counter in of_address {
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
            Notice::Offered { why, .. } => one(&self.offers, &[lease, why.name()]),
            Notice::HandedOver { .. } => one(&self.moves, &[lease, DONE]),
            Notice::NotHandedOver { .. } => one(&self.moves, &[lease, FAILED]),
            Notice::HoldingOn { .. } => one(&self.held_on, &[lease]),
            Notice::FitnessChanged { fit: false, .. } => one(&self.unwell, &[lease]),
            Notice::Rival { address, .. } => one(&self.rivals, &[&address.to_string()]),
            Notice::HolderChanged { .. }
            | Notice::ApiAway { .. }
            | Notice::ApiBack { .. }
            | Notice::AddressAdded(_)
            | Notice::AddressRemoved(_)
            | Notice::Consented
            | Notice::HeldOn { .. }
            | Notice::FitnessChanged { fit: true, .. }
            | Notice::Cordoned(_)
            | Notice::RivalGone { .. }
            | Notice::Twin { .. }
            | Notice::FenceChanged(_)
            | Notice::NotRegistered { .. }
            | Notice::Released
            | Notice::NotReleased { .. } => {}
        }
    }

    pub(super) fn announced(&self, address: Ipv4Addr) {
        self.announced.with_label_values(&[&address.to_string()]).inc();
    }
}
