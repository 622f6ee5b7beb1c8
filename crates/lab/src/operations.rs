//! Where an operator works: a cluster as k3s or kubeadm sets it up, a workstation from which its
//! nodes are reached by ssh alone, and a front (HAProxy) through which the API was reached so far.
//!
//! k3s itself does not run here. Its programs are the real ones; what it does with them when
//! systemd starts and restarts it is done by a stand-in, see [`standin`].

pub mod caller;
pub mod front;
pub mod ssh;
pub mod standin;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::assets::{Assets, Missing};
use crate::cluster::layout::{HOME, Layout};
use crate::cluster::{Cluster, ClusterError, ClusterSpec, Kubeconfigs};
use crate::net::{Host, Process};
use crate::pki::Distribution;
use crate::stage::{PORT, VIP};
use crate::sys;

/// The address of the front, from another network.
pub const FRONT: std::net::Ipv4Addr = std::net::Ipv4Addr::new(10, 255, 254, 6);

/// The name by which people and programs call the API.
pub const NAME: &str = "k8s-cluster.fzymgc.house";

/// The context of the workstation's kubeconfig.
pub const CONTEXT: &str = "fzymgc-house";

/// The hosts beside the nodes, as [`Cluster::beside`] counts them.
const FRONT_HOST: usize = 0;
const WORKSTATION: usize = 1;

/// What runs on a node is looked up here first, then in the usual places.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How often what runs is looked after.
const GLANCE: Duration = Duration::from_millis(20);

/// Why something cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum OperationsError {
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The kernel world.
    #[error(transparent)]
    World(#[from] sys::Error),
    /// A program is not there.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A file or program of the machine's.
    #[error("cannot {step}")]
    Machine {
        /// What was being done.
        step: String,
        /// The answer.
        source: io::Error,
    },
    /// A program did not do what it was started for.
    #[error("{command}: {how}; it said:\n{said}")]
    Failed {
        /// Which.
        command: String,
        /// How it ended.
        how: String,
        /// All that it wrote.
        said: String,
    },
}

impl OperationsError {
    fn machine(step: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let step = step.into();
        move |source| Self::Machine { step, source }
    }
}

/// What a program did that was run to its end.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// All that it wrote, on both ways out.
    pub said: String,
    /// How long it took.
    pub took: Duration,
}

/// A cluster, a front and a workstation. Dropping it ends everything; files stay.
#[derive(Debug)]
pub struct Operations {
    tools: PathBuf,
    folder: PathBuf,
    standin: standin::Standin,
    front: Option<Process>,
    _sshd: Vec<Process>,
    count: usize,
    cluster: Cluster,
}

impl Operations {
    /// Makes `nodes` hosts on which nothing runs but sshd, and the other hosts. The workstation's
    /// /etc/hosts says that [`NAME`] is the front.
    ///
    /// # Errors
    /// The step that failed; a program that is missing.
    pub fn build(
        nodes: usize,
        distribution: Distribution,
        folder: &Path,
        assets: Assets,
    ) -> Result<Self, OperationsError> {
        let tools = assets.program("ansible-playbook")?;
        let tools = tools.parent().unwrap_or(Path::new("/")).to_owned();
        let spec = ClusterSpec {
            nodes,
            distribution,
            images: Vec::new(),
            beside: vec!["front", "workstation"],
            names: first_names(nodes, distribution),
            kubeconfigs: Kubeconfigs::Later,
            folder: folder.to_owned(),
        };
        let cluster = Cluster::build(spec, assets)?;
        let standin = standin::Standin::place(&cluster, &tools)?;
        let mut operations = Self {
            tools,
            folder: folder.to_owned(),
            standin,
            front: None,
            _sshd: Vec::new(),
            count: 0,
            cluster,
        };
        operations.lead_to_the_front()?;
        operations._sshd = ssh::start(&operations)?;
        operations.point(FRONT)?;
        Ok(operations)
    }

    /// The cluster.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The workstation and its directories.
    #[must_use]
    pub fn workstation(&self) -> (&Host, &Layout) {
        self.cluster.beside(WORKSTATION)
    }

    /// The hosts that are reached by ssh: the nodes, and the front.
    fn reachable(&self) -> Vec<(&Host, &Layout)> {
        let node = |node| (self.cluster.world().node(node), self.cluster.machine(node).layout());
        (0..self.cluster.size()).map(node).chain([self.cluster.beside(FRONT_HOST)]).collect()
    }

    /// Starts k3s on all nodes, as far as there is one here, or what kubeadm starts, and waits
    /// until their API servers are ready: containerd with the images that lie there, kubelet, etcd
    /// and kube-apiserver; the kubeconfigs come last.
    ///
    /// # Errors
    /// If a program cannot be started or is not ready after `at_most`.
    pub fn start_cluster(&mut self, at_most: Duration) -> Result<(), OperationsError> {
        for node in 0..self.cluster.size() {
            self.cluster.start_kubelet(node)?;
        }
        if self.cluster.pki().distribution() == Distribution::K3s {
            self.cluster.adopt_configured_names();
        }
        self.cluster.start_control_plane(at_most, |_| {})?;
        if self.cluster.pki().distribution() == Distribution::Kubeadm {
            let failed = OperationsError::machine("give administrators their rights");
            self.cluster.grant_administrators().map_err(failed)?;
        }
        for node in 0..self.cluster.size() {
            self.cluster.write_kubeconfig(node)?;
            standin::activate(self.cluster.machine(node).layout(), true)?;
        }
        self.give_kubeconfig()
    }

    /// Gives the workstation a kubeconfig for the front, with the document's context.
    fn give_kubeconfig(&mut self) -> Result<(), OperationsError> {
        let url = format!("https://{FRONT}:{PORT}");
        let kubeconfig = self.cluster.pki().admin_kubeconfig(&url);
        let text = kubeconfig.map_err(ClusterError::from)?.to_yaml();
        let (_, layout) = self.workstation();
        let written = layout.write(&format!("{HOME}/.kube/config"), &text);
        written.map_err(OperationsError::machine("write the workstation's kubeconfig"))?;
        let rename =
            format!("kubectl config rename-context $(kubectl config current-context) {CONTEXT}");
        let ran = self.run(&rename, Duration::from_secs(30))?;
        if ran.status.success() {
            return Ok(());
        }
        let how = ran.status.to_string();
        Err(OperationsError::Failed { command: rename, how, said: ran.said })
    }

    /// Says in the workstation's /etc/hosts which address [`NAME`] has.
    ///
    /// # Errors
    /// As of writing a file.
    pub fn point(&self, address: std::net::Ipv4Addr) -> Result<(), OperationsError> {
        let mut text = String::from("127.0.0.1 localhost\n");
        for (host, _) in self.reachable() {
            if let Some(address) = host.address() {
                text.push_str(&format!("{address} {}\n", host.name()));
            }
        }
        text.push_str(&format!("{address} {NAME}\n"));
        let (_, layout) = self.workstation();
        layout.write("/etc/hosts", &text).map_err(OperationsError::machine("write /etc/hosts"))
    }

    /// Runs a shell's command on the workstation to its end, `at_most` so long, and meanwhile does
    /// what the stand-ins are asked for.
    ///
    /// # Errors
    /// If it cannot be started, or does not end.
    pub fn run(&mut self, script: &str, at_most: Duration) -> Result<Ran, OperationsError> {
        let began = Instant::now();
        self.count += 1;
        let path = self.folder.join(format!("run-{:02}.log", self.count));
        let failed =
            |source| OperationsError::Machine { step: format!("write {}", path.display()), source };
        let log = File::create(&path).map_err(failed)?;
        let mut command = self.on_the_workstation(script);
        command.stdin(Stdio::null()).stderr(log.try_clone().map_err(failed)?).stdout(log);
        let mut process = self.workstation().0.spawn(command)?;
        loop {
            let status = process.wait(GLANCE)?;
            self.attend()?;
            let said = || {
                let text = fs::read(&path).map_err(failed)?;
                Ok::<_, OperationsError>(String::from_utf8_lossy(&text).into_owned())
            };
            if let Some(status) = status {
                return Ok(Ran { status, said: said()?, took: began.elapsed() });
            }
            if began.elapsed() > at_most {
                let how = format!("has not ended after {at_most:?}");
                return Err(OperationsError::Failed {
                    command: script.to_owned(),
                    how,
                    said: said()?,
                });
            }
        }
    }

    /// Waits, and meanwhile does what the stand-ins are asked for.
    ///
    /// # Errors
    /// As of [`Self::attend`].
    pub fn wait(&mut self, span: Duration) -> Result<(), OperationsError> {
        let until = Instant::now() + span;
        while Instant::now() < until {
            self.attend()?;
            thread::sleep(GLANCE);
        }
        Ok(())
    }

    /// Does what the stand-ins were asked for since the last time; refuses if a program of the
    /// cluster has ended by itself.
    ///
    /// # Errors
    /// What went wrong.
    pub fn attend(&mut self) -> Result<(), OperationsError> {
        self.standin.attend(&mut self.cluster)?;
        self.attend_to_the_front()?;
        Ok(self.cluster.still_running()?)
    }

    /// A shell on the workstation, with the tools of the assets.
    fn on_the_workstation(&self, script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-euc", script]).env_clear();
        command.env("PATH", format!("{}:{PATH}", self.tools.display()));
        command.env("HOME", HOME).env("LC_ALL", "C.UTF-8").env("USER", "root");
        command.env("ANSIBLE_NOCOLOR", "1").env("ANSIBLE_PIPELINING", "1");
        command.env("ANSIBLE_PYTHON_INTERPRETER", self.python());
        command.env("ANSIBLE_SSH_ARGS", "-o ControlMaster=auto -o ControlPersist=300s");
        command
    }

    /// A Python that all hosts see: the one that Ansible runs on.
    fn python(&self) -> PathBuf {
        let ansible = self.tools.join("ansible-playbook");
        let real = ansible.canonicalize().unwrap_or(ansible);
        real.with_file_name("python3")
    }

    /// Gives the front its address, and every other host a way to it.
    fn lead_to_the_front(&self) -> Result<(), OperationsError> {
        let (front, _) = self.cluster.beside(FRONT_HOST);
        let address = FRONT.to_string();
        self.ip(front, &["address", "add", &format!("{address}/32"), "dev", front.interface()])?;
        for host in self.cluster.world().nodes().iter().filter(|host| host.name() != front.name()) {
            self.ip(host, &["route", "add", &address, "dev", host.interface()])?;
        }
        Ok(())
    }

    fn ip(&self, host: &Host, arguments: &[&str]) -> Result<(), OperationsError> {
        let mut command = Command::new(self.tools.join("ip"));
        command.args(arguments).stdin(Stdio::null());
        let mut process = host.spawn(command)?;
        match process.wait(Duration::from_secs(10))? {
            Some(status) if status.success() => Ok(()),
            ended => Err(OperationsError::Failed {
                command: format!("ip {} on {}", arguments.join(" "), host.name()),
                how: format!("{ended:?}"),
                said: String::new(),
            }),
        }
    }
}

/// What the API servers' certificates are for before there is any virtual address; kubeadm's names
/// are complete from the beginning (`certSANs`).
fn first_names(nodes: usize, distribution: Distribution) -> Vec<String> {
    let numbers = (141..).take(nodes).map(|last| format!("192.168.20.{last}"));
    let virtual_one = (distribution == Distribution::Kubeadm).then(|| VIP.to_string());
    [NAME.to_owned(), FRONT.to_string()].into_iter().chain(numbers).chain(virtual_one).collect()
}
