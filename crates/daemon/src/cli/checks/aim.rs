//! What a check is about: the settings, from the environment and flags or from a manifest.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command};

use super::manifest::Manifest;
use crate::cli::cluster::Pod;
use crate::cli::command;
use crate::cli::place::{self, Place};
use crate::settings::{Election, Inputs, Settings};

const MANIFEST: &str = "manifest";

/// Where the pod of a manifest looks for kubeconfigs that no setting names.
const INSIDE: [&str; 3] =
    ["/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf", "/.kube/config"];

/// What a command line is about.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Aim {
    pub(in crate::cli) place: Place,
    pub(in crate::cli) settings: Settings,
    pub(in crate::cli) manifest: Option<(PathBuf, Manifest)>,
}

impl Aim {
    /// Adds `--manifest` and the common flags.
    pub(in crate::cli) fn flags(command: Command) -> Command {
        let manifest = Arg::new(MANIFEST).long(MANIFEST).value_name("FILE").num_args(1).help(
            "A manifest of kube-vip on this node: its settings count, and its mounts say where \
             the kubeconfig is",
        );
        Place::output(Place::flags(command.arg(manifest)))
    }

    /// What stands on the command line.
    ///
    /// # Errors
    /// If the manifest cannot be read, or a setting that says where the election is has a wrong
    /// value; the text is for people.
    pub(in crate::cli) fn read(matches: &ArgMatches, inputs: Inputs) -> Result<Self, String> {
        let Some(path) = place::text(matches, MANIFEST).map(PathBuf::from) else {
            let place = Place::read(matches, inputs.clone())?;
            let settings = Settings::read(&Place::inputs(matches, inputs));
            return Ok(Self { place, settings, manifest: None });
        };
        let text = fs::read_to_string(&path).map_err(|error| error.to_string());
        let manifest = text.and_then(|text| Manifest::parse(&text));
        let manifest =
            manifest.map_err(|error| format!("--manifest {}: {error}\n", path.display()))?;
        let inputs = within(&manifest, inputs);
        let mut place = Place::read(matches, inputs.clone())?;
        if place.kubeconfig.is_none() {
            place.kubeconfig = kubeconfig(&manifest, &place);
        }
        let settings = Settings::read(&Place::inputs(matches, inputs));
        Ok(Self { place, settings, manifest: Some((path, manifest)) })
    }

    /// The addresses, as far as they are known without this host.
    pub(in crate::cli) fn vips(&self) -> &[IpAddr] {
        &self.place.election.vips
    }
}

/// The election in which a pod takes part by its own settings; none: they make no sense.
pub(in crate::cli) fn of_pod(pod: &Pod) -> Option<Election> {
    let from = pod.args.iter().position(|word| word == "manager");
    let flags = from.and_then(|from| command::manager_flags(&pod.args[from..]).ok());
    let settings = Settings::read(&Inputs {
        environment: pod.environment.clone(),
        flags: flags.unwrap_or_default(),
        pod_namespace: Some(pod.namespace.clone()),
        ..Inputs::default()
    });
    settings.election().ok()
}

/// The inputs of the pod. What is typed counts where the manifest says nothing.
fn within(manifest: &Manifest, typed: Inputs) -> Inputs {
    let flags = typed.flags.into_iter().chain(manifest.flags.clone()).collect();
    Inputs {
        environment: manifest.environment.clone(),
        flags,
        pod_namespace: manifest.namespace.clone().or(typed.pod_namespace),
        ..Inputs::default()
    }
}

/// The kubeconfig that the pod would use first, where it lies on this node; none: none is mounted.
fn kubeconfig(manifest: &Manifest, place: &Place) -> Option<PathBuf> {
    let credentials = &place.election.credentials;
    let named = manifest.environment.get("KUBECONFIG").map(PathBuf::from);
    let inside = credentials.k8s_config_file.clone().into_iter().chain(named);
    let inside = inside.chain(INSIDE.iter().map(PathBuf::from));
    let mounted: Vec<_> = inside.filter_map(|path| manifest.on_the_node(&path)).collect();
    let there = mounted.iter().find(|path| Path::exists(path));
    there.or(mounted.first()).cloned()
}
