//! The arithmetic of pauses.

use super::*;

#[test]
fn pauses_double_up_to_the_longest() {
    let pauses =
        |longest| -> Vec<_> { (0..7).map(|failures| pause(failures, longest).as_secs()).collect() };
    assert_eq!(pauses(LONGEST), [1, 2, 4, 8, 10, 10, 10]);
    assert_eq!(pauses(RARELY), [1, 2, 4, 8, 16, 32, 60]);
    assert_eq!(pause(u32::MAX, LONGEST), LONGEST);
}

#[test]
fn jitter_stays_within_a_quarter() {
    let seconds = Duration::from_secs;
    assert_eq!(jittered(seconds(8), 0), seconds(6));
    assert_eq!(jittered(seconds(8), 25), seconds(8));
    assert_eq!(jittered(seconds(8), 50), seconds(10));
    assert_eq!(jittered(seconds(8), 51), seconds(6));
    for _ in 0..1000 {
        let time = jittered(seconds(8), random());
        assert!((seconds(6)..=seconds(10)).contains(&time), "{time:?}");
    }
}
