//! Another API server than the node's own, of a real control plane. Needs root and
//! `cargo xtask assets`; `KUBE_VIP_BIN` names the daemon.

use kube_vip_lab::stage::ControlPlaneKind;

#[path = "cluster_elsewhere/away.rs"]
mod away;

#[test]
fn another_api_server_is_used_while_the_own_one_is_away() {
    away::another_one_is_used(ControlPlaneKind::Real);
}
