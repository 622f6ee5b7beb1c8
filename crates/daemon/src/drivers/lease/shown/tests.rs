//! How long a watch may say nothing.

use super::*;

#[test]
fn a_watch_may_be_silent_for_the_lease_duration() {
    let seconds = Duration::from_secs;
    assert_eq!(silence(seconds(3)), seconds(5));
    assert_eq!(silence(seconds(15)), seconds(15));
    assert_eq!(silence(seconds(3600)), seconds(60));
}
