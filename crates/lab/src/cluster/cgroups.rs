//! The control groups of containers, which belong to this whole machine: containerd names them
//! `/k8s.io/ID` in each hierarchy. Containers' identities tell a cluster's own from anybody else's.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::layout::Layout;

#[cfg(test)]
mod tests;

/// The group that containerd puts all containers of Kubernetes into.
const PARENT: &str = "k8s.io";

/// Processes that were killed leave their groups within this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// The groups of some machines' containers. Dropping it removes them; their processes must have
/// been killed.
#[derive(Debug)]
pub(crate) struct Cgroups {
    hierarchies: Vec<PathBuf>,
    machines: Vec<Layout>,
}

impl Cgroups {
    /// Those of the containers on these machines.
    pub(crate) fn of(machines: Vec<Layout>) -> io::Result<Self> {
        let hierarchies = hierarchies(&fs::read_to_string("/proc/self/mounts")?);
        Ok(Self { hierarchies, machines })
    }

    /// The processes of a machine's containers, by the lab's count.
    pub(super) fn processes(&self, machine: &Layout) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        for group in self.groups(machine) {
            let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
            found.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
        }
        found
    }

    fn groups(&self, machine: &Layout) -> Vec<PathBuf> {
        let containers = machine.containers();
        let groups = |hierarchy: &PathBuf| {
            let parent = hierarchy.join(PARENT);
            containers.iter().map(|id| parent.join(id)).collect::<Vec<_>>()
        };
        self.hierarchies.iter().flat_map(groups).collect()
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        let until = Instant::now() + PATIENCE;
        for group in self.machines.iter().flat_map(|machine| self.groups(machine)) {
            while remove(&group).is_err() && Instant::now() < until {
                thread::sleep(Duration::from_millis(20));
            }
        }
        for hierarchy in &self.hierarchies {
            // Refused where others have containers.
            let _ = fs::remove_dir(hierarchy.join(PARENT));
        }
    }
}

/// Where the hierarchies are mounted, from the text of /proc/self/mounts.
fn hierarchies(mounts: &str) -> Vec<PathBuf> {
    let place = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (place, kind) = (words.next()?, words.next()?);
        matches!(kind, "cgroup" | "cgroup2").then(|| PathBuf::from(place))
    };
    mounts.lines().filter_map(place).collect()
}

/// Removes a group and those below it; one that is not there is no error.
fn remove(group: &Path) -> io::Result<()> {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path())?;
        }
    }
    match fs::remove_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
