//! Candidate Leases: nodes find each other, a yes is heard, and missing rights are in nobody's way.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams};
use kube_vip_core::event::{Call, Candidacy, Candidate, Event, Nonce};
use kube_vip_lab::pki::Distribution;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::server::{Reaction, Received, Server};
use crate::support::{Bench, candidacy, kubeconfig, lease, list, status};

/// Waits until exactly these nodes are candidates.
async fn shows(bench: &mut Bench, nodes: &[&str]) -> Vec<Candidate> {
    loop {
        let all = bench.candidates().await;
        if all.iter().map(|one| one.node.as_str()).eq(nodes.iter().copied()) {
            return all;
        }
    }
}

fn stored(cluster: &Cluster, node: &str) -> Lease {
    let name = format!("plndr-cp-lock-{node}");
    cluster.store.lease("kube-system", &name).expect("the candidate Lease is there")
}

async fn leases(cluster: &Cluster) -> kube::Api<Lease> {
    kube::Api::namespaced(cluster.client().await, "kube-system")
}

#[tokio::test]
async fn nodes_find_each_other() {
    let cluster = Cluster::new(Distribution::K3s);
    let (mut one, mut two) = (cluster.node_named("node1"), cluster.node_named("node2"));
    assert_eq!(one.candidates().await, [], "known to be none");
    assert_eq!(one.register(candidacy(None)).await, Ok(()));
    let seen = shows(&mut two, &["node1"]).await;
    assert_eq!(seen[0].candidacy, candidacy(None));

    // A yes.
    assert_eq!(one.register(candidacy(Some("n-7"))).await, Ok(()));
    let later = shows(&mut two, &["node1"]).await;
    assert_eq!(later[0].candidacy.consent, Some(Nonce("n-7".to_owned())));
    assert_ne!(later[0].version, seen[0].version);

    let unfit = Candidacy { fit: false, cordoned: true, ..candidacy(None) };
    two.register(unfit.clone()).await.unwrap();
    let mut three = cluster.node_named("node3");
    let both = shows(&mut three, &["node1", "node2"]).await;
    assert_eq!(both[1].candidacy, unfit);
    let first = shows(&mut one, &["node2"]).await;
    assert_eq!(first.len(), 1, "never oneself");
    leases(&cluster).await.delete("plndr-cp-lock-node1", &Default::default()).await.unwrap();
    shows(&mut three, &["node2"]).await;
}

#[tokio::test]
async fn renewing_changes_the_version() {
    let cluster = Cluster::new(Distribution::K3s);
    let (mut one, mut two) = (cluster.node_named("node1"), cluster.node_named("node2"));
    one.register(candidacy(None)).await.unwrap();
    let first = shows(&mut two, &["node1"]).await;
    one.register(candidacy(None)).await.unwrap();
    let second = shows(&mut two, &["node1"]).await;
    assert_eq!(first[0].candidacy, second[0].candidacy);
    assert_ne!(first[0].version, second[0].version);
}

#[tokio::test]
async fn what_others_do_to_it_is_borne() {
    let cluster = Cluster::new(Distribution::K3s);
    let mut node = cluster.node();
    node.register(candidacy(None)).await.unwrap();
    let leases = leases(&cluster).await;
    let note = json!({ "metadata": { "annotations": { "note": "kept" } } });
    let name = "plndr-cp-lock-node1";
    leases.patch(name, &PatchParams::default(), &Patch::Merge(note)).await.unwrap();
    node.register(candidacy(Some("n-1"))).await.unwrap();
    let annotations = stored(&cluster, "node1").metadata.annotations.unwrap();
    assert_eq!(annotations["note"], "kept");
    assert_eq!(annotations["kube-vip.io/consent"], "n-1");

    leases.delete(name, &Default::default()).await.unwrap();
    node.register(candidacy(None)).await.unwrap();
    let annotations = stored(&cluster, "node1").metadata.annotations.unwrap();
    assert!(!annotations.contains_key("kube-vip.io/consent"));

    // A daemon that starts finds its own Lease there.
    let mut next = cluster.node();
    next.register(candidacy(None)).await.unwrap();
}

#[tokio::test]
async fn anothers_election_is_not_ours() {
    let cluster = Cluster::new(Distribution::K3s);
    let mut one = cluster.node_named("node1");
    one.register(candidacy(None)).await.unwrap();
    let mut object = stored(&cluster, "node1");
    object.metadata.name = Some("another-lock-node9".to_owned());
    object.metadata.resource_version = None;
    let spec = object.spec.get_or_insert_default();
    spec.holder_identity = Some("node9".to_owned());
    let leases = leases(&cluster).await;
    leases.create(&Default::default(), &object).await.expect("a copy with the same label");
    let mut two = cluster.node_named("node2");
    assert_eq!(two.candidates().await.len(), 1);
}

#[tokio::test]
async fn rights_that_are_missing_are_in_nobodys_way() {
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
    let config = kubeconfig(&format!("http://{}", server.address), "secret");
    let mut bench = Bench::admin(&config);
    assert_eq!(bench.watched().await, None);
    let refused = bench.register(candidacy(None)).await.unwrap_err();
    assert!(refused.contains("403") && refused.contains("admin.conf"), "{refused}");
    let asked = |server: &Server| {
        let all = server.beside().into_iter();
        all.filter(|request| request.line.contains("plndr-cp-lock-node1")).count()
    };
    let before = asked(&server);
    assert_eq!(bench.register(candidacy(None)).await, Err(refused));
    assert_eq!(asked(&server), before, "it is not asked for again at once");
    // A yes is worth asking.
    bench.register(candidacy(Some("n-1"))).await.unwrap_err();
    assert_eq!(asked(&server), before + 1);
    let wrong = bench.rest().into_iter().find(|event| {
        matches!(event, Event::Candidates(_) | Event::Cordoned(_) | Event::Answered(_))
    });
    assert_eq!(wrong, None);
    bench.ask(Call::Read).await.unwrap().expect("the election goes on");
}

/// A server at which nobody else is known, and a first write of a candidate Lease is not answered.
async fn with_a_write_that_hangs() -> (Server, Bench) {
    let mut writes = 0;
    let server = Server::start_whole(move |request: &Received| {
        if request.is_watch() {
            return Reaction::Hang;
        }
        if request.line.starts_with("POST ") {
            writes += 1;
            let mut made = request.body.clone();
            made["metadata"]["resourceVersion"] = json!("11");
            return if writes == 1 { Reaction::Hang } else { Reaction::Reply(201, made) };
        }
        if request.is_list() {
            return Reaction::Reply(200, list("10", &[]));
        }
        Reaction::Reply(404, status(404, "NotFound", "none"))
    })
    .await;
    let config = kubeconfig(&format!("http://{}", server.address), "secret");
    (server, Bench::admin(&config))
}

#[tokio::test]
async fn a_yes_does_not_wait_for_an_earlier_write() {
    let (server, mut bench) = with_a_write_that_hangs().await;
    bench.start_register(candidacy(None));
    let posts = || -> Vec<Value> {
        let all = server.beside().into_iter();
        all.filter(|request| request.line.starts_with("POST ")).map(|one| one.body).collect()
    };
    while posts().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(bench.register(candidacy(Some("n-1"))).await, Ok(()));
    let consents: Vec<_> = posts()
        .iter()
        .map(|body| body["metadata"]["annotations"]["kube-vip.io/consent"].clone())
        .collect();
    assert_eq!(consents, [Value::Null, json!("n-1")]);
}
