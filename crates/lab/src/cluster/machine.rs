//! One machine of a real cluster: a host with directories of its own, containerd and kubelet.

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use super::assets::Assets;
use super::containerd::{self, Image};
use super::kubelet;
use super::layout::Layout;
use super::logs;
use super::{ClusterError, Kubeconfigs};
use crate::net::{Host, Process};
use crate::pki::{ClusterPki, Distribution, User};
use crate::stage::PORT;
use crate::sys;

/// The PATH of everything that runs there.
pub(super) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// How long a program may take to end when it is told to.
const GRACE: Duration = Duration::from_secs(10);

/// How long a small program such as mount may take.
const MOMENT: Duration = Duration::from_secs(30);

/// So many lines of a log are shown with what went wrong.
const LINES: usize = 10;

/// The programs of all machines.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    runtime: containerd::Programs,
    kubelet: kubelet::Program,
}

impl Programs {
    pub(crate) fn find(assets: &Assets) -> Result<Self, ClusterError> {
        Ok(Self {
            runtime: containerd::Programs::find(assets)?,
            kubelet: kubelet::Program::find(assets)?,
        })
    }
}

/// A machine, and what runs on it. Dropping it kills containerd and kubelet, not the pods.
#[derive(Debug)]
pub struct Machine {
    name: String,
    address: Ipv4Addr,
    distribution: Distribution,
    layout: Layout,
    containerd: Option<Process>,
    kubelet: Option<Process>,
}

impl Machine {
    /// What a host with these directories is to be, with kubeconfigs for its own API server.
    pub(crate) fn make(
        (host, distribution, layout): (&Host, Distribution, Layout),
        (pki, kubeconfigs): (&ClusterPki, Kubeconfigs),
    ) -> Result<Self, ClusterError> {
        let name = host.name().to_owned();
        // Every node of a world has an address.
        let address = host.address().unwrap_or(Ipv4Addr::UNSPECIFIED);
        let machine = Self { name, address, distribution, layout, containerd: None, kubelet: None };
        machine.prepare(host)?;
        machine.hand_out(pki, kubeconfigs)?;
        Ok(machine)
    }

    /// Its name, also in the cluster.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its own address.
    #[must_use]
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Its directories.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The directory of static pods' manifests, as the machine sees it.
    #[must_use]
    pub const fn manifests(&self) -> &'static str {
        match self.distribution {
            Distribution::K3s => "/var/lib/rancher/k3s/agent/pod-manifests",
            Distribution::Kubeadm => "/etc/kubernetes/manifests",
        }
    }

    /// The administrator's kubeconfig, as the machine sees it.
    #[must_use]
    pub const fn kubeconfig(&self) -> &'static str {
        match self.distribution {
            Distribution::K3s => "/etc/rancher/k3s/k3s.yaml",
            Distribution::Kubeadm => "/etc/kubernetes/admin.conf",
        }
    }

    /// Writes a file of the machine's own.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<(), ClusterError> {
        let failed = |source| ClusterError::File { path: self.layout.outside(path), source };
        self.layout.write(path, text).map_err(failed)
    }

    /// Writes the kubeconfigs of kubelet, and of the administrator unless that comes later, for the
    /// node's own API server.
    fn hand_out(&self, pki: &ClusterPki, kubeconfigs: Kubeconfigs) -> Result<(), ClusterError> {
        if kubeconfigs == Kubeconfigs::AtOnce {
            self.write_kubeconfig(pki)?;
        }
        let kubelet = pki.kubeconfig(&server(), &User::kubelet(&self.name))?;
        self.write(kubelet::KUBECONFIG, &kubelet.to_yaml())
    }

    /// Writes the administrator's kubeconfig, for the node's own API server.
    pub(super) fn write_kubeconfig(&self, pki: &ClusterPki) -> Result<(), ClusterError> {
        self.write(self.kubeconfig(), &pki.admin_kubeconfig(&server())?.to_yaml())
    }

    /// Prepares what kubelet reads in /proc.
    fn prepare(&self, host: &Host) -> Result<(), ClusterError> {
        for bind in kubelet::tunables(self)? {
            let mut command = Command::new("mount");
            command.arg("--bind").arg(&bind.source).arg(&bind.target);
            self.run(host, command, MOMENT)?;
        }
        Ok(())
    }

    /// Starts containerd, and imports `images`.
    pub(crate) fn start_runtime(
        &mut self,
        (host, programs): (&Host, &Programs),
        images: &[Image],
    ) -> Result<(), ClusterError> {
        let command = programs.runtime.containerd(self)?;
        self.containerd = Some(self.spawn(host, "containerd", command)?);
        programs.runtime.import((self, host), images, &self.bundled())
    }

    /// The images that k3s imports when it starts.
    fn bundled(&self) -> Vec<PathBuf> {
        let place = self.layout.outside("/var/lib/rancher/k3s/agent/images");
        let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        paths.filter(|path| path.extension().is_some_and(|name| name == "tar")).collect()
    }

    /// Starts kubelet.
    pub(crate) fn start_kubelet(
        &mut self,
        host: &Host,
        programs: &Programs,
    ) -> Result<(), ClusterError> {
        let command = programs.kubelet.command(self)?;
        self.kubelet = Some(self.spawn(host, "kubelet", command)?);
        Ok(())
    }

    /// Whether containerd was started.
    pub(super) const fn has_runtime(&self) -> bool {
        self.containerd.is_some()
    }

    /// Stops containerd as a service manager does; pods live on.
    pub(super) fn stop_runtime(&mut self) {
        end(self.containerd.take());
    }

    /// Stops kubelet as a service manager does; pods live on.
    pub(super) fn stop_kubelet(&mut self) {
        end(self.kubelet.take());
    }

    /// Refuses if a program that was started has ended by itself.
    pub(super) fn still_running(&mut self) -> Result<(), ClusterError> {
        let ended = |process: &mut Option<Process>| {
            Ok::<_, sys::Error>(process.as_mut().map(Process::try_wait).transpose()?.flatten())
        };
        let programs =
            [("containerd", ended(&mut self.containerd)?), ("kubelet", ended(&mut self.kubelet)?)];
        for (program, status) in programs {
            if let Some(status) = status {
                return Err(self.ended(program, status));
            }
        }
        Ok(())
    }

    fn ended(&self, program: &str, status: ExitStatus) -> ClusterError {
        let log = self.log(program);
        let tail = logs::tail(&log, LINES);
        let (program, node) = (program.to_owned(), self.name.clone());
        ClusterError::Ended { program, node, status, log, tail }
    }

    /// Where a program's output goes.
    pub(super) fn log(&self, program: &str) -> PathBuf {
        self.layout.beside(&format!("{program}.log"))
    }

    /// Runs a program to its end, which must be a success within `at_most`.
    pub(super) fn run(
        &self,
        host: &Host,
        command: Command,
        at_most: Duration,
    ) -> Result<(), ClusterError> {
        let program = Path::new(command.get_program()).file_name().unwrap_or_default();
        let program = program.to_string_lossy().into_owned();
        let mut process = self.spawn(host, &program, command)?;
        match process.wait(at_most)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.ended(&program, status)),
            None => Err(ClusterError::Slow { program, node: self.name.clone(), after: at_most }),
        }
    }

    fn spawn(
        &self,
        host: &Host,
        program: &str,
        mut command: Command,
    ) -> Result<Process, ClusterError> {
        let path = self.log(program);
        let failed = |source| ClusterError::File { path: path.clone(), source };
        let log = File::options().create(true).append(true).open(&path).map_err(failed)?;
        let also = log.try_clone().map_err(failed)?;
        command.stdin(Stdio::null()).stdout(log).stderr(also);
        Ok(host.spawn(command)?)
    }
}

/// The node's own API server.
fn server() -> String {
    format!("https://127.0.0.1:{PORT}")
}

/// SIGTERM, and SIGKILL if that is not enough.
fn end(process: Option<Process>) {
    if let Some(mut process) = process
        && process.terminate().is_ok()
    {
        // Dropping it kills what is left.
        let _: Result<_, sys::Error> = process.wait(GRACE);
    }
}
