//! Names that fit, and names that have to be made to fit.

use super::*;

#[test]
fn ordinary_names_stand_as_they_are() {
    assert_eq!(label("plndr-cp-lock"), "plndr-cp-lock");
    assert_eq!(candidate_lease("plndr-cp-lock", "cp-1.site"), "plndr-cp-lock-cp-1.site");
    let longest = "a".repeat(63);
    assert_eq!(label(&longest), longest);
}

#[test]
fn the_hash_is_that_of_the_draft() {
    // The test vectors of draft-eastlake-fnv, appendix C.
    assert_eq!(fnv(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv(b"a"), 0xaf63_dc4c_8601_ec8c);
    assert_eq!(fnv(b"foobar"), 0x8594_4171_f739_67e8);
}

#[test]
fn a_long_name_has_a_stable_substitute() {
    let long = "a".repeat(64);
    assert_eq!(label(&long), format!("{}-{:016x}", "a".repeat(46), fnv(long.as_bytes())));
    assert_ne!(label(&long), label(&"a".repeat(65)));
    // What is cut off must not leave two separators side by side.
    let dotted = format!("{}.{}", "b".repeat(45), "c".repeat(40));
    assert!(label(&dotted).starts_with(&format!("{}-", "b".repeat(45))), "{}", label(&dotted));
}

#[test]
fn substitutes_are_valid_wherever_the_cut_falls() {
    for length in 1..60 {
        let text = format!("{}.{}", "x".repeat(length), "y-z.".repeat(100) + "z");
        for (name, longest) in
            [(label(&text), LONGEST_LABEL), (candidate_lease(&text, "n"), LONGEST_NAME)]
        {
            assert!(name.len() <= longest, "{name}");
            assert!(!name.contains("--") && !name.contains(".-") && !name.contains("-."), "{name}");
        }
    }
}
