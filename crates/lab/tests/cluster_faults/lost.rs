//! The owner is lost, and comes back.

use kube_vip_lab::stage::act::{FREEZE, KILL, REBOOT, RESTART, STOP};

use crate::case::{Case, hands_over, no_orphan, whatever};

#[test]
fn another_node_takes_over_nobody_is_an_orphan_and_all_come_back_at_once() {
    let mut case = Case::new(|_| {});
    case.act(&STOP, hands_over);
    case.act(&KILL, no_orphan);
    case.act(&FREEZE, no_orphan);
    case.act(&RESTART, whatever);
    case.act(&REBOOT, whatever);
    case.end();
}
