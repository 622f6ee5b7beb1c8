//! Kubelets on the nodes, which run the daemons in pods: set up as k3s does.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::admin::NODES;
use super::{Stage, StageError, StageSpec, Starter};
use crate::cluster::assets::Assets;
use crate::cluster::cgroups::Cgroups;
use crate::cluster::containerd::Image;
use crate::cluster::daemon_set::{self, CONFIG_MAPS, PODS, SETS};
use crate::cluster::layout::Layout;
use crate::cluster::machine::{Machine, Programs};
use crate::cluster::{ClusterError, Kubeconfigs, pods};
use crate::net::{NodeSpec, Own, World};
use crate::pki::{ClusterPki, Distribution};
use crate::sys::clock::Stamp;
use crate::sys::process::Foreign;
use crate::timeline::{Fault, What};

/// A kubelet has started or ended a pod within this time, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A kubelet and a containerd on each node, and what they are to run.
#[derive(Debug)]
pub(super) struct Kubelets {
    machines: Vec<Machine>,
    image: String,
    /// The nodes that are to have a pod.
    wanted: BTreeSet<usize>,
    /// The last process of each node's daemon, by the lab's count.
    last: Vec<Option<u32>>,
    /// What pods are made of, a manifest or a set as the API server has it; none: nothing.
    template: Option<Value>,
    /// So many manifests were made.
    manifests: usize,
    groups: Arc<Cgroups>,
}

/// Gives each node that is to have a kubelet directories of its own.
pub(super) fn furnish(spec: &StageSpec, nodes: &mut [NodeSpec]) -> Result<Vec<Layout>, StageError> {
    let nodes = nodes.iter_mut().filter(|_| spec.image.is_some());
    let furnish = |node: &mut NodeSpec| {
        let path = spec.directory.join(format!("{}.machine", node.name));
        let layout = Layout::make(&path);
        let layout = layout.map_err(|source| StageError::File { path, source })?;
        node.own = Own::Host(layout.binds());
        Ok(layout)
    };
    nodes.map(furnish).collect()
}

impl Kubelets {
    fn start(
        (layouts, image): (Vec<Layout>, &Image),
        world: &World,
        pki: &ClusterPki,
    ) -> Result<Self, StageError> {
        let programs = Programs::find(&Assets::find())?;
        let groups = Cgroups::of(layouts.clone());
        let groups = groups
            .map_err(|source| ClusterError::Machine { step: "look for control groups", source })?;
        let mut machines = Vec::with_capacity(layouts.len());
        for (host, layout) in world.nodes().iter().zip(layouts) {
            let node = (host, Distribution::K3s, layout);
            let mut machine = Machine::make(node, (pki, Kubeconfigs::AtOnce))?;
            // Kubelets want the directory from their start.
            machine.write(&format!("{}/.empty", machine.manifests()), "")?;
            machine.start_runtime((host, &programs), std::slice::from_ref(image))?;
            machine.start_kubelet(host, &programs)?;
            machines.push(machine);
        }
        Ok(Self {
            last: vec![None; machines.len()],
            machines,
            image: image.known_as.clone(),
            wanted: BTreeSet::new(),
            template: None,
            manifests: 0,
            groups: Arc::new(groups),
        })
    }

    /// The number of the node's daemon; none: it does not run.
    fn daemon(&self, node: usize) -> Option<u32> {
        let layout = self.machines[node].layout();
        pods::daemon(&self.groups, layout).map(|container| container.pid)
    }
}

fn without_kubelets() -> StageError {
    StageError::Request("the nodes have no kubelets".to_owned())
}

impl Stage {
    fn kubelets(&self) -> Result<&Kubelets, StageError> {
        self.kubelets.as_ref().ok_or_else(without_kubelets)
    }

    fn kubelets_mut(&mut self) -> Result<&mut Kubelets, StageError> {
        self.kubelets.as_mut().ok_or_else(without_kubelets)
    }

    /// Starts kubelets, waits until each has registered its node, and makes what a DaemonSet needs
    /// in the cluster.
    pub(super) fn start_kubelets(
        &mut self,
        layouts: Vec<Layout>,
        image: &Image,
    ) -> Result<(), StageError> {
        let kubelets = Kubelets::start((layouts, image), &self.world, &self.pki)?;
        self.groups = Some(kubelets.groups.clone());
        self.kubelets = Some(kubelets);
        for host in self.world.nodes() {
            let path = format!("{NODES}/{}", host.name());
            // A kubelet admits no pod before it knows what its node has.
            self.wait("the kubelet has registered its node", PATIENCE, || {
                let node = self.request(0, (Method::GET, &path), None);
                node.is_ok_and(|node| node["status"]["allocatable"]["cpu"].is_string())
            })?;
            let labels = json!({ "node-role.kubernetes.io/control-plane": "" });
            let change = json!({ "metadata": { "labels": labels } });
            self.request(0, (Method::PATCH, &path), Some(&change))?;
        }
        self.grant()
    }

    fn grant(&self) -> Result<(), StageError> {
        for object in self.manifest("rbac", &[])? {
            let path = daemon_set::collection(&object);
            self.request(0, (Method::POST, &path), Some(&object))?;
        }
        let authority = daemon_set::authority(&self.pki.server_authority().certificate());
        self.request(0, (Method::POST, CONFIG_MAPS), Some(&authority)).map(drop)
    }

    /// What the program under test prints for the stage's settings.
    fn manifest(&self, what: &str, options: &[&str]) -> Result<Vec<Value>, StageError> {
        let own = ["KUBECONFIG", "vip_nodename"];
        let settings = self.environment(0, "").into_iter();
        let mut command = Command::new(&self.spec.program);
        command.args(["manifest", what]).args(options).env_clear();
        if what != "rbac" {
            command.envs(settings.filter(|(name, _)| own.iter().all(|own| name != own)));
        }
        let failed = |why: &dyn std::fmt::Display| {
            StageError::Request(format!("`kube-vip manifest {what}`: {why}"))
        };
        let printed = command.output().map_err(|error| failed(&error))?;
        if !printed.status.success() {
            return Err(failed(&String::from_utf8_lossy(&printed.stderr)));
        }
        let text = String::from_utf8_lossy(&printed.stdout);
        daemon_set::documents(&text).map_err(|error| failed(&error))
    }

    /// Has every pod end, and waits until none of their daemons runs.
    pub(super) fn clear_pods(&mut self) -> Result<(), StageError> {
        let Some(kubelets) = &self.kubelets else { return Ok(()) };
        let wanted = kubelets.wanted.clone();
        for node in &wanted {
            self.stop_pod(*node)?;
        }
        wanted.iter().try_for_each(|node| self.no_pod(*node))?;
        let template = self.kubelets_mut()?.template.take();
        if let (Starter::DaemonSet, Some(set)) = (self.spec.starter, template) {
            let name = set["metadata"]["name"].as_str().unwrap_or_default();
            self.request(0, (Method::DELETE, &format!("{SETS}/{name}")), None)?;
        }
        Ok(())
    }

    /// Makes what the pods are to be made of.
    pub(super) fn prepare_pods(&mut self) -> Result<(), StageError> {
        let image = match self.spec.starter {
            Starter::Lab => return Ok(()),
            Starter::StaticPod | Starter::DaemonSet => self.kubelets()?.image.clone(),
        };
        let template = if self.spec.starter == Starter::StaticPod {
            let options = ["--image", &image, "--distribution", "k3s"];
            let mut pod = self.manifest("pod", &options)?.pop().unwrap_or_default();
            // For a static pod with a name that another one had a moment ago, kubelets take 10 s.
            self.kubelets_mut()?.manifests += 1;
            pod["metadata"]["name"] = json!(format!("kube-vip-{}", self.kubelets()?.manifests));
            Some(pod)
        } else {
            let options = ["--image", &image, "--inCluster", "--taint"];
            let set = self.manifest("daemonset", &options)?.pop().unwrap_or_default();
            Some(self.request(0, (Method::POST, SETS), Some(&set))?)
        };
        self.kubelets_mut()?.template = template;
        Ok(())
    }

    fn template(&self) -> Result<&Value, StageError> {
        let none = || StageError::Request("no pod is to be made".to_owned());
        self.kubelets()?.template.as_ref().ok_or_else(none)
    }

    /// The name of a node's pod; a static one's mirror has it.
    fn pod_name(&self, node: usize) -> Result<String, StageError> {
        Ok(daemon_set::pod_name(self.template()?, self.world.node(node).name()))
    }

    /// Waits until a node's pod is over and gone. A kubelet that was shown a new one before that
    /// would look at it again much later.
    fn no_pod(&self, node: usize) -> Result<(), StageError> {
        let name = self.pod_name(node)?;
        self.wait("the node's last pod is gone", PATIENCE, || {
            let list = self.request(node, (Method::GET, PODS), None).unwrap_or_default();
            let pods = list["items"].as_array();
            pods.is_some_and(|pods| pods.iter().all(|pod| pod["metadata"]["name"] != *name))
        })
    }

    /// Asks for a node's pod.
    pub(super) fn ask_for_pod(&mut self, node: usize) -> Result<(), StageError> {
        self.no_pod(node)?;
        let template = self.template()?;
        if self.spec.starter == Starter::StaticPod {
            // YAML has JSON in it.
            self.kubelets()?.machines[node].deploy(&template.to_string())?;
        } else {
            let pod = daemon_set::pod(template, self.world.node(node).name());
            self.request(node, (Method::POST, PODS), Some(&pod))?;
        }
        self.kubelets_mut()?.wanted.insert(node);
        Ok(())
    }

    /// Waits until the daemon of a node's pod runs, one that has not run before, and notes it.
    pub(super) fn await_pod(&mut self, node: usize) -> Result<(), StageError> {
        let kubelets = self.kubelets()?;
        let mut found = None;
        self.wait("the kubelet has started the daemon", PATIENCE, || {
            found = kubelets.daemon(node).filter(|pid| kubelets.last[node] != Some(*pid));
            found.is_some()
        })?;
        // The wait has just succeeded.
        let pid = found.ok_or(StageError::Stopped)?;
        let began = Foreign::find(pid)?.began()?;
        self.world.journal().note(began, What::Fault(Fault::Started(node)));
        self.kubelets_mut()?.last[node] = Some(pid);
        Ok(())
    }

    /// Sees to it that a node has its pod, and waits until the daemon runs.
    pub(super) fn start_pod(&mut self, node: usize) -> Result<(), StageError> {
        if !self.kubelets()?.wanted.contains(&node) {
            self.ask_for_pod(node)?;
        }
        self.await_pod(node)
    }

    /// Deletes a node's manifest, or its pod; its kubelet ends the daemon.
    pub(super) fn stop_pod(&mut self, node: usize) -> Result<(), StageError> {
        let at = Stamp::now();
        if self.spec.starter == Starter::StaticPod {
            self.kubelets()?.machines[node].withdraw()?;
        } else {
            let path = format!("{PODS}/{}", self.pod_name(node)?);
            self.request(node, (Method::DELETE, &path), None)?;
        }
        self.kubelets_mut()?.wanted.remove(&node);
        self.world.journal().note(at, What::Fault(Fault::Terminated(node)));
        Ok(())
    }

    /// SIGKILL for the daemon of a node's pod; its kubelet starts it again.
    pub(super) fn kill_pod(&self, node: usize) -> Result<(), StageError> {
        let kubelets = self.kubelets()?;
        let Some(daemon) = kubelets.daemon(node) else { return Ok(()) };
        let daemon = Foreign::find(daemon)?;
        let at = Stamp::now();
        daemon.kill()?;
        self.world.journal().note(at, What::Fault(Fault::Killed(node)));
        Ok(())
    }
}
