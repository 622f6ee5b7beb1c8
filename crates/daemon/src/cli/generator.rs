//! `kube-vip manifest pod|daemonset|rbac` and `kube-vip kubeadm init|join`: print YAML.
//!
//! On stdout is YAML and nothing else; what is odd about the settings is on stderr.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::report::Console;
use super::{Task, VERSION, finish};
use crate::manifest::{self, Access, Distribution, Extent, Layout, Nodes};
use crate::settings::{Inputs, Settings, definitions};

const IN_CLUSTER: &str = "inCluster";
const IMAGE: &str = "image";
const DISTRIBUTION: &str = "distribution";
const MOUNT: &str = "kubeconfigMountPath";
const PRIORITY_CLASS: &str = "priorityClass";
const CPU: &str = "cpuRequest";
const MEMORY: &str = "memoryRequest";
const TAINT: &str = "taint";
const ROLE: &str = "role";
const ROLE_BINDING: &str = "rolebinding";
const CONFIG: &str = "config";

/// The image that this release is.
const THIS: &str = "ghcr.io/kube-vip-rs/kube-vip";

const SETTINGS: &str = "\
Every setting of the daemon is a flag here too, or an environment variable, which wins; they are
checked as the daemon checks them. All of them: kube-vip manager --help

Exit codes: 0, and YAML is on stdout; 1, refused, and stderr says why";

/// `kube-vip manifest`.
pub(super) fn manifest() -> Command {
    let taint = switch(TAINT).help("Run on nodes of the control plane, whatever taints they have");
    let role = switch(ROLE).help("Only what a Role can grant in the namespace of the Lease");
    let binding =
        switch(ROLE_BINDING).help("The same, by a ClusterRole that is bound in that namespace");
    Command::new("manifest")
        .about("Print a manifest: a static Pod, a DaemonSet, or the rights for it")
        .subcommand(printer("pod", "Print a Pod, for the kubelet's manifest directory", true))
        .subcommand(printer("daemonset", "Print a DaemonSet", true).arg(taint))
        .subcommand(
            printer("rbac", "Print service account, roles and bindings", true)
                .arg(role)
                .arg(binding),
        )
        .after_help(SETTINGS)
}

/// `kube-vip kubeadm`.
pub(super) fn kubeadm() -> Command {
    let config = value(CONFIG, "FILE")
        .default_value(Distribution::Kubeadm.kubeconfig())
        .help("A kubeconfig that has to be there: the node has joined");
    Command::new("kubeadm")
        .about("Print a static Pod for a node of kubeadm; older name of manifest pod")
        .subcommand(printer("init", "Print a Pod for the first node", false))
        .subcommand(printer("join", "Print a Pod for a node that has joined", false).arg(config))
        .after_help(SETTINGS)
}

fn printer(name: &'static str, about: &'static str, cluster: bool) -> Command {
    let in_cluster =
        switch(IN_CLUSTER).help("Use the pod's service account rather than a kubeconfig");
    let command = Command::new(name).about(about).after_help(SETTINGS);
    let command = if cluster { command.arg(in_cluster) } else { command };
    command
        .arg(
            value(IMAGE, "IMAGE")
                .default_value(THIS)
                .help("The image; without a tag, it gets this release's"),
        )
        .arg(
            value(DISTRIBUTION, "NAME")
                .value_parser(PossibleValuesParser::new(Distribution::NAMES))
                .default_value("kubeadm")
                .help("Whose nodes: where the kubeconfig lies; --k8sConfigPath names another file"),
        )
        .arg(value(MOUNT, "PATH").help(
            "Where the kubeconfig is in the container [default: /etc/kubernetes/admin.conf; with \
             k3s and rke2, /.kube/config]",
        ))
        .arg(
            value(PRIORITY_CLASS, "NAME")
                .default_value("system-node-critical")
                .help("The pod's priority class; empty: none"),
        )
        .arg(
            value(CPU, "AMOUNT")
                .default_value("100m")
                .help("The CPU time that is asked for; empty: none"),
        )
        .arg(
            value(MEMORY, "AMOUNT")
                .default_value("32Mi")
                .help("The memory that is asked for; empty: none"),
        )
}

fn switch(name: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .value_parser(clap::value_parser!(bool))
        .default_value("false")
        .default_missing_value("true")
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_name("true|false")
}

fn value(name: &'static str, noun: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(noun).num_args(1)
}

/// A manifest, and what is odd about it.
#[derive(Debug)]
pub(super) struct Printed {
    text: String,
    notes: String,
}

impl Task for Printed {
    fn run(&self, console: &mut Console<'_>) -> ExitCode {
        finish(console.err, &self.notes, ExitCode::SUCCESS);
        finish(console.out, &self.text, ExitCode::SUCCESS)
    }
}

impl Printed {
    /// A text of which nothing is odd.
    pub(super) const fn of(text: String) -> Self {
        Self { text, notes: String::new() }
    }

    /// What the command line comes to, the help without a command; the error is for people.
    pub(super) fn read(
        command: fn() -> Command,
        matches: &ArgMatches,
        inputs: Inputs,
    ) -> Result<Self, String> {
        let Some((kind, matches)) = matches.subcommand() else {
            return Ok(Self::of(command().render_help().to_string()));
        };
        let (settings, access) = read(matches, inputs);
        if kind == "rbac" {
            return rbac(&settings, matches);
        }
        joined(kind, matches)?;
        let warnings = settings.anywhere().map_err(|refusal| refusal.elsewhere())?;
        let mut notes = notes(&settings);
        for warning in warnings {
            // Writing to a text cannot fail.
            let _ = writeln!(notes, "{warning}");
        }
        let layout = layout(matches, access);
        if kind != "daemonset" {
            return Ok(Self { text: manifest::pod(&settings, &layout), notes });
        }
        let nodes = if is(matches, TAINT) { Nodes::ControlPlane } else { Nodes::Any };
        if nodes == Nodes::Any {
            notes += "without --taint, it runs on every node that has no taint against it, also \
                      where no API server is\n";
        }
        Ok(Self { text: manifest::daemon_set(&settings, &layout, nodes), notes })
    }
}

/// The settings of the daemon that the manifest is for, and whence it has its rights.
fn read(matches: &ArgMatches, inputs: Inputs) -> (Settings, Access) {
    let mut environment = inputs.environment;
    // Of whoever asks, not of the pod.
    environment.retain(|name, _| name != "HOME" && name != "KUBECONFIG");
    let mut inputs = super::inputs(matches, environment, None);
    let settings = Settings::read(&inputs);
    let access = access(matches, &settings);
    if access != Access::Account {
        return (settings, access);
    }
    inputs.pod_namespace = Some(manifest::namespace(&settings, &access));
    (Settings::read(&inputs), access)
}

fn rbac(settings: &Settings, matches: &ArgMatches) -> Result<Printed, String> {
    let election = settings.election().map_err(|refusal| refusal.elsewhere())?;
    let extent = match (is(matches, ROLE), is(matches, ROLE_BINDING)) {
        (true, _) => Extent::Namespace,
        (false, true) => Extent::BoundClusterRole,
        (false, false) => Extent::Everything,
    };
    let mut notes = notes(settings);
    if extent != Extent::Everything {
        notes += "without the rights to list Nodes and EndpointSlices, cordons are not noticed, \
                  and no other API server is asked while the node's own is silent\n";
    }
    Ok(Printed { text: manifest::rbac(settings, &election, extent), notes })
}

/// What of this process's environment is in the manifest: it may not have been meant.
fn notes(settings: &Settings) -> String {
    let names = manifest::taken_from_environment(settings);
    if names.is_empty() {
        return String::new();
    }
    format!("taken from the environment: {}\n", names.join(", "))
}

/// `kubeadm join` is for a node that has joined.
fn joined(kind: &str, matches: &ArgMatches) -> Result<(), String> {
    let path = if kind == "join" { text(matches, CONFIG) } else { return Ok(()) };
    if Path::new(&path).is_file() {
        return Ok(());
    }
    Err(format!(
        "--config: there is no file {path}: the node has not joined yet, or it lies elsewhere\n"
    ))
}

fn access(matches: &ArgMatches, settings: &Settings) -> Access {
    if matches.try_get_one::<bool>(IN_CLUSTER).is_ok_and(|given| given.is_some_and(|on| *on)) {
        return Access::Account;
    }
    let distribution = Distribution::named(&text(matches, DISTRIBUTION));
    let path = definitions::named("k8s_config_file");
    let given = path.and_then(|definition| settings.written(definition));
    let mount = text(matches, MOUNT);
    Access::Kubeconfig {
        host: given
            .filter(|path| !path.is_empty())
            .unwrap_or_else(|| distribution.kubeconfig().to_owned()),
        mount: if mount.is_empty() { distribution.mounted_at().to_owned() } else { mount },
    }
}

fn layout(matches: &ArgMatches, access: Access) -> Layout {
    Layout {
        access,
        image: manifest::tagged(&text(matches, IMAGE), VERSION),
        priority_class: text(matches, PRIORITY_CLASS),
        cpu: text(matches, CPU),
        memory: text(matches, MEMORY),
    }
}

fn text(matches: &ArgMatches, name: &str) -> String {
    matches.get_one::<String>(name).cloned().unwrap_or_default()
}

fn is(matches: &ArgMatches, name: &str) -> bool {
    matches.get_one::<bool>(name).copied().unwrap_or(false)
}
