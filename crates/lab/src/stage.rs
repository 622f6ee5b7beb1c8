//! A cluster of real daemons in the kernel world: API servers, daemons under test, a client, a
//! recorder; what is done to them, and what came of it.

pub mod act;
mod admin;
mod control_plane;
mod daemons;
mod kubelets;
mod perform;
mod props;
mod proxy;
mod runtime;
mod spec;
mod strikes;
mod take;
mod wall_clock;
mod witness;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use thiserror::Error;

use self::kubelets::Kubelets;
use crate::api::ApiError;
use crate::cluster::ClusterError;
use crate::cluster::cgroups::Cgroups;
use crate::cluster::control_plane::ControlPlaneError;
use crate::net::{Daemon, World, WorldSpec};
use crate::pki::{ClusterPki, Distribution, PkiError};
use crate::recorder::{Recorder, RecorderSpec};
use crate::timeline::What;

pub use self::act::{Act, Then};
pub use self::admin::Administrator;
pub use self::control_plane::{ControlPlane, ControlPlaneKind};
pub use self::perform::{Audience, Nobody, Performance, Play, perform};
use self::props::Props;
pub use self::proxy::Trouble;
pub use self::spec::{Reach, StageSpec, Starter};
pub use self::take::{Take, Taken};

/// The virtual address of the mission: on the nodes' subnet.
pub const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 140);

/// The same of IPv6, in the network that the nodes have beside.
pub const VIP6: Ipv6Addr = Ipv6Addr::new(0xfd00, 20, 0, 0, 0, 0, 0, 0x140);

/// The API servers' port.
pub const PORT: u16 = 6443;

/// The Lease's name, the original's default.
pub const LEASE: &str = "plndr-cp-lock";

/// Why there is no stage, or no more.
#[derive(Debug, Error)]
pub enum StageError {
    /// The kernel world.
    #[error(transparent)]
    World(#[from] crate::net::Error),
    /// Certificates.
    #[error("cannot make certificates: {0}")]
    Pki(#[from] PkiError),
    /// An API server of the lab's own.
    #[error("cannot start an API server: {0}")]
    Api(#[from] ApiError),
    /// A real control plane.
    #[error("the control plane: {0}")]
    ControlPlane(#[from] ControlPlaneError),
    /// A kubelet, or what it needs.
    #[error("the kubelets: {0}")]
    Kubelets(#[from] ClusterError),
    /// A file of the stage.
    #[error("cannot write {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An API server did not do what was asked for.
    #[error("{0}")]
    Request(String),
    /// The runtime of the API servers.
    #[error("cannot start a runtime: {0}")]
    Runtime(io::Error),
    /// Whoever was looking had enough.
    #[error("stopped by whoever looked on")]
    Stopped,
    /// Something did not happen in time.
    #[error("waited {waited:?} in vain until {what}; the daemons' logs are in {logs}")]
    Waited {
        /// For what.
        what: String,
        /// How long.
        waited: Duration,
        /// Where to look.
        logs: PathBuf,
    },
}

/// The cluster. Dropping it ends everything in it and leaves nothing.
#[derive(Debug)]
pub struct Stage {
    spec: StageSpec,
    // Daemons first: dropped in this order.
    daemons: Vec<Option<Daemon>>,
    props: Props,
    /// So many entries were in the journal when the last recording began.
    recorded: AtomicUsize,
    administrator: Administrator,
    kubelets: Option<Kubelets>,
    control_plane: ControlPlane,
    pki: ClusterPki,
    world: World,
    /// Can be removed when no process is in them.
    groups: Option<Arc<Cgroups>>,
}

impl Stage {
    /// Builds the world, with an API server on each node, telling `progress` what it waits for; no
    /// daemon runs yet.
    ///
    /// # Errors
    /// The step that failed.
    pub fn build(spec: StageSpec, progress: &mut dyn FnMut(&str)) -> Result<Self, StageError> {
        let ipv6 = spec.addresses.iter().any(IpAddr::is_ipv6);
        let mut world = WorldSpec { ipv6, ..WorldSpec::of(spec.nodes) };
        let layouts = kubelets::furnish(&spec, &mut world.nodes)?;
        let world = World::new(&world)?;
        let pki = ClusterPki::new(Distribution::K3s)?;
        let control_plane = ControlPlane::start(&spec, &world, &pki, progress)?;
        let daemons = (0..spec.nodes).map(|_| None).collect();
        let administrator = Administrator::new(&pki)?;
        let props = Props::default();
        let recorded = AtomicUsize::new(0);
        let mut stage = Self {
            spec,
            daemons,
            props,
            recorded,
            administrator,
            kubelets: None,
            control_plane,
            pki,
            world,
            groups: None,
        };
        if stage.spec.control_plane == ControlPlaneKind::Real && stage.spec.reach == Reach::Proxied
        {
            stage.publish()?;
        }
        if let Some(image) = stage.spec.image.clone() {
            progress("kubelets start");
            stage.start_kubelets(layouts, &image)?;
        } else {
            stage.register()?;
        }
        stage.prepare_pods()?;
        Ok(stage)
    }

    /// The spec it was built from.
    #[must_use]
    pub const fn spec(&self) -> &StageSpec {
        &self.spec
    }

    /// The address that the client uses: the first.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.spec.addresses.first().copied().unwrap_or(IpAddr::V4(VIP))
    }

    /// From now on daemons are started so, and keep these addresses; all that run are killed, or
    /// their pods deleted, and whatever they leave is waited for.
    ///
    /// # Errors
    /// If an address stays; if the nodes have no kubelets and are to run pods.
    pub fn keep(&mut self, starter: Starter, addresses: Vec<IpAddr>) -> Result<(), StageError> {
        self.daemons.iter_mut().for_each(|daemon| *daemon = None);
        self.clear_pods()?;
        let (old, patience) = (self.spec.addresses.clone(), self.patience());
        self.wait("the addresses are gone", patience, || {
            let gone = |host: &crate::net::Host| {
                let has = host.rtnl().addresses().unwrap_or_default();
                !old.iter().any(|address| has.contains(address))
            };
            self.world.nodes().iter().all(gone)
        })?;
        (self.spec.starter, self.spec.addresses) = (starter, addresses);
        self.prepare_pods()
    }

    /// The kernel world.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// What the cluster's certificates are signed with.
    #[must_use]
    pub const fn pki(&self) -> &ClusterPki {
        &self.pki
    }

    /// The API servers.
    #[must_use]
    pub const fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }

    fn recorder(&self) -> Result<Recorder, StageError> {
        self.recorded.store(self.world.journal().count(), Ordering::Relaxed);
        Ok(Recorder::start(&self.world, &RecorderSpec::of(self.address()))?)
    }

    /// Starts every daemon, and waits until one node answers.
    ///
    /// # Errors
    /// If a program cannot be started, or nobody answers within two lease durations and 20 s.
    pub fn start_all(&mut self) -> Result<usize, StageError> {
        if self.spec.starter != Starter::Lab {
            // Kubelets are at it at the same time.
            (0..self.spec.nodes).try_for_each(|node| self.ask_for_pod(node))?;
        }
        for node in 0..self.spec.nodes {
            self.start(node)?;
        }
        let recorder = self.recorder()?;
        let mut owner = None;
        self.wait("one node answers", self.patience(), || {
            owner = self.owner();
            owner.is_some()
        })?;
        recorder.stop()?;
        // The wait has just succeeded.
        owner.ok_or(StageError::Stopped)
    }

    /// For how long to wait for an owner before something is wrong.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.spec.lease_duration() * 2 + Duration::from_secs(20)
    }

    /// Who answers now, according to what the last recording has noted so far.
    #[must_use]
    pub fn answering(&self) -> Vec<usize> {
        let mut who = Vec::new();
        let since = self.recorded.load(Ordering::Relaxed);
        self.world.journal().each_after(since, |what| match *what {
            What::Answers { node, on: true } if !who.contains(&node) => who.push(node),
            What::Answers { node, on: false } => who.retain(|other| *other != node),
            _ => {}
        });
        who
    }

    /// The one node that answers now; none: nobody, or several.
    #[must_use]
    pub fn owner(&self) -> Option<usize> {
        match self.answering()[..] {
            [node] => Some(node),
            _ => None,
        }
    }

    /// Waits until something is so, looking a hundred times a second.
    ///
    /// # Errors
    /// If it takes longer than `at_most`.
    pub fn wait(
        &self,
        what: &str,
        at_most: Duration,
        mut so: impl FnMut() -> bool,
    ) -> Result<(), StageError> {
        let began = Instant::now();
        while !so() {
            if began.elapsed() > at_most {
                let (what, logs) = (what.to_owned(), self.spec.directory.clone());
                return Err(StageError::Waited { what, waited: at_most, logs });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}
