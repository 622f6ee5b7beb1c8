//! A real cluster: on each node of the lab etcd, kube-apiserver, kubelet and containerd, set up as
//! k3s or kubeadm do, each with a network, file systems, a host name and processes of its own.
//! Pods are static ones: there are no controllers and no scheduler.

pub mod assets;
mod audit;
pub(crate) mod cgroups;
pub mod containerd;
pub mod control_plane;
pub mod daemon_set;
pub mod https;
pub mod k3s;
pub mod kubelet;
pub mod layout;
mod logs;
pub mod machine;
pub mod pods;
pub mod requests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::runtime::Runtime;

use self::assets::{Assets, Missing};
use self::cgroups::Cgroups;
use self::containerd::Image;
use self::control_plane::{
    ControlPlane, ControlPlaneError, Listening, Member, Ports, Program, Progress, Site, Spec,
};
use self::https::Https;
use self::layout::Layout;
use self::machine::{Machine, Programs};
pub use self::requests::{PATIENCE, Who};
use crate::api::Anonymous;
use crate::net::{Host, NodeSpec, Own, World, WorldSpec};
use crate::pki::{ClusterPki, Distribution, PkiError, User};
use crate::sys;
use crate::sys::clock::Stamp;
use crate::timeline::{Fault, What};

/// Why a real cluster is not there, or does not do what it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A program or an image is not there.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The kernel world.
    #[error(transparent)]
    World(#[from] sys::Error),
    /// Certificates could not be made.
    #[error("no certificates")]
    Pki(#[from] PkiError),
    /// Certificates were refused.
    #[error("the certificates cannot be used")]
    Tls(#[from] rustls::Error),
    /// etcd or kube-apiserver.
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    /// A file could not be read or written.
    #[error("cannot use {path}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program has ended that should not have, or not like this.
    #[error("{program} on {node} has ended ({status}); the end of {log}:\n{tail}")]
    Ended {
        /// Which one.
        program: String,
        /// Where.
        node: String,
        /// How.
        status: ExitStatus,
        /// What it wrote.
        log: PathBuf,
        /// The last lines of that.
        tail: String,
    },
    /// A program that should have ended still runs.
    #[error("{program} on {node} has not ended after {after:.1?}")]
    Slow {
        /// Which one.
        program: String,
        /// Where.
        node: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The machine refused something else.
    #[error("cannot {step}")]
    Machine {
        /// What was being done.
        step: &'static str,
        /// The answer.
        source: io::Error,
    },
}

/// What a cluster is to be.
#[derive(Clone, Debug)]
pub struct ClusterSpec {
    /// How many nodes.
    pub nodes: usize,
    /// Whose habits: paths, certificates, what anonymous requests get, and what is stopped together
    /// with kubelet.
    pub distribution: Distribution,
    /// The images that pods need.
    pub images: Vec<Image>,
    /// The names of further hosts on the segment that run nothing of the cluster, with directories
    /// of their own.
    pub beside: Vec<&'static str>,
    /// Names and addresses for the API servers' certificates, besides the nodes' own.
    pub names: Vec<String>,
    /// Whether the nodes have kubeconfigs from the beginning.
    pub kubeconfigs: Kubeconfigs,
    /// A directory for everything that the nodes write, logs among it. What an earlier cluster has
    /// left there is removed first.
    pub folder: PathBuf,
}

/// When a node gets the administrator's kubeconfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kubeconfigs {
    /// At once, before any API server runs.
    AtOnce,
    /// By [`Cluster::write_kubeconfig`], as k3s writes it when its API server comes up.
    Later,
}

/// The cluster. Dropping it kills everything in it; files stay.
#[derive(Debug)]
pub struct Cluster {
    distribution: Distribution,
    folder: PathBuf,
    images: Vec<Image>,
    names: Vec<String>,
    pki: ClusterPki,
    assets: Assets,
    programs: Programs,
    administrator: Https,
    nobody: Https,
    runtime: Runtime,
    // Dropped in this order: groups can be removed when no process is in them.
    plane: Option<ControlPlane>,
    machines: Vec<Machine>,
    beside: Vec<Layout>,
    world: World,
    groups: Cgroups,
}

impl Cluster {
    /// Makes the nodes, with kubeconfigs that point to 127.0.0.1. Nothing runs on them yet.
    ///
    /// # Errors
    /// The step that failed; a program that is missing.
    pub fn build(spec: ClusterSpec, assets: Assets) -> Result<Self, ClusterError> {
        let ClusterSpec { nodes, distribution, images, beside, names, kubeconfigs, folder } = spec;
        let failed = |step| move |source| ClusterError::Machine { step, source };
        let programs = Programs::find(&assets)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        clear(&folder, nodes).map_err(failed("clear the folder of an earlier cluster"))?;
        let pki = ClusterPki::new(distribution)?;
        let authority = pki.server_authority().certificate();
        let administrator = pki.client(&User::new("lab", &["system:masters"]))?;
        let mut world = WorldSpec::of(nodes);
        let own = |name: &&str| NodeSpec { name: (*name).to_owned(), own: Own::Network };
        world.nodes.extend(beside.iter().map(own));
        let mut layouts = Vec::with_capacity(world.nodes.len());
        for node in &mut world.nodes {
            let layout = Layout::make(&folder.join(&node.name));
            let layout = layout.map_err(failed("make the nodes' directories"))?;
            node.own = Own::Host(layout.binds());
            layouts.push(layout);
        }
        let beside = layouts.split_off(nodes);
        let groups = Cgroups::of(layouts.clone()).map_err(failed("look for control groups"))?;
        let world = World::new(&world)?;
        let mut machines = Vec::with_capacity(nodes);
        for (host, layout) in world.nodes().iter().zip(layouts) {
            machines.push(Machine::make((host, distribution, layout), (&pki, kubeconfigs))?);
        }
        Ok(Self {
            distribution,
            folder,
            images,
            names,
            administrator: Https::new(&authority, Some(&administrator))?,
            nobody: Https::new(&authority, None)?,
            pki,
            assets,
            programs,
            runtime: runtime.map_err(failed("start a runtime"))?,
            plane: None,
            machines,
            beside,
            world,
            groups,
        })
    }

    /// The kernel world that it is in.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// A node's machine.
    ///
    /// # Panics
    /// If there is no such node; so also below.
    #[must_use]
    pub fn machine(&self, node: usize) -> &Machine {
        &self.machines[node]
    }

    /// One of the hosts beside the nodes, and its directories.
    ///
    /// # Panics
    /// If there is no such host.
    #[must_use]
    pub fn beside(&self, host: usize) -> (&Host, &Layout) {
        (self.world.node(self.machines.len() + host), &self.beside[host])
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.machines.len()
    }

    /// What the cluster signs with.
    #[must_use]
    pub const fn pki(&self) -> &ClusterPki {
        &self.pki
    }

    /// Somebody who may do everything.
    #[must_use]
    pub const fn administrator(&self) -> &Https {
        &self.administrator
    }

    /// Starts containerd and kubelet on a node; images are imported in between.
    ///
    /// # Errors
    /// If a program cannot be started, or an image not be imported.
    pub fn start_kubelet(&mut self, node: usize) -> Result<(), ClusterError> {
        let (machine, host) = (&mut self.machines[node], self.world.node(node));
        if !machine.has_runtime() {
            machine.start_runtime((host, &self.programs), &self.images)?;
        }
        machine.start_kubelet(host, &self.programs)
    }

    /// Starts etcd and kube-apiserver on all nodes and waits until they are ready, `at_most` so
    /// long. `progress` is called about ten times a second.
    ///
    /// # Errors
    /// When a program ends, or the time is over.
    pub fn start_control_plane(
        &mut self,
        at_most: Duration,
        progress: impl FnMut(&Progress),
    ) -> Result<(), ClusterError> {
        let folder = self.folder.join("control-plane");
        let made = std::fs::create_dir_all(&folder);
        made.map_err(|source| ClusterError::File { path: folder.clone(), source })?;
        let member = |machine: &Machine| Member {
            name: machine.name().to_owned(),
            address: machine.address().into(),
            ports: Ports::USUAL,
        };
        let spec = Spec {
            members: self.machines.iter().map(member).collect(),
            pki: &self.pki,
            names: self.names.clone(),
            anonymous: match self.distribution {
                Distribution::K3s => Anonymous::Refused,
                Distribution::Kubeadm => Anonymous::Allowed,
            },
            listening: Listening::default(),
            tokens: BTreeMap::new(),
            folder,
        };
        let sites: Vec<&dyn Site> =
            self.world.nodes().iter().map(|host| host as &dyn Site).collect();
        let plane = self.plane.insert(ControlPlane::start(spec, &self.assets, &sites)?);
        self.runtime.block_on(plane.ready(&sites, at_most, progress))?;
        Ok(())
    }

    /// Stops what `systemctl stop` stops on a node, while its pods live on: of k3s, whose API
    /// server, etcd, kubelet and containerd are one service, all four; else all but containerd.
    pub fn stop_services(&mut self, node: usize) {
        let at = Stamp::now();
        if let Some(plane) = &mut self.plane {
            plane.kill(node, Program::ApiServer);
            plane.kill(node, Program::Etcd);
        }
        self.machines[node].stop_kubelet();
        if self.distribution == Distribution::K3s {
            self.machines[node].stop_runtime();
        }
        self.world.journal().note(at, What::Fault(Fault::ApiKilled(node)));
    }

    /// Starts again what [`Self::stop_services`] stopped.
    ///
    /// # Errors
    /// If a program cannot be started.
    pub fn start_services(&mut self, node: usize) -> Result<(), ClusterError> {
        if let Some(plane) = &mut self.plane {
            let host = self.world.node(node);
            plane.launch(node, Program::Etcd, host)?;
            plane.launch(node, Program::ApiServer, host)?;
        }
        self.start_kubelet(node)?;
        self.world.journal().note_now(What::Fault(Fault::ApiStarted(node)));
        Ok(())
    }

    /// Refuses if a program that was started has ended by itself.
    ///
    /// # Errors
    /// Which, and where its log is.
    pub fn still_running(&mut self) -> Result<(), ClusterError> {
        self.machines.iter_mut().try_for_each(Machine::still_running)?;
        Ok(self.plane.as_mut().map_or(Ok(()), ControlPlane::still_running)?)
    }
}

/// Removes what an earlier cluster has left in `folder`, and its control groups if it was killed.
fn clear(folder: &Path, nodes: usize) -> io::Result<()> {
    let names = WorldSpec::of(nodes).nodes.into_iter().map(|node| node.name);
    let machines = names.map(|name| Layout::found(&folder.join(name))).collect();
    drop(Cgroups::of(machines)?);
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
