//! Gaps between answers.

use std::time::Duration;

use super::{Gap, Gaps};
use crate::clock::Stamp;

fn at(ms: u64) -> Stamp {
    Stamp::default() + Duration::from_millis(ms)
}

fn gap(from: u64, length: u64) -> Gap {
    Gap { from: at(from), length: Duration::from_millis(length) }
}

#[test]
fn a_gap_lasts_from_the_first_probe_without_an_answer_to_the_next_answer() {
    let mut gaps = Gaps::default();
    gaps.sent(at(1));
    assert_eq!(gaps.answered(at(1)), Some(gap(1, 0)));
    for ms in 2..50 {
        gaps.sent(at(ms));
    }
    assert_eq!(gaps.so_far(at(40)), Some(gap(2, 38)));
    assert_eq!(gaps.answered(at(50)), Some(gap(2, 48)));
    assert_eq!(gaps.answered(at(50)), None, "late answers are no gaps");
}

#[test]
fn a_prober_that_pauses_makes_no_gap() {
    let mut gaps = Gaps::default();
    gaps.sent(at(1));
    assert_eq!(gaps.answered(at(1)), Some(gap(1, 0)));
    gaps.sent(at(900));
    assert_eq!(gaps.answered(at(901)), Some(gap(900, 1)));
}
