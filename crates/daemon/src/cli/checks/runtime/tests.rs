//! The question's bytes, and what answers come to. The real runtime is asked in the tests of a
//! cluster.

use super::*;
use crate::cli::report::Verdict;

#[test]
fn the_message_is_protobuf_in_grpcs_frame() {
    assert_eq!(message("a:1"), [0, 0, 0, 0, 7, 0x0a, 5, 0x0a, 3, b'a', b':', b'1']);
    let long = "x".repeat(200);
    let expected = [0, 0, 0, 0, 206, 0x0a, 0xcb, 1, 0x0a, 0xc8, 1];
    assert_eq!(message(&long)[..expected.len()], expected);
}

#[test]
fn what_the_runtime_says_is_judged() {
    let row = |has| judge("kube-vip:1", Path::new("/run/x.sock"), has).result;
    assert_eq!(row(Ok(true)), Verdict::Ok);
    assert_eq!(row(Ok(false)), Verdict::Warning);
    assert_eq!(row(Err(RuntimeError::Slow)), Verdict::Unknown);
}

#[tokio::test]
async fn without_a_runtime_nothing_is_checked() {
    let root = tempfile::tempdir().unwrap();
    let row = row(root.path(), "kube-vip:1").await;
    assert_eq!(row.result, Verdict::Skipped);
}
