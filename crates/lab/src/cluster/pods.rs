//! Static pods: their manifests, and the processes of their containers.

use std::fs;

use super::cgroups::Cgroups;
use super::layout::Layout;
use super::machine::Machine;
use super::{Cluster, ClusterError};
use crate::sys::clock::Stamp;
use crate::timeline::{Fault, What};

/// The daemon's file name, in its image and as the kernel's name of its process.
const DAEMON: &str = "kube-vip";

/// The manifest's file name.
const MANIFEST: &str = "kube-vip.yaml";

/// The daemon in its container, as the lab sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Container {
    /// The daemon's process, by the lab's count.
    pub pid: u32,
    /// Its resident memory in bytes (`VmRSS`).
    pub resident: u64,
}

impl Machine {
    /// Puts the daemon's manifest into the directory of manifests.
    ///
    /// # Errors
    /// As of writing a file.
    pub fn deploy(&self, manifest: &str) -> Result<(), ClusterError> {
        self.write(&format!("{}/{MANIFEST}", self.manifests()), manifest)
    }

    /// Deletes the manifest.
    ///
    /// # Errors
    /// If it was not there.
    pub fn withdraw(&self) -> Result<(), ClusterError> {
        let path = self.layout().outside(self.manifests()).join(MANIFEST);
        fs::remove_file(&path).map_err(|source| ClusterError::File { path, source })
    }
}

impl Cluster {
    /// Puts the daemon's manifest into a node's directory of manifests.
    ///
    /// # Errors
    /// As of writing a file.
    pub fn deploy(&self, node: usize, manifest: &str) -> Result<(), ClusterError> {
        self.machine(node).deploy(manifest)
    }

    /// Deletes the manifest from a node's directory, and notes that the daemon is told to end.
    ///
    /// # Errors
    /// If it was not there.
    pub fn withdraw(&self, node: usize) -> Result<(), ClusterError> {
        let at = Stamp::now();
        self.machine(node).withdraw()?;
        self.world().journal().note(at, What::Fault(Fault::Terminated(node)));
        Ok(())
    }

    /// The daemon that runs in a container of a node's pods; none: no such process is there.
    #[must_use]
    pub fn container(&self, node: usize) -> Option<Container> {
        daemon(&self.groups, self.machine(node).layout())
    }
}

/// The daemon that runs in a container of a machine's pods; none: no such process is there.
pub(crate) fn daemon(groups: &Cgroups, machine: &Layout) -> Option<Container> {
    groups.processes(machine).into_iter().find_map(|pid| {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if field("Name:")? != DAEMON {
            return None;
        }
        let kibibytes = field("VmRSS:")?.strip_suffix("kB")?.trim().parse::<u64>().ok()?;
        Some(Container { pid, resident: kibibytes * 1024 })
    })
}
