//! What is shown, and the exit codes.

use super::*;

fn beyond(what: &str) -> Thing {
    let what = what.to_owned();
    Thing::Beyond(beyond::Beyond { kind: "ipvs service", what, why: "kube-vip's".to_owned() })
}

fn scene(things: Vec<(Thing, Fate)>) -> Scene {
    let kernel = Kernel::open().expect("anybody may ask");
    Scene { kernel, caller: None, things, unseen: Vec::new(), notes: Vec::new() }
}

#[test]
fn what_is_left_and_what_failed_have_their_exit_codes() {
    assert_eq!(scene(Vec::new()).code(), CLEAN);
    assert_eq!(scene(vec![(beyond("a"), Fate::Removed)]).code(), CLEAN);
    assert_eq!(scene(vec![(beyond("a"), Fate::Removed), (beyond("b"), Fate::Found)]).code(), LEFT);
    let failed = Fate::Failed("no".to_owned());
    assert_eq!(scene(vec![(beyond("a"), failed), (beyond("b"), Fate::Found)]).code(), FAILED);
    let mut unseen = scene(Vec::new());
    unseen.unseen.push(("nftables".to_owned(), "not permitted".to_owned()));
    assert_eq!(unseen.code(), FAILED);
}

#[test]
fn a_table_says_what_became_of_each() {
    let mut scene = scene(vec![
        (beyond("TCP 10.0.0.1:6443"), Fate::Removed),
        (beyond("TCP 10.0.0.2:443"), Fate::Failed("the kernel said no".to_owned())),
    ]);
    scene.notes.push("the Leases: no kubeconfig is given (--kubeconfig)".to_owned());
    let expected = "\
removed  ipvs service  TCP 10.0.0.1:6443  kube-vip's
failed   ipvs service  TCP 10.0.0.2:443   the kernel said no
not looked at: the Leases: no kubeconfig is given (--kubeconfig)

cleanup: 1 removed, 1 left
";
    assert_eq!(scene.table(), expected);
    let document: serde_json::Value = serde_json::from_str(&scene.json()).expect("JSON");
    assert_eq!(document["result"], "failed");
    assert_eq!(document["leftovers"][1]["error"], "the kernel said no");
    scene.things.clear();
    scene.notes.clear();
    assert_eq!(scene.table(), "cleanup: nothing is left\n");
}

#[test]
fn a_kube_vip_that_runs_is_named() {
    assert_eq!(in_the_way(&[]), None);
    let election = Some("kube-system/plndr-cp-lock".to_owned());
    let text = in_the_way(&[
        running::Running { pid: Some(7), election },
        running::Running { pid: Some(8), election: None },
    ]);
    let text = text.expect("two run");
    let who = "process 7, of the election kube-system/plndr-cp-lock; process 8, which is no";
    assert!(text.contains(who), "{text}");
}
