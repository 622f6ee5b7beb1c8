//! The addresses of each combination, and what is done to whoever holds them. One cluster keeps one
//! combination after the other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kube_vip_lab::stage::act::{API_FREEZE, CUT, KILL, STOP};
use kube_vip_lab::stage::{ControlPlaneKind, Reach};

use crate::case::{Case, hands_over, moves_once, no_orphan};

const fn four(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 168, 20, last))
}

const fn six(last: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0xfd00, 20, 0, 0, 0, 0, 0, last))
}

/// The client uses the first address of each; the oracle judges all.
const COMBINATIONS: [&[IpAddr]; 4] = [
    &[six(0x140)],
    &[six(0x140), four(140)],
    &[four(140), six(0x140), six(0x141)],
    &[four(140), four(141), four(142)],
];

/// All combinations through the table of faults.
pub(crate) fn every_guarantee_is_kept(control_plane: ControlPlaneKind) {
    let mut case = Case::without_daemons(|spec| {
        spec.control_plane = control_plane;
        spec.reach = Reach::DualStack;
        // The world has IPv6 from the start.
        spec.addresses = vec![six(0x140)];
    });
    for addresses in COMBINATIONS {
        case.stage.keep(addresses.to_vec()).expect("nothing is left of the last combination");
        case.stage.start_all().expect("one node answers");
        // First: a move for the sake of health is held back after four others.
        case.act(&API_FREEZE, moves_once);
        case.act(&STOP, hands_over);
        case.act(&KILL, no_orphan);
        case.act(&CUT, moves_once);
    }
    case.end();
}
