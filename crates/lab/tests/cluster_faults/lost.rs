//! The owner is lost, and comes back.

use kube_vip_lab::stage::act::{CUT, DEAF, FREEZE, KILL, MUTE, REBOOT, RESTART, STOP, UNPLUG};

use crate::case::{Case, moves_once, no_orphan, whatever};

#[test]
fn another_node_takes_over_and_nobody_is_an_orphan() {
    let mut case = Case::new(|_| {});
    case.act(&STOP, moves_once);
    case.act(&KILL, no_orphan);
    case.act(&FREEZE, no_orphan);
    case.act(&CUT, moves_once);
    case.act(&UNPLUG, moves_once);
    case.act(&DEAF, moves_once);
    case.act(&MUTE, moves_once);
    case.end();
}

#[test]
fn all_come_back_at_once() {
    let mut case = Case::new(|_| {});
    case.act(&RESTART, whatever);
    case.act(&REBOOT, whatever);
    case.end();
}
