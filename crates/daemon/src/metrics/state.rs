//! Gauges of how this node and its neighbours are.

use kube_vip_core::event::Fence;
use kube_vip_core::moment::Moment;
use kube_vip_core::status::{CandidateStatus, Reason};
use prometheus::Registry;

use super::{gauge, yes};
use crate::published::Published;

/// How a candidate is, in one word; of several that fit, the first.
const STATES: [&str; 3] = ["cordoned", "fit", "unfit"];

/// Adds them all.
pub(super) fn gauges(to: &Registry, published: &Published, now: Moment) {
    let status = &published.status;
    let held_on = published.holding_on(now).map(|since| now.since(since));
    plain(
        to,
        "kube_vip_holding_on_seconds",
        "How long this node has kept the addresses without a term, as the API is away; else 0",
        held_on.unwrap_or_default().as_secs_f64(),
    );
    plain(
        to,
        "kube_vip_handing_over",
        "1 while this node is handing the addresses over to another one, else 0",
        yes(status.handing_over.is_some() || status.reason == Reason::HandingOver),
    );
    plain(
        to,
        "kube_vip_fence_ready",
        "1 if the kernel silences the addresses by itself when a term ends, else 0",
        yes(status.fence == Fence::Ready),
    );
    plain(
        to,
        "kube_vip_fit",
        "1 while this node may be handed the addresses, else 0",
        yes(status.fitness.fit),
    );
    plain(to, "kube_vip_cordoned", "1 while this node is cordoned", yes(status.fitness.cordoned));
    plain(
        to,
        "kube_vip_twin",
        "1 while another host renews the Lease in this node's name; this node then claims nothing",
        yes(status.reason == Reason::Twin),
    );
    others(to, published);
}

fn others(to: &Registry, published: &Published) {
    let candidates = gauge(
        to,
        "kube_vip_candidates",
        "How many other nodes of the election are there, by how they are",
        &["state"],
    );
    for state in STATES {
        candidates.with_label_values(&[state]).set(0.0);
    }
    for other in &published.status.candidates {
        candidates.with_label_values(&[state(other)]).inc();
    }
    let rivals = gauge(
        to,
        "kube_vip_rival",
        "1 for each other station that was heard speaking for an address of this election lately",
        &["address", "mac", "node"],
    );
    if let Some(rival) = &published.status.rival {
        let (address, mac) = (rival.address.to_string(), rival.mac.to_string());
        let node = rival.node.as_ref().map(ToString::to_string).unwrap_or_default();
        rivals.with_label_values(&[address, mac, node]).set(1.0);
    }
}

const fn state(other: &CandidateStatus) -> &'static str {
    let [cordoned, fit, unfit] = STATES;
    match other {
        CandidateStatus { cordoned: true, .. } => cordoned,
        CandidateStatus { fit: true, .. } => fit,
        _ => unfit,
    }
}

fn plain(to: &Registry, name: &str, help: &str, value: f64) {
    gauge(to, name, help, &[]).with_label_values::<&str>(&[]).set(value);
}
