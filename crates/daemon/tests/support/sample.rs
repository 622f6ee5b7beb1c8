//! One node of a small cluster, as the reference pages show it.

use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;
use kube_vip::clock::Wall;
use kube_vip_core::address::{LinkName, NodeName, Vip};
use kube_vip_core::moment::Moment;
use kube_vip_core::plan::{Conduct, LeasePlan, Plan, Timings, Vips};

/// The address of the cluster.
pub(crate) fn vip() -> Vip {
    Vip::new(Ipv4Addr::new(192, 168, 20, 140).into(), 24).expect("an address")
}

pub(crate) fn plan() -> Plan {
    let secs = Duration::from_secs;
    Plan {
        node: NodeName::new("cp-1").expect("a name"),
        link: LinkName::new("end0").expect("a name"),
        vips: Vips::new(vec![vip()]).expect("one address"),
        lease: LeasePlan {
            namespace: "kube-system".to_owned(),
            name: "plndr-cp-lock".to_owned(),
            timings: Timings::new(secs(15), secs(10), secs(2)).expect("the defaults"),
        },
        announce_every: secs(3),
        conduct: Conduct::default(),
        boot: "a-boot".to_owned(),
    }
}

/// So long after the start.
pub(crate) fn at(milliseconds: u64) -> Moment {
    Moment::after_start(Duration::from_millis(milliseconds))
}

/// 3723.5 s after the start, a Sunday evening.
pub(crate) fn wall() -> Wall {
    let time: Timestamp = "2026-11-22T21:32:29.25Z".parse().expect("a timestamp");
    Wall::at(at(3_723_500), time)
}
