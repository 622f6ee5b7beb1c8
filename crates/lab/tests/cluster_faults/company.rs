//! Others beside us on a host, and what they or our predecessors left there.

use std::time::Duration;

use kube_vip_lab::oracle::{Bounds, judge};
use kube_vip_lab::recorder::{Journal, Recorder, RecorderSpec};
use kube_vip_lab::stage::act::{FLUSHED, KILL, STOP};
use kube_vip_lab::stage::{Nobody, Play, StageError};
use kube_vip_lab::timeline::{Fault, Timeline, What};

use crate::case::{Case, moves_once, no_orphan, stays, whatever};

/// The address of the second election.
const OTHER: std::net::Ipv4Addr = std::net::Ipv4Addr::new(192, 168, 20, 141);

/// How soon after its start our daemon silences what was left on its host.
const SILENCED_WITHIN: Duration = Duration::from_secs(1);

/// Who answered last, and whether it was one alone all the while.
fn changes(timeline: &Timeline) -> Vec<(usize, bool)> {
    let answers = timeline.entries.iter().filter_map(|entry| match entry.what {
        What::Answers { node, on } => Some((node, on)),
        _ => None,
    });
    answers.collect()
}

fn two_elections(case: &mut Case) -> Result<(), StageError> {
    let address = OTHER.to_string();
    let environment = [
        ("address", address.as_str()),
        ("vip_leasename", "second-lock"),
        ("prometheus_server", "127.0.0.1:2113"),
    ];
    let mut others = Vec::new();
    for node in 0..3 {
        others.push(case.stage.command(node, &["manager"], &environment)?);
    }
    let journal = Journal::default();
    let recorder = Recorder::start_apart(case.stage.world(), &RecorderSpec::of(OTHER), &journal)?;
    case.stage.wait("the second election has an owner", case.stage.patience(), || {
        let mut answers = false;
        journal.each_after(0, |what| answers |= matches!(what, What::Answers { on: true, .. }));
        answers
    })?;
    // The first election's owner is lost in the two ways that leave least behind, and most.
    case.act(&STOP, moves_once);
    case.act(&KILL, no_orphan);
    let recording = recorder.stop()?;
    let spec = RecorderSpec::of(OTHER);
    let bounds = Bounds::with_lifetimes(case.stage.spec().lease_duration(), spec.resolution());
    let verdict = judge(&recording.timeline, &bounds);
    let changes = changes(&recording.timeline);
    if changes.len() != 1 || !verdict.violations.is_empty() {
        let timeline = recording.timeline.text(|_| true);
        case.fails(format!("the second election: {:?}\n{timeline}", verdict.violations));
    }
    for mut other in others {
        if let Some(status) = other.try_wait()? {
            case.fails(format!("a daemon of the second election has ended: {status}"));
        }
    }
    Ok(())
}

#[test]
fn two_elections_on_one_host_do_not_touch_each_other() {
    let mut case = Case::new(|_| {});
    if let Err(error) = two_elections(&mut case) {
        case.fails(error.to_string());
    }
    case.end();
}

/// An address without an end stands on a node, as a killed original leaves it; then ours starts
/// there and everywhere.
fn left_behind(case: &mut Case, node: usize) -> Result<(), StageError> {
    case.stage.leave_address(node)?;
    let play = Play::begin(&case.stage, &mut Nobody)?;
    for node in 0..3 {
        case.stage.start(node)?;
    }
    play.pass(&case.stage, &mut Nobody, Duration::from_secs(8))?;
    let heir = play.until(&case.stage, &mut Nobody, |_| true)?;
    let performance = play.end(&case.stage, "address left behind", heir)?;
    case.judge("address left behind", &performance, whatever);
    Ok(())
}

/// The same, while another node holds: from its start on our daemon has the left one silenced.
fn left_beside_a_holder(case: &mut Case) -> Result<(), StageError> {
    let stage = &mut case.stage;
    let play = Play::begin(stage, &mut Nobody)?;
    let owner = play.owner();
    let other = (owner + 1) % 3;
    stage.daemon(other).expect("a daemon runs on each node").kill()?;
    play.pass(stage, &mut Nobody, Duration::from_millis(300))?;
    stage.leave_address(other)?;
    play.pass(stage, &mut Nobody, Duration::from_millis(500))?;
    stage.start(other)?;
    play.pass(stage, &mut Nobody, Duration::from_secs(4))?;
    let heir = play.until(stage, &mut Nobody, |node| node == owner)?;
    let performance = play.end(stage, "address left beside a holder", heir)?;
    let entries = &performance.run.timeline.entries;
    let at = |wanted: What| entries.iter().find(|e| e.what == wanted).map(|entry| entry.at);
    let started = at(What::Fault(Fault::Started(other)));
    let silent = at(What::Answers { node: other, on: false });
    let took = started.zip(silent).map(|(started, silent)| silent.saturating_sub(started));
    if took.is_none_or(|took| took > SILENCED_WITHIN) {
        case.fails(format!("what was left was silenced after {took:?}"));
    }
    case.judge("address left beside a holder", &performance, whatever);
    Ok(())
}

#[test]
fn an_address_that_was_left_behind_is_no_owner() {
    let mut case = Case::without_daemons(|_| {});
    if let Err(error) = left_behind(&mut case, 0) {
        case.fails(error.to_string());
    }
    if let Err(error) = left_beside_a_holder(&mut case) {
        case.fails(error.to_string());
    }
    case.end();
}

#[test]
fn a_host_whose_ruleset_was_flushed_is_fenced_again() {
    let mut case = Case::new(|_| {});
    case.act(&FLUSHED, stays);
    case.act(&KILL, no_orphan);
    case.end();
}

fn restored(case: &mut Case) -> Result<(), StageError> {
    let stage = &mut case.stage;
    stage.control_plane().snapshot(stage.world())?;
    let first = Play::begin(stage, &mut Nobody)?;
    let owner = first.owner();
    drop(first);
    // Another node holds, and writes for some time: the kept state says that the first one does.
    stage.daemon(owner).expect("a daemon runs on each node").terminate()?;
    let play = Play::begin(stage, &mut Nobody)?;
    play.until(stage, &mut Nobody, |node| node != owner)?;
    stage.start(owner)?;
    play.pass(stage, &mut Nobody, Duration::from_secs(3))?;
    stage.control_plane().restore(stage.world())?;
    play.pass(stage, &mut Nobody, Duration::from_secs(8))?;
    let heir = play.until(stage, &mut Nobody, |_| true)?;
    let performance = play.end(stage, "etcd restored from a snapshot", heir)?;
    case.judge("etcd restored from a snapshot", &performance, whatever);
    Ok(())
}

#[test]
fn a_restored_store_makes_no_second_owner() {
    let mut case = Case::new(|_| {});
    if let Err(error) = restored(&mut case) {
        case.fails(error.to_string());
    }
    case.end();
}
