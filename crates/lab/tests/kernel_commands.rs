//! `kube-vip status`, `watch` and `cleanup` beside real daemons on real kernels.
//!
//! `KUBE_VIP_BIN` names the daemon; `cargo xtask test kernel` builds and names it.

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "support/commands.rs"]
mod commands;

use kube_vip_lab::stage::{Stage, VIP};

use commands::{PATIENCE, Run, end_all, gone, leave_as_the_original, run, stage, start};

fn status(stage: &Stage, node: usize, more: &[&str]) -> Run {
    run(stage, node, &[&["status"], more].concat())
}

/// Waits until `status -o json` on that node satisfies.
fn status_until(
    stage: &Stage,
    node: usize,
    what: &str,
    so: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    let mut last = serde_json::Value::Null;
    let waited = stage.wait(what, PATIENCE, || {
        last = status(stage, node, &["-o", "json"]).json();
        so(&last)
    });
    waited.unwrap_or_else(|error| panic!("{error}\n{last:#}"));
    last
}

#[test]
fn status_tells_who_holds_and_why_before_and_after_a_move() {
    let (stage, owner, _directory) = stage();
    let name = |node: usize| stage.world().node(node).name().to_owned();
    let well = |document: &serde_json::Value| document["result"] == "ok";
    for node in 0..3 {
        let document = status_until(&stage, node, "all is well", well);
        let election = &document["elections"][0];
        assert_eq!(election["name"], "plndr-cp-lock");
        assert_eq!(election["holder"]["node"], *name(owner));
        assert_eq!(election["holder"]["reason"], "Elected");
        assert_eq!(election["holder"]["ownWords"], true, "from any node: {document:#}");
        assert_eq!(election["addresses"][0]["address"], VIP.to_string());
        assert_eq!(election["nodes"].as_array().map(Vec::len), Some(3));
        assert_eq!(document["notAsked"], serde_json::json!([]));
    }
    let heir = (owner + 1) % 3;
    let moved = run(&stage, owner, &["move", "--to", &name(heir)]);
    assert_eq!(moved.code, 0, "{moved:?}");
    let holds = |document: &serde_json::Value| {
        document["elections"][0]["holder"]["node"] == *name(heir) && well(document)
    };
    status_until(&stage, owner, "the heir holds", holds);
    let shown = status(&stage, owner, &[]);
    assert_eq!(shown.code, 0, "{shown:?}");
    for part in
        [format!("Holder   {}\n", name(heir)), format!("handed {VIP} over to {}", name(heir))]
    {
        assert!(shown.out.contains(&part), "{part:?} in\n{}", shown.out);
    }
    let local = status(&stage, owner, &["--local", "-o", "json"]).json();
    assert_eq!(local["elections"][0]["holder"]["node"], *name(heir), "as it was seen");
    let named = status(&stage, owner, &["--lease", "absent"]);
    assert_eq!(named.code, 2, "{named:?}");
    assert!(named.out.contains("nobody holds the addresses"), "{}", named.out);
}

#[test]
fn status_says_what_is_wrong_and_what_could_not_be_asked() {
    let (stage, owner, _directory) = stage();
    stage.steal().expect("a stranger");
    let heard = |document: &serde_json::Value| {
        document["elections"][0]["rivals"][0]["mac"].is_string() && document["result"] == "failed"
    };
    let document = status_until(&stage, owner, "the stranger is heard", heard);
    assert_eq!(document["elections"][0]["rivals"][0]["node"], serde_json::Value::Null);
    stage.give_up().expect("it goes");
    let gone = |document: &serde_json::Value| document["result"] == "ok";
    status_until(&stage, owner, "the stranger has gone", gone);

    for node in 0..3 {
        stage.control_plane().freeze(node).expect("it runs");
    }
    let away = |document: &serde_json::Value| {
        let asked = document["notAsked"].as_array().into_iter().flatten();
        let mut texts = asked.filter_map(|one| one["what"].as_str());
        texts.any(|text| text.starts_with("the API server")) && document["result"] == "failed"
    };
    let document = status_until(&stage, owner, "the API is away", away);
    let name = stage.world().node(owner).name();
    assert_eq!(document["elections"][0]["holder"]["node"], name);
    for node in 0..3 {
        stage.control_plane().thaw(node).expect("it is frozen");
    }
    status_until(&stage, owner, "all is well again", gone);

    // From where no daemon runs and no kubeconfig is.
    let nothing = run(&stage, owner, &["status", "--daemon", "127.0.0.1:1", "--kubeconfig", "/no"]);
    assert_eq!(nothing.code, 1, "{nothing:?}");
    assert!(nothing.out.starts_with("nothing is known of any election\n"), "{}", nothing.out);
    for part in ["the daemon at 127.0.0.1:1: ", "the API server (Leases, Events): no usable"] {
        assert!(nothing.out.contains(part), "{part:?} in\n{}", nothing.out);
    }
}

#[test]
fn watch_writes_a_line_for_each_change_and_ends_at_once_when_told() {
    let (stage, owner, _directory) = stage();
    let name = |node: usize| stage.world().node(node).name().to_owned();
    let heir = (owner + 1) % 3;
    let watch = start(&stage, owner, &["watch", "--interval", "200ms"]);
    let first = format!("kube-system/plndr-cp-lock holder: {}\n", name(owner));
    watch.until(&stage, &first);
    let moved = run(&stage, owner, &["move", "--to", &name(heir)]);
    assert_eq!(moved.code, 0, "{moved:?}");
    let change = format!("holder: {} -> {}\n", name(owner), name(heir));
    watch.until(&stage, &change);
    let ended = watch.interrupt();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.out.contains('\u{1b}'), "no control sequences on a pipe");
}

#[test]
fn cleanup_removes_what_ours_left_and_refuses_while_one_runs() {
    let (stage, owner, _directory) = stage();
    let refused = run(&stage, owner, &["cleanup", "--yes"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let process = stage.daemon(owner).expect("it runs").process().pid();
    let text = format!("a kube-vip runs on this host (process {process}, of the election");
    assert!(refused.err.contains(&text) && refused.out.is_empty(), "{refused:?}");

    for node in 0..3 {
        stage.daemon(node).expect("it runs").kill().expect("it lives");
        gone(&stage, node);
    }
    let kubeconfig = stage.control_plane().kubeconfig(owner).to_owned();
    let kubeconfig = kubeconfig.to_str().expect("text");
    let arguments = ["cleanup", "--kubeconfig", kubeconfig];
    let shown = run(&stage, owner, &arguments);
    assert_eq!(shown.code, 2, "{shown:?}");
    let name = stage.world().node(owner).name();
    for part in [
        format!("192.168.20.140/32 dev {}", stage.world().node(owner).interface()),
        "netdev kube-vip-kube-system/plndr-cp-lock".to_owned(),
        format!("kube-system/plndr-cp-lock  {name} is its holder"),
        format!("kube-system/plndr-cp-lock-{name}"),
    ] {
        let squeezed = shown.out.split_whitespace().collect::<Vec<_>>().join(" ");
        let part = part.replace("  ", " ");
        assert!(squeezed.contains(&part), "{part:?} in\n{}", shown.out);
    }
    let rtnl = stage.world().node(owner).rtnl();
    assert!(rtnl.addresses().expect("a list").contains(&VIP.into()), "nothing was changed");

    let removed = run(&stage, owner, &[&arguments[..], &["--yes"]].concat());
    assert_eq!(removed.code, 0, "{removed:?}");
    assert!(!rtnl.addresses().expect("a list").contains(&VIP.into()));
    assert_eq!(stage.world().node(owner).tables().expect("a list"), []);
    let again = run(&stage, owner, &[&arguments[..], &["--yes", "-o", "json"]].concat());
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(again.json()["result"], "clean");
    let lease = stage.lease(owner).expect("it is there");
    assert_eq!(lease["spec"]["holderIdentity"], "");

    // A candidate's host has less: its table may be gone by itself, its candidate Lease is not.
    let other = (owner + 1) % 3;
    let removed = run(&stage, other, &[&arguments[..], &["--yes"]].concat());
    assert_eq!(removed.code, 0, "{removed:?}");
    assert!(removed.out.contains("candidate Lease"), "{}", removed.out);
}

#[test]
fn cleanup_removes_what_the_original_leaves() {
    let (stage, owner, _directory) = stage();
    end_all(&stage);
    let host = stage.world().node(owner);
    leave_as_the_original(host);
    let shown = run(&stage, owner, &["cleanup"]);
    assert_eq!(shown.code, 2, "{shown:?}");
    let removed = run(&stage, owner, &["cleanup", "-y"]);
    assert_eq!(removed.code, 0, "{removed:?}");
    assert!(!host.rtnl().addresses().expect("a list").contains(&VIP.into()));
    assert_eq!(host.tables().expect("a list"), []);
    let clean = run(&stage, owner, &["cleanup"]);
    assert_eq!((clean.code, clean.out.ends_with("cleanup: nothing is left\n")), (0, true));
}
