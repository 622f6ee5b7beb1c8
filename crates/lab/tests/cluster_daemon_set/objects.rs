//! The objects of `deploy`, and what controllers would make of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kube_vip_lab::cluster::daemon_set::{self, CONFIG_MAPS, PODS, SETS};
use serde_json::{Value, json};

use super::trial::{NODES, Trial, json as read};

/// What the files of `deploy` say.
pub(crate) struct Objects {
    rights: Vec<Value>,
    set: Value,
}

fn documents(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    daemon_set::documents(&text).expect("YAML")
}

fn create(trial: &mut Trial, path: &str, object: &Value) {
    let answer = trial.cluster().create(0, path, object).expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.body);
}

impl Objects {
    pub(crate) fn read() -> Self {
        let set = documents("daemonset.yaml").remove(0);
        Self { rights: documents("rbac.yaml"), set }
    }

    /// Makes everything but the pods, for the interface and the address of the lab.
    pub(crate) fn prepare(&self, trial: &mut Trial) {
        for object in &self.rights {
            create(trial, &daemon_set::collection(object), object);
        }
        let authority = trial.cluster().authority();
        create(trial, CONFIG_MAPS, &daemon_set::authority(&authority));
        create(trial, SETS, &self.set);
        trial.until("every node has registered", |cluster| {
            let list = read(cluster, 0, "/api/v1/nodes")?;
            (list["items"].as_array()?.len() == NODES).then_some(())
        });
        for node in 0..NODES {
            // As kubeadm does.
            let label = json!({ "node-role.kubernetes.io/control-plane": "" });
            let name = trial.cluster().machine(node).name().to_owned();
            let change = json!({ "metadata": { "labels": label } });
            let path = format!("/api/v1/nodes/{name}");
            let answer = trial.cluster().patch(node, &path, &change).expect("an answer");
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }

    /// Makes the pod of the set's template that the controller would make for a node, and binds it
    /// as the scheduler would; the API server gives it the token.
    pub(crate) fn start(&self, trial: &mut Trial, node: usize) {
        let name = trial.cluster().machine(node).name().to_owned();
        let path = format!("{SETS}/kube-vip-ds");
        let set = trial.until("the set is there", |cluster| read(cluster, 0, &path));
        let pod = daemon_set::pod(&set, &name);
        let path = format!("{PODS}/kube-vip-ds-{name}");
        create(trial, PODS, &pod);
        trial.until(&format!("the daemon runs on {name}"), |cluster| {
            let made = read(cluster, node, &path);
            // Its kubelet had not seen the label yet: the controller would replace it.
            if made.is_some_and(|pod| pod["status"]["phase"] == "Failed") {
                cluster.delete(node, &path).ok()?;
                cluster.create(node, PODS, &pod).ok()?;
            }
            cluster.container(node)
        });
        trial.began(node);
    }

    /// Deletes a node's pod; its kubelet ends the daemon.
    pub(crate) fn delete(&self, trial: &mut Trial, node: usize) {
        let name = trial.cluster().machine(node).name().to_owned();
        trial.say(&format!("── deleting the pod on {name}"));
        trial.told_to_end(node);
        let path = format!("{PODS}/kube-vip-ds-{name}");
        let answer = trial.cluster().delete(node, &path);
        assert_eq!(answer.expect("an answer").status, 200);
        trial.until("the pod is gone", |cluster| match cluster.ask(node, &path) {
            Ok(answer) if answer.status == 404 => Some(()),
            _ => None,
        });
    }

    /// Waits until the pods that are there are those of these nodes, and all run and are ready.
    pub(crate) fn all_run(&self, trial: &mut Trial, wanted: impl Fn(usize) -> bool) {
        let wanted = (0..NODES).filter(|node| wanted(*node));
        let wanted: BTreeSet<String> =
            wanted.map(|node| trial.cluster().machine(node).name().to_owned()).collect();
        trial.until("the pods of the set are Running and ready", |cluster| {
            let list = (0..NODES).find_map(|node| read(cluster, node, PODS))?;
            let runs_on = |pod: &Value| {
                let ready = pod["status"]["containerStatuses"][0]["ready"] == true;
                let running = pod["status"]["phase"] == "Running" && ready;
                running.then(|| pod["spec"]["nodeName"].as_str().map(str::to_owned))?
            };
            let nodes: Option<BTreeSet<String>> =
                list["items"].as_array()?.iter().map(runs_on).collect();
            (nodes? == wanted).then_some(())
        });
    }
}
