//! Counters of moves, and of what leads to them, since the start.

use kube_vip_core::plan::Plan;
use kube_vip_core::status::{MoveReason, Notice};
use prometheus::{IntCounterVec, Registry};

use super::counter;

/// How a hand-over ended.
const DONE: &str = "done";
const FAILED: &str = "failed";

#[derive(Debug)]
pub(super) struct Moves {
    offers: IntCounterVec,
    handovers: IntCounterVec,
    held_on: IntCounterVec,
    unfit: IntCounterVec,
    rivals: IntCounterVec,
}

impl Moves {
    pub(super) fn new(registry: &Registry) -> Self {
        let counter = |name, help, labels: &[&str]| counter(registry, name, help, labels);
        Self {
            offers: counter(
                "kube_vip_handover_offers_total",
                "How often this node asked another one to take the addresses over, by reason",
                &["lease_name", "reason"],
            ),
            handovers: counter(
                "kube_vip_handovers_total",
                "How often the addresses went to another node without a break (done), and how \
                 often they were to and did not (failed)",
                &["lease_name", "result"],
            ),
            held_on: counter(
                "kube_vip_holding_on_total",
                "How often this node began to keep the addresses without a term, as the API was \
                 away",
                &["lease_name"],
            ),
            unfit: counter(
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
            self.handovers.with_label_values(&[lease, result]);
        }
        for counter in [&self.held_on, &self.unfit] {
            counter.with_label_values(&[lease]);
        }
        for vip in plan.vips.iter() {
            self.rivals.with_label_values(&[vip.address().to_string()]);
        }
    }

    pub(super) fn observe(&self, notice: &Notice, plan: &Plan) {
        let lease = plan.lease.name.as_str();
        let one = |counter: &IntCounterVec, labels: &[&str]| {
            counter.with_label_values(labels).inc();
        };
        match notice {
            Notice::Offered { why, .. } => one(&self.offers, &[lease, why.name()]),
            Notice::HandedOver { .. } => one(&self.handovers, &[lease, DONE]),
            Notice::NotHandedOver { .. } => one(&self.handovers, &[lease, FAILED]),
            Notice::HoldingOn { .. } => one(&self.held_on, &[lease]),
            Notice::FitnessChanged { fit: false, .. } => one(&self.unfit, &[lease]),
            Notice::Rival { address, .. } => one(&self.rivals, &[&address.to_string()]),
            _ => {}
        }
    }
}
