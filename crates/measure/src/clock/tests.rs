//! Arithmetic of moments and ticks; no test asserts how long anything took.

use std::time::Duration;

use super::{Stamp, Ticks};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_moment_is_never_negative() {
    let early = Stamp::now();
    let late = early + MS;
    assert_eq!(late.since(early), MS);
    assert_eq!(early.since(late), Duration::ZERO);
}

#[test]
fn a_realtime_reading_lands_in_the_past() {
    let before = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("the clock is past 1970");
    assert!(Stamp::from_realtime(before) <= Stamp::now());
}

#[test]
fn ticks_stay_on_their_grid_and_leave_out_what_was_missed() {
    let mut ticks = Ticks::every(MS);
    let first = ticks.due();
    ticks.advance(first + MS / 2);
    assert_eq!(ticks.due(), first + MS);
    let late = first + MS * 10;
    ticks.advance(late);
    assert_eq!(ticks.due(), late + MS);
}

#[test]
fn sleeping_ends_after_the_moment() {
    let until = Stamp::now() + MS;
    until.sleep();
    assert!(Stamp::now() >= until);
}
