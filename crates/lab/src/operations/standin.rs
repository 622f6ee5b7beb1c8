//! The lab's stand-in for k3s and for systemd on a node, and for systemd on the front.
//!
//! `k3s kubectl` and `k3s ctr` are the real programs with the options that k3s gives them.
//! `systemctl restart k3s` writes an order that the lab carries out: the real kube-apiserver ends
//! and is started with a certificate for the names in k3s' configuration; as soon as it is ready
//! the Secret `k3s-serving` shows that certificate.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{FRONT, NAME, OperationsError, first_names};
use crate::cluster::Cluster;
use crate::cluster::containerd::SOCKET;
use crate::cluster::k3s::CONFIGURATION;
use crate::cluster::layout::Layout;
use crate::pki::Distribution;

/// Where a node has these programs, first on its PATH.
pub const PROGRAMS: &str = "/var/lib/k3s-stand-in/bin";

/// Where orders are written.
const ORDERS: &str = "/var/lib/k3s-stand-in/orders";

/// The file that says that the unit runs, and the one that says which unit.
const ACTIVE: &str = "/var/lib/k3s-stand-in/active";
const UNIT: &str = "/var/lib/k3s-stand-in/unit";

/// Programs of the assets that a node has as well.
const LINKED: [&str; 7] = ["arp", "curl", "ip", "kubectl", "openssl", "ping", "ss"];

const SYSTEMCTL: &str = include_str!("standin/systemctl.sh");

/// A restart that was ordered and done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// On which node.
    pub node: usize,
    /// The names that the certificate is for since then.
    pub names: Vec<String>,
}

/// What the stand-ins were asked for.
#[derive(Debug)]
pub(super) struct Standin {
    /// Certificates that are to be shown once the API server of that node is ready.
    unshown: Vec<(usize, (String, String))>,
    restarts: Vec<Restart>,
}

impl Standin {
    /// Puts the programs on every node and on the front, and k3s' first configuration where that
    /// is what they run.
    pub(super) fn place(cluster: &Cluster, tools: &Path) -> Result<Self, OperationsError> {
        let (_, front) = cluster.beside(super::FRONT_HOST);
        furnish(front, tools, "haproxy")?;
        for node in 0..cluster.size() {
            let layout = cluster.machine(node).layout();
            match cluster.pki().distribution() {
                Distribution::K3s => place_k3s(layout, tools, cluster.size())?,
                Distribution::Kubeadm => {
                    furnish(layout, tools, "kubelet")?;
                    link(layout, tools, "ctr")?;
                }
            }
        }
        Ok(Self { unshown: Vec::new(), restarts: Vec::new() })
    }

    /// The restarts so far.
    pub(super) fn restarts(&self) -> &[Restart] {
        &self.restarts
    }

    /// Carries out what was ordered.
    pub(super) fn attend(&mut self, cluster: &mut Cluster) -> Result<(), OperationsError> {
        for node in 0..cluster.size() {
            for order in orders(cluster.machine(node).layout()) {
                let answer = self.carry_out(cluster, node, &order.verb);
                order.answer(answer)?;
            }
        }
        let waiting = std::mem::take(&mut self.unshown);
        for (node, credential) in waiting {
            if cluster.is_ready(node) {
                cluster.show_certificate(node, &credential)?;
            } else {
                self.unshown.push((node, credential));
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, cluster: &mut Cluster, node: usize, verb: &str) -> Result<(), String> {
        if verb != "restart" || cluster.pki().distribution() != Distribution::K3s {
            return Err(format!("the lab can restart k3s, not {verb} anything else"));
        }
        let names = cluster.configured_names(node);
        let credential = cluster.restart_api_server(node).map_err(|error| error.to_string())?;
        self.unshown.retain(|(other, _)| *other != node);
        self.unshown.push((node, credential));
        self.restarts.push(Restart { node, names });
        Ok(())
    }
}

impl super::Operations {
    /// Who restarted k3s so far, in order.
    #[must_use]
    pub fn restarts(&self) -> &[Restart] {
        self.standin.restarts()
    }
}

/// Something that systemctl was asked for on a host.
#[derive(Debug)]
pub(super) struct Order {
    path: PathBuf,
    /// `start`, `stop` or `restart`.
    pub(super) verb: String,
}

impl Order {
    /// Tells systemctl that it is done, or why not.
    pub(super) fn answer(self, answer: Result<(), String>) -> Result<(), OperationsError> {
        let text = answer.err().unwrap_or_else(|| "ok".to_owned());
        let (draft, done) = (self.path.with_extension("draft"), self.path.with_extension("done"));
        fs::remove_file(&self.path)
            .and_then(|()| fs::write(&draft, format!("{text}\n")))
            .and_then(|()| fs::rename(&draft, &done))
            .map_err(OperationsError::machine("answer systemctl"))
    }
}

/// The orders on a host that are complete.
pub(super) fn orders(layout: &Layout) -> Vec<Order> {
    let entries = fs::read_dir(layout.outside(ORDERS)).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "order"));
    paths.sort();
    let order = |path: PathBuf| {
        let verb = fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
        Order { path, verb }
    };
    paths.into_iter().map(order).collect()
}

/// Notes whether the unit of a host runs.
pub(super) fn activate(layout: &Layout, active: bool) -> Result<(), OperationsError> {
    let path = layout.outside(ACTIVE);
    let noted = if active {
        fs::write(path, "")
    } else {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    };
    noted.map_err(OperationsError::machine("note whether a unit runs"))
}

/// Puts systemctl, with one unit, and an operator's tools on a host.
fn furnish(layout: &Layout, tools: &Path, unit: &str) -> Result<(), OperationsError> {
    for path in [ORDERS, "/run/systemd/system"] {
        let made = fs::create_dir_all(layout.outside(path));
        made.map_err(OperationsError::machine("make a directory"))?;
    }
    write(layout, &format!("{PROGRAMS}/systemctl"), SYSTEMCTL, 0o755)?;
    write(layout, UNIT, unit, 0o644)?;
    LINKED.into_iter().try_for_each(|name| link(layout, tools, name))
}

/// Puts a program of the assets on a host.
fn link(layout: &Layout, tools: &Path, name: &str) -> Result<(), OperationsError> {
    let link = layout.outside(PROGRAMS).join(name);
    let linked = std::os::unix::fs::symlink(tools.join(name), link);
    linked.map_err(OperationsError::machine("link a program"))
}

/// Puts k3s and its first configuration on a node.
fn place_k3s(layout: &Layout, tools: &Path, nodes: usize) -> Result<(), OperationsError> {
    furnish(layout, tools, "k3s")?;
    write(layout, &format!("{PROGRAMS}/k3s"), &k3s(tools), 0o755)?;
    let names = first_names(nodes, Distribution::K3s);
    let names: String = names.iter().map(|name| format!("  - {name}\n")).collect();
    let text = format!("# {NAME} is {FRONT}, HAProxy\ntls-san:\n{names}");
    write(layout, CONFIGURATION, &text, 0o600)
}

fn write(layout: &Layout, path: &str, text: &str, mode: u32) -> Result<(), OperationsError> {
    layout
        .write(path, text)
        .and_then(|()| fs::set_permissions(layout.outside(path), fs::Permissions::from_mode(mode)))
        .map_err(OperationsError::machine(format!("write {path}")))
}

/// k3s with the two programs in it that are needed.
fn k3s(tools: &Path) -> String {
    let tools = tools.display();
    format!(
        "#!/bin/sh\n\
         # The lab's stand-in for k3s: the real kubectl and ctr.\n\
         program=${{1:-}}\n\
         [ $# -eq 0 ] || shift\n\
         case $program in\n\
         kubectl) export KUBECONFIG=${{KUBECONFIG:-/etc/rancher/k3s/k3s.yaml}}\n\
         exec '{tools}/kubectl' \"$@\" ;;\n\
         ctr) export CONTAINERD_SNAPSHOTTER=native\n\
         exec '{tools}/ctr' --address {SOCKET} \"$@\" ;;\n\
         *) echo \"the lab's k3s has kubectl and ctr, not $program\" >&2; exit 2 ;;\n\
         esac\n"
    )
}
