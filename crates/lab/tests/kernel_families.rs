//! IPv4, IPv6 and both, one address and three, through the table of faults. Needs root, or
//! `unshare -Urn`; `KUBE_VIP_BIN` names the daemon.

use kube_vip_lab::stage::ControlPlaneKind;

#[expect(dead_code, reason = "the other faults need more of it")]
#[path = "cluster_faults/case.rs"]
mod case;
#[path = "cluster_families/table.rs"]
mod table;

#[test]
fn every_guarantee_is_kept_for_both_families_and_several_addresses() {
    table::every_guarantee_is_kept(ControlPlaneKind::Embedded);
}
