//! Tests of what is done about the label.

use super::*;

const OURS: &str = "10.0.0.1";

#[test]
fn it_is_set_while_the_address_is_here_and_removed_otherwise() {
    for fresh in [true, false] {
        assert_eq!(step(true, fresh, OURS, None), Step::Write);
        assert_eq!(step(true, fresh, OURS, Some(OURS)), Step::Nothing);
        assert_eq!(step(false, fresh, OURS, Some(OURS)), Step::Remove);
        assert_eq!(step(false, fresh, OURS, None), Step::Nothing);
    }
}

#[test]
fn anothers_is_replaced_once_and_never_removed() {
    let other = Some("10.0.0.2");
    assert_eq!(step(true, true, OURS, other), Step::Write);
    assert_eq!(step(true, false, OURS, other), Step::Nothing);
    assert_eq!(step(false, true, OURS, other), Step::Nothing);
}
