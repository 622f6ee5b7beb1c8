//! The question's bytes, and what answers come to. The real runtime is asked in the tests of a
//! cluster.

use super::*;

#[test]
fn the_message_is_protobuf_in_grpcs_frame() {
    assert_eq!(message("a:1"), [0, 0, 0, 0, 7, 0x0a, 5, 0x0a, 3, b'a', b':', b'1']);
    let long = "x".repeat(200);
    let expected = [0, 0, 0, 0, 206, 0x0a, 0xcb, 1, 0x0a, 0xc8, 1];
    assert_eq!(message(&long)[..expected.len()], expected);
}

#[test]
fn what_the_runtime_says_is_told() {
    let told = |has| told(Path::new("/run/x.sock"), has);
    assert_eq!(told(Ok(true)), Ok(Presence::There("/run/x.sock".to_owned())));
    assert_eq!(told(Ok(false)), Ok(Presence::Absent("/run/x.sock".to_owned())));
    let slow = "/run/x.sock: no answer within 3s".to_owned();
    assert_eq!(told(Err(RuntimeError::Slow)), Err((slow, "crictl images")));
}

#[tokio::test]
async fn without_a_runtime_nothing_is_asked() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(presence(root.path(), "kube-vip:1").await, Ok(Presence::NoRuntime));
}
