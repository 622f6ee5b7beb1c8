//! Which notices are worth an Event, and how many are too many.

use std::net::Ipv4Addr;

use kube_vip_core::address::{LinkName, Mac, NodeName, Vip};
use kube_vip_core::plan::{Conduct, LeasePlan, Timings, Vips};
use kube_vip_core::status::{MoveReason, Reason};

use super::news::Severity;
use super::*;

fn plan() -> Plan {
    let seconds = Duration::from_secs;
    Plan {
        node: NodeName::new("cp-1").unwrap(),
        link: LinkName::new("eth0").unwrap(),
        vips: Vips::new(vec![Vip::new(Ipv4Addr::new(192, 0, 2, 10).into(), 32).unwrap()]).unwrap(),
        lease: LeasePlan {
            namespace: "kube-system".to_owned(),
            name: "plndr-cp-lock".to_owned(),
            timings: Timings::new(seconds(15), seconds(10), seconds(2)).unwrap(),
        },
        announce_every: seconds(3),
        conduct: Conduct::default(),
        boot: "boot-1".to_owned(),
    }
}

fn said(notice: &Notice) -> Option<(Severity, &'static str, String)> {
    news(notice, &plan(), None).map(|news| (news.severity, news.reason, news.message))
}

#[test]
fn moves_are_told_by_those_who_move() {
    let changed =
        |to: &str| Notice::HolderChanged { from: Some("cp-2".to_owned()), to: Some(to.to_owned()) };
    let text = "cp-1 holds 192.0.2.10 now, before it cp-2".to_owned();
    assert_eq!(said(&changed("cp-1")), Some((Severity::Normal, "HolderChanged", text)));
    assert_eq!(said(&changed("cp-3")), None);
    let to = NodeName::new("cp-3").unwrap();
    let text = "cp-1 asks cp-3 to take 192.0.2.10 over: the node is cordoned".to_owned();
    let offered = Notice::Offered { to: to.clone(), why: MoveReason::Drain };
    assert_eq!(said(&offered), Some((Severity::Normal, "HandingOver", text)));
    let text = "cp-1 handed 192.0.2.10 over to cp-3".to_owned();
    let handed_over = Notice::HandedOver { to: Some(to) };
    assert_eq!(said(&handed_over), Some((Severity::Normal, "HandedOver", text)));
}

#[test]
fn nobody_between_two_holders_is_passed_over() {
    let taken = Notice::HolderChanged { from: None, to: Some("cp-1".to_owned()) };
    let said = |before| news(&taken, &plan(), before).unwrap().message;
    assert_eq!(said(Some("cp-2")), "cp-1 holds 192.0.2.10 now, before it cp-2");
    assert_eq!(said(Some("cp-1")), "cp-1 holds 192.0.2.10 again");
    assert_eq!(said(None), "cp-1 holds 192.0.2.10 now, before it nobody");
}

#[test]
fn the_end_of_a_term_is_told_once() {
    let ended = |reason| {
        said(&Notice::TermEnded { reason }).map(|(severity, reason, _)| {
            assert_eq!(reason, "TermEnded");
            severity
        })
    };
    assert_eq!(ended(Reason::HandingOver), None);
    assert_eq!(ended(Reason::ShuttingDown), Some(Severity::Normal));
    assert_eq!(ended(Reason::TermOver), Some(Severity::Warning));
}

#[test]
fn a_conflict_names_the_stranger() {
    let rival = Notice::Rival {
        address: Ipv4Addr::new(192, 0, 2, 10).into(),
        mac: Mac([2, 0, 0, 0, 0, 9]),
        node: None,
    };
    let (severity, reason, message) = said(&rival).unwrap();
    assert_eq!((severity, reason), (Severity::Warning, "AddressConflict"));
    assert_eq!(
        message,
        "cp-1 hears 02:00:00:00:00:09 (no node of the election) speak for 192.0.2.10"
    );
}

#[test]
fn messages_are_cut_between_letters() {
    assert_eq!(shortened("short"), "short");
    let long = "ä".repeat(600);
    assert_eq!(shortened(&long).len(), 1000);
    assert_eq!(shortened(&format!("x{long}")).len(), 999);
}

fn item(reason: &'static str, message: &str, at: Instant) -> Item {
    let news = News { severity: Severity::Normal, reason, message: message.to_owned() };
    Item { news, at, time: Timestamp::UNIX_EPOCH }
}

#[test]
fn the_same_reason_is_said_once_a_minute() {
    let mut windows = Windows::default();
    let begin = Instant::now();
    let after = |seconds| begin + Duration::from_secs(seconds);
    let text = |report: Option<Report>| report.map(|one| (one.item.news.message, one.count));
    let mut take = |reason, message, at| text(windows.take(item(reason, message, after(at))));
    assert_eq!(take("A", "a1", 0), Some(("a1".to_owned(), 1)));
    assert_eq!(take("B", "b1", 1), Some(("b1".to_owned(), 1)));
    assert_eq!(take("A", "a2", 2), None);
    assert_eq!(take("A", "a3", 59), None);
    assert_eq!(windows.due(), Some(after(60)));
    let closed: Vec<_> = windows.close(after(60)).into_iter().map(|one| text(Some(one))).collect();
    assert_eq!(closed, [Some(("a3".to_owned(), 2))]);
    // Nothing was held back of B, and what is said anew of A waits for the next minute.
    assert!(windows.close(after(61)).is_empty());
    assert_eq!(windows.due(), Some(after(120)));
    assert_eq!(text(windows.take(item("A", "a4", after(62)))), None);
    // Late to the closing of a window, what was held back in it is not forgotten.
    assert_eq!(text(windows.take(item("A", "a5", after(200)))), Some(("a5".to_owned(), 2)));
    assert_eq!(text(windows.take(item("B", "b2", after(201)))), Some(("b2".to_owned(), 1)));
    assert!(windows.close_all().next().is_none());
}
