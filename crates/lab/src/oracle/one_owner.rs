//! G1: at no instant do two of our nodes answer for one address on one segment.
//!
//! A holder that held on while the API was away, and then meets its successor, may take the time
//! that is allowed for it; if its daemon does not run, the kernel ends the step that it was in. A
//! fence that somebody deletes is back in a moment, and a claim that somebody undoes before anybody
//! has seen it is one for a moment. Of a node that runs the original only this much
//! is ours to answer for: while the Lease names it and it answers, none of ours does.

use std::time::Duration;

use crate::timeline::{Timeline, What};

use super::scene::Scene;
use super::{Bounds, Guarantee, Verdict};

/// More than one node answers.
struct Overlap {
    from: Duration,
    nodes: Vec<usize>,
    /// How long it may last.
    allowed: Duration,
}

pub(super) fn judge(timeline: &Timeline, bounds: &Bounds, verdict: &mut Verdict) {
    let mut scene = Scene::before(timeline);
    let mut both: Option<Overlap> = None;
    for entry in &timeline.entries {
        scene.follow(entry);
        let answers = matches!(entry.what, What::Answers { .. });
        if !answers && both.is_none() {
            continue;
        }
        let mut answering: Vec<usize> = scene.answering().collect();
        if answers && answering.len() == 1 {
            verdict.occasion(Guarantee::OneOwner);
        }
        if !answering.is_empty() {
            answering.extend(scene.rightful_original(entry.at, bounds.lease_duration));
        }
        let more = answering.len() > 1;
        if more && both.is_none() {
            both = Some(Overlap { from: entry.at, nodes: Vec::new(), allowed: Duration::ZERO });
        }
        match &mut both {
            Some(overlap) if more => {
                let allowed = |node: &usize| allowed(&scene, *node, overlap.from, bounds);
                let most = answering.iter().map(allowed).max().unwrap_or_default();
                overlap.allowed = overlap.allowed.max(most);
                overlap.nodes.extend(answering);
            }
            _ => report(timeline, bounds, (both.take(), entry.at), verdict),
        }
    }
    report(timeline, bounds, (both, timeline.ended), verdict);
}

/// How long an overlap from `from` on may last because of this node.
fn allowed(scene: &Scene, node: usize, from: Duration, bounds: &Bounds) -> Duration {
    let lately = from.saturating_sub(bounds.mending);
    let fence = if scene.lost_its_fence(node, lately) { bounds.mending } else { Duration::ZERO };
    let undone = if scene.undid_a_claim(lately) { bounds.lease_duration } else { Duration::ZERO };
    fence.max(undone).max(meeting(scene, node, from, bounds))
}

/// How long a holder that held on may take to see its successor.
fn meeting(scene: &Scene, node: usize, from: Duration, bounds: &Bounds) -> Duration {
    if !bounds.holds_on || !scene.may_hold_on(node, from, bounds) {
        return Duration::ZERO;
    }
    if !scene.has_run_since(node, from.saturating_sub(bounds.step)) {
        return bounds.step + bounds.orphan;
    }
    // Announcements are repeated after a second at the latest.
    let again = Duration::from_secs(1);
    let lost = scene.lost_frames(from.saturating_sub(again));
    bounds.meeting + if lost { again } else { Duration::ZERO }
}

/// Reports an overlap that is longer than the recording's grain, and than is allowed.
fn report(
    timeline: &Timeline,
    bounds: &Bounds,
    overlap: (Option<Overlap>, Duration),
    verdict: &mut Verdict,
) {
    let (Some(Overlap { from, mut nodes, allowed }), to) = overlap else {
        return;
    };
    let span = to.saturating_sub(from);
    if span <= bounds.resolution + allowed {
        return;
    }
    nodes.sort_unstable();
    nodes.dedup();
    let names: Vec<String> = nodes.iter().map(|node| timeline.name(*node)).collect();
    let text = format!("{} answered at once, for {:.4} s", names.join(" and "), span.as_secs_f64());
    verdict.broken(Guarantee::OneOwner, from, to, text);
}
