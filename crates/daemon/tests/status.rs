//! `/status`, the probes and the page, over real sockets: docs/reference/status.md shows them.

#[path = "support/golden.rs"]
mod golden;
#[path = "support/published.rs"]
mod published;
#[path = "support/sample.rs"]
mod sample;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use kube_vip::clock::Clock;
use kube_vip::metrics::Metrics;
use kube_vip::metrics::requests::Requests;
use kube_vip::published::Published;
use kube_vip::resolve::Unresolved;
use kube_vip::serve::health::{healthy, ready};
use kube_vip::serve::view::View;
use kube_vip::serve::{self, ServeConfig, Servers, Shared};
use kube_vip::settings::config::Listen;
use kube_vip_core::moment::Moment;
use kube_vip_core::status::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use published::{RELEASE, holding, holding_on, standing_by};
use sample::{at, plan, wall};

fn json(published: &Published) -> String {
    let view = View::new(published, &plan(), RELEASE, wall());
    view.to_json().expect("JSON")
}

#[test]
fn the_holders_status_is_as_documented() {
    golden::check("status.md", "holding", &json(&holding()));
}

#[test]
fn a_stand_bys_status_is_as_documented() {
    golden::check("status.md", "standing by", &json(&standing_by()));
}

#[test]
fn the_status_of_a_node_that_holds_on_is_as_documented() {
    golden::check("status.md", "holding on", &json(&holding_on()));
}

#[test]
fn a_loop_that_hangs_holds_nothing_on() {
    let mut published = holding_on();
    published.at = at(3_719_000);
    let view: serde_json::Value = serde_json::from_str(&json(&published)).expect("JSON");
    assert_eq!(view["holding"], false);
    assert_eq!(view["reason"], "TermOver");
    assert!(view["holdingOn"].is_null());
}

#[test]
fn before_anything_is_known_nothing_is_claimed() {
    let mut published = holding();
    published.status.reason = Reason::Starting;
    published.status.lease = kube_vip_core::status::LeaseStatus::default();
    published.status.term = None;
    published.status.api = kube_vip_core::status::ApiStatus::default();
    let view: serde_json::Value = serde_json::from_str(&json(&published)).expect("JSON");
    assert_eq!(view["holding"], false);
    assert_eq!(view["reason"], "Starting");
    assert!(view["holder"].is_null());
    assert!(view["term"].is_null());
    assert_eq!(view["api"]["answering"], false);
    assert!(view["api"]["answeredAt"].is_null());
}

#[test]
fn a_term_that_is_over_is_not_shown_as_one() {
    let mut published = holding();
    let term = published.status.term.as_mut().expect("it holds");
    term.until = wall().now();
    let view: serde_json::Value = serde_json::from_str(&json(&published)).expect("JSON");
    assert_eq!(view["holding"], false);
    assert_eq!(view["reason"], "TermOver");
    assert!(view["term"].is_null());
}

#[test]
fn a_loop_that_turns_is_healthy_whoever_holds() {
    let now = at(3_723_500);
    assert_eq!(healthy(&holding(), now), Ok(()));
    assert_eq!(healthy(&standing_by(), now), Ok(()));
}

#[test]
fn a_loop_that_hangs_is_neither_healthy_nor_ready() {
    let later = at(3_722_410 + 12_300);
    let why = "the control loop has not reported for 12.3s; it should every 2.0s";
    assert_eq!(healthy(&holding(), later), Err(why.to_owned()));
    assert_eq!(ready(&holding(), later), Err(why.to_owned()));
}

#[test]
fn ready_is_who_holds_or_could() {
    let now = at(3_723_500);
    assert_eq!(ready(&holding(), now), Ok(()));
    let why = "the API server has not answered for 31.5s: \
               connection refused (https://127.0.0.1:6443)";
    assert_eq!(ready(&standing_by(), now), Err(why.to_owned()));

    let mut holds_on = standing_by();
    holds_on.status.term = holding().status.term;
    assert_eq!(ready(&holds_on, now), Ok(()));

    assert_eq!(ready(&holding_on(), now), Ok(()));

    let mut candidate = holding();
    candidate.status.term = None;
    assert_eq!(ready(&candidate, now), Ok(()));
    candidate.status.api.answered = None;
    let why = "the API server has not answered yet";
    assert_eq!(ready(&candidate, now), Err(why.to_owned()));

    let mut ending = holding();
    ending.status.reason = Reason::ShuttingDown;
    assert_eq!(ready(&ending, now), Err("told to end".to_owned()));
}

/// Both servers on ports of their own.
fn serving(published: Published) -> (Servers, watch::Sender<Published>) {
    let (sender, receiver) = watch::channel(published);
    let plan = plan();
    let shared = Arc::new(Shared {
        metrics: Metrics::new(&plan, RELEASE, &Requests::default()),
        plan,
        release: RELEASE,
        clock: Clock::start(),
        published: receiver,
    });
    let config = ServeConfig {
        metrics: Some(Listen { address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), port: 0 }),
        health_port: Some(0),
    };
    (serve::start(config, &shared), sender)
}

/// A holder that has just reported, in the first moments of its clock.
fn fresh() -> Published {
    let mut published = holding();
    let term = published.status.term.as_mut().expect("it holds");
    (term.since, term.until) = (Moment::START, at(1_000_000));
    published.status.api.answered = Some(Moment::START);
    published.at = Moment::START;
    published
}

async fn exchange(address: SocketAddr, request: &str) -> String {
    let connected = TcpStream::connect(address).await;
    let mut stream = connected.expect("the server listens");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("the server reads");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer).await;
    read.expect("the server answers and closes");
    answer
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: node\r\n\r\n");
    let answer = exchange(address, &request).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let code = head.split(' ').nth(1).expect("a status code");
    (code.parse().expect("a number"), body.to_owned())
}

#[tokio::test]
async fn the_first_server_has_everything() {
    let (servers, _sender) = serving(fresh());
    let address = servers.metrics().expect("it is bound");
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(get(address, path).await, (200, "OK".to_owned()), "{path}");
    }
    let (code, text) = get(address, "/metrics").await;
    assert_eq!(code, 200);
    let leader = "kube_vip_is_leader{lease_name=\"plndr-cp-lock\",node=\"cp-1\"} 1\n";
    assert!(text.contains(leader), "{text}");
    assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
    let (code, text) = get(address, "/status").await;
    assert_eq!(code, 200);
    let status: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(status["holding"], true);
    assert_eq!(status["holder"]["node"], "cp-1");
    let (code, text) = get(address, "/").await;
    assert_eq!(code, 200);
    assert!(text.contains("kube-vip on cp-1: holds 192.168.20.140"));
    assert_eq!(get(address, "/debug/pprof/").await.0, 404);
}

#[tokio::test]
async fn the_health_server_has_the_probes_alone() {
    let (servers, _sender) = serving(fresh());
    let bound = servers.health().expect("it is bound");
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), bound.port());
    assert_eq!(get(address, "/healthz").await, (200, "OK".to_owned()));
    assert_eq!(get(address, "/readyz").await, (200, "OK".to_owned()));
    assert_eq!(get(address, "/status").await.0, 404);
    assert_eq!(get(address, "/metrics").await.0, 404);
}

#[tokio::test]
async fn what_is_shown_follows_what_is_published() {
    let (servers, sender) = serving(fresh());
    let address = servers.metrics().expect("it is bound");
    let mut published = fresh();
    published.status.reason = Reason::ShuttingDown;
    published.status.term = None;
    sender.send_replace(published);
    let answer = get(address, "/readyz").await;
    assert_eq!(answer, (503, "told to end\n".to_owned()));
    assert_eq!(get(address, "/healthz").await.0, 200);
    let (_, text) = get(address, "/status").await;
    assert!(text.contains("\"reason\": \"ShuttingDown\""), "{text}");
}

#[tokio::test]
async fn nothing_can_be_sent_here() {
    let (servers, _sender) = serving(fresh());
    let address = servers.metrics().expect("it is bound");
    let post = "POST /status HTTP/1.1\r\nhost: node\r\ncontent-length: 0\r\n\r\n";
    let answer = exchange(address, post).await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    let body = "GET /status HTTP/1.1\r\nhost: node\r\ncontent-length: 1000000\r\n\r\n";
    let answer = exchange(address, body).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn answers_say_what_they_are_and_are_not_kept() {
    let (servers, _sender) = serving(fresh());
    let address = servers.metrics().expect("it is bound");
    let types = [
        ("/", "text/html; charset=utf-8"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/status", "application/json"),
        ("/healthz", "text/plain; charset=utf-8"),
    ];
    for (path, kind) in types {
        let request = format!("HEAD {path} HTTP/1.1\r\nhost: node\r\n\r\n");
        let answer = exchange(address, &request).await;
        assert!(answer.contains(&format!("content-type: {kind}\r\n")), "{answer}");
        assert!(answer.contains("cache-control: no-store\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn who_waits_for_a_name_is_healthy_and_not_ready() {
    let unresolved = watch::Sender::new(Unresolved::new());
    let config = ServeConfig {
        metrics: Some(Listen { address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), port: 0 }),
        health_port: Some(0),
    };
    let servers = serve::start_waiting(config, &unresolved.subscribe());
    let address = servers.metrics().expect("it is bound");
    let health = servers.health().expect("it is bound").port();
    let health = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), health);
    let ok = (200, "OK".to_owned());
    let first = (503, "the names of the addresses are being resolved\n".to_owned());
    assert_eq!(get(health, "/readyz").await, first);

    let cause = "Name or service not known".to_owned();
    unresolved.send_modify(|all| drop(all.insert("api.example.org".to_owned(), cause)));
    let why = "waiting for the addresses, by their names: api.example.org: Name or service not \
               known\n";
    for place in [address, health] {
        assert_eq!(get(place, "/healthz").await, ok);
        assert_eq!(get(place, "/livez").await, ok);
        assert_eq!(get(place, "/readyz").await, (503, why.to_owned()));
        assert_eq!(get(place, "/debug/pprof/").await.0, 404);
    }
    assert_eq!(get(address, "/metrics").await, (503, why.to_owned()));
    assert_eq!(get(health, "/metrics").await.0, 404);

    // Whoever follows finds the port free at once.
    servers.end().await;
    let again = Listen { address: Some(address.ip()), port: address.port() };
    let next = ServeConfig { metrics: Some(again), health_port: None };
    let next = serve::start_waiting(next, &unresolved.subscribe());
    assert_eq!(next.metrics(), Some(address));
}

#[tokio::test]
async fn servers_end_with_their_handle() {
    let (servers, _sender) = serving(fresh());
    let address = servers.metrics().expect("it is bound");
    drop(servers);
    // Aborted tasks end when the runtime comes round to them.
    for _ in 0..1_000 {
        if TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the port is still open");
}
