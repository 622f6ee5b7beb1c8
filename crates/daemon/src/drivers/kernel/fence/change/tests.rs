//! Timeouts on a clock that NTP slews.

use super::*;

#[test]
fn timeouts_are_shorter_where_timers_are_slow_and_never_longer() {
    let second = Duration::from_secs(1);
    assert_eq!(in_timer_time(10 * second, 0.9), 9 * second);
    assert_eq!(in_timer_time(10 * second, 1.0), 10 * second);
    assert_eq!(in_timer_time(10 * second, 1.1), 10 * second);
    assert_eq!(in_timer_time(Duration::ZERO, 0.9), Duration::ZERO);
}
