//! What is noticed, and what is not.

use kube_vip_core::address::{LinkName, Mac, Vip};
use kube_vip_core::node::Node;
use kube_vip_core::plan::{Conduct, LeasePlan, Plan, Timings, Vips};
use kube_vip_core::status::Term;
use std::net::Ipv4Addr;

use super::*;

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 20, 140));

fn at(milliseconds: u64) -> Moment {
    Moment::after_start(Duration::from_millis(milliseconds))
}

/// Without a term and an address.
fn idle() -> Status {
    let secs = Duration::from_secs;
    let plan = Plan {
        node: NodeName::new("cp-1").expect("a name"),
        link: LinkName::new("end0").expect("a name"),
        vips: Vips::new(vec![Vip::new(VIP, 24).expect("an address")]).expect("one address"),
        lease: LeasePlan {
            namespace: "kube-system".to_owned(),
            name: "plndr-cp-lock".to_owned(),
            timings: Timings::new(secs(5), secs(3), secs(1)).expect("good times"),
        },
        announce_every: secs(3),
        conduct: Conduct::default(),
        boot: "a-boot".to_owned(),
    };
    Node::new(plan, 1).status()
}

/// With an address that answers, by a term until 5 s.
fn holding() -> Status {
    let mut status = idle();
    status.term = Some(Term { epoch: 1, since: at(0), until: at(5_000) });
    status.vips[0].present = true;
    status.vips[0].voice = Some(Voice::Answering);
    status
}

/// Its term is over.
fn answering() -> Status {
    Status { term: None, ..holding() }
}

#[test]
fn a_loop_that_comes_too_late_for_the_end_of_a_term_is_noticed() {
    let lookout = Lookout::default();
    let late = lookout.woke(&holding(), Some(at(4_950)), at(7_000));
    assert_eq!(late, Some(Violation::Late(Duration::from_secs(2))));
    let text = late.expect("a violation").to_string();
    assert!(text.contains("came back 2.0s after the end of a term"), "{text}");
}

#[test]
fn a_loop_in_time_a_term_that_just_ended_and_an_address_that_is_gone_are_well() {
    let lookout = Lookout::default();
    let deadline = Some(at(4_950));
    assert_eq!(lookout.woke(&holding(), deadline, at(4_951)), None);
    // It has let go already, and waits for the end itself.
    assert_eq!(lookout.woke(&holding(), Some(at(5_000)), at(5_001)), None);
    let mut gone = holding();
    gone.vips[0].present = false;
    assert_eq!(lookout.woke(&gone, deadline, at(7_000)), None);
    assert_eq!(lookout.woke(&idle(), deadline, at(7_000)), None);
    let holds_on = Status { holding_on: Some(at(4_500)), ..holding() };
    assert_eq!(lookout.woke(&holds_on, deadline, at(5_200)), None);
}

#[test]
fn an_address_that_answers_on_after_its_term_is_noticed_once() {
    let mut lookout = Lookout::default();
    assert_eq!(lookout.handled(&holding(), &answering(), at(5_000)), None);
    assert_eq!(lookout.handled(&answering(), &answering(), at(5_900)), None);
    let violation = lookout.handled(&answering(), &answering(), at(6_100));
    assert_eq!(violation, Some(Violation::Answering(VIP, at(5_000))));
    assert_eq!(lookout.handled(&answering(), &answering(), at(7_000)), None);
}

#[test]
fn an_address_that_falls_silent_or_is_found_at_the_start_is_well() {
    let mut lookout = Lookout::default();
    // A predecessor's: the kernel ends it.
    assert_eq!(lookout.handled(&answering(), &answering(), at(1_000)), None);
    assert_eq!(lookout.handled(&answering(), &answering(), at(9_000)), None);
    assert_eq!(lookout.handled(&holding(), &answering(), at(10_000)), None);
    assert_eq!(lookout.handled(&answering(), &idle(), at(10_005)), None);
    assert_eq!(lookout.handled(&idle(), &idle(), at(12_000)), None);
}

#[test]
fn holding_on_and_handing_over_are_no_violations() {
    let mut lookout = Lookout::default();
    let holds_on = Status { holding_on: Some(at(5_000)), ..answering() };
    assert_eq!(lookout.handled(&holding(), &holds_on, at(5_000)), None);
    assert_eq!(lookout.handled(&holds_on, &holds_on, at(65_000)), None);
    assert_eq!(lookout.handled(&holds_on, &answering(), at(66_000)), None);
    let violation = lookout.handled(&answering(), &answering(), at(67_500));
    assert_eq!(violation, Some(Violation::Answering(VIP, at(66_000))));
    let named = Status { handing_over: NodeName::new("cp-2").ok(), ..answering() };
    let unnamed = Status { reason: Reason::HandingOver, ..answering() };
    for giving in [named, unnamed] {
        assert_eq!(lookout.handled(&holding(), &giving, at(70_000)), None);
        assert_eq!(lookout.handled(&giving, &giving, at(72_000)), None);
    }
}

#[test]
fn another_node_that_speaks_for_what_we_hold_is_noticed() {
    let mac = Mac([2, 0, 0, 0, 0, 2]);
    let rival = |node| Notice::Rival { address: VIP, mac, node };
    let other = || NodeName::new("cp-2").expect("a name");
    let violation = Lookout::told(&rival(Some(other())), &holding());
    assert_eq!(violation, Some(Violation::Two(VIP, other())));
    assert_eq!(Lookout::told(&rival(Some(other())), &idle()), None);
    // A stranger is somebody else's mistake, and has a log line of its own.
    assert_eq!(Lookout::told(&rival(None), &holding()), None);
}

#[test]
fn a_violation_that_lasts_is_written_out_now_and_then() {
    let mut lookout = Lookout::default();
    assert!(lookout.may_write(at(0)));
    assert!(!lookout.may_write(at(599_999)));
    assert!(lookout.may_write(at(600_000)));
}
