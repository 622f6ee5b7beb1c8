//! The rate of a clock that NTP slews.

use super::*;

#[test]
fn a_clock_that_is_slowed_down_is_below_one() {
    let close = |left: f64, right: f64| (left - right).abs() < 1e-9;
    assert!(close(rate(10_000, 0), 1.0));
    assert!(close(rate(9_167, 0), 0.9167));
    assert!(close(rate(11_000, 0), 1.1));
    assert!(close(rate(10_000, -(500 << 16)), 0.9995));
    assert!(close(rate(9_000, -(500 << 16)), SLOWEST));
}

#[test]
fn this_clock_goes_about_as_it_should() {
    assert!((SLOWEST..=1.1005).contains(&timer_rate()), "{}", timer_rate());
}
