//! Probes of a listener on loopback, and which side of the act a gap falls on.

use std::net::TcpListener;
use std::time::Duration;

use kube_vip_measure::clock::Stamp;
use kube_vip_measure::gaps::Gap;

use super::{Probes, Target};

const PERIOD: Duration = Duration::from_millis(1);

#[test]
fn connections_are_counted_on_both_sides_of_the_act() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let probes = Probes::start(&[listener.local_addr().unwrap()], PERIOD).unwrap();
    let wait = |count| {
        while probes.made() < count {
            drop(listener.accept().unwrap());
        }
    };
    wait(20);
    probes.act();
    wait(60);
    drop(listener);
    let mut probed = probes.stop().unwrap();
    let seen = probed.seen.remove(0);
    assert!(seen.before.made > 0 && seen.after.made > 0, "{seen:?}");
    assert_eq!(seen.before.tried, seen.before.made + seen.before.unfinished);
}

#[test]
fn nobody_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap();
    drop(listener);
    let probes = Probes::start(&[target], PERIOD).unwrap();
    std::thread::sleep(20 * PERIOD);
    let seen = probes.stop().unwrap().seen.remove(0);
    assert_eq!(seen.before.made, 0);
    assert_eq!(seen.before.refused, seen.before.tried);
}

#[test]
fn a_gap_that_the_act_fell_into_counts_as_one_after_it() {
    let at = |ms| Stamp::default() + Duration::from_millis(ms);
    let gap = |from, length| Gap { from: at(from), length: Duration::from_millis(length) };
    let mut target = Target::default();
    target.note(gap(10, 2), None);
    target.note(gap(20, 12), Some(at(100)));
    target.note(gap(95, 30), Some(at(100)));
    target.note(gap(200, 5), Some(at(100)));
    assert_eq!(target.longest, [12, 30].map(Duration::from_millis));
    assert_eq!(target.found, [gap(20, 12), gap(95, 30)]);
}
