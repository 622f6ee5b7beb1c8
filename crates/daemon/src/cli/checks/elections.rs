//! Other elections that may be about the same address: one under another name is a second holder.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::list;
use crate::cli::cluster::{ClusterError, ElectionLease};
use crate::cli::report::Row;

#[cfg(test)]
mod tests;

/// What people and programs call the Lease of a control plane's address: kube-vip's default, and
/// the name that some documents have.
pub(in crate::cli) const NAMES: [&str; 2] = ["plndr-cp-lock", "kube-vip-cp"];

const CHECK: &str = "one-election";

/// The row about elections of other names than ours in its namespace; `now` by the API server's
/// clock.
pub(in crate::cli) fn row(
    ours: &str,
    leases: &Result<BTreeMap<String, ElectionLease>, ClusterError>,
    now: Timestamp,
) -> Row {
    let leases = match leases {
        Ok(leases) => leases,
        Err(error) => {
            let remedy = "kubectl get lease -n NAMESPACE shows whether there is a second one";
            return Row::unknown(CHECK, error.to_string(), remedy);
        }
    };
    let other = |(name, _): &(&String, &ElectionLease)| {
        name.as_str() != ours && NAMES.contains(&name.as_str())
    };
    let live: Vec<_> = leases
        .iter()
        .filter(other)
        .filter(|(_, lease)| is_live(lease, now))
        .map(|(name, lease)| format!("{name}, held by {}", lease.record.holder))
        .collect();
    if live.is_empty() {
        return Row::ok(CHECK, format!("no other kube-vip elects here than by {ours}"));
    }
    Row::failed(
        CHECK,
        format!("there is an election beside {ours}: {}", list(live)),
        "two names are two holders of one address: set vip_leasename to the name in use, or stop \
         kube-vip on all nodes before the name is changed",
    )
}

/// Somebody renews it.
pub(in crate::cli) fn is_live(lease: &ElectionLease, now: Timestamp) -> bool {
    let old = lease.renewed().map(|renewed| now.duration_since(renewed));
    !lease.record.holder.is_empty()
        && old.is_some_and(|old| old.unsigned_abs() <= lease.record.duration * 2)
}
