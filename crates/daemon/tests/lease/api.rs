//! The driver against the lab's API server, which behaves as a real one: two nodes at one Lease,
//! and the faults of a server.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube_vip_core::event::{Call, Failure, LeaseRecord, LeaseWrite, Marks, Nonce, Stamp, Version};
use kube_vip_lab::pki::{Distribution, User};

use crate::cluster::Cluster;
use crate::support::{Bench, put, text};

fn claim(version: Option<&Version>, holder: &str, transitions: u32) -> Call {
    Call::Write(LeaseWrite {
        version: version.cloned(),
        holder: holder.to_owned(),
        duration: Duration::from_secs(15),
        transitions,
        acquired: Stamp::Now,
        nonce: Nonce(format!("{holder}-1")),
        marks: Marks::default(),
    })
}

/// Waits until the watch shows that holder.
async fn shows(bench: &mut Bench, holder: &str) -> (Version, LeaseRecord) {
    loop {
        if let Some(seen) = bench.watched().await
            && seen.record.holder == holder
        {
            return (seen.version, seen.record);
        }
    }
}

#[tokio::test]
async fn two_nodes_elect() {
    let cluster = Cluster::new(Distribution::K3s);
    let (mut one, mut two) = (cluster.node(), cluster.node());
    assert_eq!(two.watched().await, None);
    assert_eq!(two.ask(Call::Read).await, Ok(None));

    let created = one.ask(claim(None, "node1", 0)).await.unwrap().unwrap();
    assert_eq!(created.record.nonce, Some(Nonce("node1-1".to_owned())));
    assert_eq!(two.ask(claim(None, "node2", 0)).await, Err(Failure::Conflict));
    let (version, record) = shows(&mut two, "node1").await;
    assert_eq!((&version, &record), (&created.version, &created.record));

    // The holder renews: what the other saw is no longer to be written against.
    let renewal = Call::Write(LeaseWrite {
        version: Some(created.version),
        holder: "node1".to_owned(),
        duration: Duration::from_secs(15),
        transitions: 0,
        acquired: Stamp::Keep(record.acquired),
        nonce: Nonce("node1-2".to_owned()),
        marks: Marks::default(),
    });
    let renewed = one.ask(renewal).await.unwrap().unwrap();
    assert_eq!(renewed.record.acquired, record.acquired);
    assert!(renewed.record.renewed >= record.renewed);
    assert_eq!(two.ask(claim(Some(&version), "node2", 1)).await, Err(Failure::Conflict));

    // It releases, and the other takes what its watch shows.
    one.ask(claim(Some(&renewed.version), "", 0)).await.unwrap();
    let (released, _) = shows(&mut two, "").await;
    let taken = two.ask(claim(Some(&released), "node2", 1)).await.unwrap().unwrap();
    assert_eq!((taken.record.holder.as_str(), taken.record.transitions), ("node2", 1));
    shows(&mut one, "node2").await;
    let spec = cluster.lease().spec.unwrap();
    assert_eq!(spec.holder_identity.as_deref(), Some("node2"));
}

#[tokio::test]
async fn a_lease_that_was_deleted_is_seen_and_cannot_be_replaced() {
    let cluster = Cluster::new(Distribution::K3s);
    let mut node = cluster.node();
    assert_eq!(node.watched().await, None);
    let created = node.ask(claim(None, "node1", 0)).await.unwrap().unwrap();
    let leases: kube::Api<Lease> = kube::Api::namespaced(cluster.client().await, "kube-system");
    leases.delete("plndr-cp-lock", &Default::default()).await.unwrap();
    assert_eq!(node.watched().await, None);
    assert_eq!(node.ask(Call::Read).await, Ok(None));
    let outcome = node.ask(claim(Some(&created.version), "node1", 0)).await;
    assert!(matches!(outcome, Err(Failure::Conflict | Failure::Gone)), "{outcome:?}");
    cluster.node().ask(claim(None, "node2", 0)).await.unwrap();
    shows(&mut node, "node2").await;
}

#[tokio::test]
async fn a_server_that_was_killed_is_found_again() {
    let mut cluster = Cluster::new(Distribution::K3s);
    let (mut one, mut two) = (cluster.node(), cluster.node());
    let created = one.ask(claim(None, "node1", 0)).await.unwrap().unwrap();
    shows(&mut two, "node1").await;
    cluster.server.kill().await;
    let failure = text(one.ask(Call::Read).await);
    assert!(failure.contains("cannot connect to "), "{failure}");
    // What the watch would have shown is gone from the history.
    cluster.restart();
    cluster.store.compact();
    let renewed = one.ask(claim(Some(&created.version), "", 0)).await.unwrap().unwrap();
    cluster.store.compact();
    let (version, _) = shows(&mut two, "").await;
    assert_eq!(version, renewed.version);
    one.ask(claim(Some(&version), "node1", 1)).await.unwrap();
    shows(&mut two, "node1").await;
}

#[tokio::test]
async fn a_frozen_server_times_out_until_it_goes_on() {
    let cluster = Cluster::new(Distribution::K3s);
    let mut node = cluster.node();
    node.ask(claim(None, "node1", 0)).await.unwrap();
    cluster.server.freeze();
    for _ in 0..2 {
        let short = Duration::from_millis(200);
        assert_eq!(node.ask_within(Call::Read, short).await, Err(Failure::Timeout));
    }
    cluster.server.thaw();
    node.ask(Call::Read).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_without_its_store_is_a_failure() {
    let cluster = Cluster::new(Distribution::K3s);
    let mut node = cluster.node();
    let created = node.ask(claim(None, "node1", 0)).await.unwrap().unwrap();
    cluster.server.disconnect_store();
    let outcome = node.ask(claim(Some(&created.version), "node1", 0)).await;
    assert!(matches!(outcome, Err(Failure::Unavailable(_) | Failure::Timeout)), "{outcome:?}");
    cluster.server.reconnect_store();
    node.ask(claim(Some(&created.version), "node1", 0)).await.unwrap();
}

#[tokio::test]
async fn kubeadms_first_node_begins_with_super_admin() {
    let cluster = Cluster::new(Distribution::Kubeadm);
    let mut node = cluster.node();
    let failure = text(node.ask(Call::Read).await);
    assert!(failure.contains("403 Forbidden"), "{failure}");
    let super_admin = User::kubeadm_super_admin();
    let super_admin = cluster.pki.kubeconfig(&cluster.url(), &super_admin).unwrap();
    put(&node.admin_conf().with_file_name("super-admin.conf"), &super_admin.to_yaml());
    let mut other = Bench::admin(&super_admin.to_yaml());
    other.ask(claim(None, "node2", 0)).await.unwrap();
    shows(&mut node, "node2").await;
    // kubeadm takes super-admin.conf away once admin.conf has its rights.
    cluster.store.grant_everything("kubeadm:cluster-admins");
    std::fs::remove_file(node.admin_conf().with_file_name("super-admin.conf")).unwrap();
    node.ask(Call::Read).await.unwrap().unwrap();
}

#[tokio::test]
async fn without_credentials_a_server_refuses() {
    for distribution in [Distribution::K3s, Distribution::Kubeadm] {
        let cluster = Cluster::new(distribution);
        let mut yaml = cluster.pki.admin_kubeconfig(&cluster.url()).unwrap().to_yaml();
        yaml.truncate(yaml.find("users:").expect("a kubeconfig has users"));
        let failure = text(Bench::admin(&yaml).ask(Call::Read).await);
        assert!(failure.contains(" (") && failure.contains("admin.conf): 40"), "{failure}");
    }
}
