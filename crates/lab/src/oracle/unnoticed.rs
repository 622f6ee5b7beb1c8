//! G6, as far as it shows without a client: whoever gives the address away accepts packets for it
//! until clients know its taker, since they send to the giver until then.
//!
//! A case begins when a holder that is well and silent releases the Lease, and ends when it lets
//! go, or anything is done to anybody. Judged only where the recording shows fences: without one
//! nothing can accept and be silent.

use std::time::Duration;

use crate::timeline::{Entry, Fault, Part, Parts, Timeline, What};

use super::scene::Scene;
use super::{Bounds, Guarantee, Verdict};

/// What the giver may lack: it was told to end, its Node is cordoned, its API server is not ready.
const CAUSES: Parts = Parts::of(&[Part::Process, Part::Schedulable, Part::ApiHealth]);

/// An address on its way from one node to another.
struct Case {
    giver: usize,
    /// When the taker first announced it.
    announced: Option<Duration>,
}

pub(super) fn judge(timeline: &Timeline, bounds: &Bounds, verdict: &mut Verdict) {
    let mut scene = Scene::before(timeline);
    let mut has = vec![false; timeline.nodes.len()];
    let mut disturbed = vec![Duration::ZERO; timeline.nodes.len()];
    let mut case: Option<Case> = None;
    for entry in &timeline.entries {
        let holder = scene.holder();
        scene.follow(entry);
        match entry.what {
            What::Lease { holder: None } => {
                let calm = |node: usize| entry.at >= disturbed[node] + bounds.settled;
                let giver = holder.filter(|node| has[*node] && calm(*node));
                let giver = giver.filter(|node| gives(&scene, *node, entry.at));
                case = giver.map(|giver| Case { giver, announced: None });
            }
            What::Lease { holder } if holder == case.as_ref().map(|case| case.giver) => case = None,
            What::Fault(fault) => {
                case = None;
                note(&mut disturbed, fault, entry);
            }
            What::Announced { node } if scene.holder() == Some(node) => {
                if let Some(case) = &mut case {
                    case.announced.get_or_insert(entry.at);
                }
            }
            What::Configured { node, on } => {
                has[node] = on;
                if let Some(case) = case.take_if(|case| case.giver == node && !on) {
                    conclude(timeline, &case, (&scene, entry.at), bounds, verdict);
                }
            }
            _ => {}
        }
    }
}

/// When something was last done to each node that is no cause of a planned move.
fn note(disturbed: &mut [Duration], fault: Fault, entry: &Entry) {
    if matches!(fault, Fault::Terminated(_) | Fault::Cordoned(_) | Fault::ApiUnready(_)) {
        return;
    }
    for (node, at) in disturbed.iter_mut().enumerate() {
        if fault.node().is_none_or(|of| of == node) {
            *at = entry.at;
        }
    }
}

/// The holder has just begun to give the address away, and it is its own doing.
fn gives(scene: &Scene, holder: usize, at: Duration) -> bool {
    let meddled = scene.has_original() || scene.was_meddled_with(at);
    let well = scene.lacks_only(holder, CAUSES) && scene.is_fenced(holder);
    !meddled && well && !scene.answers(holder)
}

/// The giver has let go.
fn conclude(
    timeline: &Timeline,
    case: &Case,
    (scene, at): (&Scene, Duration),
    bounds: &Bounds,
    verdict: &mut Verdict,
) {
    let able =
        |taker: &usize| scene.lacks_only(*taker, CAUSES.without(Parts::of(&[Part::Process])));
    let Some(taker) = scene.holder().filter(able) else { return };
    verdict.occasion(Guarantee::Unnoticed);
    let when = match case.announced {
        None => "before".to_owned(),
        Some(announced) if at < announced + bounds.under_way => {
            format!("{:.4} s after", at.saturating_sub(announced).as_secs_f64())
        }
        Some(_) => return,
    };
    let (giver, taker) = (timeline.name(case.giver), timeline.name(taker));
    let text = format!("{giver} let go of the address {when} {taker} announced it");
    verdict.broken(Guarantee::Unnoticed, at, at, text);
}
