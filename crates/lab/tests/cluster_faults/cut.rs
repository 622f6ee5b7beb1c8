//! The owner is cut off, wholly or one way, alone or with company, and comes back.

use kube_vip_lab::stage::act::SPLIT;

use crate::case::{Case, moves_once};

#[test]
fn the_sides_of_a_split_segment_agree_soon_after_they_meet() {
    let mut case = Case::new(|_| {});
    for _ in 0..2 {
        case.act(&SPLIT, moves_once);
    }
    case.end();
}
