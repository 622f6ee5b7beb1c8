//! A takeover, drawn.

use std::time::Duration;

use super::{Run, strip, svg, table, time_with_two_owners};
use crate::client::ClientReport;
use crate::timeline::{Entry, Fault, Timeline, What};

fn takeover() -> Run {
    let at = |millis, what| Entry { at: Duration::from_millis(millis), what };
    let entries = vec![
        at(0, What::Configured { node: 0, on: true }),
        at(0, What::Answers { node: 0, on: true }),
        at(1000, What::Fault(Fault::Cut(0))),
        at(1000, What::Answers { node: 0, on: false }),
        at(1000, What::Outage(Duration::from_millis(4000))),
        at(4400, What::Configured { node: 0, on: false }),
        at(5000, What::Configured { node: 1, on: true }),
        at(5000, What::Answers { node: 1, on: true }),
        at(7000, What::Fault(Fault::Healed(0))),
    ];
    let nodes = vec!["node1".to_owned(), "node2".to_owned()];
    let mut client = ClientReport::default();
    client.service.probes.longest = Duration::from_secs(4);
    client.service.connects.tried = 2000;
    client.service.connects.failed = 700;
    client.service.connects.refused = 100;
    Run {
        title: "silent cut".to_owned(),
        timeline: Timeline { nodes, entries, ended: Duration::from_secs(8) },
        client,
    }
}

#[test]
fn a_strip_shows_who_answered_and_what_the_client_saw() {
    let expected = [
        "            ▼                       ▼",
        "node1   ████▒▒▒▒▒▒▒▒▒▒▒▒▒▒··············",
        "node2   ····················████████████",
        "client  ────××××××××××××××××────────────",
        "        0                          8.0 s",
        "",
    ]
    .join("\n");
    assert_eq!(strip(&takeover().timeline, 32), expected);
}

#[test]
fn a_table_has_a_row_for_each_run() {
    let text = table(&[takeover()]);
    let row = text.lines().find(|line| line.contains("silent cut")).expect("a row");
    let cells: Vec<&str> = row.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
    assert_eq!(cells, ["silent cut", "4.00 s", "2000", "800", "0", "0"]);
}

#[test]
fn time_with_two_owners_is_what_two_lanes_share() {
    let mut run = takeover();
    let late =
        Entry { at: Duration::from_millis(5250), what: What::Answers { node: 0, on: false } };
    run.timeline.entries.retain(|e| e.what != What::Answers { node: 0, on: false });
    run.timeline.entries.insert(7, late);
    assert_eq!(time_with_two_owners(&run.timeline), Duration::from_millis(250));
    assert!(strip(&run.timeline, 32).contains('!'));
}

#[test]
fn an_svg_has_a_panel_for_each_run() {
    let text = svg("Two nodes", &[takeover(), takeover()]);
    assert_eq!(text.matches("silent cut</text>").count(), 2);
    assert_eq!(text.matches("outage 4.00 s, 800 of 2000 connects failed, 0 slow").count(), 2);
    let bars = text.matches("<rect class=\"answers\"").count();
    assert_eq!(bars, 1 + 2 * 2, "the legend's, and one for each node and run");
}
