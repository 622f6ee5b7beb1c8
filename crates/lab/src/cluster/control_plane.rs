//! A real control plane: an etcd member and a kube-apiserver on each of its nodes, set up as k3s
//! or kubeadm do, but for the disk: etcd does not wait for it. No controllers, no scheduler.

mod readiness;
mod recipe;
mod renewal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use super::assets::{Assets, Missing};
use super::logs::tail;
use crate::api::Anonymous;
use crate::net::Host;
use crate::pki::{ClusterPki, PkiError, User};
use crate::sys;
use crate::sys::process::Process;
use readiness::Question;
use recipe::Recipe;

/// So many lines of a log are shown with what went wrong.
const LINES: usize = 15;

/// Why a control plane does not run.
#[derive(Debug, thiserror::Error)]
pub enum ControlPlaneError {
    /// A program is not there.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// Certificates could not be made.
    #[error("no certificates")]
    Pki(#[from] PkiError),
    /// A file could not be written.
    #[error("cannot write {path}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program could not be started, or its process not be asked.
    #[error("cannot run {program} on {node}")]
    Process {
        /// Which one.
        program: Program,
        /// Where.
        node: String,
        /// Why.
        source: sys::Error,
    },
    /// A program has ended by itself.
    #[error("{program} on {node} has ended ({status}); the end of {log}:\n{tail}")]
    Ended {
        /// Which one.
        program: Program,
        /// Where.
        node: String,
        /// How.
        status: ExitStatus,
        /// What it wrote.
        log: PathBuf,
        /// The last lines of that.
        tail: String,
    },
    /// The control plane was not ready in time.
    #[error("not ready after {after:.1?}, waiting for {waiting}; the end of {log}:\n{tail}")]
    NotReady {
        /// How long it was waited for.
        after: Duration,
        /// What was missing.
        waiting: String,
        /// What the last missing API server wrote.
        log: PathBuf,
        /// The last lines of that.
        tail: String,
    },
    /// Certificates that the readiness check needs were refused.
    #[error("the certificates cannot be used")]
    Tls(#[source] rustls::Error),
}

/// The two programs of a control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The store.
    Etcd,
    /// The API server.
    ApiServer,
}

impl Program {
    /// The program's file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
        }
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a node's programs run.
pub trait Site {
    /// Starts a program there.
    ///
    /// # Errors
    /// If it cannot be started.
    fn spawn(&self, command: Command) -> Result<Process, sys::Error>;

    /// Connects to a port there.
    ///
    /// # Errors
    /// As of connecting.
    fn connect(&self, address: SocketAddr) -> io::Result<TcpStream>;
}

/// Right here, in this process's own namespaces.
#[derive(Clone, Copy, Debug)]
pub struct Here;

impl Site for Here {
    fn spawn(&self, command: Command) -> Result<Process, sys::Error> {
        Process::here(command)
    }

    fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address)
    }
}

impl Site for Host {
    fn spawn(&self, command: Command) -> Result<Process, sys::Error> {
        Self::spawn(self, command)
    }

    fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        self.run(|| TcpStream::connect(address)).map_err(io::Error::other)?
    }
}

/// Where a node's programs listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The API server.
    pub api: u16,
    /// etcd for its API server, on 127.0.0.1.
    pub etcd_client: u16,
    /// etcd for the other members, on the node's address.
    pub etcd_peer: u16,
}

impl Ports {
    /// 6443, 2379 and 2380, as everybody has them.
    pub const USUAL: Self = Self { api: 6443, etcd_client: 2379, etcd_peer: 2380 };

    /// Three that nobody uses at the moment, for a node that shares its network.
    ///
    /// # Errors
    /// If no port is free.
    pub fn free() -> io::Result<Self> {
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listeners = [listen()?, listen()?, listen()?];
        let port = |index: usize| Ok::<_, io::Error>(listeners[index].local_addr()?.port());
        Ok(Self { api: port(0)?, etcd_client: port(1)?, etcd_peer: port(2)? })
    }
}

/// A node of the control plane.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its own address: that of etcd for the other members, and the API server's own.
    pub address: IpAddr,
    /// Its ports.
    pub ports: Ports,
}

/// Where API servers listen; on a node whose address is on loopback on that one in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listening {
    /// On all addresses of IPv4.
    #[default]
    Ipv4,
    /// On all addresses, with sockets of IPv6.
    All,
    /// On 127.0.0.1, behind proxies: then they do not publish their addresses.
    Behind,
}

/// What a control plane is to be.
#[derive(Debug)]
pub struct Spec<'a> {
    /// Its nodes.
    pub members: Vec<Member>,
    /// What it signs with; certificates are made as the distribution does.
    pub pki: &'a ClusterPki,
    /// Further names and addresses for the API servers' certificates, such as the VIP.
    pub names: Vec<String>,
    /// What requests without credentials get.
    pub anonymous: Anonymous,
    /// Where the API servers listen.
    pub listening: Listening,
    /// Bearer tokens and whom they stand for.
    pub tokens: BTreeMap<String, User>,
    /// An existing directory for data, certificates and logs. Sites must see it at this path.
    pub folder: PathBuf,
}

/// A running control plane. Dropping it kills all of its processes; files stay.
#[derive(Debug)]
pub struct ControlPlane {
    recipe: Recipe,
    nodes: Vec<Node>,
    question: Question,
}

#[derive(Debug, Default)]
struct Node {
    etcd: Option<Process>,
    api: Option<Process>,
}

impl Node {
    const fn slot(&mut self, program: Program) -> &mut Option<Process> {
        match program {
            Program::Etcd => &mut self.etcd,
            Program::ApiServer => &mut self.api,
        }
    }
}

/// How far the start is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many API servers are ready.
    pub ready: usize,
    /// How many there are.
    pub of: usize,
    /// What the next one is waiting for, in its own words where it has some.
    pub waiting: String,
    /// How long it has been waited.
    pub elapsed: Duration,
}

impl ControlPlane {
    /// Starts etcd and kube-apiserver on every site; the sites are the members', in their order.
    /// Nothing is ready yet when this returns: see [`Self::ready`].
    ///
    /// # Errors
    /// When a program is missing or cannot be started, or a file cannot be written.
    pub fn start(
        spec: Spec<'_>,
        assets: &Assets,
        sites: &[&dyn Site],
    ) -> Result<Self, ControlPlaneError> {
        let admin = spec.pki.client(&User::new("lab", &["system:masters"]))?;
        let authority = spec.pki.server_authority().certificate();
        let question = Question::new(&authority, &admin).map_err(ControlPlaneError::Tls)?;
        let recipe = Recipe::prepare(spec, assets)?;
        let nodes = recipe.members.iter().map(|_| Node::default()).collect();
        let mut plane = Self { recipe, nodes, question };
        for program in [Program::Etcd, Program::ApiServer] {
            for (node, site) in sites.iter().enumerate().take(plane.nodes.len()) {
                plane.launch(node, program, *site)?;
            }
        }
        Ok(plane)
    }

    /// Waits until every API server is ready and the namespace `kube-system` is there, `at_most` so
    /// long. `progress` is called about ten times a second.
    ///
    /// # Errors
    /// When a program ends, or the time is over; both tell the end of its log.
    pub async fn ready(
        &mut self,
        sites: &[&dyn Site],
        at_most: Duration,
        mut progress: impl FnMut(&Progress),
    ) -> Result<(), ControlPlaneError> {
        let started = Instant::now();
        let mut ready = 0;
        while let Some((member, site)) = self.recipe.members.get(ready).zip(sites.get(ready)) {
            let waiting = match self.question.ask(*site, member.ports.api).await {
                Ok(()) => {
                    ready += 1;
                    continue;
                }
                Err(waiting) => format!("{}: {waiting}", member.name),
            };
            let elapsed = started.elapsed();
            self.still_running()?;
            if elapsed > at_most {
                let log = self.log(ready, Program::ApiServer);
                let tail = tail(&log, LINES);
                return Err(ControlPlaneError::NotReady { after: elapsed, waiting, log, tail });
            }
            progress(&Progress { ready, of: self.nodes.len(), waiting, elapsed });
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Asks the API server on a node whether it is ready: if not, the answer says why, in its own
    /// words where it has some. Takes 3 s at most.
    ///
    /// # Errors
    /// When it is not ready.
    pub async fn ask(&self, node: usize, site: &dyn Site) -> Result<(), String> {
        let member = self.recipe.members.get(node).ok_or("no such node")?;
        self.question.ask(site, member.ports.api).await
    }

    /// How many nodes there are.
    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    /// The process of a program on a node, unless it was stopped: for signals, memory and CPU.
    pub fn process(&self, node: usize, program: Program) -> Option<&Process> {
        let node = self.nodes.get(node)?;
        match program {
            Program::Etcd => node.etcd.as_ref(),
            Program::ApiServer => node.api.as_ref(),
        }
    }

    /// Kills a program on a node, as SIGKILL does; does nothing if it does not run.
    pub fn kill(&mut self, node: usize, program: Program) {
        if let Some(node) = self.nodes.get_mut(node) {
            // Dropping a process kills it and waits for its end.
            *node.slot(program) = None;
        }
    }

    /// Starts a program on a node (again), with the data and certificates that it had. One that
    /// runs is killed first.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch(
        &mut self,
        node: usize,
        program: Program,
        site: &dyn Site,
    ) -> Result<(), ControlPlaneError> {
        self.kill(node, program);
        let command = self.recipe.command(node, program)?;
        let process = site.spawn(command).map_err(|source| ControlPlaneError::Process {
            program,
            node: self.recipe.members[node].name.clone(),
            source,
        })?;
        *self.nodes[node].slot(program) = Some(process);
        Ok(())
    }

    /// Where a program on a node writes its log.
    pub fn log(&self, node: usize, program: Program) -> PathBuf {
        self.recipe.log(node, program)
    }

    /// Refuses if a program that was started has ended by itself.
    ///
    /// # Errors
    /// With the end of its log.
    pub fn still_running(&mut self) -> Result<(), ControlPlaneError> {
        for (index, node) in self.nodes.iter_mut().enumerate() {
            let processes = [(Program::Etcd, &mut node.etcd), (Program::ApiServer, &mut node.api)];
            for (program, process) in processes {
                let Some(process) = process else { continue };
                let name = || self.recipe.members[index].name.clone();
                let ended = process.try_wait().map_err(|source| ControlPlaneError::Process {
                    program,
                    node: name(),
                    source,
                })?;
                if let Some(status) = ended {
                    let log = self.recipe.log(index, program);
                    let (node, tail) = (name(), tail(&log, LINES));
                    return Err(ControlPlaneError::Ended { program, node, status, log, tail });
                }
            }
        }
        Ok(())
    }
}
