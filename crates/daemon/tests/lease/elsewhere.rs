//! Requests that go to another API server of the cluster.

use std::time::{Duration, Instant};

use kube_vip_core::event::{Call, Failure};
use tokio::time::sleep;

use crate::scripted::{HERE, Scripted, THERE, THERE_TOO, healthy, knows};
use crate::server::{Reaction, Received, Server};
use crate::support::{Bench, VIP, lease, text, write};

/// So long the plan's requests may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Less than a third of it, after which a silent server is given up.
const SOON: Duration = Duration::from_millis(1500);

/// A driver at `here`, which knows the other servers.
async fn bench(cluster: &Scripted, here: &Server, others: &[&Server]) -> Bench {
    let all: Vec<_> = std::iter::once(&here).chain(others).map(|server| server.address).collect();
    here.set_endpoints(&all);
    for other in others {
        other.set_endpoints(&all);
    }
    let mut bench = Bench::admin(&cluster.kubeconfig(&format!("https://{}", here.address)));
    knows(&mut bench, here).await;
    bench
}

async fn holder(bench: &mut Bench) -> String {
    bench.ask_within(Call::Read, LIMIT).await.unwrap().unwrap().record.holder
}

/// A healthy server that turns into something else when it is told to.
fn turning(
    holder: &'static str,
    mut then: impl FnMut(&Received) -> Reaction + Send + 'static,
) -> (tokio::sync::watch::Sender<bool>, impl FnMut(&Received) -> Reaction + Send + 'static) {
    let (turn, turned) = tokio::sync::watch::channel(false);
    let mut before = healthy(holder);
    let script =
        move |request: &Received| if *turned.borrow() { then(request) } else { before(request) };
    (turn, script)
}

fn writes(server: &Server) -> usize {
    server.calls().iter().filter(|call| !call.line.starts_with("GET")).count()
}

/// Reads of the Lease after the first so many calls.
fn reads(server: &Server, after: usize) -> usize {
    let calls = server.calls();
    calls[after..].iter().filter(|call| call.line.contains("/leases")).count()
}

/// As on a first node of kubeadm: nobody waits for the next look at the list.
#[tokio::test]
async fn when_rights_come_the_list_is_read_at_once() {
    let cluster = Scripted::new();
    let (grant, granted) = tokio::sync::watch::channel(false);
    let mut well = healthy("here");
    let script = move |request: &Received| {
        if *granted.borrow() { well(request) } else { Reaction::Text(403, "not yet") }
    };
    let here = cluster.server(HERE, script).await;
    let mut bench = Bench::admin(&cluster.kubeconfig(&format!("https://{}", here.address)));
    let refused = text(bench.ask_within(Call::Read, LIMIT).await);
    assert!(refused.contains("not yet"), "{refused}");
    while here.endpoints_read() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    grant.send_replace(true);
    let began = Instant::now();
    assert_eq!(holder(&mut bench).await, "here");
    while here.endpoints_read() == 1 {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_dead_server_costs_next_to_no_time() {
    let cluster = Scripted::new();
    let here = cluster.server(HERE, healthy("here")).await;
    let there = cluster.server(THERE, healthy("there")).await;
    let mut bench = bench(&cluster, &here, &[&there]).await;
    assert_eq!(holder(&mut bench).await, "here");
    here.kill().await;
    let began = Instant::now();
    assert_eq!(holder(&mut bench).await, "there");
    bench.ask_within(write(Some("7"), "me"), LIMIT).await.unwrap().unwrap();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(there.calls()[0].header("host"), there.address.to_string());
    assert_eq!(there.calls()[0].header("authorization"), "Bearer secret");
}

#[tokio::test]
async fn a_write_finds_another_server_as_well() {
    let cluster = Scripted::new();
    let here = cluster.server(HERE, healthy("here")).await;
    let there = cluster.server(THERE, healthy("there")).await;
    let mut bench = bench(&cluster, &here, &[&there]).await;
    here.kill().await;
    let began = Instant::now();
    bench.ask_within(write(Some("7"), "me"), LIMIT).await.unwrap().unwrap();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(writes(&there), 1);
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for_alone() {
    let cluster = Scripted::new();
    let (freeze, script) = turning("here", |_| Reaction::Hang);
    let here = cluster.server(HERE, script).await;
    let there = cluster.server(THERE, healthy("there")).await;
    let mut bench = bench(&cluster, &here, &[&there]).await;
    freeze.send_replace(true);
    let began = Instant::now();
    assert_eq!(holder(&mut bench).await, "there");
    assert!(began.elapsed() < LIMIT / 2, "{:?}", began.elapsed());
    // Now it is the last to be asked.
    let asked = here.calls().len();
    assert_eq!(holder(&mut bench).await, "there");
    bench.ask_within(write(Some("7"), "me"), LIMIT).await.unwrap().unwrap();
    assert_eq!((reads(&here, asked), writes(&here), writes(&there)), (0, 0, 1));
}

#[tokio::test]
async fn a_slow_answer_is_good_if_there_is_no_better_one() {
    let cluster = Scripted::new();
    let late = Duration::from_millis(2500);
    let (freeze, script) =
        turning("here", move |_| Reaction::ReplyLate(late, 200, lease("8", "late")));
    let here = cluster.server(HERE, script).await;
    let there = cluster.server(THERE, |_| Reaction::Hang).await;
    let mut bench = bench(&cluster, &here, &[&there]).await;
    freeze.send_replace(true);
    assert_eq!(holder(&mut bench).await, "late");
}

#[tokio::test]
async fn a_write_without_an_answer_is_lost_and_the_next_goes_elsewhere() {
    let cluster = Scripted::new();
    let (freeze, script) = turning("here", |_| Reaction::Hang);
    let here = cluster.server(HERE, script).await;
    let there = cluster.server(THERE, healthy("there")).await;
    let mut bench = bench(&cluster, &here, &[&there]).await;
    freeze.send_replace(true);
    let lost = bench.ask_within(write(Some("7"), "me"), LIMIT).await;
    assert_eq!(lost, Err(Failure::Timeout));
    assert_eq!((writes(&here), writes(&there)), (1, 0));
    bench.ask_within(write(Some("7"), "me"), LIMIT).await.unwrap().unwrap();
    assert_eq!((writes(&here), writes(&there)), (1, 1));
}

#[tokio::test]
async fn a_write_whose_connection_breaks_is_not_repeated() {
    let cluster = Scripted::new();
    let (turn, script) = turning("here", |_| Reaction::Close);
    let here = cluster.server(HERE, script).await;
    let there = cluster.server(THERE, healthy("there")).await;
    let mut bench = bench(&cluster, &here, &[&there]).await;
    turn.send_replace(true);
    let failure = text(bench.ask_within(write(Some("7"), "me"), LIMIT).await);
    assert!(failure.contains("closed connection"), "{failure}");
    assert_eq!((writes(&here), writes(&there)), (1, 0));
}

#[tokio::test]
async fn an_error_of_one_server_is_not_the_clusters() {
    let cluster = Scripted::new();
    let (turn, script) = turning("here", |_| Reaction::Text(500, "etcdserver: no leader"));
    let here = cluster.server(HERE, script).await;
    let there = cluster.server(THERE, healthy("there")).await;
    let mut bench = bench(&cluster, &here, &[&there]).await;
    turn.send_replace(true);
    // A write may have happened: it is not repeated.
    let failure = text(bench.ask_within(write(Some("7"), "me"), LIMIT).await);
    assert_eq!(failure, "500 Internal Server Error: etcdserver: no leader");
    assert_eq!((writes(&here), writes(&there)), (1, 0));
    assert_eq!(holder(&mut bench).await, "there");
    there.kill().await;
    let failure = text(bench.ask_within(Call::Read, LIMIT).await);
    assert_eq!(failure, "500 Internal Server Error: etcdserver: no leader");
}

#[tokio::test]
async fn a_server_that_is_back_is_preferred_again() {
    let cluster = Scripted::new();
    let here = cluster.server(HERE, healthy("here")).await;
    let there = cluster.server(THERE, healthy("there")).await;
    let mut bench = bench(&cluster, &here, &[&there]).await;
    let address = here.address;
    here.kill().await;
    assert_eq!(holder(&mut bench).await, "there");
    let _here = cluster.named(address, &["127.0.0.1"], healthy("here again")).await;
    while holder(&mut bench).await != "here again" {
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_next_of_several_is_asked_when_one_fails_too() {
    let cluster = Scripted::new();
    let here = cluster.server(HERE, healthy("here")).await;
    let there = cluster.server(THERE, healthy("there")).await;
    let too = cluster.server(THERE_TOO, healthy("there, too")).await;
    let mut bench = bench(&cluster, &here, &[&there, &too]).await;
    here.kill().await;
    assert_eq!(holder(&mut bench).await, "there");
    there.kill().await;
    assert_eq!(holder(&mut bench).await, "there, too");
    too.kill().await;
    let failure = text(bench.ask_within(Call::Read, LIMIT).await);
    assert_eq!(failure.matches("cannot connect to ").count(), 3, "{failure}");
}

#[tokio::test]
async fn another_server_has_to_prove_the_clusters_name() {
    let cluster = Scripted::new();
    let here = cluster.server(HERE, healthy("here")).await;
    let there = cluster.named((THERE, 0).into(), &["127.0.0.2"], healthy("there")).await;
    let mut bench = bench(&cluster, &here, &[&there]).await;
    here.kill().await;
    let failure = text(bench.ask_within(Call::Read, LIMIT).await);
    assert!(failure.contains("not valid for name \"kubernetes\""), "{failure}");
    assert!(there.calls().is_empty());
}

#[tokio::test]
async fn neither_the_address_nor_this_node_is_another_server() {
    let cluster = Scripted::new();
    let here = cluster.server(HERE, healthy("here")).await;
    let twin = cluster.server(HERE, healthy("a twin")).await;
    here.set_endpoints(&[here.address, twin.address, (VIP, 6443).into()]);
    let mut bench = Bench::admin(&cluster.kubeconfig(&format!("https://{}", here.address)));
    knows(&mut bench, &here).await;
    here.kill().await;
    let failure = text(bench.ask_within(Call::Read, LIMIT).await);
    assert_eq!(failure.matches("cannot connect to ").count(), 1, "{failure}");
    assert_eq!(twin.accepted(), 0);
}

#[tokio::test]
async fn a_watch_goes_on_elsewhere() {
    for dead in [true, false] {
        let cluster = Scripted::new();
        let (freeze, script) = turning("here", |_| Reaction::Hang);
        let here = cluster.server(HERE, script).await;
        let there = cluster.server(THERE, healthy("there")).await;
        let mut bench = bench(&cluster, &here, &[&there]).await;
        while !here.all().iter().any(Received::is_watch) {
            sleep(Duration::from_millis(5)).await;
        }
        freeze.send_replace(true);
        let mut here = Some(here);
        if dead && let Some(here) = here.take() {
            here.kill().await;
        }
        // Somebody notices.
        assert_eq!(holder(&mut bench).await, "there");
        while !there.all().iter().any(Received::is_watch) {
            sleep(Duration::from_millis(5)).await;
        }
        drop(here);
    }
}
