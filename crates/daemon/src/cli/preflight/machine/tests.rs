//! What a kernel and its processes come to.

use super::*;
use crate::cli::report::Verdict;
use crate::drivers::kernel::fence::Part;

#[test]
fn a_kernel_without_nftables_is_worth_a_warning() {
    assert_eq!(fence(Ok(())).result, Verdict::Ok);
    let source = io::Error::from_raw_os_error(libc::EPROTONOSUPPORT);
    let row = fence(Err(FenceError::Missing { part: Part::Subsystem, source }));
    assert_eq!(row.result, Verdict::Warning);
    assert!(row.evidence.contains("CONFIG_NF_TABLES"), "{row:?}");
    assert_eq!(fence(Err(FenceError::Late)).result, Verdict::Unknown);
}

#[test]
fn capabilities_are_named() {
    assert_eq!(capabilities(Ok(Vec::new())).result, Verdict::Ok);
    let row = capabilities(Ok(vec!["NET_RAW"]));
    assert_eq!(row.result, Verdict::Failed);
    assert!(row.evidence.contains("lacks NET_RAW"), "{row:?}");
}

#[test]
fn a_port_that_another_program_has_is_worth_a_warning() {
    assert_eq!(taken(2112, false, false).result, Verdict::Ok);
    assert_eq!(taken(2112, true, true).result, Verdict::Ok);
    assert_eq!(taken(2112, true, false).result, Verdict::Warning);
}

#[test]
fn elsewhere_nothing_of_it_is_told() {
    let rows = rows(&Here::Elsewhere("run it on a node"), &Host::default(), None, &[]);
    assert_eq!(rows.len(), CHECKS.len());
    assert!(rows.iter().all(|row| row.result == Verdict::Skipped));
}
