//! Real daemons write their black boxes, and the same core comes to the same; and a second daemon
//! on one host is refused.
//!
//! `KUBE_VIP_BIN` names the daemon; `cargo xtask test kernel` builds and names it.

use std::fs;
use std::time::Duration;

use kube_vip_core::node::Node;
use kube_vip_lab::replay::{Dump, dumps, replay};
use kube_vip_lab::stage::act::{STRANGER, UNPLUG, apis_frozen};
use kube_vip_lab::stage::{Nobody, Stage, StageSpec, perform};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;

use program::program;

const PATIENCE: Duration = Duration::from_secs(20);

/// Three daemons of which one answers, and which.
fn stage() -> (Stage, usize, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut spec = StageSpec::of(&program(), directory.path());
    let file = directory.path().join("black-box");
    spec.environment.push(("black_box_file".into(), file.into()));
    let stage = Stage::build(spec, &mut |_| {});
    let mut stage = stage.expect("a stage; it needs root, or `unshare -Urn`");
    let owner = stage.start_all().expect("one node answers");
    (stage, owner, directory)
}

fn log(stage: &Stage, node: usize) -> String {
    fs::read_to_string(stage.log(node)).expect("every daemon has a log")
}

/// A daemon that noticed a fault of its own may have written before.
fn last(text: &str) -> Dump {
    dumps(text).expect("a black box").pop().expect("at least one")
}

fn wait_for(stage: &Stage, node: usize, text: &str) {
    let said = || log(stage, node).contains(text);
    let waited = stage.wait(&format!("{text:?} in the log"), PATIENCE, said);
    waited.unwrap_or_else(|error| panic!("{error}\n{}", log(stage, node)));
}

fn pid(stage: &Stage, node: usize) -> Pid {
    let number = stage.daemon(node).expect("it runs").process().pid();
    Pid::from_raw(number.cast_signed()).expect("a process has a number")
}

/// What a node's daemon writes now.
fn ask_for_a_dump(stage: &Stage, node: usize) -> Dump {
    let ends = || log(stage, node).matches("END OF CONFIGURATION DUMP").count();
    let before = ends();
    kill_process(pid(stage, node), Signal::USR1).expect("the daemon lives");
    let waited = stage.wait("the dump is there", PATIENCE, || ends() > before);
    waited.unwrap_or_else(|error| panic!("{error}\n{}", log(stage, node)));
    last(&log(stage, node))
}

fn one(text: &str) -> Dump {
    let mut found = dumps(text).expect("a black box");
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// Replays it: the same must come out. How many terms began in it.
fn replayed(dump: &Dump) -> usize {
    let mut terms = 0;
    let replayed = replay(dump, &mut |step| {
        let epoch = |node: &Node| node.status().term.map(|term| term.epoch);
        terms += usize::from(epoch(step.after) > epoch(step.before));
        // Any state on the way could have been the first line.
        let line = serde_json::to_string(step.after).expect("a state has a form in JSON");
        let read: Node = serde_json::from_str(&line).expect("it can be read again");
        assert_eq!(read, *step.after);
        Ok(())
    });
    let replayed = replayed.expect("nothing is written");
    assert_eq!(replayed.differences, Vec::new());
    assert!(replayed.events > 4, "{replayed:?}");
    terms
}

#[test]
fn what_real_daemons_did_is_what_the_core_does() {
    let (stage, owner, directory) = stage();
    let others: Vec<usize> = (0..3).filter(|node| *node != owner).collect();
    assert_eq!(replayed(&ask_for_a_dump(&stage, owner)), 1);
    let file = fs::read_to_string(directory.path().join("black-box"));
    assert_eq!(one(&file.expect("the file was written")).header.cause, "SIGUSR1");
    let text = log(&stage, owner);
    for line in ["   KUBE-VIP CONFIGURATION DUMP\n", "VIP: 192.168.20.140\n", "Port: 6443\n"] {
        assert!(text.contains(line), "{line:?}");
    }
    stage.daemon(owner).expect("it runs").terminate().expect("it lives");
    let began = |node: &usize| log(&stage, *node).contains("term began");
    let taken = stage.wait("another node took over", PATIENCE, || others.iter().any(began));
    taken.expect("the others are there");
    let terms: usize = others.iter().map(|node| replayed(&ask_for_a_dump(&stage, *node))).sum();
    assert_eq!(terms, 1);
}

#[test]
fn what_they_did_through_faults_is_what_the_core_does() {
    let (mut stage, _, _directory) = stage();
    let frozen = apis_frozen(Duration::from_secs(8));
    for act in [&frozen, &STRANGER, &UNPLUG] {
        let performance = perform(&mut stage, act, &mut Nobody);
        performance.unwrap_or_else(|error| panic!("{}: {error}", act.title));
    }
    let terms: usize = (0..3).map(|node| replayed(&ask_for_a_dump(&stage, node))).sum();
    assert!(terms >= 2, "the address moved: {terms}");
}

#[test]
fn a_holder_that_slept_through_the_end_of_its_term_writes_by_itself() {
    let (stage, owner, _directory) = stage();
    let daemon = stage.daemon(owner).expect("it runs");
    daemon.freeze().expect("it lives");
    std::thread::sleep(Duration::from_secs(7));
    daemon.thaw().expect("it lives");
    wait_for(&stage, owner, "END OF CONFIGURATION DUMP");
    let dump = one(&log(&stage, owner));
    let cause = &dump.header.cause;
    assert!(cause.contains("after the end of a term"), "{cause}");
    replayed(&dump);
}

#[test]
fn a_twin_on_the_same_host_is_refused_and_a_predecessor_is_waited_for() {
    let (stage, owner, _directory) = stage();
    let mut twin = stage.command(owner, &["manager"], &[]).expect("it can be started");
    let ended = twin.wait(PATIENCE).expect("the kernel says").expect("it gives up");
    assert_eq!(ended.code(), Some(1));
    let text = log(&stage, owner);
    assert!(text.contains("another kube-vip of this election still runs on this host; waiting"));
    let refusal = format!(
        "another kube-vip of the election kube-system/plndr-cp-lock runs on this host already: \
         process {};",
        pid(&stage, owner).as_raw_nonzero()
    );
    assert!(text.contains(&refusal), "{refusal}\n{text}");
    assert!(!text.contains("term ended"), "the first one goes on: {text}");

    // As kubelet does when it replaces a pod: the old one has been told to end, and lives a little.
    stage.daemon(owner).expect("it runs").terminate().expect("it lives");
    let mut new = stage.command(owner, &["manager"], &[]).expect("it can be started");
    let stands_by = || {
        let text = log(&stage, owner);
        let last = text.rsplit("kube-vip starts").next();
        last.is_some_and(|said| said.contains("this node stands by"))
    };
    let waited = stage.wait("the new one stands by", PATIENCE, stands_by);
    waited.unwrap_or_else(|error| panic!("{error}\n{}", log(&stage, owner)));
    assert_eq!(new.try_wait().expect("the kernel says"), None);
}
