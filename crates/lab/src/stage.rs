//! A cluster of real daemons in the kernel world: API servers, daemons under test, a client, a
//! recorder; what is done to them, and what came of it.

pub mod act;
mod admin;
mod control_plane;
mod perform;
mod props;
mod proxy;
mod runtime;
mod spec;
mod strikes;
mod take;
mod wall_clock;
mod witness;

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::api::ApiError;
use crate::cluster::control_plane::ControlPlaneError;
use crate::net::{Daemon, DaemonSpec, Process, World, WorldSpec};
use crate::pki::{ClusterPki, Distribution, PkiError};
use crate::recorder::{Recorder, RecorderSpec};
use crate::timeline::What;

pub use self::act::{Act, Then};
pub use self::admin::Administrator;
pub use self::control_plane::{ControlPlane, ControlPlaneKind};
pub use self::perform::{Audience, Nobody, Performance, Play, perform};
use self::props::Props;
pub use self::proxy::Trouble;
pub use self::spec::{Reach, StageSpec};
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
    control_plane: ControlPlane,
    pki: ClusterPki,
    world: World,
}

impl Stage {
    /// Builds the world, with an API server on each node, telling `progress` what it waits for; no
    /// daemon runs yet.
    ///
    /// # Errors
    /// The step that failed.
    pub fn build(spec: StageSpec, progress: &mut dyn FnMut(&str)) -> Result<Self, StageError> {
        let ipv6 = spec.addresses.iter().any(IpAddr::is_ipv6);
        let world = World::new(&WorldSpec { ipv6, ..WorldSpec::of(spec.nodes) })?;
        let pki = ClusterPki::new(Distribution::K3s)?;
        let control_plane = ControlPlane::start(&spec, &world, &pki, progress)?;
        let daemons = (0..spec.nodes).map(|_| None).collect();
        let administrator = Administrator::new(&pki)?;
        let props = Props::default();
        let recorded = AtomicUsize::new(0);
        let stage =
            Self { spec, daemons, props, recorded, administrator, control_plane, pki, world };
        stage.register()?;
        if stage.spec.control_plane == ControlPlaneKind::Real && stage.spec.reach == Reach::Proxied
        {
            stage.publish()?;
        }
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

    /// From now on daemons that start keep these addresses; all that run are killed, and whatever
    /// they leave is waited for.
    ///
    /// # Errors
    /// If an address stays.
    pub fn keep(&mut self, addresses: Vec<IpAddr>) -> Result<(), StageError> {
        self.daemons.iter_mut().for_each(|daemon| *daemon = None);
        let (old, patience) = (self.spec.addresses.clone(), self.patience());
        self.wait("the addresses are gone", patience, || {
            let gone = |host: &crate::net::Host| {
                let has = host.rtnl().addresses().unwrap_or_default();
                !old.iter().any(|address| has.contains(address))
            };
            self.world.nodes().iter().all(gone)
        })?;
        self.spec.addresses = addresses;
        Ok(())
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

    /// The daemon of a node, if one was started there.
    #[must_use]
    pub fn daemon(&self, node: usize) -> Option<&Daemon> {
        self.daemons.get(node)?.as_ref()
    }

    /// Starts the daemon of a node; one that ran there is killed first.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn start(&mut self, node: usize) -> Result<(), StageError> {
        let program = self.spec.program.clone();
        self.start_program(node, &program)
    }

    /// As [`Self::start`], with another program of kube-vip's interface.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn start_program(&mut self, node: usize, program: &Path) -> Result<(), StageError> {
        self.daemons[node] = None;
        let own = self.daemon_spec(node, &["manager"]);
        let spec = DaemonSpec { program: program.to_owned(), ..own };
        self.daemons[node] = Some(Daemon::start(&self.world, node, &spec)?);
        Ok(())
    }

    /// Runs the program under test on a node, as its daemon is run there but for the arguments,
    /// and what `environment` says besides or instead; what it says is in the daemon's log.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn command(
        &self,
        node: usize,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Process, StageError> {
        let mut spec = self.daemon_spec(node, arguments);
        let also = environment.iter().map(|(name, value)| (name.into(), value.into()));
        spec.environment.extend(also);
        Ok(self.world.node(node).spawn(spec.command()?)?)
    }

    fn daemon_spec(&self, node: usize, arguments: &[&str]) -> DaemonSpec {
        let name = self.world.node(node).name().to_owned();
        DaemonSpec {
            program: self.spec.program.clone(),
            args: arguments.iter().map(Into::into).collect(),
            environment: self.environment(node, &name),
            log: self.log(node),
        }
    }

    /// Where the daemon of a node writes its log.
    #[must_use]
    pub fn log(&self, node: usize) -> PathBuf {
        self.spec.directory.join(format!("{}.log", self.world.node(node).name()))
    }

    /// The mission document's environment, with the stage's own times and names.
    fn environment(&self, node: usize, name: &str) -> Vec<(OsString, OsString)> {
        let [duration, deadline, retry] = self.spec.seconds;
        let own = [
            ("vip_arp", "true".to_owned()),
            ("vip_interface", self.world.node(node).interface().to_owned()),
            ("address", self.addresses()),
            ("port", PORT.to_string()),
            ("vip_leaderelection", "true".to_owned()),
            ("cp_enable", "true".to_owned()),
            ("cp_namespace", "kube-system".to_owned()),
            ("vip_leasename", LEASE.to_owned()),
            ("vip_nodename", name.to_owned()),
            ("vip_leaseduration", duration.to_string()),
            ("vip_renewdeadline", deadline.to_string()),
            ("vip_retryperiod", retry.to_string()),
        ];
        let own = own.map(|(name, value)| (name.into(), value.into())).into_iter();
        let kubeconfig = self.control_plane.kubeconfig(node).as_os_str().to_owned();
        let kubeconfig = ("KUBECONFIG".into(), kubeconfig);
        own.chain([kubeconfig])
            .chain(self.wall_clock(node))
            .chain(self.spec.environment.iter().cloned())
            .collect()
    }

    fn addresses(&self) -> String {
        let all: Vec<String> = self.spec.addresses.iter().map(ToString::to_string).collect();
        all.join(",")
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
