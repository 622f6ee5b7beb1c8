//! A scrape, line by line: docs/reference/metrics.md shows it.

#[path = "support/golden.rs"]
mod golden;
#[path = "support/published.rs"]
mod published;
#[path = "support/sample.rs"]
mod sample;

use std::collections::BTreeSet;
use std::time::Duration;

use kube_vip::metrics::{Metrics, Process};
use kube_vip_core::address::{Mac, NodeName, Vip};
use kube_vip_core::event::Held;
use kube_vip_core::status::{MoveReason, Notice, Reason, Term};

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
    Metrics::new(&plan(), RELEASE)
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
    let metrics = metrics();
    metrics.observe(&Notice::TermBegan(term()));
    metrics.observe(&Notice::TermEnded { reason: Reason::TermOver });
    metrics.observe(&Notice::TermBegan(term()));
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
            let counter = name.ends_with("_total");
            let want = if counter { "counter" } else { "gauge" };
            assert_eq!(kind, format!("# TYPE {name} {want}"));
            current = name;
        } else {
            assert!(line.starts_with(current), "{line} after {current}");
        }
    }
    assert!(names.contains("kube_vip_is_leader"));
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
    metrics.observe(&Notice::TermBegan(term()));
    metrics.observe(&Notice::AddressLost(vip()));
    metrics.observe(&Notice::Leftover(held));
    metrics.observe(&Notice::LinkChanged { up: false });
    metrics.observe(&Notice::TermEnded { reason: Reason::LinkDown });
    for _ in 0..2 {
        metrics.observe(&Notice::KernelRefused { address, cause: cause() });
        metrics.observe(&Notice::RenewalFailing { until: at(9), cause: cause() });
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
    metrics.observe(&Notice::FitnessChanged { fit: false, cause: cause() });
    metrics.observe(&Notice::FitnessChanged { fit: true, cause: cause() });
    metrics.observe(&Notice::Offered { to: to.clone(), why: MoveReason::Drain });
    metrics.observe(&Notice::NotHandedOver { cause: cause() });
    metrics.observe(&Notice::Offered { to: to.clone(), why: MoveReason::Drain });
    metrics.observe(&Notice::HandedOver { to: Some(to) });
    metrics.observe(&Notice::HoldingOn { cause: cause() });
    metrics.observe(&Notice::Rival { address, mac, node: None });
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
