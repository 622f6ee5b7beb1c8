//! Looks at this node's API server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use kube_vip::drivers::lease::Here;
use kube_vip::settings::config::HealthCheck;
use kube_vip_core::event::{Call, Check, Health};
use tokio::net::TcpListener;

use crate::scripted::{HERE, Scripted, THERE, healthy, knows};
use crate::server::{Reaction, Received, Server};
use crate::support::{Bench, VIP, kubeconfig, list, put};

/// What one look may take.
const TIME: Duration = Duration::from_secs(1);

/// A server that says this to `/readyz` and that to `/livez`.
fn says(ready: u16, live: u16) -> impl FnMut(&Received) -> Reaction + Send + 'static {
    move |request| {
        if request.line.ends_with("/readyz") {
            let text = "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n";
            Reaction::Text(ready, if ready == 500 { text } else { "ok" })
        } else if request.line.ends_with("/livez") {
            Reaction::Text(live, "livez: said so")
        } else if request.is_list() {
            Reaction::Reply(200, list("1", &[]))
        } else {
            Reaction::Hang
        }
    }
}

async fn local(ready: u16, live: u16) -> Health {
    let server = Server::start(says(ready, live)).await;
    let url = format!("http://{}", server.address);
    let mut bench = Bench::near(&kubeconfig(&url, "secret"), server.address.port());
    let check = bench.check(TIME).await;
    assert_eq!(check.elsewhere, None);
    check.local
}

/// An address where nothing listens.
async fn nowhere() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    free.local_addr().unwrap()
}

fn ready() -> Check {
    Check { local: Health::Ready, elsewhere: None }
}

fn asked(server: &Server, path: &str) -> usize {
    server.calls().iter().filter(|call| call.line == format!("GET {path}")).count()
}

#[tokio::test]
async fn what_it_says_is_what_it_is() {
    assert_eq!(local(200, 500).await, Health::Ready);
    let failed = "/readyz: 500 Internal Server Error: etcd failed: reason withheld";
    assert_eq!(local(500, 200).await, Health::Live(failed.to_owned()));
    let failed = "/livez: 503 Service Unavailable: livez: said so";
    assert_eq!(local(500, 503).await, Health::Accepts(failed.to_owned()));
    // Who may not ask knows that it answers.
    for refused in [401, 403] {
        assert_eq!(local(refused, 200).await, Health::Ready);
        assert_eq!(local(refused, refused).await, Health::Ready);
    }
    let failed = "/livez: 500 Internal Server Error: livez: said so";
    assert_eq!(local(403, 500).await, Health::Accepts(failed.to_owned()));
}

#[tokio::test]
async fn one_connection_is_kept_and_replaced() {
    let cluster = Scripted::new();
    let server = cluster.server(HERE, says(200, 200)).await;
    let url = format!("https://{}", server.address);
    let mut bench = Bench::near(&cluster.kubeconfig(&url), server.address.port());
    for _ in 0..3 {
        assert_eq!(bench.check(TIME).await, ready());
    }
    let looks: Vec<_> =
        server.calls().iter().filter(|c| c.line == "GET /readyz").map(|c| c.connection).collect();
    assert!(looks.len() == 3 && looks.iter().all(|one| *one == looks[0]), "{looks:?}");
    assert_eq!(server.calls()[0].header("authorization"), "Bearer secret");
    // Another process takes its place, with another certificate.
    let address = server.address;
    server.kill().await;
    let _server = cluster.named(address, &["127.0.0.1"], says(200, 200)).await;
    assert_eq!(bench.check(TIME).await, ready());
}

#[tokio::test]
async fn a_server_that_is_not_there_refuses_at_once() {
    let cluster = Scripted::new();
    let address = nowhere().await;
    let mut bench = Bench::near(&cluster.kubeconfig(&format!("https://{address}")), address.port());
    let began = Instant::now();
    let check = bench.check(10 * TIME).await;
    assert!(began.elapsed() < TIME, "{:?}", began.elapsed());
    let Health::Refuses(cause) = check.local else { panic!("{check:?}") };
    assert!(cause.contains(&format!("cannot connect to {address}: Connection refused")), "{cause}");
    assert_eq!(check.elsewhere, None);
}

#[tokio::test]
async fn a_server_that_is_silent_accepts() {
    let cluster = Scripted::new();
    // Neither TLS nor anything else.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute = cluster.server(HERE, |_| Reaction::Hang).await;
    for address in [deaf.local_addr().unwrap(), mute.address] {
        let url = format!("https://{address}");
        let mut bench = Bench::near(&cluster.kubeconfig(&url), address.port());
        let began = Instant::now();
        let check = bench.check(TIME).await;
        assert!((TIME / 2..3 * TIME).contains(&began.elapsed()), "{:?}", began.elapsed());
        let cause = format!("{address} does not answer within 1s");
        assert_eq!(check, Check { local: Health::Accepts(cause), elsewhere: None });
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_noticed_on_the_kept_connection() {
    let cluster = Scripted::new();
    let mut looks = 0;
    let server = cluster
        .server(HERE, move |request| {
            looks += usize::from(request.line == "GET /readyz");
            if looks > 1 { Reaction::Hang } else { Reaction::Text(200, "ok") }
        })
        .await;
    let url = format!("https://{}", server.address);
    let mut bench = Bench::near(&cluster.kubeconfig(&url), server.address.port());
    assert_eq!(bench.check(TIME).await, ready());
    let check = bench.check(TIME).await;
    assert!(matches!(check.local, Health::Accepts(_)), "{check:?}");
    // The kept one, and a new one.
    assert_eq!(asked(&server, "/readyz"), 3);
}

#[tokio::test]
async fn a_kubeconfig_for_the_address_asks_this_node() {
    let cluster = Scripted::new();
    let server = cluster.named((HERE, 0).into(), &[&VIP.to_string()], healthy("node1")).await;
    let port = server.address.port();
    let mut bench = Bench::near(&cluster.kubeconfig(&format!("https://{VIP}:{port}")), port);
    assert_eq!(bench.check(TIME).await, ready());
    assert_eq!(server.calls()[0].header("host"), format!("{VIP}:{port}"));
}

#[tokio::test]
async fn a_kubeconfig_for_another_server_asks_this_node_by_the_clusters_name() {
    let cluster = Scripted::new();
    let balancer = cluster.server(THERE, healthy("node1")).await;
    let server = cluster.named((HERE, 0).into(), &["kubernetes"], healthy("node1")).await;
    // Loopback addresses are this node's for a look, so it has to be a far one.
    let config = cluster.kubeconfig("https://192.0.2.77:6443");
    let mut bench = Bench::near(&config, server.address.port());
    assert_eq!(bench.check(TIME).await, ready());
    assert_eq!(asked(&server, "/readyz"), 1);
    assert_eq!(asked(&balancer, "/readyz"), 0);
}

#[tokio::test]
async fn a_server_of_another_cluster_is_not_believed() {
    let (cluster, other) = (Scripted::new(), Scripted::new());
    let server = other.server(HERE, healthy("node1")).await;
    let url = format!("https://{}", server.address);
    let mut bench = Bench::near(&cluster.kubeconfig(&url), server.address.port());
    let check = bench.check(TIME).await;
    let Health::Accepts(cause) = check.local else { panic!("{check:?}") };
    assert!(cause.contains("no TLS with"), "{cause}");
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn without_credentials_it_is_seen_whether_there_is_a_server() {
    let server = Server::start(says(200, 200)).await;
    let mut bench = Bench::near("", server.address.port());
    let check = bench.check(TIME).await;
    let Health::Accepts(cause) = check.local else { panic!("{check:?}") };
    assert!(cause.starts_with("no usable kubeconfig: "), "{cause}");
    let mut bench = Bench::near("", nowhere().await.port());
    let check = bench.check(TIME).await;
    assert!(matches!(check.local, Health::Refuses(_)), "{check:?}");
}

/// A look while this node's server is dead, or silent, and another one is or is not there.
async fn elsewhere(dead: bool, other: bool) -> Option<bool> {
    let cluster = Scripted::new();
    let (freeze, frozen) = tokio::sync::watch::channel(false);
    let mut well = healthy("here");
    let script = move |r: &Received| if *frozen.borrow() { Reaction::Hang } else { well(r) };
    let here = cluster.server(HERE, script).await;
    let there = cluster.server(THERE, healthy("there")).await;
    here.set_endpoints(&[here.address, there.address]);
    let url = format!("https://{}", here.address);
    let mut bench = Bench::near(&cluster.kubeconfig(&url), here.address.port());
    knows(&mut bench, &here).await;
    assert_eq!(bench.check(TIME).await, ready());
    freeze.send_replace(true);
    let here = (!dead).then_some(here);
    let there = other.then_some(there);
    let check = bench.check(TIME).await;
    drop((here, there));
    assert_eq!(matches!(check.local, Health::Refuses(_)), dead, "{check:?}");
    assert_eq!(matches!(check.local, Health::Accepts(_)), !dead, "{check:?}");
    check.elsewhere
}

#[tokio::test]
async fn if_it_is_dead_or_silent_the_others_are_looked_at() {
    for dead in [true, false] {
        assert_eq!(elsewhere(dead, true).await, Some(true));
        assert_eq!(elsewhere(dead, false).await, Some(false));
    }
}

#[tokio::test]
async fn after_a_bad_look_requests_go_elsewhere_at_once() {
    let cluster = Scripted::new();
    let (freeze, frozen) = tokio::sync::watch::channel(false);
    let mut well = healthy("here");
    let script = move |r: &Received| if *frozen.borrow() { Reaction::Hang } else { well(r) };
    let here = cluster.server(HERE, script).await;
    let there = cluster.server(THERE, healthy("there")).await;
    here.set_endpoints(&[here.address, there.address]);
    let url = format!("https://{}", here.address);
    let mut bench = Bench::near(&cluster.kubeconfig(&url), here.address.port());
    knows(&mut bench, &here).await;
    freeze.send_replace(true);
    bench.check(TIME).await;
    let asked = || here.calls().iter().filter(|call| call.line.contains("/leases")).count();
    let before = asked();
    assert_eq!(bench.ask(Call::Read).await.unwrap().unwrap().record.holder, "there");
    assert_eq!(asked(), before);
}

fn at(url: String, authority: Option<std::path::PathBuf>) -> Here {
    Here { port: 6443, health: HealthCheck { url: Some(url), authority }, label: None }
}

#[tokio::test]
async fn a_url_is_asked_in_place_of_it() {
    let cluster = Scripted::new();
    let mut status = 503;
    let server = Server::start(move |request| {
        assert_eq!(request.line, "GET /health?deep=1");
        assert_eq!(request.header("authorization"), "");
        status = if status == 503 { 200 } else { 503 };
        Reaction::Text(status, "said so")
    })
    .await;
    let url = format!("http://{}/health?deep=1", server.address);
    let mut bench = Bench::near(&cluster.kubeconfig("https://127.0.0.1:1"), at(url, None));
    assert_eq!(bench.check(TIME).await, ready());
    let failed = "/health?deep=1: 503 Service Unavailable: said so";
    assert_eq!(bench.check(TIME).await.local, Health::Accepts(failed.to_owned()));
}

#[tokio::test]
async fn a_url_without_a_path_is_asked_as_an_api_server() {
    let cluster = Scripted::new();
    let server = cluster.named((HERE, 0).into(), &["kubernetes"], says(500, 200)).await;
    let url = format!("https://{VIP}:{}/", server.address.port());
    let mut bench = Bench::near(&cluster.kubeconfig("https://127.0.0.1:1"), at(url, None));
    let check = bench.check(TIME).await;
    assert!(matches!(check.local, Health::Live(_)), "{check:?}");
    assert_eq!(server.calls()[0].header("authorization"), "Bearer secret");
}

#[tokio::test]
async fn a_url_with_an_authority_gets_no_credentials() {
    let (cluster, other) = (Scripted::new(), Scripted::new());
    let server = other.server(HERE, says(200, 200)).await;
    let dir = tempfile::tempdir().unwrap();
    let authority = dir.path().join("ca.crt");
    let url = format!("https://{}/readyz", server.address);
    let here = at(url, Some(authority.clone()));
    let mut bench = Bench::near(&cluster.kubeconfig("https://127.0.0.1:1"), here);
    let check = bench.check(TIME).await;
    let missing = format!("{}: not there", authority.display());
    assert_eq!(check.local, Health::Accepts(missing));
    put(&authority, &cluster.pem());
    let check = bench.check(TIME).await;
    assert!(matches!(check.local, Health::Accepts(_)), "{check:?}");
    assert!(server.calls().is_empty());
    put(&authority, &other.pem());
    for _ in 0..2 {
        assert_eq!(bench.check(TIME).await, ready());
    }
    let calls = server.calls();
    assert!(calls.iter().all(|call| call.header("authorization").is_empty()), "{calls:?}");
    assert_eq!(calls[0].connection, calls[1].connection);
}
