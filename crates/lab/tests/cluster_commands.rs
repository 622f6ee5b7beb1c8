//! `kube-vip status`, `watch` and `cleanup` with a real control plane: from nodes, and from a
//! workstation that has nothing but a kubeconfig.
//!
//! Needs root, the programs of `cargo xtask assets`, and `KUBE_VIP_BIN`: `cargo xtask test cluster`
//! makes and names everything.

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "support/commands.rs"]
mod commands;

use std::fs;
use std::process::Command;

use kube_vip_lab::stage::{Stage, VIP};
use serde_json::{Value, json};

use commands::{PATIENCE, Run, gone, real_stage, run, start, start_command, start_on};

/// `kube-vip status` on a host that is no node, with a kubeconfig that names the address itself.
fn on_a_workstation(stage: &Stage, arguments: &[&str]) -> Run {
    let own = fs::read_to_string(stage.control_plane().kubeconfig(0)).expect("readable");
    let file = stage.spec().directory.join("kubeconfig");
    fs::write(&file, own.replace("127.0.0.1", &VIP.to_string())).expect("writable");
    let mut command = Command::new(&stage.spec().program);
    command.env_clear().env("KUBECONFIG", file).args(arguments);
    start_on(stage, stage.world().client(), command).end()
}

fn status_until(stage: &Stage, node: usize, what: &str, so: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let waited = stage.wait(what, PATIENCE, || {
        last = run(stage, node, &["status", "-o", "json"]).json();
        so(&last)
    });
    waited.unwrap_or_else(|error| panic!("{error}\n{last:#}"));
    last
}

#[test]
fn status_and_watch_follow_a_move_and_an_api_that_is_away() {
    let (stage, owner, _directory) = real_stage();
    let name = |node: usize| stage.world().node(node).name().to_owned();
    let well = |document: &Value| document["result"] == "ok";
    status_until(&stage, owner, "all is well", well);

    let seen = on_a_workstation(&stage, &["status", "-o", "json"]);
    assert_eq!(seen.code, 0, "{seen:?}");
    let document = seen.json();
    let election = &document["elections"][0];
    assert_eq!(election["holder"]["node"], *name(owner));
    assert_eq!(election["holder"]["ownWords"], true, "nodes are asked at their addresses");
    assert_eq!(election["nodes"].as_array().map(Vec::len), Some(3));
    let missing = document["notAsked"].as_array().expect("a list");
    assert_eq!(missing.len(), 1, "no daemon runs there: {document:#}");

    let heir = (owner + 1) % 3;
    let watch = start(&stage, heir, &["watch", "--interval", "500ms"]);
    watch.until(&stage, &format!("holder: {}\n", name(owner)));
    let moved = run(&stage, owner, &["move", "--to", &name(heir)]);
    assert_eq!(moved.code, 0, "{moved:?}");
    watch.until(&stage, &format!("holder: {} -> {}\n", name(owner), name(heir)));
    assert_eq!(watch.interrupt().code, 0);
    let told = format!("handed {VIP} over to {}", name(heir));
    let document = status_until(&stage, owner, "the Events tell of it", |document| {
        let events = document["elections"][0]["events"].as_array().into_iter().flatten();
        let mut messages = events.filter_map(|event| event["message"].as_str());
        messages.any(|message| message.contains(&told)) && well(document)
    });
    assert_eq!(document["elections"][0]["holder"]["node"], *name(heir));

    for node in 0..3 {
        stage.control_plane().kill(node);
    }
    let document = status_until(&stage, heir, "the holder holds on", |document| {
        document["elections"][0]["holder"]["reason"] == "HoldingOn"
    });
    assert_eq!(document["result"], "failed");
    let missing = document["notAsked"].as_array().expect("a list");
    assert!(missing.iter().any(|one| one["what"] == "the API server (Leases, Events)"));
}

#[test]
fn cleanup_takes_a_killed_node_out_of_a_real_api() {
    let (stage, owner, _directory) = real_stage();
    for node in 0..3 {
        stage.daemon(node).expect("it runs").kill().expect("it lives");
    }
    (0..3).for_each(|node| gone(&stage, node));
    let kubeconfig = stage.control_plane().kubeconfig(owner).display().to_string();
    let arguments = ["cleanup", "--kubeconfig", &kubeconfig, "-o", "json"];
    let shown = run(&stage, owner, &arguments);
    assert_eq!(shown.code, 2, "{shown:?}");
    let removed = run(&stage, owner, &[&arguments[..], &["--yes"]].concat());
    assert_eq!(removed.code, 0, "{removed:?}");
    let found = removed.json();
    let kinds: Vec<_> = found["leftovers"].as_array().expect("a list").iter().collect();
    for kind in ["address", "nft table", "Lease", "candidate Lease"] {
        let done = |one: &&&Value| one["kind"] == kind && one["result"] == "removed";
        assert_eq!(kinds.iter().filter(done).count(), 1, "{kind}: {found:#}");
    }
    assert_eq!(stage.lease(owner).expect("it is there")["spec"]["holderIdentity"], json!(""));
    let clean = run(&stage, owner, &arguments);
    assert_eq!((clean.code, clean.json()["leftovers"].clone()), (0, json!([])), "{clean:?}");
    // A shell is as good: nothing of it hangs on how it was started.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "exec \"$KUBE_VIP\" cleanup"]);
    let program = stage.spec().program.display().to_string();
    let again = start_command(&stage, owner, shell, &[("KUBE_VIP", &program)]).end();
    assert_eq!(again.code, 0, "{again:?}");
}
