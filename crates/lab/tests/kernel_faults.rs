//! Real daemons on a real kernel, through every fault of the stage, judged by the oracle. The API
//! servers are the lab's own; `cluster_*.rs` has the real ones.
//!
//! `KUBE_VIP_BIN` names the daemon; `cargo xtask test kernel` builds and names it.

use kube_vip_lab::oracle::Guarantee;
use kube_vip_lab::stage::act::{API_FREEZE, API_KILL, Act, CUT, FREEZE, KILL, STOP, UNPLUG};
use kube_vip_lab::stage::{Nobody, Performance, Stage, StageSpec, perform};

#[path = "support/program.rs"]
mod program;

use program::program;

/// How often each fault strikes.
const TIMES: usize = 2;

/// Performs an act several times on one stage; nothing may be broken in any.
fn strike(act: &Act) -> Vec<Performance> {
    let directory = tempfile::tempdir().expect("a directory");
    let spec = StageSpec::of(&program(), directory.path());
    let stage = Stage::build(spec, &mut |_| {});
    let mut stage = stage.expect("a stage; it needs root, or `unshare -Urn`");
    stage.start_all().expect("one node answers");
    let mut performances = Vec::new();
    for _ in 0..TIMES {
        let performance = perform(&mut stage, act, &mut Nobody);
        let performance = performance.unwrap_or_else(|error| panic!("{}: {error}", act.title));
        let broken = &performance.verdict.violations;
        let timeline = performance.run.timeline.text(|_| true);
        assert!(broken.is_empty(), "{}: {broken:#?}\n{timeline}", act.title);
        performances.push(performance);
    }
    performances
}

#[track_caller]
fn was_put_to_the_test(performances: &[Performance], guarantee: Guarantee) {
    for performance in performances {
        let occasions = performance.verdict.occasions.get(&guarantee);
        assert!(occasions.is_some_and(|count| *count > 0), "{guarantee} was never at stake");
    }
}

#[test]
fn a_planned_stop_moves_the_address_and_no_connection_fails() {
    for performance in strike(&STOP) {
        let connects = performance.run.client.service.connects;
        assert!(connects.tried > 100, "{connects:?}");
        assert_eq!(connects.failed, 0, "{connects:?}");
    }
}

#[test]
fn a_killed_daemon_leaves_no_orphan() {
    was_put_to_the_test(&strike(&KILL), Guarantee::NoOrphan);
}

#[test]
fn a_frozen_daemon_leaves_no_orphan_and_wakes_up_silent() {
    was_put_to_the_test(&strike(&FREEZE), Guarantee::NoOrphan);
}

#[test]
fn a_host_that_is_cut_off_is_replaced_within_the_lease() {
    was_put_to_the_test(&strike(&CUT), Guarantee::BoundedOutage);
}

#[test]
fn a_host_without_a_cable_is_replaced_within_the_lease() {
    was_put_to_the_test(&strike(&UNPLUG), Guarantee::BoundedOutage);
}

#[test]
fn a_node_without_its_api_server_is_replaced() {
    strike(&API_KILL);
}

#[test]
fn a_node_whose_api_server_answers_nothing_is_replaced() {
    strike(&API_FREEZE);
}
