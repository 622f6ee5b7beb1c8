//! The process itself: its privileges, and how it is told to end.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use kube_vip::drivers::frames::Frames;
use kube_vip::drivers::signals::Signals;
use kube_vip::sys::caps::{CapsError, keep_only_network};
use kube_vip_core::address::Mac;
use kube_vip_core::event::Voice;
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use tokio::runtime;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

use crate::world::{PATIENCE, VIP, enter_new_namespace, has, in_a_world, vip};

/// What `/proc` says of this thread's privileges.
fn privileges() -> Vec<(String, u64)> {
    let status = fs::read_to_string("/proc/thread-self/status").expect("proc is mounted");
    let wanted = |name: &str| name.starts_with("Cap") || name == "NoNewPrivs";
    let line = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let value = u64::from_str_radix(value.trim(), 16).ok()?;
        wanted(name).then(|| (name.to_owned(), value))
    };
    status.lines().filter_map(line).collect()
}

#[test]
fn only_the_network_is_kept_and_is_enough() {
    in_a_world(|mut world| async move {
        keep_only_network().expect("root may give up privileges");
        let network = (CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW).bits();
        let expected = [
            ("CapInh", 0),
            ("CapPrm", network),
            ("CapEff", network),
            ("CapBnd", network),
            ("CapAmb", 0),
            ("NoNewPrivs", 1),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(privileges(), expected);

        let kernel = world.kernel();
        kernel.hold(vip(VIP, 24), world.clock.now() + Duration::from_secs(10), Voice::Answering);
        world.sees("the address", has(VIP)).await;
        let (sender, mut refusals) = unbounded_channel();
        let frames = Frames::start(&world.plan, sender).expect("a packet socket");
        frames.announce(VIP.into(), Mac([2, 0, 0, 0, 0, 1]));
        assert!(refusals.try_recv().is_err());
        keep_only_network().expect("a second time changes nothing");
    });
}

/// What comes out without some privileges; in a thread of its own, since they belong to threads.
fn without(missing: CapabilitySet) -> thread::Result<Result<(), CapsError>> {
    thread::spawn(move || {
        // Not needed, but whoever may do this has what there is to give up.
        enter_new_namespace();
        let had = capabilities(None).expect("anybody may ask");
        let sets = CapabilitySets {
            effective: had.effective - missing,
            permitted: had.permitted - missing,
            inheritable: had.inheritable - missing,
        };
        set_capabilities(None, sets).expect("anybody may give up privileges");
        keep_only_network()
    })
    .join()
}

#[test]
fn a_missing_capability_is_named_with_what_grants_it() {
    let grants = "securityContext: {capabilities: {add: [NET_ADMIN, NET_RAW]}}";
    let both = CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW;
    let cases = [
        (CapabilitySet::NET_ADMIN, "missing capability NET_ADMIN:"),
        (CapabilitySet::NET_RAW, "missing capability NET_RAW:"),
        (both, "missing capability NET_ADMIN and NET_RAW:"),
    ];
    for (missing, expected) in cases {
        let message = without(missing).unwrap().expect_err("it is missing").to_string();
        assert!(message.starts_with(expected) && message.contains(grants), "{message}");
    }
}

#[test]
fn without_the_right_to_narrow_the_bounding_set_the_rest_is_dropped() {
    without(CapabilitySet::SETPCAP).unwrap().expect("it is not needed");
}

/// In the environment of a process of this program that is to be sent signals.
const WAITING: &str = "KUBE_VIP_TEST_WAITING";

/// What that process does: it says when it listens, and each event.
fn wait_for_signals() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (sender, mut events) = unbounded_channel();
        let _signals = Signals::start(sender).unwrap();
        let mut parent = io::stderr();
        writeln!(parent, "listening").unwrap();
        // It ends by itself if nobody sends it anything any more.
        while let Ok(Some(event)) = timeout(PATIENCE, events.recv()).await {
            writeln!(parent, "{event:?}").unwrap();
        }
    });
}

/// Runs `test` of this program again, as [`wait_for_signals`], and sends it one signal and then
/// another; returns how it ended.
fn sent(test: &str, first: Signal, second: Signal) -> ExitStatus {
    let mut child = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", test, "--nocapture"])
        .env(WAITING, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program once more");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let mut line = || lines.next().expect("it says something").expect("readable");
    let send = |signal| kill_process(Pid::from_child(&child), signal).expect("it lives");
    assert_eq!(line(), "listening");
    send(first);
    assert_eq!(line(), "Shutdown");
    send(second);
    child.wait().expect("it ends")
}

#[test]
fn the_first_signal_is_the_orderly_end_and_the_second_the_end_at_once() {
    if env::var_os(WAITING).is_some() {
        return wait_for_signals();
    }
    let this = "process::the_first_signal_is_the_orderly_end_and_the_second_the_end_at_once";
    let ended = sent(this, Signal::TERM, Signal::INT);
    assert_eq!(ended.code(), Some(130), "{ended}");
    let ended = sent(this, Signal::INT, Signal::TERM);
    assert_eq!(ended.code(), Some(143), "{ended}");
}
