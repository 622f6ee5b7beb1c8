//! A manifest of kube-vip as it lies on a node: its settings, and what the pod is given.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::list;
use crate::cli::command;
use crate::cli::report::Row;

#[cfg(test)]
mod tests;

/// What a pod of kube-vip is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Manifest {
    /// The environment, as far as it is written there.
    pub(in crate::cli) environment: BTreeMap<String, String>,
    /// The flags behind `manager`.
    pub(in crate::cli) flags: BTreeMap<String, String>,
    pub(in crate::cli) image: String,
    /// `imagePullPolicy`, where it is written.
    pub(in crate::cli) pull_policy: Option<String>,
    /// The namespace of the pod.
    pub(in crate::cli) namespace: Option<String>,
    host_network: bool,
    privileged: bool,
    added: Vec<String>,
    user: Option<i64>,
    /// Where in the pod, and where on the node.
    mounts: Vec<(PathBuf, PathBuf)>,
}

impl Manifest {
    /// The Pod, or the pods of a `DaemonSet`, in a text of YAML with one or several documents.
    ///
    /// # Errors
    /// If there is none that runs kube-vip; the text is for people.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, String> {
        let mut troubles = Vec::new();
        for document in text.split("\n---") {
            if document.trim().is_empty() {
                continue;
            }
            match serde_saphyr::from_str::<Value>(document) {
                Ok(object) => {
                    if let Some(found) = Self::read(&object) {
                        return found;
                    }
                }
                Err(error) => troubles.push(error.to_string()),
            }
        }
        Err(match troubles.as_slice() {
            [] => {
                "it has no Pod or DaemonSet with a container that runs kube-vip manager".to_owned()
            }
            troubles => format!("it is no YAML: {}", list(troubles)),
        })
    }

    fn read(object: &Value) -> Option<Result<Self, String>> {
        let template = &object["spec"]["template"];
        let of = if template.is_object() { template } else { object };
        let spec = &of["spec"];
        let words = |container: &Value, name: &str| -> Vec<String> {
            let words = container[name].as_array().into_iter().flatten();
            words.filter_map(|word| word.as_str().map(str::to_owned)).collect()
        };
        let runs = |container: &&Value| {
            let all = [words(container, "command"), words(container, "args")].concat();
            all.iter().any(|word| word == "manager")
        };
        let container = spec["containers"].as_array()?.iter().find(runs)?;
        let all = [words(container, "command"), words(container, "args")].concat();
        let from = all.iter().position(|word| word == "manager").unwrap_or(0);
        let flags = match command::manager_flags(&all[from..]) {
            Ok(flags) => flags,
            Err(error) => return Some(Err(format!("its args are refused: {error}"))),
        };
        let set = |variable: &Value| {
            let value = match &variable["value"] {
                Value::String(text) => text.clone(),
                Value::Bool(value) => value.to_string(),
                Value::Number(value) => value.to_string(),
                _ => return None,
            };
            Some((variable["name"].as_str()?.to_owned(), value))
        };
        let environment = container["env"].as_array().into_iter().flatten().filter_map(set);
        let context = &container["securityContext"];
        let user = &context["runAsUser"];
        let user = user.as_i64().or_else(|| spec["securityContext"]["runAsUser"].as_i64());
        Some(Ok(Self {
            environment: environment.collect(),
            flags,
            image: container["image"].as_str().unwrap_or_default().to_owned(),
            pull_policy: container["imagePullPolicy"].as_str().map(str::to_owned),
            namespace: object["metadata"]["namespace"].as_str().map(str::to_owned),
            host_network: spec["hostNetwork"] == true,
            privileged: context["privileged"] == true,
            added: words(&context["capabilities"], "add"),
            user,
            mounts: mounts(container, spec),
        }))
    }

    /// Where the node has what the pod sees at that path; none: it is not mounted from the node.
    pub(in crate::cli) fn on_the_node(&self, inside: &Path) -> Option<PathBuf> {
        let under = |(at, from): &(PathBuf, PathBuf)| {
            let rest = inside.strip_prefix(at).ok()?;
            let path = if rest.as_os_str().is_empty() { from.clone() } else { from.join(rest) };
            Some((at.components().count(), path))
        };
        let deepest = self.mounts.iter().filter_map(under).max_by_key(|(depth, _)| *depth);
        deepest.map(|(_, path)| path)
    }

    /// The row about what the pod is given.
    pub(in crate::cli) fn judge(&self, path: &Path) -> Row {
        let mut wrong = Vec::new();
        if !self.host_network {
            wrong.push("hostNetwork is not true: the address would be the pod's alone".to_owned());
        }
        let has = |name: &str| {
            let known = |added: &String| {
                let added = added.trim_start_matches("CAP_");
                added.eq_ignore_ascii_case(name) || added.eq_ignore_ascii_case("ALL")
            };
            self.privileged || self.added.iter().any(known)
        };
        let lacks: Vec<_> = ["NET_ADMIN", "NET_RAW"].into_iter().filter(|one| !has(one)).collect();
        if !lacks.is_empty() {
            wrong.push(format!("capabilities.add lacks {}", list(lacks)));
        }
        if let Some(user) = self.user.filter(|user| *user != 0) {
            wrong.push(format!("runAsUser is {user}: only user 0 has the capabilities"));
        }
        let path = path.display().to_string();
        if wrong.is_empty() {
            let evidence = format!("{}; hostNetwork, NET_ADMIN, NET_RAW", self.image);
            return Row::ok("manifest", evidence).of(path);
        }
        let remedy = "take deploy/static-pod.yaml as it is, and change its environment only";
        Row::failed("manifest", wrong.join("; "), remedy).of(path)
    }
}

/// What of the node is mounted where.
fn mounts(container: &Value, spec: &Value) -> Vec<(PathBuf, PathBuf)> {
    let volumes = spec["volumes"].as_array().map_or(&[][..], Vec::as_slice);
    let one = |mount: &Value| {
        let volume = volumes.iter().find(|volume| volume["name"] == mount["name"])?;
        let from = volume["hostPath"]["path"].as_str()?;
        let from = match mount["subPath"].as_str() {
            Some(rest) => Path::new(from).join(rest),
            None => from.into(),
        };
        Some((PathBuf::from(mount["mountPath"].as_str()?), from))
    };
    container["volumeMounts"].as_array().into_iter().flatten().filter_map(one).collect()
}
