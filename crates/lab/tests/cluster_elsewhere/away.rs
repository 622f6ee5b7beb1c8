//! A daemon whose own API server is dead or frozen goes on with another one of its cluster, which
//! it knows from the EndpointSlices, and comes back.

use std::path::Path;
use std::time::Duration;

use kube_vip_lab::stage::{ControlPlaneKind, Stage, StageSpec};

#[path = "../support/program.rs"]
mod program;

use program::program;

/// A third of what a request may take at 5/3/1, and what a busy machine may need besides.
const SOON: Duration = Duration::from_secs(10);

/// A real API server needs so long to start on a busy machine.
const RESTART: Duration = Duration::from_secs(60);

fn lines(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).expect("the daemon has a log");
    let at = text.lines().filter(|line| line.contains("using the API server"));
    at.map(ToOwned::to_owned).collect()
}

fn is_at_home(log: &Path) -> bool {
    lines(log).last().is_some_and(|line| line.contains("https://127.0.0.1:"))
}

fn is_elsewhere(log: &Path) -> bool {
    lines(log).last().is_some_and(|line| !line.contains("https://127.0.0.1:"))
}

/// Kills the API server of the owner's node, and freezes it: each time the daemon goes on with
/// another one, and comes back.
pub(crate) fn another_one_is_used(control_plane: ControlPlaneKind) {
    let directory = tempfile::tempdir().expect("a directory");
    let spec = StageSpec { control_plane, ..StageSpec::of(&program(), directory.path()) };
    let stage = Stage::build(spec, &mut |_| {});
    let mut stage =
        stage.expect("a stage; it needs root, and `cargo xtask assets` if it is a real one");
    let owner = stage.start_all().expect("one node answers");
    let log = stage.log(owner);
    stage.wait("it is at home", SOON, || is_at_home(&log)).expect("it is at home");
    // The list of API servers is read when the daemon starts.
    for dead in [true, false] {
        if dead {
            stage.control_plane().kill(owner);
        } else {
            stage.control_plane().freeze(owner).expect("it is there");
        }
        stage.wait("it is elsewhere", SOON, || is_elsewhere(&log)).expect("it is elsewhere");
        if dead {
            stage.control_plane().restart(stage.world(), owner).expect("its port is free");
        } else {
            stage.control_plane().thaw(owner).expect("it is there");
        }
        stage.wait("it is back", RESTART, || is_at_home(&log)).expect("it is at home");
    }
}
