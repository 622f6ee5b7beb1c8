//! Paths and queries.

use kube_vip_core::plan::Timings;
use serde_json::json;

use super::*;

fn asks(namespace: &str, name: &str) -> Asks {
    Asks::lease(&plan(namespace, name))
}

fn plan(namespace: &str, name: &str) -> LeasePlan {
    let seconds = Duration::from_secs;
    LeasePlan {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        timings: Timings::new(seconds(15), seconds(10), seconds(2)).unwrap(),
    }
}

#[test]
fn paths_are_those_of_the_lease_api() {
    let asks = asks("kube-system", "plndr-cp-lock");
    let all = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    let one = format!("{all}/plndr-cp-lock");
    let object = json!({ "a": 1 });
    let line = |ask: Ask| {
        let body = String::from_utf8(ask.body.to_vec()).unwrap();
        format!("{} {} {body}", ask.method, ask.path)
    };
    assert_eq!(line(asks.read()), format!("GET {one} "));
    assert_eq!(line(asks.create(&object)), format!("POST {all} {{\"a\":1}}"));
    assert_eq!(line(asks.replace(&object)), format!("PUT {one} {{\"a\":1}}"));
    let selector = "fieldSelector=metadata.name%3Dplndr-cp-lock";
    assert_eq!(line(asks.list()), format!("GET {all}?{selector} "));
    assert_eq!(
        line(asks.watch(&Version("7".into()), Duration::from_millis(300_900))),
        format!(
            "GET {all}?{selector}&watch=true&allowWatchBookmarks=true\
             &resourceVersion=7&timeoutSeconds=300 "
        )
    );
}

#[test]
fn a_name_cannot_leave_its_place() {
    let ask = asks("a/../b", "n?x=1&y#z %é").read();
    assert_eq!(
        ask.path,
        "/apis/coordination.k8s.io/v1/namespaces/a%2F..%2Fb/leases/n%3Fx%3D1%26y%23z%20%25%C3%A9"
    );
}

#[test]
fn candidates_are_found_by_their_label() {
    let plan = plan("kube-system", "plndr-cp-lock");
    let asks = Asks::candidates(&plan, &NodeName::new("cp-1").unwrap());
    let all = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    assert_eq!(asks.read().path, format!("{all}/plndr-cp-lock-cp-1"));
    let list = format!("{all}?labelSelector=kube-vip.io%2Felection%3Dplndr-cp-lock");
    assert_eq!(asks.list().path, list);
}

#[test]
fn nodes_are_found_in_three_ways() {
    assert_eq!(Asks::node("cp-1").read().path, "/api/v1/nodes/cp-1");
    assert_eq!(
        nodes_by_host_name("cp-1").path,
        "/api/v1/nodes?labelSelector=kubernetes.io%2Fhostname%3Dcp-1"
    );
    assert_eq!(nodes(None).path, "/api/v1/nodes?limit=25");
    assert_eq!(nodes(Some("a=&b")).path, "/api/v1/nodes?limit=25&continue=a%3D%26b");
}
