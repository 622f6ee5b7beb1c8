//! What follows from what was seen.

use std::time::Duration;

use super::{Claim, Evidence, Record};

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn record(holders: &[(u64, &str)], claims: &[(u64, &str)]) -> Record {
    let claim = |(ms, who): &(u64, &str)| Claim {
        at: at(*ms),
        evidence: Evidence::Arp,
        who: (*who).to_owned(),
    };
    Record {
        holder: "cp-1".to_owned(),
        acted: Some(at(1000)),
        holders: holders.iter().map(|(ms, who)| (at(*ms), (*who).to_owned())).collect(),
        claims: claims.iter().map(claim).collect(),
        ..Record::default()
    }
}

#[test]
fn it_has_moved_when_the_lease_names_another_node_after_the_act() {
    let moved = record(&[(0, "cp-1"), (1200, ""), (1250, "cp-2")], &[]);
    assert_eq!(moved.moved(), Some((at(1250), "cp-2")));
    assert_eq!((moved.moves(), moved.last_holder()), (1, "cp-2"));
    for stays in
        [&[(0, "cp-1")][..], &[(0, "cp-1"), (1200, "")], &[(0, "cp-1"), (1200, ""), (1300, "cp-1")]]
    {
        let record = record(stays, &[]);
        assert_eq!((record.moved(), record.moves()), (None, 0), "{stays:?}");
    }
}

#[test]
fn whoever_is_found_again_after_another_one_was_there_with_it() {
    let lease = &[(0, "cp-1"), (1200, "cp-2")];
    let two = |claims: &[(u64, &str)]| record(lease, claims).two(Evidence::Arp);
    assert_eq!(two(&[]), None);
    assert_eq!(two(&[(100, "cp-1"), (1000, "cp-1"), (1210, "cp-2"), (4000, "cp-2")]), None);
    assert_eq!(
        two(&[(100, "cp-1"), (1210, "cp-2"), (3000, "cp-1"), (4000, "cp-2")]),
        Some(("cp-1 and cp-2".to_owned(), at(1790)))
    );
    assert_eq!(two(&[(100, "cp-1"), (1210, "cp-2"), (3000, "cp-1")]).unwrap().1, at(1790));
}

#[test]
fn a_stranger_is_another_one_and_whom_the_lease_went_back_to_is_not() {
    let stranger = record(&[(0, "cp-1")], &[(100, "cp-1"), (500, "02:00:00:00:00:09")]);
    assert_eq!(stranger.two(Evidence::Arp).unwrap().0, "02:00:00:00:00:09");
    let back = record(
        &[(0, "cp-1"), (1200, "cp-2"), (2000, "cp-1")],
        &[(100, "cp-1"), (1210, "cp-2"), (2010, "cp-1")],
    );
    assert_eq!((back.two(Evidence::Arp), back.moves()), (None, 2));
}

#[test]
fn each_evidence_stands_for_itself() {
    let mut record = record(&[(0, "cp-1")], &[(100, "cp-1"), (200, "cp-1")]);
    record.claims.push(Claim { at: at(150), evidence: Evidence::Status, who: "cp-1".to_owned() });
    assert_eq!(record.runs(Evidence::Arp), [("cp-1", at(100), at(200))]);
    assert_eq!(record.runs(Evidence::Status), [("cp-1", at(150), at(150))]);
    assert_eq!(record.runs(Evidence::Certificate), []);
}
