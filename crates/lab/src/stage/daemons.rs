//! The daemon under test on each node: how it is started, told to end, and killed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{LEASE, PORT, Stage, StageError, Starter};
use crate::net::{Daemon, DaemonSpec, Process};

impl Stage {
    /// The daemon of a node, if one was started there.
    #[must_use]
    pub fn daemon(&self, node: usize) -> Option<&Daemon> {
        self.daemons.get(node)?.as_ref()
    }

    /// Starts the daemon of a node; one of the lab's own that ran there is killed first. That of a
    /// pod is waited for, which its kubelet starts, for the first time or again.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn start(&mut self, node: usize) -> Result<(), StageError> {
        match self.spec.starter {
            Starter::Lab => {
                let program = self.spec.program.clone();
                self.start_program(node, &program)
            }
            Starter::StaticPod | Starter::DaemonSet => self.start_pod(node),
        }
    }

    /// Has the daemon of a node end in order: with SIGTERM; that of a pod, by deleting its manifest
    /// or the pod.
    ///
    /// # Errors
    /// If it is gone.
    pub fn stop(&mut self, node: usize) -> Result<(), StageError> {
        match self.spec.starter {
            Starter::Lab => Ok(self.daemon(node).map_or(Ok(()), Daemon::terminate)?),
            Starter::StaticPod | Starter::DaemonSet => self.stop_pod(node),
        }
    }

    /// Kills the daemon of a node; that of a pod is then started again by its kubelet.
    ///
    /// # Errors
    /// If it is gone.
    pub fn kill(&mut self, node: usize) -> Result<(), StageError> {
        match self.spec.starter {
            Starter::Lab => Ok(self.daemon(node).map_or(Ok(()), Daemon::kill)?),
            Starter::StaticPod | Starter::DaemonSet => self.kill_pod(node),
        }
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
    pub(super) fn environment(&self, node: usize, name: &str) -> Vec<(OsString, OsString)> {
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
}
