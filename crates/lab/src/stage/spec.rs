//! What a stage is to be.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{ControlPlaneKind, VIP};
use crate::cluster::containerd::Image;

/// How daemons and clients reach the API servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// They listen on all IPv4 addresses.
    #[default]
    Direct,
    /// They listen on all addresses with sockets of IPv6, as Go does by default.
    DualStack,
    /// In front of each is a proxy that can be told to make trouble.
    Proxied,
}

/// What starts the daemons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Starter {
    /// The lab, on the hosts themselves.
    #[default]
    Lab,
    /// Kubelets, from a manifest in their directories.
    StaticPod,
    /// Kubelets, from the pods that a DaemonSet's controller would make.
    DaemonSet,
}

/// What a stage is to be.
#[derive(Clone, Debug)]
pub struct StageSpec {
    /// The daemon under test: any program with kube-vip's interface.
    pub program: PathBuf,
    /// The addresses to keep; the client uses the first.
    pub addresses: Vec<IpAddr>,
    /// What starts the daemons; pods need an image.
    pub starter: Starter,
    /// How many nodes.
    pub nodes: usize,
    /// Which API servers the nodes have.
    pub control_plane: ControlPlaneKind,
    /// How they are reached.
    pub reach: Reach,
    /// Lease duration, renew deadline and retry period in seconds.
    pub seconds: [u32; 3],
    /// With it the nodes of a real control plane have kubelets, which can run the daemon in pods
    /// of this image.
    pub image: Option<Image>,
    /// Further environment of the daemons; it wins over the stage's own.
    pub environment: Vec<(OsString, OsString)>,
    /// Debian's libfaketime, which gives each daemon a wall clock of its own that can be stepped; a
    /// static program takes no notice of it.
    pub wall_clocks: Option<PathBuf>,
    /// Where kubeconfigs and logs go.
    pub directory: PathBuf,
}

impl StageSpec {
    /// Three nodes at 5/3/1 s.
    #[must_use]
    pub fn of(program: &Path, directory: &Path) -> Self {
        Self {
            program: program.to_owned(),
            addresses: vec![VIP.into()],
            starter: Starter::default(),
            nodes: 3,
            control_plane: ControlPlaneKind::Embedded,
            reach: Reach::default(),
            seconds: [5, 3, 1],
            image: None,
            environment: Vec::new(),
            wall_clocks: None,
            directory: directory.to_owned(),
        }
    }

    /// The lease duration.
    #[must_use]
    pub fn lease_duration(&self) -> Duration {
        Duration::from_secs(self.seconds[0].into())
    }
}
