//! Which entries in the API are a node's own.

use super::*;

const RENEWED: &str = "2026-11-22T21:32:00.000000Z";

fn answer(holder: &str, boot: &str, date: &str) -> Answered {
    Answered {
        status: StatusCode::OK,
        body: json!({
            "metadata": {
                "resourceVersion": "7",
                "annotations": { BOOT_ANNOTATION: boot, NONCE_ANNOTATION: "n", "theirs": "stays" },
            },
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": 15,
                "leaseTransitions": 4,
                "renewTime": RENEWED,
            },
        }),
        words: String::new(),
        date: date.parse().ok(),
        from: String::new(),
    }
}

fn this_node() -> NodeName {
    NodeName::new("cp-1").expect("a good name")
}

fn held(answer: &Answered) -> Result<Option<Entry>, String> {
    let election = LeaseName { namespace: "kube-system".to_owned(), name: "lock".to_owned() };
    holder(answer, "/path", &election, &this_node(), "this-boot")
}

#[test]
fn our_name_is_taken_out_and_all_else_stays() {
    let lately = "2026-11-22T21:32:05Z";
    let entry = held(&answer("cp-1", "this-boot", lately)).unwrap().expect("it is ours");
    assert!(entry.is_the_lease());
    assert_eq!(entry.body["spec"]["holderIdentity"], "");
    assert_eq!(entry.body["spec"]["leaseTransitions"], 4);
    assert_eq!(entry.body["metadata"]["resourceVersion"], "7");
    assert_eq!(entry.body["metadata"]["annotations"], json!({ "theirs": "stays" }));
    assert!(held(&answer("cp-2", "this-boot", lately)).unwrap().is_none());
}

#[test]
fn a_lease_that_another_host_may_hold_in_our_name_stays() {
    let refused = held(&answer("cp-1", "that-boot", "2026-11-22T21:32:05Z"));
    assert!(refused.expect_err("it may").contains("another host may hold it"));
    assert!(held(&answer("cp-1", "that-boot", "unknown")).is_err());
    let over = held(&answer("cp-1", "that-boot", "2026-11-22T21:32:16Z"));
    assert!(over.expect("this host has booted anew").is_some());
}

#[test]
fn labels_of_the_original_go_and_others_stay() {
    let node = json!({ "metadata": { "labels": {
        "kubernetes.io/hostname": "cp-1",
        "kube-vip.io/has-ip": "192.168.20.140",
        "service-provided.kube-vip.io/web.default": "10.0.0.1",
    } } });
    let entry = labels(&node, "/path", &this_node()).expect("two are left");
    let gone = json!({
        "kube-vip.io/has-ip": null, "service-provided.kube-vip.io/web.default": null
    });
    assert_eq!(entry.body["metadata"]["labels"], gone);
    let none = json!({ "metadata": { "labels": { "kubernetes.io/hostname": "cp-1" } } });
    assert!(labels(&none, "/path", &this_node()).is_none());
}
