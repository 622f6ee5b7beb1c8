//! IPv4, IPv6 and both, one address and three, through the table of faults: daemons on the hosts
//! themselves, one cluster for one combination after the other. Needs root, or `unshare -Urn`;
//! `KUBE_VIP_BIN` names the daemon.

use std::net::IpAddr;

use kube_vip_lab::stage::act::{API_FREEZE, CUT, KILL, STOP};
use kube_vip_lab::stage::{ControlPlaneKind, Reach, Starter};

#[path = "cluster_families/addresses.rs"]
mod addresses;
#[expect(dead_code, reason = "the other faults need more of it")]
#[path = "cluster_faults/case.rs"]
mod case;

use addresses::{four, six};
use case::{Case, hands_over, moves_once, no_orphan};

const COMBINATIONS: [&[IpAddr]; 4] = [
    &[six(0x140)],
    &[six(0x140), four(140)],
    &[four(140), six(0x140), six(0x141)],
    &[four(140), four(141), four(142)],
];

#[test]
fn every_guarantee_is_kept_for_both_families_and_several_addresses() {
    let mut case = Case::without_daemons(|spec| {
        spec.control_plane = ControlPlaneKind::Embedded;
        spec.reach = Reach::DualStack;
        // The world has IPv6 from the start.
        spec.addresses = vec![six(0x140)];
    });
    for addresses in COMBINATIONS {
        let kept = case.stage.keep(Starter::Lab, addresses.to_vec());
        kept.expect("nothing is left of the last combination");
        case.stage.start_all().expect("one node answers");
        // First: a move for the sake of health is held back after four others.
        case.act(&API_FREEZE, moves_once);
        case.act(&STOP, hands_over);
        case.act(&KILL, no_orphan);
        case.act(&CUT, moves_once);
    }
    case.end();
}
