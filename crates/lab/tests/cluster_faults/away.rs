//! The API, or what is behind it, is slow or away: for all alike, or for the owner alone.

use std::time::Duration;

use kube_vip_lab::stage::Reach;
use kube_vip_lab::stage::act::{
    ANSWERS_LOST, API_FAILS, API_FREEZE, API_HANGS, API_KILL, API_SLOW, APIS_FAIL, APIS_HANG,
    APIS_SLOW, OVERLOAD, STORE_FROZEN, STORE_KILLED, apis_frozen,
};

use crate::case::{Case, hands_over, moves_once, stays, stays_put};

#[test]
fn what_all_suffer_alike_moves_nothing() {
    let mut case = Case::new(|_| {});
    case.act(&apis_frozen(Duration::from_secs(15)), stays);
    case.act(&STORE_FROZEN, stays);
    // The members come back one by one, and with them the API servers: when the owner's is last,
    // the address may go once to a node whose is well, unnoticed.
    case.act(&STORE_KILLED, |performance| match performance.moves() {
        0 => stays(performance),
        _ => hands_over(performance),
    });
    case.act(&OVERLOAD, stays_put);
    case.end();
}

#[test]
fn what_the_owner_alone_suffers_moves_it_once() {
    let mut case = Case::new(|_| {});
    case.act(&API_KILL, moves_once);
    case.act(&API_FREEZE, moves_once);
    case.end();
}

#[test]
fn a_proxy_that_makes_trouble_for_all_moves_nothing() {
    let mut case = Case::new(|spec| spec.reach = Reach::Proxied);
    case.act(&ANSWERS_LOST, stays);
    case.act(&APIS_SLOW, stays);
    case.act(&APIS_FAIL, stays);
    case.act(&APIS_HANG, stays);
    case.end();
}

#[test]
fn a_proxy_that_makes_trouble_for_the_owner_moves_it_once_at_most() {
    let mut case = Case::new(|spec| spec.reach = Reach::Proxied);
    for act in [API_SLOW, API_FAILS, API_HANGS] {
        case.act(&act, |performance| match performance.moves() {
            0 | 1 => Ok(()),
            moves => Err(format!("the address moved {moves} times")),
        });
    }
    case.end();
}
