//! The label on this host's Node: there while the address is, and gone with it.

use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams};
use kube_vip::drivers::lease::Here;
use kube_vip_lab::pki::Distribution;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::cluster::Cluster;
use crate::support::{Bench, LONG};

const LABEL: &str = "kube-vip.io/has-ip";

/// A cluster with the Node, and a driver that labels it.
async fn labelling() -> (Cluster, Bench) {
    labelling_a_node(json!({ "name": "node1" })).await
}

async fn labelling_a_node(metadata: Value) -> (Cluster, Bench) {
    let cluster = Cluster::new(Distribution::K3s);
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata });
    let nodes: kube::Api<Node> = kube::Api::all(cluster.client().await);
    nodes.create(&Default::default(), &serde_json::from_value(node).unwrap()).await.unwrap();
    let kubeconfig = cluster.pki.admin_kubeconfig(&cluster.url()).unwrap().to_yaml();
    let label = Some("192.0.2.10".to_owned());
    let bench = Bench::near(&kubeconfig, Here { port: 6443, label, ..Here::default() });
    (cluster, bench)
}

fn label(cluster: &Cluster) -> Option<String> {
    let node = cluster.store.node("node1").or_else(|| cluster.store.node("worker"));
    node.unwrap().metadata.labels?.remove(LABEL)
}

async fn becomes(cluster: &Cluster, value: Option<&str>) {
    let until = Instant::now() + LONG;
    while label(cluster).as_deref() != value {
        assert!(Instant::now() < until, "the label stays {:?}", label(cluster));
        sleep(Duration::from_millis(5)).await;
    }
}

/// Somebody else sets the label.
async fn set(cluster: &Cluster, value: Value) {
    let nodes: kube::Api<Node> = kube::Api::all(cluster.client().await);
    let patch = Patch::Merge(json!({ "metadata": { "labels": { LABEL: value } } }));
    nodes.patch("node1", &PatchParams::default(), &patch).await.unwrap();
}

#[tokio::test]
async fn it_comes_and_goes_with_the_address() {
    let (cluster, bench) = labelling().await;
    bench.hold(true);
    becomes(&cluster, Some("192.0.2.10")).await;
    // Whoever takes it off does not know better.
    set(&cluster, Value::Null).await;
    becomes(&cluster, Some("192.0.2.10")).await;
    bench.hold(false);
    becomes(&cluster, None).await;
    bench.hold(true);
    becomes(&cluster, Some("192.0.2.10")).await;
}

#[tokio::test]
async fn a_node_that_is_found_by_its_host_name_is_labelled() {
    let (cluster, bench) = labelling_a_node(json!({
        "name": "worker", "labels": { "kubernetes.io/hostname": "node1" },
    }))
    .await;
    bench.hold(true);
    becomes(&cluster, Some("192.0.2.10")).await;
    bench.hold(false);
    becomes(&cluster, None).await;
}

#[tokio::test]
async fn it_is_gone_when_the_process_ends() {
    let (cluster, mut bench) = labelling().await;
    bench.hold(true);
    becomes(&cluster, Some("192.0.2.10")).await;
    bench.hold(false);
    bench.finish().await;
    assert_eq!(label(&cluster), None);
}

#[tokio::test]
async fn what_a_killed_process_left_is_removed() {
    let (cluster, mut bench) = labelling().await;
    set(&cluster, json!("192.0.2.10")).await;
    assert!(!bench.cordoned().await, "the Node is found");
    becomes(&cluster, None).await;
}

#[tokio::test]
async fn another_elections_label_is_replaced_once_and_never_removed() {
    let (cluster, mut bench) = labelling().await;
    set(&cluster, json!("192.0.2.99")).await;
    bench.hold(true);
    becomes(&cluster, Some("192.0.2.10")).await;
    set(&cluster, json!("192.0.2.99")).await;
    bench.hold(false);
    bench.finish().await;
    assert_eq!(label(&cluster).as_deref(), Some("192.0.2.99"));
}
