//! Real daemons with settings that few have: DNS names in the place of addresses, and two daemons
//! on one host.
//!
//! `KUBE_VIP_BIN` names the daemon; `cargo xtask test kernel` builds and names it.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use kube_vip_lab::stage::{Stage, StageSpec, VIP};
use tempfile::TempDir;

#[path = "support/program.rs"]
mod program;

use program::program;

const PATIENCE: Duration = Duration::from_secs(30);

const OTHER: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 150);

fn build(program: &Path, directory: &TempDir, nodes: usize, address: &str) -> Stage {
    let mut spec = StageSpec::of(program, directory.path());
    spec.nodes = nodes;
    spec.environment.push(("address".into(), address.into()));
    let stage = Stage::build(spec, &mut |_| {});
    stage.expect("a stage; it needs root, or `unshare -Urn`")
}

fn wait(stage: &Stage, what: &str, so: impl FnMut() -> bool) {
    let waited = stage.wait(what, PATIENCE, so);
    waited.unwrap_or_else(|error| panic!("{error}\n{}", log(stage, 0)));
}

fn log(stage: &Stage, node: usize) -> String {
    fs::read_to_string(stage.log(node)).expect("every daemon has a log")
}

/// The nodes whose kernel has the address.
fn having(stage: &Stage, address: Ipv4Addr) -> Vec<usize> {
    let has = |node: &usize| {
        let addresses = stage.world().node(*node).rtnl().addresses();
        addresses.expect("the kernel says").contains(&address.into())
    };
    (0..stage.spec().nodes).filter(has).collect()
}

/// What the name stands for; 0: nothing.
type Answer = Arc<AtomicU32>;

fn say(answer: &Answer, address: Option<Ipv4Addr>) {
    answer.store(address.map_or(0, Ipv4Addr::to_bits), Ordering::Relaxed);
}

/// A name server on each node's loopback, until `answer` is gone.
fn serve_names(stage: &Stage, answer: &Answer) {
    for node in stage.world().nodes() {
        let socket = node.run(|| UdpSocket::bind("127.0.0.1:53")).expect("a network");
        let socket = socket.expect("port 53 of a loopback of its own");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a socket");
        let answer = Arc::downgrade(answer);
        std::thread::spawn(move || answer_questions(&socket, &answer));
    }
}

/// Answers questions for A with what there is, and all others with nothing (RFC 1035, section 4.1).
fn answer_questions(socket: &UdpSocket, answer: &Weak<AtomicU32>) {
    let mut packet = [0; 512];
    while let Some(answer) = answer.upgrade() {
        let Ok((length, from)) = socket.recv_from(&mut packet) else { continue };
        let packet = &packet[..length];
        let Some(end) = packet.iter().skip(12).position(|byte| *byte == 0).map(|at| at + 17) else {
            continue;
        };
        let Some(question) = packet.get(12..end) else { continue };
        let address = answer.load(Ordering::Relaxed);
        let is_a = question.ends_with(&[0, 1, 0, 1]);
        let count = u8::from(is_a && address != 0);
        // An unknown name has no address of any kind.
        let code = if address == 0 { 0x83 } else { 0x80 };
        let mut reply = packet[..2].to_vec();
        reply.extend([0x81, code, 0, 1, 0, count, 0, 0, 0, 0]);
        reply.extend(question);
        if count == 1 {
            reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
            reply.extend(address.to_be_bytes());
        }
        // Whoever asked may have gone.
        let _ = socket.send_to(&reply, from);
    }
}

/// What the daemon of a node answers for that path, head and body.
fn answer(stage: &Stage, node: usize, path: &str) -> String {
    let asked = stage.world().node(node).run(|| {
        let mut stream = TcpStream::connect("127.0.0.1:2112")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: node\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        io::Result::Ok(answer)
    });
    asked.expect("a network").expect("the daemon listens and answers")
}

/// The status that the first node's daemon has for that path.
fn ask(stage: &Stage, path: &str) -> String {
    answer(stage, 0, path).split(' ').nth(1).expect("a status").to_owned()
}

/// The value of a series on a node.
fn metric(stage: &Stage, node: usize, series: &str) -> Option<f64> {
    let text = answer(stage, node, "/metrics");
    let value = text.lines().find_map(|line| line.strip_prefix(series))?.trim();
    Some(value.parse().expect("a number"))
}

/// The daemon with a resolv.conf of its own, which names the loopback.
fn resolving(directory: &TempDir) -> PathBuf {
    let resolv = directory.path().join("resolv.conf");
    fs::write(&resolv, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n").expect("a file");
    let script = directory.path().join("kube-vip");
    let text = format!(
        "#!/bin/sh\nexec unshare -m sh -c 'mount --bind {} /etc/resolv.conf && exec {} \"$@\"' sh \
         \"$@\"\n",
        resolv.display(),
        program().display()
    );
    fs::write(&script, text).expect("a file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a file");
    script
}

#[test]
fn a_name_is_waited_for_and_its_address_moves_without_two_owners() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut stage = build(&resolving(&directory), &directory, 2, "api.cluster.example");
    let answer = Answer::default();
    serve_names(&stage, &answer);
    stage.start(0).expect("a daemon");
    stage.start(1).expect("a daemon");
    for node in 0..2 {
        let waiting = "cannot resolve the name of an address";
        wait(&stage, "it says what it waits for", || log(&stage, node).contains(waiting));
    }
    assert!(having(&stage, VIP).is_empty(), "nothing is held yet");
    assert_eq!(ask(&stage, "/healthz"), "200");
    assert_eq!(ask(&stage, "/readyz"), "503", "it cannot take over");

    let take = stage.record().expect("a recording");
    let mut owners = 0;
    let mut moves_to = |there: Ipv4Addr, gone: Ipv4Addr| {
        say(&answer, Some(there));
        wait(&stage, &format!("{there} is held, and {gone} is not"), || {
            owners = owners.max(stage.answering().len());
            having(&stage, there).len() == 1 && having(&stage, gone).is_empty()
        });
    };
    moves_to(VIP, OTHER);
    moves_to(OTHER, VIP);
    moves_to(VIP, OTHER);
    // A name that is gone changes nothing.
    say(&answer, None);
    wait(&stage, "it says so", || log(&stage, 0).matches("cannot resolve").count() >= 2);
    assert_eq!(having(&stage, VIP).len(), 1);
    assert_eq!(ask(&stage, "/readyz"), "200");
    for node in 0..2 {
        let taken = log(&stage, node).contains("another program listens");
        assert!(!taken, "it has kept the port from itself:\n{}", log(&stage, node));
    }
    take.stop().expect("a recording");
    assert_eq!(owners, 1, "at no time did two answer");
}

#[test]
fn a_daemon_that_waits_for_a_name_ends_when_it_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut stage = build(&resolving(&directory), &directory, 1, "api.cluster.example");
    let answer = Answer::default();
    serve_names(&stage, &answer);
    stage.start(0).expect("a daemon");
    wait(&stage, "it waits", || log(&stage, 0).contains("cannot resolve"));
    stage.daemon(0).expect("it runs").terminate().expect("it lives");
    wait(&stage, "it has ended", || {
        let pid = stage.daemon(0).expect("it was started").process().pid();
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state.is_empty() || state.contains(") Z ")
    });
}

#[test]
fn two_daemons_on_one_host_have_each_its_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut stage = build(&program(), &directory, 1, &VIP.to_string());
    stage.start(0).expect("a daemon");
    wait(&stage, "the first holds", || having(&stage, VIP) == [0]);
    let other = [("address", OTHER.to_string()), ("vip_leasename", "user-lock".to_owned())];
    let other = other.each_ref().map(|(name, value)| (*name, value.as_str()));
    let second = stage.command(0, &["manager"], &other).expect("a second daemon");
    wait(&stage, "the second holds", || having(&stage, OTHER) == [0]);
    assert_eq!(having(&stage, VIP), [0], "the first still does");
    wait(&stage, "the port is taken, and that is no more than a warning", || {
        log(&stage, 0).lines().any(|line| line.contains("WARN") && line.contains("2112"))
    });

    second.terminate().expect("it lives");
    wait(&stage, "the second lets go", || having(&stage, OTHER).is_empty());
    assert_eq!(having(&stage, VIP), [0], "the first has lost nothing");
    assert!(!stage.tables(0).expect("the kernel says").is_empty(), "nor its fence");
}

#[test]
fn a_successor_counts_the_outage_and_its_requests() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut stage = build(&program(), &directory, 2, &VIP.to_string());
    let holder = stage.start_all().expect("one answers");
    let successor = 1 - holder;
    let outage = "kube_vip_outage_seconds_total{lease_name=\"plndr-cp-lock\"}";
    assert_eq!(metric(&stage, successor, outage), Some(0.0));
    stage.daemon(holder).expect("it runs").kill().expect("it lives");
    wait(&stage, "the other one holds", || having(&stage, VIP).contains(&successor));
    wait(&stage, "it says so", || metric(&stage, successor, outage) > Some(0.0));
    let seconds = metric(&stage, successor, outage).expect("it is there");
    // Since the last renewal that it saw: a Lease's duration, and the time to take over.
    assert!(seconds >= stage.spec().lease_duration().as_secs_f64(), "{seconds} s");
    assert!(seconds < PATIENCE.as_secs_f64(), "{seconds} s");
    let count = |verb| {
        let name = "kube_vip_api_request_duration_seconds_count";
        metric(&stage, successor, &format!("{name}{{outcome=\"ok\",verb=\"{verb}\"}}"))
    };
    for verb in ["list", "watch", "update"] {
        assert!(count(verb) >= Some(1.0), "{verb}: {:?}", count(verb));
    }
}
