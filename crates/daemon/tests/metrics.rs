//! A scrape, line by line: docs/reference/metrics.md shows it.

#[path = "support/golden.rs"]
mod golden;
#[path = "support/published.rs"]
mod published;
#[path = "support/sample.rs"]
mod sample;

use std::collections::BTreeSet;
use std::time::Duration;

use kube_vip::metrics::requests::{Outcome, Requests, Verb};
use kube_vip::metrics::{Metrics, Process};
use kube_vip_core::address::{Mac, NodeName, Vip};
use kube_vip_core::event::Held;
use kube_vip_core::status::{HoldingOnEnd, MoveReason, Notice, Reason, Term};

use published::{RELEASE, holding, holding_on, standing_by};
use sample::{at, plan, vip, wall};

fn process() -> Process {
    Process {
        cpu: Duration::from_millis(2_250),
        resident: 9_441_280,
        virtual_memory: 14_176_256,
        open_files: 17,
        max_files: 1_048_576,
        started: 1_795_379_425,
    }
}

fn metrics() -> Metrics {
    Metrics::new(&plan(), RELEASE, &Requests::default())
}

fn observe(metrics: &Metrics, notice: &Notice) {
    metrics.observe(notice, &standing_by().status, wall().now());
}

fn scrape(metrics: &Metrics) -> String {
    metrics.scrape(&holding(), wall().now(), Some(&process())).expect("a scrape")
}

/// The value of a series.
fn value(text: &str, series: &str) -> Option<f64> {
    let found = text.lines().find_map(|line| line.strip_prefix(series));
    found.and_then(|rest| rest.trim().parse().ok())
}

fn term() -> Term {
    Term { epoch: 1, since: at(0), until: at(15_000) }
}

#[test]
fn a_scrape_is_as_documented() {
    let requests = Requests::default();
    let metrics = Metrics::new(&plan(), RELEASE, &requests);
    requests.took(Verb::Update, Outcome::Ok, 0.004);
    requests.took(Verb::Update, Outcome::Ok, 0.031);
    let before = holding().status;
    observe(&metrics, &Notice::TermBegan(term()));
    metrics.observe(&Notice::TermEnded { reason: Reason::TermOver }, &before, at(3_701_000));
    observe(&metrics, &Notice::TermBegan(term()));
    metrics.observe(&Notice::AddressAdded(vip()), &before, at(3_702_750));
    for _ in 0..45 {
        metrics.announced(vip().address());
    }
    golden::check("metrics.md", "scrape", &scrape(&metrics));
}

#[test]
fn every_family_has_one_help_and_one_type_before_its_series() {
    let text = scrape(&metrics());
    let mut names = BTreeSet::new();
    let mut current = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("a help text");
            assert!(!words.is_empty(), "{line}");
            assert!(names.insert(name), "{name} twice");
            let kind = lines.next().expect("a type follows");
            let want = match name {
                _ if name.ends_with("_total") => "counter",
                _ if name.ends_with("_request_duration_seconds") => "histogram",
                _ => "gauge",
            };
            assert_eq!(kind, format!("# TYPE {name} {want}"));
            current = name;
        } else {
            assert!(line.starts_with(current), "{line} after {current}");
        }
    }
    assert!(names.contains("kube_vip_is_leader"));
}

/// Those that an original has for a control plane; the others are of Services and BGP.
#[test]
fn the_originals_metrics_are_there_with_their_labels() {
    let text = scrape(&metrics());
    for (name, labels) in [
        ("kube_vip_build_info", &["version", "build", "node"][..]),
        ("kube_vip_is_leader", &["node", "lease_name"]),
        ("kube_vip_leader_election_transitions_total", &["lease_name"]),
    ] {
        let start = format!("{name}{{");
        let series: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(&start)).collect();
        let [series] = series[..] else { panic!("one series of {name}: {series:?}") };
        for label in labels {
            assert!(series.contains(&format!("{label}=\"")), "{name}: {series}");
        }
        assert_eq!(series.matches("=\"").count(), labels.len(), "{name}: {series}");
    }
}

#[test]
fn notices_are_counted() {
    let metrics = metrics();
    let held = Held {
        vip: Vip::new(vip().address(), 32).expect("an address"),
        link: plan().link,
        lifetime: None,
        voice: None,
    };
    let cause = || "no".to_owned();
    let address = vip().address();
    observe(&metrics, &Notice::TermBegan(term()));
    observe(&metrics, &Notice::AddressLost(vip()));
    observe(&metrics, &Notice::Leftover(held));
    observe(&metrics, &Notice::LinkChanged { up: false });
    observe(&metrics, &Notice::TermEnded { reason: Reason::LinkDown });
    for _ in 0..2 {
        observe(&metrics, &Notice::KernelRefused { address, cause: cause() });
        observe(&metrics, &Notice::RenewalFailing { until: at(9), cause: cause() });
    }
    let text = scrape(&metrics);
    let counted = |series: &str| value(&text, series);
    let lease = "{lease_name=\"plndr-cp-lock\"}";
    let of = "{address=\"192.168.20.140\"}";
    let one = Some(1.0);
    assert_eq!(counted(&format!("kube_vip_leader_election_transitions_total{lease}")), one);
    assert_eq!(counted(&format!("kube_vip_address_lost_total{of}")), one);
    assert_eq!(counted(&format!("kube_vip_address_leftovers_total{of}")), one);
    assert_eq!(counted("kube_vip_interface_changes_total{interface=\"end0\",state=\"down\"}"), one);
    let ended = |reason| {
        counted(&format!(
            "kube_vip_terms_ended_total{{lease_name=\"plndr-cp-lock\",reason=\"{reason}\"}}"
        ))
    };
    assert_eq!((ended("LinkDown"), ended("TermOver")), (one, Some(0.0)));
    assert_eq!(counted(&format!("kube_vip_kernel_refusals_total{of}")), Some(2.0));
    assert_eq!(counted(&format!("kube_vip_renewals_overdue_total{lease}")), Some(2.0));
}

#[test]
fn moves_and_their_reasons_are_counted() {
    let metrics = metrics();
    let to = NodeName::new("cp-2").expect("a name");
    let (address, mac) = (vip().address(), Mac([2, 0, 0, 0, 0, 9]));
    let cause = || "no".to_owned();
    observe(&metrics, &Notice::FitnessChanged { fit: false, cause: cause() });
    observe(&metrics, &Notice::FitnessChanged { fit: true, cause: cause() });
    observe(&metrics, &Notice::Offered { to: to.clone(), why: MoveReason::Drain });
    observe(&metrics, &Notice::NotHandedOver { cause: cause() });
    observe(&metrics, &Notice::Offered { to: to.clone(), why: MoveReason::Drain });
    observe(&metrics, &Notice::HandedOver { to: Some(to) });
    observe(&metrics, &Notice::HoldingOn { cause: cause() });
    observe(&metrics, &Notice::Rival { address, mac, node: None });
    let text = scrape(&metrics);
    let of_lease = |name: &str, label: &str| {
        value(&text, &format!("{name}{{lease_name=\"plndr-cp-lock\"{label}}}"))
    };
    let offers = "kube_vip_handover_offers_total";
    assert_eq!(of_lease(offers, ",reason=\"Drain\""), Some(2.0));
    assert_eq!(of_lease(offers, ",reason=\"Unfit\""), Some(0.0));
    assert_eq!(of_lease("kube_vip_handovers_total", ",result=\"done\""), Some(1.0));
    assert_eq!(of_lease("kube_vip_handovers_total", ",result=\"failed\""), Some(1.0));
    assert_eq!(of_lease("kube_vip_holding_on_total", ""), Some(1.0));
    assert_eq!(of_lease("kube_vip_unfit_total", ""), Some(1.0));
    let rivals = "kube_vip_rivals_total{address=\"192.168.20.140\"}";
    assert_eq!(value(&text, rivals), Some(1.0));
}

#[test]
fn a_node_that_holds_on_says_so_and_whom_it_hears() {
    let scraped = metrics().scrape(&holding_on(), wall().now(), None);
    let text = scraped.expect("a scrape");
    let counted = |series: &str| value(&text, series);
    let leader = "kube_vip_is_leader{lease_name=\"plndr-cp-lock\",node=\"cp-1\"}";
    assert_eq!(counted(leader), Some(1.0));
    assert_eq!(counted("kube_vip_holding_on_seconds"), Some(19.35));
    let answering = "kube_vip_address_answering{address=\"192.168.20.140\",interface=\"end0\"}";
    assert_eq!(counted(answering), Some(1.0));
    let rival = "kube_vip_rival{address=\"192.168.20.140\",mac=\"02:42:ac:11:00:09\",node=\"\"}";
    assert_eq!(counted(rival), Some(1.0));
    assert_eq!(counted("kube_vip_fit"), Some(0.0));
    assert_eq!(counted("kube_vip_candidates{state=\"fit\"}"), Some(1.0));
    assert_eq!(counted("kube_vip_candidates{state=\"cordoned\"}"), Some(1.0));
    assert_eq!(counted("kube_vip_candidates{state=\"unfit\"}"), Some(0.0));
}

#[test]
fn a_twin_and_a_fence_that_is_missing_show() {
    let mut published = standing_by();
    published.status.reason = Reason::Twin;
    let scraped = metrics().scrape(&published, wall().now(), None);
    let text = scraped.expect("a scrape");
    assert_eq!(value(&text, "kube_vip_twin"), Some(1.0));
    assert_eq!(value(&text, "kube_vip_fence_ready"), Some(0.0));
}

#[test]
fn a_node_that_stands_by_says_so() {
    let scraped = metrics().scrape(&standing_by(), wall().now(), None);
    let text = scraped.expect("a scrape");
    let counted = |series: &str| value(&text, series);
    let leader = "kube_vip_is_leader{lease_name=\"plndr-cp-lock\",node=\"cp-1\"}";
    assert_eq!(counted(leader), Some(0.0));
    let left = "kube_vip_term_seconds_left{lease_name=\"plndr-cp-lock\"}";
    assert_eq!(counted(left), Some(0.0));
    let present = "kube_vip_address_present{address=\"192.168.20.140\",interface=\"end0\"}";
    assert_eq!(counted(present), Some(0.0));
    assert_eq!(counted("kube_vip_api_failing_seconds"), Some(31.5));
    assert_eq!(counted("kube_vip_api_last_answer_age_seconds"), Some(33.5));
    assert!(!text.contains("process_"), "{text}");
}

#[test]
fn a_term_that_is_over_makes_no_leader_whatever_the_loop_left_behind() {
    let scraped = metrics().scrape(&holding(), at(3_740_000), None);
    let text = scraped.expect("a scrape");
    let leader = "kube_vip_is_leader{lease_name=\"plndr-cp-lock\",node=\"cp-1\"}";
    assert_eq!(value(&text, leader), Some(0.0));
    assert_eq!(value(&text, "kube_vip_loop_age_seconds"), Some(17.59));
}

#[test]
fn an_answer_that_never_came_has_no_age() {
    let mut published = holding();
    published.status.api.answered = None;
    let scraped = metrics().scrape(&published, wall().now(), None);
    assert!(!scraped.expect("a scrape").contains("last_answer_age"));
}

const OUTAGE: &str = "kube_vip_outage_seconds_total{lease_name=\"plndr-cp-lock\"}";

/// What is counted after these notices, each at its millisecond, in a node that saw the Lease
/// change last at 3689.15 s.
fn outage(notices: &[(u64, Notice)]) -> f64 {
    let metrics = metrics();
    for (time, notice) in notices {
        metrics.observe(notice, &standing_by().status, at(*time));
    }
    value(&scrape(&metrics), OUTAGE).expect("it is there from the start")
}

fn holder(from: Option<&str>, to: Option<&str>) -> Notice {
    let own = |name: &str| name.to_owned();
    Notice::HolderChanged { from: from.map(own), to: to.map(own) }
}

#[test]
fn a_successor_counts_from_the_last_sign_of_the_holder() {
    let added = (3_705_150, Notice::AddressAdded(vip()));
    let claimed = (3_704_900, holder(Some("cp-2"), Some("cp-1")));
    let silent = outage(&[claimed.clone(), added.clone()]);
    assert_eq!(silent, 16.0);
    let again = (3_709_000, Notice::AddressAdded(vip()));
    assert_eq!(outage(&[claimed, added.clone(), again]), silent, "no second time");

    let released = (3_705_000, holder(Some("cp-2"), None));
    let claimed = (3_705_100, holder(None, Some("cp-1")));
    assert_eq!(outage(&[released, claimed, added]), 0.15);
}

#[test]
fn what_was_before_the_first_look_is_not_known() {
    let first = [
        (10, holder(None, None)),
        (200, holder(None, Some("cp-1"))),
        (210, Notice::AddressAdded(vip())),
    ];
    assert_eq!(outage(&first), 0.0);
    assert_eq!(outage(&first[1..]), 0.0);
}

#[test]
fn who_fell_silent_counts_if_nobody_else_took_over() {
    let ended = |reason| (1_000, Notice::TermEnded { reason });
    let added = (4_500, Notice::AddressAdded(vip()));
    assert_eq!(outage(&[ended(Reason::LinkDown), added.clone()]), 3.5);
    // An address that stays is no outage, until it goes.
    let held_on = |end| (2_000, Notice::HeldOn { since: at(1_000), end });
    let renewed = [ended(Reason::HoldingOn), held_on(HoldingOnEnd::Renewed), added.clone()];
    assert_eq!(outage(&renewed), 0.0);
    let gone = [ended(Reason::HoldingOn), held_on(HoldingOnEnd::SegmentDead), added.clone()];
    assert_eq!(outage(&gone), 2.5);

    let other = (3_695_000, holder(Some("cp-1"), Some("cp-2")));
    let back = (3_705_000, holder(Some("cp-2"), Some("cp-1")));
    let added = (3_705_150, Notice::AddressAdded(vip()));
    for end in [ended(Reason::OtherHolds), held_on(HoldingOnEnd::Successor)] {
        let taken = [ended(Reason::TermOver), other.clone(), end, back.clone(), added.clone()];
        assert_eq!(outage(&taken), 16.0, "the other one answered in between");
    }
}
