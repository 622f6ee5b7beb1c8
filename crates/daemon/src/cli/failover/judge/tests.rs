//! What a test comes to: rows, exit code, and the documents as they are kept.

#[path = "../../../../tests/support/golden_file.rs"]
mod golden_file;

use std::time::Duration;

use super::super::How;
use super::super::picture;
use super::super::record::{Address, Claim, Evictions, Evidence, PutBack, Record, Requests};
use super::super::trial::Stopped;
use super::{Code, Judged, Limits, judge};
use crate::cli::VERSION;
use crate::cli::report::Style;

const LIMITS: Limits = Limits { outage: Duration::from_secs(1), moving: Duration::from_secs(30) };

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A drain that moved the address within the bound.
fn good() -> Record {
    let claim = |evidence, at, who: &str| Claim { at: ms(at), evidence, who: who.to_owned() };
    Record {
        how: How::Drain,
        holder: "cp-1".to_owned(),
        ours: true,
        nodes: ["cp-1", "cp-2", "cp-3"].map(str::to_owned).to_vec(),
        acted: Some(ms(2000)),
        marks: vec![
            (ms(2000), "cp-1 is cordoned".to_owned()),
            (ms(6500), "cp-1 is uncordoned".to_owned()),
        ],
        holders: vec![(ms(10), "cp-1".to_owned()), (ms(2310), "cp-2".to_owned())],
        claims: vec![
            claim(Evidence::Status, 20, "cp-1"),
            claim(Evidence::Status, 2290, "cp-1"),
            claim(Evidence::Status, 2320, "cp-2"),
            claim(Evidence::Status, 7500, "cp-2"),
            claim(Evidence::Arp, 30, "cp-1"),
            claim(Evidence::Arp, 2312, "cp-2"),
        ],
        missing: [(Evidence::Certificate, "they show the same one".to_owned())].into(),
        addresses: vec![Address {
            ip: [192, 168, 20, 140].into(),
            tried: 5400,
            failed: 0,
            refused: 0,
            slow: 1,
            median: Duration::from_micros(250),
            calm: ms(3),
            longest: ms(12),
            gaps: vec![(ms(2301), ms(12))],
        }],
        requests: Requests {
            tried: 150,
            answered: 150,
            resets: 1,
            longest: ms(40),
            ..Requests::default()
        },
        paused: ms(2),
        evictions: Evictions { evicted: 4, left: 0, failures: Vec::new() },
        put_back: PutBack::Done("cp-1 is uncordoned".to_owned()),
        ended: ms(7510),
    }
}

fn judged(record: &Record) -> Judged {
    judge(record, &LIMITS, None)
}

fn row(judged: &Judged, check: &str) -> String {
    let row = judged.report.rows.iter().find(|row| row.check == check).expect("such a row");
    format!("{}: {} → {}", row.result.word(), row.evidence, row.remedy.clone().unwrap_or_default())
}

#[test]
fn a_test_that_passed_is_shown_as_it_is_kept() {
    let record = good();
    let judged = judged(&record);
    assert_eq!(judged.code, Code::Moved);
    let panel = picture::panel(&record);
    let text = format!(
        "{}\n{}",
        picture::strip(&panel, Style::default()),
        judged.report.table(Style::default())
    );
    let json = judged.report.json().replace(VERSION, "VERSION");
    let check = |name: &str, text: &str| {
        golden_file::check(&format!("crates/daemon/tests/golden/failover-test.{name}"), text);
    };
    check("txt", &text);
    check("json", &json);
    check("svg", &picture::svg(&panel, &record));
}

#[test]
fn a_long_outage_fails_and_what_the_network_has_by_itself_does_not_count() {
    let mut record = good();
    record.addresses[0].longest = ms(1005);
    assert_eq!(judged(&record).code, Code::Moved, "3 ms were there before, 2 may be this host's");
    record.addresses[0].longest = ms(1006);
    let judged = judged(&record);
    assert_eq!(judged.code, Code::Outage);
    assert!(row(&judged, "outage").starts_with("failed: longest time without a connection 1.01 s"));
}

#[test]
fn two_owners_fail_whatever_else_was_good() {
    let mut record = good();
    let again = Claim { at: ms(5000), evidence: Evidence::Arp, who: "cp-1".to_owned() };
    record.claims.push(again);
    let judged = judged(&record);
    assert_eq!(judged.code, Code::Outage);
    let row = row(&judged, "one-owner");
    assert!(row.starts_with("failed: cp-1 and cp-2 at once for 2.69 s (ARP)"), "{row}");
}

#[test]
fn nothing_moved_says_what_may_be_the_cause() {
    let mut record = good();
    record.holders.truncate(1);
    let ours = judged(&record);
    assert_eq!(ours.code, Code::Nothing);
    assert!(row(&ours, "moved").contains("the log of cp-1"), "{}", row(&ours, "moved"));
    record.ours = false;
    let original = row(&judged(&record), "moved");
    assert!(original.contains("cp-1 still holds") && original.contains("knows no cordon"));
}

#[test]
fn what_is_not_put_back_is_worse_than_all() {
    let mut record = good();
    record.put_back = PutBack::Failed("cp-1 is still cordoned: no connection".to_owned());
    assert_eq!(judged(&record).code, Code::Failed);
    let stopped = Stopped::Signal("SIGINT");
    assert_eq!(judge(&record, &LIMITS, Some(&stopped)).code, Code::Failed);
}

#[test]
fn an_end_before_its_time_is_told() {
    let signal = judge(&good(), &LIMITS, Some(&Stopped::Signal("SIGTERM")));
    assert_eq!(signal.code, Code::Interrupted);
    assert!(row(&signal, "test").contains("interrupted by SIGTERM"));
    let failed = judge(&good(), &LIMITS, Some(&Stopped::Failed("no rights".to_owned())));
    assert_eq!(failed.code, Code::Failed);
    assert!(row(&failed, "test").starts_with("failed: no rights"));
}

#[test]
fn what_spoils_the_measurement_is_told() {
    let mut record = good();
    record.paused = ms(80);
    record.evictions.left = 2;
    record.requests.failed = 1;
    record.requests.error = Some("no answer within 1s".to_owned());
    let judged = judged(&record);
    assert_eq!(judged.code, Code::Moved);
    assert!(row(&judged, "this-host").contains("80 ms"));
    assert!(row(&judged, "evictions").contains("disruption budgets"));
    assert!(row(&judged, "requests").contains("1 failed: no answer within 1s"));
}

#[test]
fn an_address_of_ipv6_is_heard_by_neighbour_discovery() {
    let mut record = good();
    record.addresses[0].ip = "fd00:20::140".parse().unwrap();
    for claim in record.claims.iter_mut().filter(|claim| claim.evidence == Evidence::Arp) {
        claim.evidence = Evidence::Ndp;
    }
    let one = row(&judged(&record), "one-owner");
    assert!(one.contains("NDP: cp-1, then cp-2") && !one.contains("ARP"), "{one}");
    let again = Claim { at: ms(5000), evidence: Evidence::Ndp, who: "cp-1".to_owned() };
    record.claims.push(again);
    assert_eq!(judged(&record).code, Code::Outage, "two spoke for it");
    // Of both families, both are looked for.
    let mut both = good();
    both.addresses
        .push(Address { ip: "fd00:20::140".parse().unwrap(), ..both.addresses[0].clone() });
    let one = row(&judged(&both), "one-owner");
    assert!(one.contains("ARP: cp-1, then cp-2") && one.contains("NDP: not known"), "{one}");
}
