//! Figures from single values.

use std::time::Duration;

use super::{ClientReport, Outage, Probes};

#[test]
fn outages_add_up() {
    let outage = |at, length| Outage {
        at: Duration::from_millis(at),
        length: Duration::from_millis(length),
    };
    let probes = Probes { outages: vec![outage(5, 10), outage(100, 32)], ..Probes::default() };
    assert_eq!(probes.total(), Duration::from_millis(42));
}

#[test]
fn a_run_is_disturbed_if_its_control_is() {
    let mut report = ClientReport::default();
    report.service.connects.failed = 7;
    assert!(!report.disturbed());
    report.control.connects.slow = 1;
    assert!(report.disturbed());
}
