//! Somebody else touches what is ours.

use kube_vip_lab::stage::act::{
    ADDRESS_DELETED, LEASE_ANNOTATED, LEASE_DELETED, LEASE_RESTORED, STRANGER, TABLES_DELETED,
};

use crate::case::{Case, stays, stays_put};

#[test]
fn what_somebody_does_to_the_lease_or_a_host_moves_nothing() {
    let mut case = Case::new(|_| {});
    case.act(&LEASE_ANNOTATED, stays);
    case.act(&LEASE_DELETED, stays);
    case.act(&LEASE_RESTORED, stays);
    case.act(&TABLES_DELETED, stays);
    case.act(&ADDRESS_DELETED, stays_put);
    case.act(&STRANGER, stays_put);
    let mac = case.stage.world().stranger().mac().to_string();
    let log = |node| std::fs::read_to_string(case.stage.log(node)).unwrap_or_default();
    if !(0..3).any(|node| log(node).to_lowercase().contains(&mac)) {
        case.fails(format!("no log names the stranger, {mac}"));
    }
    case.end();
}
