//! A real control plane of three nodes, each with a network of its own: it becomes ready, bears the
//! loss of one etcd member, and not that of two. Needs root, etcd and kube-apiserver
//! (`cargo xtask assets`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kube_vip_lab::api::Anonymous;
use kube_vip_lab::cluster::assets::Assets;
use kube_vip_lab::cluster::control_plane::{
    ControlPlane, Listening, Member, Ports, Program, Site, Spec,
};
use kube_vip_lab::net::{World, WorldSpec};
use kube_vip_lab::pki::{ClusterPki, Distribution};

/// How long anything may take here; nothing should take a quarter of it.
const PATIENCE: Duration = Duration::from_secs(120);

fn member(host: &kube_vip_lab::net::Host) -> Member {
    let address = host.address().expect("nodes have addresses").into();
    Member { name: host.name().into(), address, ports: Ports::USUAL }
}

/// Waits until the API server on a node is ready, or until it is not.
async fn until(plane: &ControlPlane, node: usize, site: &dyn Site, ready: bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = plane.ask(node, site).await;
        if answer.is_ok() == ready {
            return;
        }
        assert!(Instant::now() < deadline, "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn three_nodes_bear_the_loss_of_one_member_but_not_of_two() {
    let world = World::new(&WorldSpec::of(3)).unwrap();
    let sites: Vec<&dyn Site> = world.nodes().iter().map(|host| host as &dyn Site).collect();
    let folder = tempfile::tempdir().unwrap();
    let pki = ClusterPki::new(Distribution::K3s).unwrap();
    let spec = Spec {
        members: world.nodes().iter().map(member).collect(),
        pki: &pki,
        names: vec!["192.168.20.140".into()],
        anonymous: Anonymous::Refused,
        listening: Listening::default(),
        tokens: BTreeMap::new(),
        folder: folder.path().into(),
    };
    let mut plane = ControlPlane::start(spec, &Assets::find(), &sites).unwrap();
    let mut told = Vec::new();
    plane.ready(&sites, PATIENCE, |progress| told.push(progress.clone())).await.unwrap();
    assert!(told.iter().all(|progress| progress.of == 3 && !progress.waiting.is_empty()));

    plane.kill(0, Program::Etcd);
    until(&plane, 1, sites[1], true).await;
    plane.kill(1, Program::Etcd);
    until(&plane, 2, sites[2], false).await;
    plane.launch(0, Program::Etcd, sites[0]).unwrap();
    until(&plane, 2, sites[2], true).await;

    plane.kill(2, Program::ApiServer);
    let refused = plane.ask(2, sites[2]).await.unwrap_err();
    assert!(refused.contains("refused"), "{refused}");
    plane.launch(2, Program::ApiServer, sites[2]).unwrap();
    until(&plane, 2, sites[2], true).await;
    plane.still_running().unwrap();
}
