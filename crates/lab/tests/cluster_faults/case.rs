//! A cluster, and acts on it whose failures are told together at the end.

use std::time::Duration;

use kube_vip_lab::oracle::Guarantee;
use kube_vip_lab::report::{human, time_with_two_owners};
use kube_vip_lab::stage::{Act, ControlPlaneKind, Nobody, Performance, Stage, StageSpec, perform};

#[path = "../support/program.rs"]
mod program;

use program::program;

/// What an act is to come to, besides that every guarantee is kept.
pub(crate) type Check = fn(&Performance) -> Result<(), String>;

/// A cluster with daemons that run; it counts what goes wrong.
pub(crate) struct Case {
    pub(crate) stage: Stage,
    failures: Vec<String>,
    directory: Option<tempfile::TempDir>,
}

#[expect(clippy::print_stdout, reason = "figures, for whoever runs the tests")]
impl Case {
    /// Three nodes with a real control plane, changed by `change`, and an owner.
    pub(crate) fn new(change: impl FnOnce(&mut StageSpec)) -> Self {
        let mut case = Self::without_daemons(change);
        case.stage.start_all().expect("one node answers");
        case
    }

    /// The same, and no daemon runs yet.
    pub(crate) fn without_daemons(change: impl FnOnce(&mut StageSpec)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut spec = StageSpec {
            control_plane: ControlPlaneKind::Real,
            ..StageSpec::of(&program(), directory.path())
        };
        change(&mut spec);
        let stage = Stage::build(spec, &mut |_| {});
        let stage = stage.expect("a stage; it needs root and `cargo xtask assets`");
        Self { stage, failures: Vec::new(), directory: Some(directory) }
    }

    /// Performs an act, which is to come to what `check` says.
    pub(crate) fn act(&mut self, act: &Act, check: Check) -> Option<Performance> {
        match perform(&mut self.stage, act, &mut Nobody) {
            Ok(performance) => {
                self.judge(act.title, &performance, check);
                Some(performance)
            }
            Err(error) => {
                self.failures.push(format!("{}: {error}", act.title));
                None
            }
        }
    }

    /// Notes what is wrong with a performance.
    pub(crate) fn judge(&mut self, title: &str, performance: &Performance, check: Check) {
        let mut wrong: Vec<String> =
            performance.verdict.violations.iter().map(ToString::to_string).collect();
        wrong.extend(check(performance).err());
        let (client, moves) = (&performance.run.client, performance.moves());
        let outage = human(performance.run.outage());
        let connects = &client.service.connects;
        println!(
            "{title}: {moves} moves, outage {outage}, silent after {:?}, {} of {} connects failed, \
             {} refused, {} slow, two owners for {}{}",
            performance.silent_after(),
            connects.failed,
            connects.tried,
            connects.refused,
            connects.slow,
            human(time_with_two_owners(&performance.run.timeline)),
            if client.disturbed() { ", the machine was busy" } else { "" },
        );
        if !wrong.is_empty() {
            let timeline = performance.run.timeline.text(|_| true);
            self.fails(format!("{title}: {}\n{timeline}", wrong.join("\n  ")));
        }
    }

    /// Notes a failure.
    pub(crate) fn fails(&mut self, text: String) {
        println!("FAILED: {text}");
        self.failures.push(text);
    }

    /// Fails if anything did; then the logs stay.
    #[track_caller]
    pub(crate) fn end(mut self) {
        if self.failures.is_empty() {
            return;
        }
        let directory = self.directory.take().map(tempfile::TempDir::keep);
        for host in self.stage.world().nodes() {
            let name = host.name();
            // What these keep is large, and tells nothing.
            for data in ["/etcd", "/etcd.kept", ".machine/var/lib/containerd"] {
                let place = directory.iter().map(|all| all.join(format!("{name}{data}")));
                place.for_each(|place| drop(std::fs::remove_dir_all(place)));
            }
        }
        panic!(
            "{} failures:\n{}\nlogs: {directory:?}",
            self.failures.len(),
            self.failures.join("\n")
        );
    }
}

/// Anything will do.
pub(crate) fn whatever(_: &Performance) -> Result<(), String> {
    Ok(())
}

/// The address moved once.
pub(crate) fn moves_once(performance: &Performance) -> Result<(), String> {
    match performance.moves() {
        1 => Ok(()),
        moves => Err(format!("the address moved {moves} times, not once")),
    }
}

/// The address did not move, and no client noticed.
pub(crate) fn stays(performance: &Performance) -> Result<(), String> {
    stays_put(performance)?;
    let outage = performance.run.outage();
    if outage > Duration::from_millis(50) && !performance.run.client.disturbed() {
        return Err(format!("clients were without an answer for {}", human(outage)));
    }
    Ok(())
}

/// The address did not move.
pub(crate) fn stays_put(performance: &Performance) -> Result<(), String> {
    match performance.moves() {
        0 => Ok(()),
        moves => Err(format!("the address moved {moves} times")),
    }
}

/// The address moved once, and no connection failed or was slow.
pub(crate) fn hands_over(performance: &Performance) -> Result<(), String> {
    moves_once(performance)?;
    let client = &performance.run.client;
    let connects = &client.service.connects;
    if performance.run.failed() + connects.slow > 0 && !client.disturbed() {
        return Err(format!("connections suffered: {connects:?}"));
    }
    Ok(())
}

/// There was an occasion to leave an orphan behind.
pub(crate) fn no_orphan(performance: &Performance) -> Result<(), String> {
    moves_once(performance)?;
    let occasions = performance.verdict.occasions.get(&Guarantee::NoOrphan);
    occasions.map(|_| ()).ok_or_else(|| "no orphan was possible".to_owned())
}
