//! G1: at no instant do two of our nodes answer for one address on one segment.
//!
//! A holder that held on while the API was away, and then meets its successor, may take the time
//! that is allowed for it. Of a node that runs the original only this much is ours to answer for:
//! while the Lease names it and it answers, none of ours does.

use std::time::Duration;

use crate::timeline::{Timeline, What};

use super::scene::Scene;
use super::{Bounds, Guarantee, Verdict};

/// More than one node answers.
struct Overlap {
    from: Duration,
    nodes: Vec<usize>,
    /// One of them held on, as it may.
    meeting: bool,
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
            answering.extend(scene.rightful_original());
        }
        match (&mut both, answering.len() > 1) {
            (None, true) => {
                let holds_on = |node: &usize| {
                    scene.may_hold_on(*node, entry.at, bounds.lease_duration) && bounds.holds_on
                };
                let meeting = answering.iter().any(holds_on);
                both = Some(Overlap { from: entry.at, nodes: answering, meeting });
            }
            (Some(overlap), true) => overlap.nodes.extend(answering),
            (Some(_), false) => report(timeline, bounds, (both.take(), entry.at), verdict),
            (None, false) => {}
        }
    }
    report(timeline, bounds, (both, timeline.ended), verdict);
}

/// Reports an overlap that is longer than the recording's grain, and than is allowed.
fn report(
    timeline: &Timeline,
    bounds: &Bounds,
    overlap: (Option<Overlap>, Duration),
    verdict: &mut Verdict,
) {
    let (Some(Overlap { from, mut nodes, meeting }), to) = overlap else {
        return;
    };
    let span = to.saturating_sub(from);
    let allowed = if meeting { bounds.meeting } else { Duration::ZERO };
    if span <= bounds.resolution + allowed {
        return;
    }
    nodes.sort_unstable();
    nodes.dedup();
    let names: Vec<String> = nodes.iter().map(|node| timeline.name(*node)).collect();
    let text = format!("{} answered at once, for {:.4} s", names.join(" and "), span.as_secs_f64());
    verdict.broken(Guarantee::OneOwner, from, to, text);
}
