//! One contract for two servers: what a real kube-apiserver does, the lab's own does as well. Each
//! scenario says what it expects and keeps a transcript; the transcripts of both servers must be
//! the same.
//!
//! The real server needs etcd and kube-apiserver: `cargo xtask assets`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

#[path = "contract/credentials.rs"]
mod credentials;
#[path = "contract/events.rs"]
mod events;
#[path = "contract/labels.rs"]
mod labels;
#[path = "contract/leases.rs"]
mod leases;
#[path = "contract/nodes.rs"]
mod nodes;
#[path = "contract/servers.rs"]
mod servers;
#[path = "contract/subject.rs"]
mod subject;
#[path = "contract/watches.rs"]
mod watches;

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use kube_vip_lab::api::{Anonymous, ApiServer, Options, Store};
use kube_vip_lab::cluster::assets::Assets;
use kube_vip_lab::cluster::control_plane::{
    ControlPlane, Here, Listening, Member, Ports, Program, Spec,
};
use kube_vip_lab::pki::{ClusterPki, Distribution, User};

use subject::{Subject, Transcript};

/// How long a real server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn the_embedded_server_as_k3s_sets_it_up() {
    embedded(&ClusterPki::new(Distribution::K3s).unwrap()).await;
}

#[tokio::test]
async fn the_embedded_server_as_kubeadm_sets_it_up() {
    embedded(&ClusterPki::new(Distribution::Kubeadm).unwrap()).await;
}

#[tokio::test]
async fn the_real_server_as_k3s_sets_it_up() {
    both(Distribution::K3s).await;
}

#[tokio::test]
async fn the_real_server_as_kubeadm_sets_it_up() {
    both(Distribution::Kubeadm).await;
}

/// Holds the real server to the contract, and the embedded one to the real one's transcript.
async fn both(distribution: Distribution) {
    let pki = ClusterPki::new(distribution).unwrap();
    let (real, embedded) = tokio::join!(real(&pki), embedded(&pki));
    let real = real.unwrap_or_else(|error| {
        let causes = std::iter::successors(error.source(), |&error| error.source());
        let causes: String = causes.map(|cause| format!(": {cause}")).collect();
        panic!("no real control plane: {error}{causes}")
    });
    subject::compare(&real, &embedded);
}

async fn embedded(pki: &ClusterPki) -> Transcript {
    let store = Store::new();
    let mut options = Options::new(pki, &[]).unwrap();
    options.tokens = tokens();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = ApiServer::start(&store, listener, options).unwrap();
    let port = server.address().port();
    store.publish(&[servers::ADVERTISED], port);
    let subject = Subject::new(pki, port).await;
    run(&subject, pki.distribution()).await;
    store.compact();
    watches::too_old(&subject).await;
    subject.transcript()
}

async fn real(pki: &ClusterPki) -> Result<Transcript, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let ports = Ports::free()?;
    let member = Member { name: "n1".into(), address: Ipv4Addr::LOCALHOST.into(), ports };
    let anonymous = match pki.distribution() {
        Distribution::K3s => Anonymous::Refused,
        Distribution::Kubeadm => Anonymous::Allowed,
    };
    let spec = Spec {
        members: vec![member],
        pki,
        names: Vec::new(),
        anonymous,
        listening: Listening::default(),
        tokens: tokens(),
        folder: folder.path().into(),
    };
    let mut plane = ControlPlane::start(spec, &Assets::find(), &[&Here])?;
    plane.ready(&[&Here], PATIENCE, |_| {}).await?;
    let subject = Subject::new(pki, ports.api).await;
    run(&subject, pki.distribution()).await;
    // What a watch can see of the past is in the memory of the API server.
    plane.launch(0, Program::ApiServer, &Here)?;
    plane.ready(&[&Here], PATIENCE, |_| {}).await?;
    watches::too_old(&subject).await;
    Ok(subject.transcript())
}

fn tokens() -> BTreeMap<String, User> {
    BTreeMap::from([
        ("all".into(), User::new("robot", &["system:masters"])),
        ("nothing".into(), User::without_rights()),
    ])
}

async fn run(subject: &Subject, distribution: Distribution) {
    leases::life(subject).await;
    leases::times(subject).await;
    leases::release(subject).await;
    leases::versions(subject).await;
    leases::rules(subject).await;
    leases::unknown_fields(subject).await;
    leases::patches(subject).await;
    leases::lists(subject).await;
    labels::selected(subject).await;
    labels::rules(subject).await;
    labels::nodes(subject).await;
    events::created(subject).await;
    nodes::cordon(subject).await;
    nodes::status(subject).await;
    credentials::certificates_and_tokens(subject).await;
    credentials::nobody(subject, distribution).await;
    watches::from_a_version(subject).await;
    watches::with_the_state_so_far(subject).await;
    watches::of_one_object(subject).await;
    watches::bookmarks(subject).await;
    servers::listed(subject).await;
}
