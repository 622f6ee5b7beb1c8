//! This host's Node: found in three ways, its cordon seen, and its name on our candidate Lease.

use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams};
use kube_vip_lab::pki::Distribution;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::support::{ADDRESS, Bench, VIP, candidacy};

async fn nodes(cluster: &Cluster) -> kube::Api<Node> {
    kube::Api::all(cluster.client().await)
}

async fn create(cluster: &Cluster, name: &str, host_name: &str, address: &str) {
    let nodes = nodes(cluster).await;
    let node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": name, "labels": { "kubernetes.io/hostname": host_name } },
    });
    nodes.create(&Default::default(), &serde_json::from_value(node).unwrap()).await.unwrap();
    let addresses = json!([
        { "type": "Hostname", "address": host_name },
        { "type": "InternalIP", "address": address },
    ]);
    let status = Patch::Merge(json!({ "status": { "addresses": addresses } }));
    nodes.patch_status(name, &PatchParams::default(), &status).await.unwrap();
}

async fn cordon(cluster: &Cluster, name: &str, unschedulable: Value) {
    let patch = Patch::Merge(json!({ "spec": { "unschedulable": unschedulable } }));
    nodes(cluster).await.patch(name, &PatchParams::default(), &patch).await.unwrap();
}

/// Registers until the candidate Lease names its owner; returns that.
async fn owner(cluster: &Cluster, bench: &mut Bench) -> Value {
    bench.register(candidacy(None)).await.unwrap();
    let lease = cluster.store.lease("kube-system", "plndr-cp-lock-node1").unwrap();
    json!(lease.metadata.owner_references)
}

fn names(cluster: &Cluster, node: &str) -> Value {
    let uid = cluster.store.node(node).unwrap().metadata.uid;
    json!([{ "apiVersion": "v1", "kind": "Node", "name": node, "uid": uid }])
}

#[tokio::test]
async fn a_cordon_is_seen() {
    let cluster = Cluster::new(Distribution::K3s);
    create(&cluster, "node1", "node1", "192.0.2.99").await;
    let mut bench = cluster.node();
    assert!(!bench.cordoned().await);
    cordon(&cluster, "node1", json!(true)).await;
    assert!(bench.cordoned().await);
    // What else changes is no news.
    let label = Patch::Merge(json!({ "metadata": { "labels": { "a": "b" } } }));
    nodes(&cluster).await.patch("node1", &PatchParams::default(), &label).await.unwrap();
    cordon(&cluster, "node1", Value::Null).await;
    assert!(!bench.cordoned().await);
    assert_eq!(owner(&cluster, &mut bench).await, names(&cluster, "node1"));
}

#[tokio::test]
async fn a_node_of_another_name_is_found_by_its_host_name() {
    let cluster = Cluster::new(Distribution::K3s);
    create(&cluster, "worker-a", "other", "192.0.2.98").await;
    create(&cluster, "worker-b", "node1", "192.0.2.99").await;
    cordon(&cluster, "worker-b", json!(true)).await;
    let mut bench = cluster.node();
    assert!(bench.cordoned().await);
    assert_eq!(owner(&cluster, &mut bench).await, names(&cluster, "worker-b"));
}

#[tokio::test]
async fn a_node_of_another_name_is_found_by_its_address() {
    let cluster = Cluster::new(Distribution::K3s);
    // The address that moves says nothing about a host.
    create(&cluster, "worker-a", "a", &VIP.to_string()).await;
    create(&cluster, "worker-b", "b", &ADDRESS.to_string()).await;
    cordon(&cluster, "worker-b", json!(true)).await;
    let mut bench = cluster.node();
    assert!(bench.cordoned().await);
    assert_eq!(owner(&cluster, &mut bench).await, names(&cluster, "worker-b"));
}

#[tokio::test]
async fn a_name_comes_before_a_host_name_and_that_before_an_address() {
    let cluster = Cluster::new(Distribution::K3s);
    create(&cluster, "worker-a", "a", &ADDRESS.to_string()).await;
    create(&cluster, "worker-b", "node1", "192.0.2.98").await;
    let mut bench = cluster.node();
    assert!(!bench.cordoned().await);
    assert_eq!(owner(&cluster, &mut bench).await, names(&cluster, "worker-b"));
    create(&cluster, "node1", "c", "192.0.2.99").await;
    let mut bench = cluster.node();
    assert!(!bench.cordoned().await);
    assert_eq!(owner(&cluster, &mut bench).await, names(&cluster, "node1"));
}

#[tokio::test]
async fn a_node_that_is_not_there_yet_is_found_when_it_comes() {
    let cluster = Cluster::new(Distribution::K3s);
    let mut bench = cluster.node();
    assert_eq!(bench.candidates().await, []);
    assert_eq!(owner(&cluster, &mut bench).await, Value::Null);
    create(&cluster, "node1", "node1", "192.0.2.99").await;
    assert!(!bench.cordoned().await);
    assert_eq!(owner(&cluster, &mut bench).await, names(&cluster, "node1"));

    // Made anew it is another one.
    nodes(&cluster).await.delete("node1", &Default::default()).await.unwrap();
    create(&cluster, "node1", "node1", "192.0.2.99").await;
    cordon(&cluster, "node1", json!(true)).await;
    assert!(bench.cordoned().await);
    assert_eq!(owner(&cluster, &mut bench).await, names(&cluster, "node1"));
}
