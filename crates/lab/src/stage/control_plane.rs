//! The stage's API servers: one on each node.

mod embedded;
mod real;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use self::embedded::Embedded;
use self::real::Real;
use super::proxy::{Behind, Proxy, Trouble};
use super::runtime::Background;
use super::witness::Witness;
use super::{PORT, Reach, StageError, StageSpec, VIP};
use crate::cluster::https::Https;
use crate::net::World;
use crate::pki::{ClusterPki, User};
use crate::recorder::Journal;
use crate::timeline::{Fault, What};

/// Which API servers the nodes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ControlPlaneKind {
    /// The lab's own, over one store in this process.
    Embedded,
    /// etcd and kube-apiserver on each node.
    Real,
}

/// One API server on each node, and the kubeconfigs for it. What is done to them is written into
/// the journal. Nodes are indices; one that does not exist panics.
#[derive(Debug)]
pub struct ControlPlane {
    // Proxies first: dropped in this order.
    proxies: Vec<Proxy>,
    servers: Servers,
    port: u16,
    witness: Option<Witness>,
    _runtime: Background,
    kubeconfigs: Vec<PathBuf>,
    journal: Journal,
}

#[derive(Debug)]
enum Servers {
    Embedded(Embedded),
    Real(Real),
}

impl ControlPlane {
    /// Starts an API server on each node of the world, and writes kubeconfigs; it tells `progress`
    /// what it waits for.
    ///
    /// # Errors
    /// If programs, certificates, sockets or files are missing or refused.
    pub(super) fn start(
        spec: &StageSpec,
        world: &World,
        pki: &ClusterPki,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, StageError> {
        let runtime = Background::start("proxies").map_err(StageError::Runtime)?;
        let servers = match spec.control_plane {
            ControlPlaneKind::Embedded => {
                Servers::Embedded(Embedded::start(world, pki, spec.reach)?)
            }
            ControlPlaneKind::Real => Servers::Real(Real::start(spec, world, pki, progress)?),
        };
        let mut kubeconfigs = Vec::new();
        for node in world.nodes() {
            let path = spec.directory.join(format!("{}.yaml", node.name()));
            let kubeconfig = pki.admin_kubeconfig(&format!("https://127.0.0.1:{PORT}"))?;
            let written = kubeconfig.write(&path);
            written.map_err(|source| StageError::File { path: path.clone(), source })?;
            kubeconfigs.push(path);
        }
        let port = port(spec.reach);
        let behind = behind(pki, port)?;
        let guard = runtime.enter();
        let proxies = match spec.reach {
            Reach::Proxied => proxies(world, pki, &behind)?,
            Reach::Direct | Reach::DualStack => Vec::new(),
        };
        // Those of the lab's own note by themselves what happens.
        let real = spec.control_plane == ControlPlaneKind::Real;
        let witness = real.then(|| Witness::watch(world, &behind));
        drop(guard);
        let journal = world.journal().clone();
        Ok(Self { proxies, servers, port, witness, _runtime: runtime, kubeconfigs, journal })
    }

    /// Writes into the journal whom the Lease names now; whether that is known.
    pub(super) fn tell_holder(&self) -> bool {
        self.witness.as_ref().is_some_and(Witness::tell)
    }

    /// The port of the API servers themselves, on 127.0.0.1.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// The kubeconfig of a node's daemon.
    #[must_use]
    pub fn kubeconfig(&self, node: usize) -> &Path {
        &self.kubeconfigs[node]
    }

    /// The node is cut off: a store in this process must be told, a real one notices by itself.
    pub(super) fn isolate(&self, node: usize) {
        if let Servers::Embedded(servers) = &self.servers {
            servers.isolate(node);
        }
    }

    /// The node is connected again.
    pub(super) fn reunite(&self, node: usize) {
        if let Servers::Embedded(servers) = &self.servers {
            servers.reunite(node);
        }
    }

    /// Makes the proxy in front of a node's API server do this to requests; does nothing where
    /// there is none. One that passes nothing on is taken for an API server that answers nothing.
    pub fn trouble(&self, node: usize, trouble: Trouble) {
        let Some(proxy) = self.proxies.get(node) else { return };
        let fault = match trouble {
            Trouble::None => Fault::ApiPaced(node),
            Trouble::Hangs => Fault::ApiFrozen(node),
            Trouble::Delays(_) | Trouble::Fails | Trouble::LosesAnswers => Fault::ApiSlowed(node),
        };
        self.journal.note_now(What::Fault(fault));
        if trouble == Trouble::None {
            self.journal.note_now(What::Fault(Fault::ApiThawed(node)));
        }
        proxy.set(trouble);
    }

    /// The store of all API servers answers nobody: its members, all but one, are frozen.
    ///
    /// # Errors
    /// If they are gone.
    pub fn freeze_store(&self) -> Result<(), StageError> {
        self.journal.note_now(What::Fault(Fault::StoreAway));
        match &self.servers {
            Servers::Embedded(servers) => servers.isolate_all(),
            Servers::Real(servers) => servers.freeze_store()?,
        }
        Ok(())
    }

    /// The end of it.
    ///
    /// # Errors
    /// If they are gone.
    pub fn thaw_store(&self) -> Result<(), StageError> {
        match &self.servers {
            Servers::Embedded(servers) => servers.reunite_all(),
            Servers::Real(servers) => servers.thaw_store()?,
        }
        self.journal.note_now(What::Fault(Fault::StoreBack));
        Ok(())
    }

    /// The store of all API servers has no quorum: its members, all but one, are killed.
    pub fn kill_store(&self) {
        self.journal.note_now(What::Fault(Fault::StoreAway));
        match &self.servers {
            Servers::Embedded(servers) => servers.isolate_all(),
            Servers::Real(servers) => servers.kill_store(),
        }
    }

    /// They are started again. Returns when every API server is ready.
    ///
    /// # Errors
    /// If one cannot be started, or becomes not ready.
    pub fn restart_store(&self, world: &World) -> Result<(), StageError> {
        match &self.servers {
            Servers::Embedded(servers) => servers.reunite_all(),
            Servers::Real(servers) => {
                servers.restart_store(world)?;
                servers.ready(world)?;
            }
        }
        self.journal.note_now(What::Fault(Fault::StoreBack));
        Ok(())
    }

    /// Keeps a copy of what the store has now, to be put back by [`Self::restore`]. The API is
    /// away for some seconds.
    ///
    /// # Errors
    /// If this is no real control plane, a file cannot be copied, or it does not come back.
    pub fn snapshot(&self, world: &World) -> Result<(), StageError> {
        self.real()?.snapshot(world)
    }

    /// Puts back what [`Self::snapshot`] kept; every API server starts anew on it.
    ///
    /// # Errors
    /// As of [`Self::snapshot`].
    pub fn restore(&self, world: &World) -> Result<(), StageError> {
        self.journal.note_now(What::Fault(Fault::StoreAway));
        self.real()?.restore(world)?;
        self.journal.note_now(What::Fault(Fault::LeaseRestored));
        self.journal.note_now(What::Fault(Fault::StoreBack));
        Ok(())
    }

    fn real(&self) -> Result<&Real, StageError> {
        match &self.servers {
            Servers::Real(servers) => Ok(servers),
            Servers::Embedded(_) => {
                let text = "only a real control plane has a store that can be restored";
                Err(StageError::Request(text.to_owned()))
            }
        }
    }

    /// Stores and API servers die at once.
    pub(super) fn power_off(&self) {
        match &self.servers {
            Servers::Embedded(servers) => servers.kill_all(),
            Servers::Real(servers) => servers.kill_all(),
        }
    }

    /// They start again; nobody waits until they are ready.
    pub(super) fn power_on(&self, world: &World) -> Result<(), StageError> {
        match &self.servers {
            Servers::Embedded(servers) => servers.start_all(world),
            Servers::Real(servers) => servers.start_all(world),
        }
    }

    /// Waits until every API server is ready.
    pub(super) fn ready(&self, world: &World) -> Result<(), StageError> {
        match &self.servers {
            Servers::Embedded(_) => Ok(()),
            Servers::Real(servers) => servers.ready(world),
        }
    }

    /// Kills the node's API server: connections are reset, new ones refused.
    pub fn kill(&self, node: usize) {
        self.journal.note_now(What::Fault(Fault::ApiKilled(node)));
        match &self.servers {
            Servers::Embedded(servers) => servers.kill(node),
            Servers::Real(servers) => servers.kill(node),
        }
    }

    /// Starts it again.
    ///
    /// # Errors
    /// If its port is refused, or it cannot be started.
    pub fn restart(&self, world: &World, node: usize) -> Result<(), StageError> {
        match &self.servers {
            Servers::Embedded(servers) => servers.restart(world, node)?,
            Servers::Real(servers) => servers.restart(world, node)?,
        }
        self.journal.note_now(What::Fault(Fault::ApiStarted(node)));
        Ok(())
    }

    /// The node's API server accepts connections and answers nothing.
    ///
    /// # Errors
    /// If it is gone.
    pub fn freeze(&self, node: usize) -> Result<(), StageError> {
        self.journal.note_now(What::Fault(Fault::ApiFrozen(node)));
        match &self.servers {
            Servers::Embedded(servers) => {
                servers.freeze(node);
                Ok(())
            }
            Servers::Real(servers) => servers.freeze(node),
        }
    }

    /// It answers again.
    ///
    /// # Errors
    /// If it is gone.
    pub fn thaw(&self, node: usize) -> Result<(), StageError> {
        match &self.servers {
            Servers::Embedded(servers) => servers.thaw(node),
            Servers::Real(servers) => servers.thaw(node)?,
        }
        self.journal.note_now(What::Fault(Fault::ApiThawed(node)));
        Ok(())
    }
}

/// Where API servers listen that have a proxy in front of them.
const BEHIND: u16 = 16_443;

/// The port of the API servers themselves.
const fn port(reach: Reach) -> u16 {
    match reach {
        Reach::Direct | Reach::DualStack => PORT,
        Reach::Proxied => BEHIND,
    }
}

/// The API server of each node, asked by somebody who may do everything.
fn behind(pki: &ClusterPki, port: u16) -> Result<Behind, StageError> {
    let user = pki.client(&User::new("lab", &["system:masters"]))?;
    let https = Https::new(&pki.server_authority().certificate(), Some(&user));
    let https = https.map_err(|error| StageError::Request(error.to_string()))?;
    Ok(Behind { https, port })
}

fn proxies(world: &World, pki: &ClusterPki, behind: &Behind) -> Result<Vec<Proxy>, StageError> {
    let mut proxies = Vec::new();
    for node in world.nodes() {
        let names = node.address().into_iter().chain([VIP]).map(|name| name.to_string());
        let certificate = pki.api_server(&names.collect::<Vec<_>>())?;
        let listener = node.listen((Ipv4Addr::UNSPECIFIED, PORT).into())?;
        proxies.push(Proxy::start(node, listener, &certificate, behind.clone())?);
    }
    Ok(proxies)
}
