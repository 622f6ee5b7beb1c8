//! Which Pods a drain evicts.

use super::Fate;
use crate::cli::cluster::Pod;

#[test]
fn a_drain_does_as_kubectl_does() {
    let pod = |owner: &str, phase: &str, mirror| Pod {
        owner: owner.to_owned(),
        phase: phase.to_owned(),
        mirror,
        ..Pod::default()
    };
    for (pod, fate) in [
        (pod("Node", "Running", true), Fate::Stays),
        (pod("DaemonSet", "Running", false), Fate::Stays),
        (pod("DaemonSet", "Failed", false), Fate::Evicted),
        (pod("ReplicaSet", "Running", false), Fate::Evicted),
        (pod("Job", "Pending", false), Fate::Evicted),
        (pod("", "Succeeded", false), Fate::Evicted),
        (pod("", "Running", false), Fate::Refused),
    ] {
        assert_eq!(Fate::of(&pod), fate, "{pod:?}");
    }
}
