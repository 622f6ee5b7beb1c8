//! The owner is cut off, wholly or one way, alone or with company, and comes back.

use std::time::Duration;

use kube_vip_lab::report::time_with_two_owners;
use kube_vip_lab::stage::act::{CUT, DEAF, MUTE, SPLIT, UNPLUG};

use crate::case::{Case, moves_once};

#[test]
fn a_node_that_is_cut_off_is_replaced_within_the_lease() {
    let mut case = Case::new(|_| {});
    for act in [CUT, UNPLUG, DEAF, MUTE] {
        case.act(&act, moves_once);
    }
    case.end();
}

/// How soon the one that held on lets go after it has met the other.
const AGREE_WITHIN: Duration = Duration::from_millis(250);

#[test]
fn the_sides_of_a_split_segment_agree_soon_after_they_meet() {
    let mut case = Case::new(|_| {});
    for _ in 0..2 {
        case.act(&SPLIT, |performance| {
            let both = time_with_two_owners(&performance.run.timeline);
            if both > AGREE_WITHIN {
                return Err(format!("two owners for {both:?} after they met"));
            }
            Ok(())
        });
    }
    case.end();
}
