//! G5: after the last fault there is one owner, without a restart or a human.

use std::time::Duration;

use crate::timeline::{Entry, Timeline, What};

use super::scene::Scene;
use super::{Bounds, Guarantee, Verdict};

pub(super) fn judge(timeline: &Timeline, bounds: &Bounds, verdict: &mut Verdict) {
    let fault = |entry: &Entry| matches!(entry.what, What::Fault(_));
    let Some(last) = timeline.entries.iter().rposition(fault) else {
        return;
    };
    let mut scene = Scene::before(timeline);
    for entry in &timeline.entries[..=last] {
        scene.follow(entry);
    }
    let over = timeline.entries[last].at;
    let due = over + bounds.lease_duration + bounds.recovery;
    if scene.able().is_empty() || timeline.ended <= due {
        return;
    }
    verdict.occasion(Guarantee::Recovery);
    // From when on, with how many owners, things are as they are.
    let mut since = due;
    let mut owners: Vec<usize> = scene.answering().collect();
    for entry in &timeline.entries[last + 1..] {
        let at = entry.at.max(due);
        scene.follow(entry);
        let now: Vec<usize> = scene.answering().collect();
        if now != owners {
            report(timeline, bounds, &owners, ((since, at), over), verdict);
            (since, owners) = (at, now);
        }
    }
    report(timeline, bounds, &owners, ((since, timeline.ended), over), verdict);
}

/// Reports a stretch of time with more or fewer than one owner.
fn report(
    timeline: &Timeline,
    bounds: &Bounds,
    owners: &[usize],
    ((from, to), over): ((Duration, Duration), Duration),
    verdict: &mut Verdict,
) {
    let span = to.saturating_sub(from);
    // Between giver and taker of a planned move nobody answers for a moment.
    let allowed = if owners.is_empty() { bounds.handing_over } else { Duration::ZERO };
    if owners.len() == 1 || span <= bounds.resolution + allowed {
        return;
    }
    let names: Vec<String> = owners.iter().map(|node| timeline.name(*node)).collect();
    let who = match names.as_slice() {
        [] => "nobody".to_owned(),
        names => names.join(" and "),
    };
    let text = format!(
        "{who} answered for {:.4} s, {:.4} s after the last fault was over",
        span.as_secs_f64(),
        from.saturating_sub(over).as_secs_f64(),
    );
    verdict.broken(Guarantee::Recovery, from, to, text);
}
