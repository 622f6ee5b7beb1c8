//! `kube-vip failover-test` on a real control plane: the holder is cordoned, drained and asked to
//! move; interrupted and killed tests put everything back; a test without sense is refused.
//!
//! Needs root, the programs of `cargo xtask assets`, and `KUBE_VIP_BIN`: `cargo xtask test cluster`
//! makes and names everything.

#[path = "cluster_failover/scene.rs"]
mod scene;

use rustix::process::Signal;
use scene::{Scene, Tested};
use serde_json::{Value, json};

/// The node of the original, where there is one.
const ORIGINAL: usize = 2;

/// More than any planned move takes on a machine that is busy.
const BOUND: &str = "500ms";

fn row(report: &Value, check: &str) -> Value {
    let rows = report["rows"].as_array().expect("rows");
    rows.iter().find(|row| row["check"] == check).cloned().unwrap_or_default()
}

fn moved(tested: &Tested) {
    assert_eq!(tested.code, Some(0), "{tested}");
    let json = tested.json();
    assert_eq!(json["detail"]["code"], 0, "{tested}");
    let before = json["detail"]["holder"]["before"].as_str().expect("a name");
    let after = json["detail"]["holder"]["after"].as_str().expect("a name");
    assert_ne!(before, after, "{tested}");
    assert_eq!(row(&json, "moved")["result"], "ok", "{tested}");
    assert_eq!(row(&json, "one-owner")["result"], "ok", "{tested}");
    let owners = row(&json, "one-owner")["evidence"].as_str().unwrap_or_default().to_owned();
    // For some milliseconds in between the Lease names nobody, which a look at it may meet.
    let between = format!("Lease: {before}, then nobody, then {after}");
    let owners = owners.replace(&between, &format!("Lease: {before}, then {after}"));
    for evidence in ["Lease", "ARP", "/status", "certificate"] {
        let both = format!("{evidence}: {before}, then {after}");
        assert!(owners.contains(&both), "{both:?} is not in {owners:?}\n{tested}");
    }
    assert!(json["detail"]["addresses"][0]["connects"].as_u64() > Some(1000), "{tested}");
}

#[test]
fn the_address_moves_and_everything_is_put_back() {
    let scene = Scene::new();
    for how in ["cordon", "move"] {
        let tested = scene.test(&["--how", how, "--yes", "-o", "json", "--max-outage", BOUND]);
        moved(&tested);
        assert_eq!(scene.cordoned(), Vec::<String>::new(), "{tested}");
    }
    // On the holder itself the address is local until it leaves.
    let tested = scene.test_on(&scene.holder(), &["--yes", "-o", "json", "--max-outage", BOUND]);
    assert_eq!(tested.code, Some(0), "{tested}");
    assert_eq!(row(&tested.json(), "one-owner")["result"], "ok", "{tested}");
    let svg = scene.path("out.svg");
    let out = svg.to_str().expect("a path in UTF-8");
    let tested = scene.test(&["--yes", "--max-outage", BOUND, "--out", out]);
    assert_eq!(tested.code, Some(0), "{tested}");
    let whole = tested.out.contains("▼") && tested.out.contains("\nfailover-test: ");
    assert!(whole, "{tested}");
    let drawn = std::fs::read_to_string(svg).expect("the drawing is there");
    assert!(drawn.starts_with("<svg ") && drawn.contains("is uncordoned"), "{drawn}");
}

/// Nobody starts pods here: what matters is which ones the API server is asked to evict.
#[test]
fn a_drain_evicts_what_kubectl_would_and_waits_for_budgets() {
    let scene = Scene::new();
    let holder = scene.holder();
    scene.pod("static", &holder, json!({ "annotations": { "kubernetes.io/config.mirror": "x" } }));
    scene.pod("agent", &holder, owned("DaemonSet"));
    scene.pod("lonely", &holder, json!({}));
    let tested = scene.test(&["--how", "drain", "--yes"]);
    assert_eq!(tested.code, Some(1), "{tested}");
    assert!(tested.err.contains("default/lonely"), "{tested}");
    assert_eq!(scene.cordoned(), Vec::<String>::new(), "{tested}");
    scene.delete_pod("lonely");
    scene.pod("web", &holder, owned("ReplicaSet"));
    let tested = scene.test(&["--how", "drain", "--yes", "-o", "json", "--max-outage", BOUND]);
    moved(&tested);
    assert_eq!(tested.json()["detail"]["evictions"], json!({ "evicted": 1, "left": 0 }));
    assert_eq!(scene.pods(), ["agent", "static"], "{tested}");
    assert_eq!(scene.cordoned(), Vec::<String>::new(), "{tested}");
}

fn owned(kind: &str) -> Value {
    let owner = json!({
        "apiVersion": "apps/v1", "kind": kind, "name": "its", "uid": "u-1", "controller": true,
    });
    json!({ "ownerReferences": [owner] })
}

#[test]
fn an_interrupted_test_puts_everything_back() {
    let scene = Scene::new();
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let holder = scene.holder();
        let testing = scene.begin(&["--yes", "--settle", "1m", "-o", "json"]);
        scene.wait("the holder is cordoned", || scene.cordoned() == [holder.clone()]);
        scene.wait("it moves", || scene.holder() != holder);
        let tested = testing.strike(signal);
        let code = if signal == Signal::KILL { None } else { Some(4) };
        assert_eq!(tested.code, code, "{tested}");
        scene.wait("it is uncordoned", || scene.cordoned().is_empty());
        assert!(!scene.marked(), "no mark is left\n{tested}");
        if code.is_some() {
            assert_eq!(tested.json()["detail"]["code"], 4, "{tested}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_touched() {
    let scene = Scene::new();
    let holder = scene.holder();
    let refused = |args: &[&str], why: &str| {
        let tested = scene.test(args);
        assert_eq!(tested.code, Some(1), "{tested}");
        assert!(tested.err.contains(why), "{why:?} is not said\n{tested}");
    };
    refused(&[], "stdin is no terminal");
    refused(&["--yes", "--how", "move", "--to", "node9"], "node9 could not take over");
    refused(&["--yes", "--lease", "other"], "there is no such Lease");
    refused(&["--yes", "--to", "node2"], "--to needs --how move");
    let unaware = scene.test_unaware(&["--yes"]);
    assert!(unaware.err.contains("name the address with --address"), "{unaware}");
    scene.pod_of_kube_vip(&holder);
    let silent = ["--yes", "--address", "192.168.20.250", "--baseline", "300ms"];
    let silent = scene.test_unaware(&silent);
    assert_eq!(silent.code, Some(1), "{silent}");
    assert!(silent.out.contains("the address does not answer at all"), "{silent}");
    let others: Vec<String> = scene.nodes().into_iter().filter(|node| *node != holder).collect();
    for node in &others {
        scene.set_cordoned(node, true);
    }
    scene.wait("the candidates say that they are cordoned", || {
        scene.test(&["--yes"]).err.contains("nobody could take over")
    });
    refused(&["--yes"], &format!("{} (cordoned)", others[0]));
    assert_eq!(scene.cordoned(), others, "only those that were before");
    assert_eq!(scene.holder(), holder);
    for node in &others {
        scene.set_cordoned(node, false);
    }
    scene.wait("it is found out what the address is, and moved", || {
        scene.test_unaware(&["--yes", "--settle", "1s"]).code == Some(0)
    });
}

#[test]
fn an_original_that_holds_is_not_moved_by_a_cordon() {
    let scene = Scene::with_original(ORIGINAL);
    let holder = scene.holder();
    let tested = scene.test(&["--yes", "--timeout", "5s"]);
    assert_eq!(tested.code, Some(3), "{tested}");
    assert!(tested.err.contains("may run the original kube-vip"), "{tested}");
    assert!(tested.out.contains(&format!("{holder} still holds")), "{tested}");
    assert!(tested.out.contains("knows no cordon"), "{tested}");
    assert_eq!(scene.cordoned(), Vec::<String>::new(), "{tested}");
    let tested = scene.test(&["--yes", "--how", "move"]);
    assert_eq!(tested.code, Some(1), "{tested}");
    assert!(tested.err.contains("knows no moves"), "{tested}");
    assert_eq!(scene.holder(), holder);
}
