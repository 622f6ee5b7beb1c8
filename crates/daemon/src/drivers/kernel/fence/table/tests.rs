//! Names of tables.

use super::*;

#[test]
fn a_plain_name_stays_as_it_is() {
    assert_eq!(name("kube-system/plndr-cp-lock"), "kube-vip-kube-system/plndr-cp-lock");
}

#[test]
fn names_that_nft_cannot_read_or_the_kernel_not_take_are_kept_apart() {
    let odd = [name("a b"), name("a:b"), name("a_b")];
    assert_eq!(odd[2], "kube-vip-a_b");
    assert!(odd[0].starts_with("kube-vip-a_b-") && odd[1].starts_with("kube-vip-a_b-"), "{odd:?}");
    assert_ne!(odd[0], odd[1]);

    let fits = "x".repeat(NAME_BYTES - 1 - PREFIX.len());
    assert_eq!(name(&fits).len(), NAME_BYTES - 1);
    let long = [name(&(fits.clone() + "y")), name(&(fits + "z"))];
    assert_eq!(long[0].len(), NAME_BYTES - 1);
    assert_ne!(long[0], long[1]);
}

#[test]
fn what_makes_no_sense_holds_no_elements() {
    for bytes in [[].as_slice(), &[1], &[8, 0, 3, 128, 255, 255, 1, 0], &[0; 64]] {
        assert_eq!(elements(bytes), []);
        assert_eq!(rules_of(bytes), None);
    }
}
