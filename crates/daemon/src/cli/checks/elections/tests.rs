//! When a second election is one.

use serde_json::json;

use super::*;
use crate::cli::report::Verdict;
use crate::drivers::lease::caller;

fn lease(holder: &str, renewed: &str) -> ElectionLease {
    let object = json!({
        "metadata": { "resourceVersion": "1" },
        "spec": { "holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed },
    });
    ElectionLease { record: caller::record(&object).unwrap(), object }
}

#[test]
fn only_a_live_election_of_another_known_name_counts() {
    let now = "2026-01-01T00:00:10Z".parse().unwrap();
    let (fresh, old) = ("2026-01-01T00:00:05.000000Z", "2025-12-31T23:00:00.000000Z");
    let verdict = |name: &str, holder: &str, renewed: &str| {
        let leases = Ok([(name.to_owned(), lease(holder, renewed))].into());
        row("kube-vip-cp", &leases, now).result
    };
    assert_eq!(verdict("plndr-cp-lock", "cp-1", fresh), Verdict::Failed);
    assert_eq!(verdict("plndr-cp-lock", "cp-1", old), Verdict::Ok);
    assert_eq!(verdict("plndr-cp-lock", "", fresh), Verdict::Ok);
    assert_eq!(verdict("kube-vip-cp", "cp-1", fresh), Verdict::Ok);
    assert_eq!(verdict("kube-scheduler", "cp-1", fresh), Verdict::Ok);
}
