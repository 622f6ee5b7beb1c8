//! Which bars are drawn; the whole is kept beside the judgement's tests.

use std::time::Duration;

use kube_vip_measure::drawing::{Bar, Party, Shade, Span};

use super::super::record::{Claim, Evidence, Record};
use super::panel;

fn span(from: u64, to: u64) -> Span {
    Span { from: Duration::from_millis(from), to: Duration::from_millis(to) }
}

#[test]
fn a_lane_shows_tenure_presence_and_what_must_not_be() {
    let claim = |ms, who: &str| Claim {
        at: Duration::from_millis(ms),
        evidence: Evidence::Arp,
        who: who.to_owned(),
    };
    let at = Duration::from_millis;
    let record = Record {
        holder: "cp-1".to_owned(),
        nodes: vec!["cp-1".to_owned(), "cp-2".to_owned()],
        acted: Some(at(500)),
        holders: vec![(at(0), "cp-1".to_owned()), (at(600), "cp-2".to_owned())],
        claims: vec![claim(10, "cp-1"), claim(610, "cp-2"), claim(900, "cp-1")],
        ended: at(1000),
        ..Record::default()
    };
    let panel = panel(&record);
    let bars = |lane: usize| panel.lanes[lane].bars.clone();
    let bar = |shade, from, to| Bar { shade, span: span(from, to) };
    let first = [
        bar(Shade::Has, 0, 600),
        bar(Shade::Answers, 10, 10),
        bar(Shade::Answers, 900, 900),
        bar(Shade::Both, 610, 900),
    ];
    assert_eq!(bars(0), first);
    assert_eq!(bars(1), [bar(Shade::Has, 600, 1000), bar(Shade::Answers, 610, 610)]);
    assert!(panel.lanes.iter().all(|lane| lane.party == Party::Node), "nothing was connected to");
}

#[test]
fn a_stranger_has_a_lane_of_its_own() {
    let stranger = Claim {
        at: Duration::from_millis(10),
        evidence: Evidence::Arp,
        who: "02:00:00:00:00:09".to_owned(),
    };
    let record =
        Record { nodes: vec!["cp-1".to_owned()], claims: vec![stranger], ..Record::default() };
    let names: Vec<_> = panel(&record).lanes.into_iter().map(|lane| lane.name).collect();
    assert_eq!(names, ["cp-1", "02:00:00:00:00:09"]);
}
