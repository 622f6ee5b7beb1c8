//! Somebody else touches what is ours.

use jiff::{SignedDuration, Timestamp};
use kube_vip_lab::cluster::assets::Assets;
use kube_vip_lab::stage::Stage;
use kube_vip_lab::stage::act::{
    ADDRESS_DELETED, KILL, LEASE_ANNOTATED, LEASE_DELETED, LEASE_RESTORED, STRANGER,
    TABLES_DELETED, WALL_CLOCK_AHEAD, WALL_CLOCK_RIGHT,
};

use crate::case::{Case, moves_once, stays, stays_put};

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

#[test]
fn a_wall_clock_that_is_set_moves_nothing() {
    let library = Assets::find().program("libfaketime.so.1").expect("cargo xtask assets");
    let mut case = Case::new(|spec| spec.wall_clocks = Some(library));
    case.act(&WALL_CLOCK_AHEAD, stays);
    let ahead = renewed_ahead(&case.stage);
    if ahead < SignedDuration::from_mins(59) {
        case.fails(format!("the owner's clock was not set: it renewed {ahead} ahead"));
    }
    case.act(&WALL_CLOCK_RIGHT, stays);
    let ahead = renewed_ahead(&case.stage);
    if ahead.abs() > SignedDuration::from_mins(1) {
        case.fails(format!("the owner's clock was not set right: it renewed {ahead} ahead"));
    }
    // The next owner counts from what it has seen itself, whatever time the last one wrote.
    case.act(&WALL_CLOCK_AHEAD, stays);
    case.act(&KILL, moves_once);
    case.end();
}

/// How far ahead of the true time the last renewal was by the owner's clock.
fn renewed_ahead(stage: &Stage) -> SignedDuration {
    let lease = stage.lease(0).expect("the Lease");
    let renewed = lease["spec"]["renewTime"].as_str().expect("it is held");
    let renewed: Timestamp = renewed.parse().expect("a time");
    renewed.duration_since(Timestamp::now())
}
