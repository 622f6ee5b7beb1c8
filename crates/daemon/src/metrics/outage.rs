//! For how long nobody answered before this node did, as far as it can know.
//!
//! Nobody sees an outage whole: who fell silent knows when, and not who came after; who takes over
//! knows when it answers, and of the one before only the last sign. So a node counts what ended
//! with itself, from the last sign that it saw.

use std::sync::{Mutex, PoisonError};

use kube_vip_core::moment::Moment;
use kube_vip_core::plan::Plan;
use kube_vip_core::status::{HoldingOnEnd, Notice, Reason, Status};
use prometheus::{CounterVec, Opts, Registry};

use super::register;

#[derive(Debug)]
pub(super) struct Outage {
    seconds: CounterVec,
    /// Since when nobody answers, as far as this node knows; none: somebody does, or nothing is
    /// known.
    since: Mutex<Option<Moment>>,
}

impl Outage {
    pub(super) fn new(registry: &Registry) -> Self {
        let seconds = CounterVec::new(
            Opts::new(
                "kube_vip_outage_seconds_total",
                "How long it took until this node answered, since the holder before was last seen \
                 to renew or release the Lease, or since this node itself fell silent",
            ),
            &["lease_name"],
        );
        Self { seconds: register(registry, seconds), since: Mutex::default() }
    }

    pub(super) fn start_at_zero(&self, plan: &Plan) {
        self.seconds.with_label_values(&[plan.lease.name.as_str()]);
    }

    /// A notice of `now`, when `before` was the last status that was published.
    pub(super) fn observe(&self, notice: &Notice, plan: &Plan, before: &Status, now: Moment) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        match notice {
            // Without a holder before, nobody knows since when.
            Notice::HolderChanged { from, to: None } => {
                *since = since.or(from.as_ref().map(|_| now));
            }
            Notice::HolderChanged { from, to: Some(to) } if to == plan.node.as_str() => {
                *since = since.or(from.as_ref().and(before.lease.seen));
            }
            Notice::HolderChanged { .. } => *since = None,
            Notice::TermEnded { reason: Reason::HoldingOn } => {}
            // Whoever took over answers.
            Notice::TermEnded { reason: Reason::OtherHolds | Reason::Twin }
            | Notice::HeldOn { end: HoldingOnEnd::Successor, .. } => *since = None,
            Notice::HeldOn { end: HoldingOnEnd::Renewed, .. } => {}
            Notice::TermEnded { .. } | Notice::HeldOn { .. } => {
                since.get_or_insert(now);
            }
            Notice::AddressAdded(_) => {
                if let Some(since) = since.take() {
                    let lease = plan.lease.name.as_str();
                    let took = now.since(since).as_secs_f64();
                    self.seconds.with_label_values(&[lease]).inc_by(took);
                }
            }
            _ => {}
        }
    }
}
