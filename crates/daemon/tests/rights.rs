//! The rights that are handed to users are those that the driver uses: with them, and nothing more,
//! it does all it can at a real kube-apiserver.
//!
//! Needs etcd and kube-apiserver: `cargo xtask assets`.

#![expect(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "a helper that fails fails its test"
)]

#[path = "lease/support.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Method, Request};
use kube::Client;
use kube_vip::drivers::lease::Here;
use kube_vip_core::address::Mac;
use kube_vip_core::event::Call;
use kube_vip_core::status::Notice;
use kube_vip_lab::api::Anonymous;
use kube_vip_lab::cluster::assets::Assets;
use kube_vip_lab::cluster::control_plane::{
    ControlPlane, Here as Loopback, Listening, Member, Ports, Spec,
};
use kube_vip_lab::pki::{Access, ClusterPki, Distribution, User};
use serde_json::{Value, json};
use support::{Bench, VIP, candidacy, write};
use tracing_subscriber::fmt::MakeWriter;

/// How long a real server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(120);

const ACCOUNT: &str = "system:serviceaccount:kube-system:kube-vip";

/// The log, to be read by the test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// Where objects of a kind are made.
fn collection(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap().to_ascii_lowercase();
    let base = match object["apiVersion"].as_str().unwrap() {
        "v1" => "/api/v1".to_owned(),
        group => format!("/apis/{group}"),
    };
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{base}/namespaces/{namespace}/{kind}s"),
        None => format!("{base}/{kind}s"),
    }
}

async fn send(client: &Client, method: Method, path: &str, object: &Value) -> Value {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    client.request(request.body(object.to_string().into_bytes()).unwrap()).await.unwrap()
}

async fn admin(pki: &ClusterPki, url: &str) -> Client {
    let yaml = pki.admin_kubeconfig(url).unwrap().to_yaml();
    let config = kube::config::Kubeconfig::from_yaml(&yaml).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    Client::try_from(kube::Config::from_custom_kubeconfig(config, &options).await.unwrap()).unwrap()
}

/// Makes what that file of `deploy` says.
async fn grant(admin: &Client, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    for document in text.split("---\n").filter(|document| document.contains("kind: ")) {
        let object: Value = serde_saphyr::from_str(document).unwrap();
        send(admin, Method::POST, &collection(&object), &object).await;
    }
}

#[tokio::test]
async fn the_rights_in_the_manifest_are_enough() {
    let pki = ClusterPki::new(Distribution::K3s).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ports = Ports::free().unwrap();
    let url = format!("https://127.0.0.1:{}", ports.api);
    let tokens =
        BTreeMap::from([("account".to_owned(), User::new(ACCOUNT, &["system:serviceaccounts"]))]);
    let member = Member { name: "n1".into(), address: Ipv4Addr::LOCALHOST.into(), ports };
    let spec = Spec {
        members: vec![member],
        pki: &pki,
        names: Vec::new(),
        anonymous: Anonymous::Refused,
        listening: Listening::default(),
        tokens,
        folder: folder.path().into(),
    };
    let mut plane = ControlPlane::start(spec, &Assets::find(), &[&Loopback])
        .expect("etcd and kube-apiserver can be started (cargo xtask assets)");
    plane.ready(&[&Loopback], PATIENCE, |_| {}).await.unwrap();
    let admin = admin(&pki, &url).await;
    grant(&admin, "rbac.yaml").await;
    let node = json!({ "metadata": { "name": "node1" } });
    let node = send(&admin, Method::POST, "/api/v1/nodes", &node).await;

    let log = Log::default();
    let lines = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(lines);
    let config = pki.kubeconfig_with(&url, Access::Token("account".into())).to_yaml();
    let mut bench = Bench::admin(&config);
    assert!(!bench.cordoned().await, "the Node is found and watched");
    assert_eq!(bench.candidates().await, []);
    assert_eq!(bench.watched().await, None);
    let created = bench.ask(write(None, "node1")).await.unwrap().unwrap();
    bench.ask(write(Some(&created.version.0), "node1")).await.unwrap();
    bench.ask(Call::Read).await.unwrap().expect("the Lease is there");
    bench.register(candidacy(None)).await.unwrap();
    bench.register(candidacy(Some("n-1"))).await.unwrap();
    bench.report(&Notice::Rival { address: VIP.into(), mac: Mac([2, 0, 0, 0, 0, 9]), node: None });
    bench.finish().await;

    let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    let ours = format!("{leases}/plndr-cp-lock-node1");
    let ours = send(&admin, Method::GET, &ours, &Value::Null).await;
    assert_eq!(ours["metadata"]["ownerReferences"][0]["uid"], node["metadata"]["uid"]);
    let events = "/api/v1/namespaces/kube-system/events";
    let events = send(&admin, Method::GET, events, &Value::Null).await;
    assert_eq!(events["items"][0]["reason"], "AddressConflict");
    // What was refused would have been told.
    let text = log.text();
    assert!(text.contains("using the API server"), "the log is read: {text}");
    assert!(
        !text.contains("cannot") && !text.contains("right") && !text.contains("WARN"),
        "{text}"
    );
    bench.stop();
    labels(&admin, &config, &log).await;
}

/// The label of the Node takes one right more: without it nothing else is in the way.
async fn labels(admin: &Client, kubeconfig: &str, log: &Log) {
    let label = Some("192.0.2.10".to_owned());
    let mut bench = Bench::near(kubeconfig, Here { port: 6443, label, ..Here::default() });
    bench.hold(true);
    until("it is told", async || log.text().contains("the right to patch nodes")).await;
    bench.ask(Call::Read).await.unwrap().expect("the Lease is there");
    grant(admin, "rbac-node-labels.yaml").await;
    let value = async || {
        let node = send(admin, Method::GET, "/api/v1/nodes/node1", &Value::Null).await;
        node["metadata"]["labels"]["kube-vip.io/has-ip"].clone()
    };
    until("it is labelled", async || value().await == "192.0.2.10").await;
    bench.hold(false);
    bench.finish().await;
    assert_eq!(value().await, Value::Null);
}

async fn until(what: &str, is: impl AsyncFn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is().await {
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
