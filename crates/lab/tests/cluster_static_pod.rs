//! The mission document's static pod on a real control plane of three nodes: etcd, kube-apiserver,
//! kubelet and containerd on each, set up as k3s and as kubeadm do.
//!
//! Needs root, the programs of `cargo xtask assets`, and an image: `cargo xtask test cluster` makes
//! everything.

#[path = "cluster_static_pod/guide.rs"]
mod guide;
#[path = "cluster_static_pod/keepalived.rs"]
mod keepalived;
#[path = "cluster_static_pod/migration.rs"]
mod migration;
#[path = "cluster_static_pod/trial.rs"]
mod trial;

use std::time::Instant;

use kube_vip_lab::oracle::Guarantee;
use kube_vip_lab::pki::Distribution;
use serde_json::{Value, json};

use trial::{LEASE_DURATION, Trial, exclusively, manifest};

/// The document's manifest as it is, on nodes as k3s sets them up: requests without credentials are
/// refused, and API server, etcd, kubelet and containerd are one service.
#[test]
fn the_documents_manifest_on_k3s() {
    let _alone = exclusively();
    let mut trial = Trial::begin("k3s", Distribution::K3s);
    trial.start_without_api_servers(&manifest());
    trial.start_api_servers();
    let first = trial.holder("a node takes the address once API servers have come up", |_| true);
    trial.all_pods_run();
    trial.check(first, 401);
    images(&mut trial, first);

    trial.withdraw(first);
    let second = trial.holder("the address moves", |node| node != first);
    trial.check(second, 401);
    trial.pods_run("the mirror pod is gone as well", |node| node != first);
    trial.deploy(first, &manifest());
    trial.all_pods_run();
    assert_eq!(trial.holder("it stays where it is", |_| true), second);

    stop_and_start_services(&mut trial, second, 401);
    trial.end(&[Guarantee::OneOwner, Guarantee::BoundedOutage, Guarantee::Recovery]);
}

/// The same pod with a read-only root file system, on nodes as kubeadm sets them up: requests
/// without credentials are answered, and the administrator's kubeconfig has no rights at first.
#[test]
fn on_a_read_only_root_on_kubeadm() {
    let _alone = exclusively();
    let mut trial = Trial::begin("kubeadm", Distribution::Kubeadm);
    let manifest = manifest()
        .replace("/etc/rancher/k3s/k3s.yaml", "/etc/kubernetes/admin.conf")
        .replace("securityContext:", "securityContext:\n        readOnlyRootFilesystem: true");
    trial.start_without_api_servers(&manifest);
    trial.start_api_servers();
    trial.daemons_wait("the daemons wait for rights", "403");
    trial.grant_administrators();
    let first = trial.holder("a node takes the address once it has rights", |_| true);
    trial.all_pods_run();
    trial.check(first, 200);
    trial.root_is_read_only(first);

    stop_and_start_services(&mut trial, first, 200);
    trial.end(&[Guarantee::OneOwner, Guarantee::Recovery]);
}

/// Whether a node has an image, its runtime knows; what it has not, the registry is asked for.
fn images(trial: &mut Trial, node: usize) {
    let known = trial::image().known_as;
    for (image, result, says) in [
        (known.as_str(), "ok", "the runtime at /run/containerd/containerd.sock has it"),
        ("127.0.0.1:1/absent:v1", "warning", "has it not; 127.0.0.1:1: "),
    ] {
        let script = format!("kube-vip preflight --image {image} -o json || [ $? = 1 ]");
        let report: Value = serde_json::from_str(&trial.run(node, &script)).expect("JSON");
        let rows = report["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["check"] == "image").expect("such a row");
        assert_eq!((&row["result"], &row["subject"]), (&json!(result), &json!(image)), "{row}");
        assert!(row["evidence"].as_str().is_some_and(|text| text.contains(says)), "{row}");
    }
}

/// What stopping k3s does: the daemon lives on, without kubelet and API server on its node.
fn stop_and_start_services(trial: &mut Trial, holder: usize, anonymous: u16) {
    let before = trial.container(holder);
    trial.knows_others(holder);
    trial.stop_services(holder);
    let stopped = Instant::now();
    let heir = trial.holder("the address moves to a fit node", |node| node != holder);
    // It is handed over by way of another API server; nobody waits for the Lease to run out. When
    // etcd's leader has gone with the services, a renewal may hang for a third of it before.
    assert!(stopped.elapsed() < LEASE_DURATION * 3 / 5, "after {:?}", stopped.elapsed());
    assert_eq!(trial.container(holder).pid, before.pid, "the same container lives on");
    trial.check(heir, anonymous);
    trial.start_services(holder);
    assert_eq!(trial.container(holder).pid, before.pid, "and so after the start");
    trial.all_pods_run();
    assert_eq!(trial.holder("the address stays where it is", |_| true), heir);
    trial.check(heir, anonymous);
}
