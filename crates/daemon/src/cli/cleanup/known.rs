//! What is known of the kube-vip that ran here: from the command line, the environment and its
//! manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use kube_vip_core::address::NodeName;
use rustix::system::uname;
use serde_json::Value;

use crate::cli::command;
use crate::cli::place::LeaseName;
use crate::drivers::kernel::leftovers::Wanted;
use crate::settings::{Inputs, Settings};

#[cfg(test)]
mod tests;

/// Where static pods lie: kubeadm's, k3s', RKE2's.
const DIRECTORIES: [&str; 3] = [
    "etc/kubernetes/manifests",
    "var/lib/rancher/k3s/agent/pod-manifests",
    "var/lib/rancher/rke2/agent/pod-manifests",
];

/// What its images are called, wherever they are.
const IMAGES: [&str; 3] = ["kube-vip", "kube-vip-iptables", "kube-vip-rs"];

/// What is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// What to look for in the kernel.
    pub(super) wanted: Wanted,
    /// What this node is called; none: nothing that a node can be called.
    pub(super) node: Option<NodeName>,
    /// The elections in which it took part.
    pub(super) elections: BTreeSet<LeaseName>,
    /// What is not known, for people.
    pub(super) notes: Vec<String>,
}

impl Known {
    /// From the inputs and these manifests.
    ///
    /// # Errors
    /// If a manifest cannot be read, or is none of a kube-vip; the text is for people.
    pub(super) fn given(inputs: &Inputs, manifests: &[PathBuf]) -> Result<Self, String> {
        let mut known = Self::default();
        known.add(inputs);
        for path in manifests {
            let wrong = |text: String| format!("--manifest: {}: {text}\n", path.display());
            let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
            let all = manifest(&text).map_err(wrong)?;
            if all.is_empty() {
                return Err(wrong("there is no container of kube-vip in it".to_owned()));
            }
            all.iter().for_each(|one| known.add(&beneath(inputs, one)));
        }
        known.finish();
        Ok(known)
    }

    /// From the inputs and the manifests in the usual directories below `root`.
    pub(super) fn found(inputs: &Inputs, root: &Path) -> Self {
        let mut known = Self::default();
        known.add(inputs);
        for directory in DIRECTORIES {
            // Those that are not there are of other distributions.
            let Ok(entries) = fs::read_dir(root.join(directory)) else { continue };
            for path in entries.flatten().map(|entry| entry.path()) {
                let Ok(text) = fs::read_to_string(&path) else { continue };
                let all = manifest(&text).unwrap_or_default();
                all.iter().for_each(|one| known.add(&beneath(inputs, one)));
            }
        }
        known.finish();
        known
    }

    fn add(&mut self, inputs: &Inputs) {
        let settings = Settings::read(inputs);
        let values = settings.values();
        let texts = values.address.split(',').chain(values.vip_address.split(','));
        for text in texts.map(str::trim).filter(|text| !text.is_empty()) {
            match text.split('/').next().unwrap_or_default().parse::<IpAddr>() {
                Ok(address) => drop(self.wanted.addresses.insert(address)),
                Err(_) => self.notes.push(format!(
                    "the address behind the name {text}: give its number with --address"
                )),
            }
        }
        // Both belong to a mode that this version does not have, so that no value is kept of them.
        let written = |env: &str, flag: &str| {
            inputs.environment.get(env).or_else(|| inputs.flags.get(flag)).cloned()
        };
        let table = written("vip_routingtableid", "tableID").and_then(|text| text.parse().ok());
        self.wanted.table = table.unwrap_or(self.wanted.table);
        let protocol = written("vip_routingprotocol", "routingProtocol");
        let protocol = protocol.and_then(|text| text.parse().ok());
        self.wanted.protocol = protocol.unwrap_or(self.wanted.protocol);
        if let Ok(election) = settings.election() {
            self.elections.insert(LeaseName::of(&election));
        }
        if !values.node_name.is_empty() {
            self.node = NodeName::new(&values.node_name).ok();
        }
    }

    fn finish(&mut self) {
        if self.wanted.addresses.is_empty() {
            self.notes.push(
                "the virtual address: none is known (--address, --manifest, or `address` in the \
                 environment); only what has a mark is found"
                    .to_owned(),
            );
        }
        if self.node.is_none() {
            self.node = NodeName::new(&uname().nodename().to_string_lossy()).ok();
        }
    }
}

/// A manifest's settings, with what is typed here before them.
fn beneath(inputs: &Inputs, manifest: &Inputs) -> Inputs {
    let mut all = manifest.clone();
    for (name, value) in &inputs.flags {
        all.flags.insert(name.clone(), value.clone());
    }
    all
}

/// The settings of each container of kube-vip in a manifest.
fn manifest(text: &str) -> Result<Vec<Inputs>, String> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
    let specs = documents.iter().flat_map(|document| {
        // A Pod, or what makes Pods by a template.
        [&document["spec"], &document["spec"]["template"]["spec"]]
    });
    let containers = specs.flat_map(|spec| spec["containers"].as_array().into_iter().flatten());
    Ok(containers.filter(|container| is_kube_vip(container)).map(settings).collect())
}

fn is_kube_vip(container: &Value) -> bool {
    let image = container["image"].as_str().unwrap_or_default();
    let name = image.rsplit('/').next().unwrap_or_default();
    let name = name.split(['@', ':']).next().unwrap_or_default();
    container["name"] == "kube-vip" || IMAGES.contains(&name)
}

fn settings(container: &Value) -> Inputs {
    let variables = container["env"].as_array().into_iter().flatten();
    let set = |of: &Value| Some((of["name"].as_str()?.to_owned(), as_text(of.get("value")?)?));
    let environment: BTreeMap<_, _> = variables.filter_map(set).collect();
    let args = container["args"].as_array().into_iter().flatten().filter_map(as_text);
    let line = std::iter::once("kube-vip".to_owned()).chain(args).map(OsString::from);
    // A line that this version does not understand says nothing to it.
    let flags = command::kube_vip().try_get_matches_from(line).ok().and_then(|matches| {
        let (_, matches) = matches.subcommand()?;
        Some(command::flags(matches))
    });
    Inputs { environment, flags: flags.unwrap_or_default(), ..Inputs::default() }
}

/// YAML without quotes makes numbers and truths of what is meant as text.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
