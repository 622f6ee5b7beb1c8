//! Reading dumps out of logs, and finding what differs; tests with real dumps are in the daemon and
//! in `kernel_black_box.rs`.

use kube_vip_core::event::{Link, Snapshot};
use kube_vip_core::plan::Plan;
use serde_json::{Value, json};

use super::*;

fn plan() -> Value {
    json!({
        "node": "cp-1",
        "link": "end0",
        "vips": [{"address": "192.168.20.140", "prefix": 24}],
        "lease": {
            "namespace": "kube-system",
            "name": "plndr-cp-lock",
            "timings": {
                "duration": {"secs": 5, "nanos": 0},
                "renew_deadline": {"secs": 3, "nanos": 0},
                "retry": {"secs": 1, "nanos": 0},
            },
        },
        "announce_every": {"secs": 3, "nanos": 0},
        "conduct": kube_vip_core::plan::Conduct::default(),
        "boot": "a-boot",
    })
}

fn node() -> Node {
    let plan: Plan = serde_json::from_value(plan()).expect("a plan");
    Node::new(plan, 7)
}

fn header() -> String {
    let header = json!({
        "blackBox": 1, "version": "v1.0.0", "build": "4a6c1d9", "node": "cp-1",
        "cause": "a test", "startedAt": "2026-11-22T21:32:29.000000Z",
        "dumped": {"secs": 9, "nanos": 0}, "seed": 7, "plan": plan(),
    });
    // serde_json orders keys by name; daemons begin with the form.
    format!("{{\"blackBox\":1,{}", &header.to_string()[1..].replacen("\"blackBox\":1,", "", 1))
}

/// What a node that has seen its interface does, as lines of a dump.
fn life() -> Vec<String> {
    let mut node = node();
    let mut lines = vec![header(), format!("{{\"checkpoint\":{}}}", json!(node))];
    let link = Some(Link {
        mac: kube_vip_core::address::Mac([2, 0, 0, 0, 0, 1]),
        up: true,
        addresses: Vec::new(),
        gateways: Vec::new(),
    });
    let seen = Event::Kernel(Snapshot { link, ..Snapshot::default() });
    for (second, event) in [(1, seen), (2, Event::Tick), (3, Event::Shutdown)] {
        let at = Moment::after_start(std::time::Duration::from_secs(second));
        node.handle(event.clone(), at);
        let effects: Vec<Effect> = std::iter::from_fn(|| node.poll()).collect();
        let (at, event, effects) = (json!(at), json!(event), json!(effects));
        lines.push(format!("{{\"at\":{at},\"event\":{event},\"effects\":{effects}}}"));
    }
    lines
}

/// The same event, and something else that followed.
fn forged(line: &str) -> String {
    let (event, _) = line.split_once("\"effects\":").expect("an event");
    format!("{event}\"effects\":[{{\"Tell\":\"Consented\"}}]}}")
}

fn outcome(lines: &[String]) -> Replayed {
    let dumps = dumps(&lines.join("\n")).expect("a dump");
    assert_eq!(dumps.len(), 1);
    replay(&dumps[0], &mut |_| Ok(())).expect("nothing is written")
}

#[test]
fn a_dump_is_found_among_log_lines_and_behind_time_stamps() {
    let mut lines = vec!["2026/11/22 21:32:29 INFO kube-vip starts".to_owned()];
    for line in life() {
        lines.push(format!("2026-11-22T21:32:29.1Z stdout F {line}"));
        lines.push("2026/11/22 21:32:30 INFO another line".to_owned());
    }
    assert_eq!(outcome(&lines), Replayed { events: 3, differences: Vec::new() });
}

#[test]
fn the_first_difference_of_a_stretch_is_told_and_the_next_state_ends_it() {
    let mut lines = life();
    let shutdown = lines.pop().expect("lines");
    lines[2] = forged(&lines[2]);
    assert!(matches!(outcome(&lines).differences[..], [Difference::Effects { entry: 0, .. }]));
    // From a state on, the comparison begins anew.
    let state = lines[1].clone();
    lines.extend([state, forged(&shutdown)]);
    let differences = outcome(&lines).differences;
    assert_eq!(differences.len(), 2, "{differences:?}");
    assert!(matches!(differences[1], Difference::Effects { entry: 2, .. }));
}

#[test]
fn a_state_that_is_another_one_is_told_by_its_part() {
    let mut lines = life();
    let state = lines[1].clone();
    assert!(state.contains("\"shutdown\":null"), "{state}");
    lines.push(state);
    let differences = outcome(&lines).differences;
    let [Difference::State { entry: 3, part }] = &differences[..] else {
        panic!("{differences:?}");
    };
    assert!(part.starts_with('/') && part.contains(" there, "), "{part}");
}

#[test]
fn after_a_gap_nothing_is_compared_until_the_next_state() {
    let mut lines = life();
    let state = lines[1].clone();
    let shutdown = lines.pop().expect("lines");
    lines.push("{\"gap\":\"an event of 40000 bytes\"}".to_owned());
    lines.push(forged(&shutdown));
    lines.push(state);
    assert_eq!(outcome(&lines).differences, Vec::new());
}

#[test]
fn what_cannot_be_read_is_said() {
    let error = |text: &str| dumps(text).expect_err("no dump").to_string();
    assert!(error("INFO nothing").contains("kill -USR1"));
    assert!(error("x\n{\"blackBox\":2}").starts_with("line 2: the black box has form 2"));
    let cut = &life()[1][..100];
    let text = format!("{}\n{cut}", header());
    assert!(error(&text).starts_with("line 2 is cut, or of a version with another core"));
}

#[test]
fn people_are_told_what_happened_and_whether_the_same_came_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("log");
    fs::write(&file, life().join("\n")).expect("it can be written");
    let mut out = Vec::new();
    let same = cli(&Args { file, brief: false }, &mut out).expect("a dump");
    let text = String::from_utf8(out).expect("text");
    assert!(same);
    for part in [
        "node cp-1, kube-vip v1.0.0 (build 4a6c1d9), seed 7\n",
        "192.168.20.140/24 on end0, elected by kube-system/plndr-cp-lock\n",
        "1.0000 s  21:32:30.000  kernel after 0 orders: 02:00:00:00:00:01 up",
        "-> request 1: read the Lease\n",
        "3.0000 s  21:32:32.000  told to end\n",
        "** ShuttingDown: told to end\n",
        "3 events replayed: the same came out\n",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
}
