//! Where everything in a cluster writes to, and the ends of it for whoever has to find a fault.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::Cluster;
use super::control_plane::Program;
use super::machine::Machine;

/// So many lines of each log are shown.
const LINES: usize = 25;

impl Cluster {
    /// The ends of all logs, and where they are.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = format!("all logs are below {}\n", self.folder.display());
        for (node, machine) in self.machines.iter().enumerate() {
            let plane = self.plane.iter().flat_map(|plane| {
                [Program::Etcd, Program::ApiServer].map(|program| plane.log(node, program))
            });
            let own = ["containerd", "ctr", "mount", "kubelet"].map(|name| machine.log(name));
            for log in plane.chain(own).chain(of_pods(machine)) {
                let tail = tail(&log, LINES);
                if !tail.is_empty() {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "\n── the end of {}\n{tail}\n", log.display());
                }
            }
        }
        text
    }

    /// All that the containers of a node have written; a pod that is gone takes its logs along.
    #[must_use]
    pub fn pods_wrote(&self, node: usize) -> String {
        let logs = of_pods(self.machine(node));
        logs.iter().map(|log| tail(log, usize::MAX) + "\n").collect()
    }
}

/// The logs of a machine's containers.
fn of_pods(machine: &Machine) -> Vec<PathBuf> {
    let mut logs = Vec::new();
    find(&machine.layout().outside("/var/log/pods"), &mut logs);
    logs.sort();
    logs
}

fn find(directory: &Path, logs: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => find(&entry.path(), logs),
            Ok(kind) if kind.is_file() => logs.push(entry.path()),
            _ => {}
        }
    }
}

/// The last lines of a log; nothing if there is none.
pub(super) fn tail(log: &Path, lines: usize) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
