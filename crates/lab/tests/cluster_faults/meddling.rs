//! Somebody else touches what is ours.

use kube_vip_lab::stage::act::{
    ADDRESS_DELETED, FLUSHED, LEASE_ANNOTATED, LEASE_DELETED, LEASE_RESTORED, STRANGER,
    TABLES_DELETED,
};

use crate::case::{Case, stays, stays_put};

#[test]
fn what_somebody_does_to_the_lease_moves_nothing() {
    let mut case = Case::new(|_| {});
    case.act(&LEASE_ANNOTATED, stays);
    case.act(&LEASE_DELETED, stays);
    case.act(&LEASE_RESTORED, stays);
    case.end();
}

#[test]
fn what_somebody_does_to_the_host_moves_nothing() {
    let mut case = Case::new(|_| {});
    case.act(&TABLES_DELETED, stays);
    case.act(&FLUSHED, stays);
    case.act(&ADDRESS_DELETED, stays_put);
    case.act(&STRANGER, stays_put);
    case.end();
}
