//! `kube-vip move`, as the built program has it, against nodes that do as the test says.

use std::process::Output;
use std::time::Duration;

use kube_vip_core::address::NodeName;
use kube_vip_core::event::{Call, Candidacy, LeaseWrite, Marks, Nonce, Observation, Stamp};
use kube_vip_lab::pki::Distribution;
use tempfile::TempDir;
use tokio::process::Command;

use crate::cluster::Cluster;
use crate::support::{Bench, candidacy, put};

/// A cluster whose address node1 holds, with node2 as a candidate.
struct Scene {
    cluster: Cluster,
    dir: TempDir,
    one: Bench,
    two: Bench,
}

fn claim(seen: Option<&Observation>, holder: &str, move_to: Option<NodeName>) -> Call {
    Call::Write(LeaseWrite {
        version: seen.map(|seen| seen.version.clone()),
        holder: holder.to_owned(),
        duration: Duration::from_secs(15),
        transitions: 0,
        acquired: Stamp::Now,
        nonce: Nonce("n-1".to_owned()),
        marks: Marks { move_to, ..Marks::default() },
    })
}

impl Scene {
    async fn new() -> Self {
        let cluster = Cluster::new(Distribution::K3s);
        let dir = tempfile::tempdir().unwrap();
        let config = cluster.pki.admin_kubeconfig(&cluster.url()).unwrap().to_yaml();
        put(&dir.path().join("config"), &config);
        let (mut one, mut two) = (cluster.node_named("node1"), cluster.node_named("node2"));
        one.register(candidacy(None)).await.unwrap();
        two.register(candidacy(None)).await.unwrap();
        one.ask(claim(None, "node1", None)).await.unwrap();
        Self { cluster, dir, one, two }
    }

    /// Starts the program.
    fn start(&self, args: &[&str]) -> impl Future<Output = Output> + use<> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kube-vip"));
        command.arg("move").args(args).arg("--kubeconfig").arg(self.dir.path().join("config"));
        let output = command.env_clear().kill_on_drop(true).output();
        let task = tokio::spawn(output);
        async { task.await.unwrap().expect("the built program can be started") }
    }

    /// The Lease with the request in it, as the holder sees it.
    async fn requested(&mut self) -> Observation {
        loop {
            if let Some(seen) = self.one.watched().await
                && seen.record.marks.move_to.is_some()
            {
                return seen;
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_move_ends_when_the_node_has_taken_over() {
    let mut scene = Scene::new().await;
    let output = scene.start(&["--to", "NODE2"]);
    let seen = scene.requested().await;
    assert_eq!(seen.record.marks.move_to.as_ref().map(NodeName::as_str), Some("node2"));
    assert_eq!(seen.record.holder, "node1", "the request changes nothing else");
    // Renewing keeps the request, releasing too; whoever takes over has done with it.
    let to = seen.record.marks.move_to.clone();
    let renewed = scene.one.ask(claim(Some(&seen), "node1", to.clone())).await.unwrap();
    let released = scene.one.ask(claim(renewed.as_ref(), "", to)).await.unwrap();
    scene.two.ask(Call::Read).await.unwrap();
    scene.two.ask(claim(released.as_ref(), "node2", None)).await.unwrap();
    let output = output.await;
    assert_eq!(text(&output.stderr), "");
    let said = text(&output.stdout);
    assert!(said.starts_with("kube-system/plndr-cp-lock: moved from node1 to node2 in "), "{said}");
    assert_eq!(output.status.code(), Some(0));

    let again = scene.start(&["--to", "node2", "--lease", "plndr-cp-lock"]).await;
    let said = text(&again.stdout);
    assert_eq!(said, "kube-system/plndr-cp-lock: node2 holds it already\n");
    assert_eq!(again.status.code(), Some(0));
}

#[tokio::test]
async fn a_request_that_is_turned_down_fails() {
    let mut scene = Scene::new().await;
    let output = scene.start(&["--to", "node2"]);
    let seen = scene.requested().await;
    scene.one.ask(claim(Some(&seen), "node1", None)).await.unwrap();
    let output = output.await;
    let said = text(&output.stderr);
    assert!(said.contains(": node1 did not hand over to node2; its log"), "{said}");
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""));
}

#[tokio::test]
async fn a_request_that_nobody_heeds_is_withdrawn() {
    let mut scene = Scene::new().await;
    let output = scene.start(&["--to", "node2", "--timeout", "300ms"]).await;
    let said = text(&output.stderr);
    let expected = "kube-system/plndr-cp-lock: node2 did not take over within 300ms; node1 holds \
                    it, and the request is withdrawn\n";
    assert_eq!(said, expected);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""));
    let seen = scene.one.ask(Call::Read).await.unwrap().unwrap();
    assert_eq!((seen.record.holder.as_str(), seen.record.marks.move_to), ("node1", None));
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_not_written() {
    let mut scene = Scene::new().await;
    let unfit = Candidacy { fit: false, ..candidacy(None) };
    scene.two.register(unfit).await.unwrap();
    let version = scene.cluster.lease().metadata.resource_version;
    for (args, why) in [
        (&["--to", "node2"][..], "node2 is not fit to hold it"),
        (&["--to", "node9"], "candidates: node1 (holder), node2 (not fit)"),
        (&["--to", "node2", "-n", "elsewhere"], "elsewhere/plndr-cp-lock: there is no such Lease"),
        (&["--to", "node2", "--lease", "other"], "kube-system/other: there is no such Lease"),
    ] {
        let output = scene.start(args).await;
        let said = text(&output.stderr);
        assert!(said.contains(why) && said.lines().count() == 1, "{args:?}: {said}");
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""));
    }
    assert_eq!(scene.cluster.lease().metadata.resource_version, version);
}
