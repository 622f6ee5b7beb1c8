//! Kubernetes Events: what the cluster is told, and that nobody waits for it.

use std::time::Duration;

use k8s_openapi::api::core::v1::Event;
use kube_vip_core::address::{Mac, Vip};
use kube_vip_core::event::Call;
use kube_vip_core::status::Notice;
use kube_vip_lab::pki::Distribution;

use crate::cluster::Cluster;
use crate::server::{Reaction, Server};
use crate::support::{Bench, VIP, kubeconfig, lease, list, status, write};

fn taken(from: &str) -> Notice {
    Notice::HolderChanged { from: Some(from.to_owned()), to: Some("node1".to_owned()) }
}

fn conflict() -> Notice {
    Notice::Rival { address: VIP.into(), mac: Mac([2, 0, 0, 0, 0, 9]), node: None }
}

/// The reason, the message and the count of all Events, by reason.
fn said(cluster: &Cluster) -> Vec<(String, String, i32)> {
    let what = |event: Event| (event.reason.unwrap(), event.message.unwrap(), event.count.unwrap());
    let mut all: Vec<_> = cluster.store.events("kube-system").into_iter().map(what).collect();
    all.sort();
    all
}

#[tokio::test]
async fn moves_and_conflicts_are_told_about_the_lease() {
    let cluster = Cluster::new(Distribution::K3s);
    let mut bench = cluster.node();
    bench.ask(write(None, "node1")).await.unwrap();
    bench.report(&taken("node2"));
    bench.report(&Notice::AddressAdded(Vip::new(VIP.into(), 32).unwrap()));
    bench.report(&conflict());
    bench.finish().await;
    assert_eq!(
        said(&cluster),
        [
            (
                "AddressConflict".to_owned(),
                "node1 hears 02:00:00:00:00:09 (no node of the election) speak for 192.0.2.10"
                    .to_owned(),
                1
            ),
            (
                "HolderChanged".to_owned(),
                "node1 holds 192.0.2.10 now, before it node2".to_owned(),
                1
            ),
        ]
    );
    let event = cluster.store.events("kube-system").remove(0);
    let about = event.involved_object;
    assert_eq!(about.kind.as_deref(), Some("Lease"));
    assert_eq!(about.name.as_deref(), Some("plndr-cp-lock"));
    assert_eq!(about.uid, cluster.lease().metadata.uid);
    let source = event.source.unwrap();
    assert_eq!(source.component.as_deref(), Some("kube-vip"));
    assert_eq!(source.host.as_deref(), Some("node1"));
}

#[tokio::test]
async fn many_of_a_kind_are_one_with_a_count() {
    let cluster = Cluster::new(Distribution::K3s);
    let mut bench = cluster.node();
    for number in 0..10 {
        bench.report(&taken(&format!("node{number}")));
    }
    bench.finish().await;
    let counts: Vec<_> = said(&cluster).into_iter().map(|(_, _, count)| count).collect();
    assert_eq!(counts.iter().sum::<i32>(), 10);
    assert_eq!(counts.len(), 2, "the first at once, the rest together");
}

#[tokio::test]
async fn news_wait_for_the_api_server() {
    let mut cluster = Cluster::new(Distribution::K3s);
    cluster.server.kill().await;
    let mut bench = cluster.node();
    bench.report(&conflict());
    tokio::time::sleep(Duration::from_millis(100)).await;
    cluster.restart();
    bench.finish().await;
    assert_eq!(said(&cluster).len(), 1);
}

#[tokio::test]
async fn without_rights_there_are_none_and_nothing_waits() {
    let server = Server::start(|request| {
        if request.is_watch() {
            Reaction::Hang
        } else if request.is_list() {
            Reaction::Reply(200, list("10", &[]))
        } else {
            Reaction::Reply(200, lease("20", "node1"))
        }
    })
    .await;
    let mut bench = Bench::admin(&kubeconfig(&format!("http://{}", server.address), "secret"));
    for _ in 0..200 {
        bench.report(&taken("node2"));
        bench.report(&conflict());
    }
    bench.ask(Call::Read).await.unwrap();
    bench.finish().await;
    let posts = server.beside().into_iter().filter(|one| one.line.starts_with("POST "));
    assert_eq!(posts.count(), 1, "one refusal is enough");
}

#[tokio::test]
async fn a_server_that_hangs_holds_nothing_up() {
    let server = Server::start_whole(|request| {
        if request.line.starts_with("POST ") || request.is_watch() {
            Reaction::Hang
        } else if request.is_list() {
            Reaction::Reply(200, list("10", &[]))
        } else if request.is_beside() {
            Reaction::Reply(404, status(404, "NotFound", "none"))
        } else {
            Reaction::Reply(200, lease("20", "node1"))
        }
    })
    .await;
    let mut bench = Bench::admin(&kubeconfig(&format!("http://{}", server.address), "secret"));
    for _ in 0..1000 {
        bench.report(&conflict());
    }
    bench.ask(Call::Read).await.unwrap().expect("the election goes on");
}
