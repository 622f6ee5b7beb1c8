//! Requests: what the server's answers mean, time-outs, connections.

use std::time::Duration;

use kube_vip::metrics::requests::{Outcome, Verb};
use kube_vip_core::event::{Call, Failure};
use serde_json::json;

use crate::server::{Reaction, Received, Server};
use crate::support::{Bench, kubeconfig, lease, list, status, text, write};

/// A driver at a server that answers each call with `script`, and lists and watches with nothing.
async fn at(mut script: impl FnMut(&Received) -> Reaction + Send + 'static) -> (Server, Bench) {
    let server = Server::start(move |request| {
        if request.is_watch() {
            Reaction::Hang
        } else if request.is_list() {
            Reaction::Reply(200, list("1", &[]))
        } else {
            script(request)
        }
    })
    .await;
    let bench = Bench::admin(&kubeconfig(&format!("http://{}", server.address), "secret"));
    (server, bench)
}

#[tokio::test]
async fn a_read_is_a_quorum_read() {
    let (server, mut bench) = at(|_| Reaction::Reply(200, lease("7", "node1"))).await;
    let seen = bench.ask(Call::Read).await.unwrap().unwrap();
    assert_eq!((seen.version.0.as_str(), seen.record.holder.as_str()), ("7", "node1"));
    let calls = server.calls();
    let path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/plndr-cp-lock";
    assert_eq!(calls[0].line, format!("GET {path}"));
    assert_eq!(calls[0].header("authorization"), "Bearer secret");
    assert_eq!(calls[0].header("host"), server.address.to_string());
    assert!(calls[0].header("user-agent").starts_with("kube-vip/"));
}

#[tokio::test]
async fn only_an_api_server_can_say_that_there_is_no_lease() {
    let mut answers = vec![
        Reaction::Text(404, "404 page not found"),
        Reaction::Reply(404, status(404, "NotFound", "leases \"plndr-cp-lock\" not found")),
    ];
    let (_server, mut bench) = at(move |_| answers.pop().unwrap()).await;
    assert_eq!(bench.ask(Call::Read).await, Ok(None));
    let failure = text(bench.ask(Call::Read).await);
    assert!(failure.contains("404 page not found"), "{failure}");
}

#[tokio::test]
async fn a_write_keeps_what_it_does_not_know() {
    let mut stored = lease("7", "node1");
    stored["metadata"]["labels"] = json!({ "a": "b" });
    stored["metadata"]["finalizers"] = json!(["x/y"]);
    stored["spec"]["strategy"] = json!("OldestEmulationVersion");
    stored["spec"]["preferredHolder"] = json!("node9");
    stored["spec"]["of-tomorrow"] = json!({ "deep": [1] });
    let (server, mut bench) = at(move |request| {
        let mut answer = stored.clone();
        if request.line.starts_with("PUT") {
            answer = request.body.clone();
            answer["metadata"]["resourceVersion"] = json!("8");
        }
        Reaction::Reply(200, answer)
    })
    .await;
    bench.ask(Call::Read).await.unwrap();
    let written = bench.ask(write(Some("7"), "node2")).await.unwrap().unwrap();
    assert_eq!((written.version.0.as_str(), written.record.holder.as_str()), ("8", "node2"));
    // The answer to a write is as good as a read.
    bench.ask(write(Some("8"), "node2")).await.unwrap().unwrap();

    let put = &server.calls()[1];
    assert_eq!(put.header("content-type"), "application/json");
    let body = &put.body;
    assert_eq!(body["metadata"]["resourceVersion"], "7");
    assert_eq!(body["metadata"]["uid"], "u-1");
    assert_eq!(body["metadata"]["labels"], json!({ "a": "b" }));
    assert_eq!(body["metadata"]["finalizers"], json!(["x/y"]));
    assert_eq!(body["metadata"]["annotations"], json!({ "kube-vip.io/write": "n-1" }));
    assert_eq!(body["spec"]["strategy"], "OldestEmulationVersion");
    assert_eq!(body["spec"]["preferredHolder"], "node9");
    assert_eq!(body["spec"]["of-tomorrow"], json!({ "deep": [1] }));
    assert_eq!(body["spec"]["holderIdentity"], "node2");
    assert_eq!(body["spec"]["leaseTransitions"], 1);
    assert_eq!(server.calls()[2].body["metadata"]["resourceVersion"], "8");
}

#[tokio::test]
async fn a_first_write_creates() {
    let (server, mut bench) = at(|request| {
        let mut created = request.body.clone();
        created["metadata"]["resourceVersion"] = json!("1");
        Reaction::Reply(201, created)
    })
    .await;
    let written = bench.ask(write(None, "node1")).await.unwrap().unwrap();
    assert_eq!(written.record.holder, "node1");
    assert!(written.record.acquired.is_some() && written.record.acquired == written.record.renewed);
    let post = &server.calls()[0];
    assert!(post.line.starts_with("POST ") && post.line.ends_with("/leases"), "{}", post.line);
    assert_eq!(post.body["metadata"]["name"], "plndr-cp-lock");
    assert_eq!(post.body["metadata"].get("resourceVersion"), None);
}

#[tokio::test]
async fn answers_mean_what_the_core_knows() {
    let (_server, mut bench) =
        at(|request| match request.body["spec"]["holderIdentity"].as_str() {
            None => Reaction::Reply(200, lease("7", "node1")),
            Some("conflict") => Reaction::Reply(409, status(409, "Conflict", "modified")),
            Some("gone") => Reaction::Reply(404, status(404, "NotFound", "not found")),
            Some("slow") => Reaction::Reply(504, status(504, "Timeout", "request timed out")),
            Some("busy") => Reaction::Reply(429, status(429, "TooManyRequests", "try again")),
            Some(_) => Reaction::Text(500, "etcdserver:\nleader changed\n"),
        })
        .await;
    bench.ask(Call::Read).await.unwrap();
    assert_eq!(bench.ask(write(Some("7"), "conflict")).await, Err(Failure::Conflict));
    assert_eq!(bench.ask(write(None, "conflict")).await, Err(Failure::Conflict));
    assert_eq!(bench.ask(write(Some("7"), "gone")).await, Err(Failure::Gone));
    assert_eq!(bench.ask(write(Some("7"), "slow")).await, Err(Failure::Timeout));
    let busy = text(bench.ask(write(Some("7"), "busy")).await);
    assert_eq!(busy, "429 Too Many Requests: try again");
    let broken = text(bench.ask(write(Some("7"), "broken")).await);
    assert_eq!(broken, "500 Internal Server Error: etcdserver: leader changed");
    let nowhere = text(bench.ask(write(None, "gone")).await);
    assert_eq!(nowhere, "404 Not Found: not found");
}

#[tokio::test]
async fn a_version_that_was_never_seen_is_a_conflict() {
    let (server, mut bench) = at(|_| Reaction::Reply(200, lease("7", "node1"))).await;
    assert_eq!(bench.ask(write(Some("7"), "node2")).await, Err(Failure::Conflict));
    assert_eq!(server.calls().len(), 0);
}

#[tokio::test]
async fn requests_share_a_connection_and_the_watch_has_its_own() {
    let (server, mut bench) = at(|_| Reaction::Reply(200, lease("7", "node1"))).await;
    bench.watched().await;
    for _ in 0..5 {
        bench.ask(Call::Read).await.unwrap();
    }
    let calls = server.calls();
    assert!(calls.iter().all(|call| call.connection == calls[0].connection), "{calls:?}");
    let watch = server.all().into_iter().find(Received::is_watch).expect("it watches");
    assert_ne!(watch.connection, calls[0].connection);
}

#[tokio::test]
async fn a_request_without_an_answer_costs_only_its_own_connection() {
    let mut silent = 2;
    let (server, mut bench) = at(move |_| {
        if silent > 0 {
            silent -= 1;
            return Reaction::Hang;
        }
        Reaction::Reply(200, lease("7", "node1"))
    })
    .await;
    for _ in 0..2 {
        let short = Duration::from_millis(200);
        assert_eq!(bench.ask_within(Call::Read, short).await, Err(Failure::Timeout));
    }
    bench.ask(Call::Read).await.unwrap().unwrap();
    let connections: Vec<_> = server.calls().iter().map(|call| call.connection).collect();
    assert!(connections[0] != connections[1] && connections[1] != connections[2]);
}

#[tokio::test]
async fn a_hanging_request_holds_up_no_other() {
    let (_server, mut bench) = at(move |request| {
        if request.line.starts_with("GET") {
            return Reaction::Reply(200, lease("7", "node1"));
        }
        Reaction::Hang
    })
    .await;
    let hanging = bench.start(write(None, "node1"), Duration::from_secs(3600));
    bench.ask(Call::Read).await.unwrap().unwrap();
    let late = bench.rest().into_iter().any(
        |event| matches!(event, kube_vip_core::event::Event::Answered(one) if one.id == hanging),
    );
    assert!(!late);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced_at_once() {
    let (server, mut bench) = at(|_| Reaction::ReplyAndClose(200, lease("7", "node1"))).await;
    for _ in 0..5 {
        bench.ask(Call::Read).await.unwrap().unwrap();
    }
    assert_eq!(server.calls().len(), 5);
}

#[tokio::test]
async fn a_connection_that_breaks_without_an_answer_is_a_failure() {
    let (server, mut bench) = at(|_| Reaction::Close).await;
    let failure = text(bench.ask(Call::Read).await);
    assert!(failure.contains("connection closed before message completed"), "{failure}");
    assert!(failure.contains(&server.address.to_string()), "{failure}");
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut bench = Bench::admin(&kubeconfig(&format!("http://{address}"), "secret"));
    let failure = text(bench.ask(Call::Read).await);
    assert!(failure.contains(&format!("cannot connect to {address}")), "{failure}");
    assert!(failure.contains("Connection refused"), "{failure}");
    assert!(!failure.contains("secret"), "{failure}");
}

#[tokio::test]
async fn an_answer_that_never_ends_is_cut_off() {
    let (_server, mut bench) = at(|_| {
        let (lines, stream) = tokio::sync::mpsc::unbounded_channel();
        for _ in 0..40 {
            lines.send("x".repeat(64 * 1024)).unwrap();
        }
        Reaction::Stream(stream)
    })
    .await;
    let failure = text(bench.ask(Call::Read).await);
    assert!(failure.contains("longer than 2 MiB"), "{failure}");
}

#[tokio::test]
async fn nothing_goes_on_after_the_driver_is_dropped() {
    let (server, mut bench) = at(|_| Reaction::Hang).await;
    bench.watched().await;
    let hanging = bench.start(Call::Read, Duration::from_secs(3600));
    while server.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.stop();
    let before = server.all().len();
    // The sender of events is gone with the last task: the channel ends.
    bench.ended().await;
    assert!(bench.rest().iter().all(
        |event| !matches!(event, kube_vip_core::event::Event::Answered(one) if one.id == hanging)
    ));
    assert_eq!(server.all().len(), before);
}

#[tokio::test]
async fn requests_are_counted_by_what_came_of_them() {
    let mut answers = vec![
        Reaction::Close,
        Reaction::Hang,
        Reaction::Reply(409, status(409, "Conflict", "modified")),
        Reaction::Reply(500, status(500, "InternalError", "no etcd")),
        Reaction::Reply(404, status(404, "NotFound", "not found")),
        Reaction::Reply(200, lease("7", "node1")),
    ];
    let (_server, mut bench) = at(move |request| {
        if request.line.starts_with("GET /apis/coordination") || request.line.starts_with("PUT") {
            answers.pop().unwrap_or(Reaction::Hang)
        } else {
            Reaction::Hang
        }
    })
    .await;
    let requests = bench.requests();
    bench.ask(Call::Read).await.unwrap().unwrap();
    assert_eq!(bench.ask(Call::Read).await, Ok(None));
    bench.ask(Call::Read).await.unwrap_err();
    assert_eq!(bench.ask(write(Some("7"), "node1")).await, Err(Failure::Conflict));
    let short = Duration::from_millis(50);
    let silent = bench.ask_within(write(Some("7"), "node1"), short).await;
    assert_eq!(silent, Err(Failure::Timeout));
    bench.ask(write(Some("7"), "node1")).await.unwrap_err();
    let counted = |verb| {
        use Outcome::{ClientError, GivenUp, NoAnswer, Ok, ServerError};
        [Ok, ClientError, ServerError, NoAnswer, GivenUp].map(|end| requests.count(verb, end))
    };
    let [ok, client_error, server_error, no_answer, _] = counted(Verb::Get);
    assert_eq!((ok, server_error, no_answer), (1, 1, 0));
    assert!(client_error >= 1, "the Lease that was not there, beside this host's Node");
    assert_eq!(counted(Verb::Update), [0, 1, 0, 1, 1]);
    assert!(requests.count(Verb::List, Outcome::Ok) >= 1, "the Lease was listed");
}
