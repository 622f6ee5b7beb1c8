//! G6, as far as it shows without a client: whoever gives the address away accepts packets for it
//! until the taker has announced it, since clients send to the giver until then.
//!
//! A case begins when a holder that is well and silent releases the Lease, and ends when somebody
//! else announces the address, or anything is done to anybody. Judged only where the recording
//! shows fences: without one nothing can accept and be silent.

use crate::timeline::{Entry, Timeline, What};

use super::scene::Scene;
use super::{Bounds, Guarantee, Verdict};

pub(super) fn judge(timeline: &Timeline, bounds: &Bounds, verdict: &mut Verdict) {
    let mut scene = Scene::before(timeline);
    let mut has = vec![false; timeline.nodes.len()];
    let mut giver = None;
    for entry in &timeline.entries {
        let holder = scene.holder();
        scene.follow(entry);
        match entry.what {
            What::Lease { holder: None } => {
                giver =
                    holder.filter(|holder| has[*holder] && gives(&scene, *holder, entry, bounds));
            }
            What::Lease { holder } if holder == giver => giver = None,
            What::Fault(_) => giver = None,
            What::Announced { node } if giver.is_some_and(|giver| giver != node) => {
                verdict.occasion(Guarantee::Unnoticed);
                giver = None;
            }
            What::Configured { node, on } => {
                has[node] = on;
                let taker = scene.holder().filter(|taker| scene.is_able(*taker));
                if giver.take_if(|giver| *giver == node && !on).is_some()
                    && let Some(taker) = taker
                {
                    let text = format!(
                        "{} let go of the address before {} announced it",
                        timeline.name(node),
                        timeline.name(taker),
                    );
                    verdict.broken(Guarantee::Unnoticed, entry.at, entry.at, text);
                }
            }
            _ => {}
        }
    }
}

/// The holder has just begun to give the address away, and it is its own doing: not somebody
/// else's, nor that of a daemon that ran there before.
fn gives(scene: &Scene, holder: usize, entry: &Entry, bounds: &Bounds) -> bool {
    let meddled = scene.has_original() || scene.was_meddled_with(entry.at);
    let own = !meddled && scene.has_run_since(holder, entry.at.saturating_sub(bounds.settled));
    own && scene.is_able(holder) && scene.is_fenced(holder) && !scene.answers(holder)
}
