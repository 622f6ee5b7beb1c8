//! What clocks come to.

use super::*;
use crate::cli::report::Verdict;

#[test]
fn clocks_that_differ_or_run_free_are_worth_a_warning() {
    for (ahead, kept, verdict) in [
        (Some(0), Some(true), Verdict::Ok),
        (Some(-2), None, Verdict::Ok),
        (Some(-3), Some(true), Verdict::Warning),
        (Some(90), None, Verdict::Warning),
        (Some(0), Some(false), Verdict::Warning),
        (None, Some(true), Verdict::Ok),
        (None, None, Verdict::Skipped),
    ] {
        assert_eq!(clock(ahead, kept).result, verdict, "{ahead:?} {kept:?}");
    }
    assert!(clock(Some(-9), None).evidence.contains("9 s behind"));
}
