//! The role by itself on empty hosts: check mode, first and second run, what runs once k3s starts,
//! and that another name of the Lease is refused.

use kube_vip_lab::stage::VIP;

use crate::site::{NODES, Site, exclusively};

const MANIFESTS: &str = "/var/lib/rancher/k3s/agent/pod-manifests";
const ROLE: &str = "k3s-playbook.yml --tags kube-vip";

#[test]
fn the_role_on_empty_hosts() {
    let _alone = exclusively();
    let mut site = Site::begin("role");
    site.give_playbooks();
    empty_hosts(&mut site);
    site.start_k3s();
    site.start_front();
    runs(&mut site, "kube-vip-cp");
    assert_eq!(site.play(ROLE).changed, 0, "nothing changes while it runs");

    site.say("── another name of the Lease is refused");
    let why = site.refuses(&format!("{ROLE} -e kube_vip_lease_name=another"));
    assert!(why.contains("would be two elections for one address"), "{why}");
    site.end(Vec::new());
}

/// On hosts without k3s the role writes the image and the manifest, which kubelet finds later.
fn empty_hosts(site: &mut Site) {
    site.say("── empty hosts");
    site.play(&format!("{ROLE} --check"));
    for node in 1..=NODES {
        site.refused(&format!("ssh node-{node} ls /var/lib/rancher"));
    }
    let both = "k3s-playbook.yml --tags kube-vip,k3s-server";
    assert!(site.play(both).changed > 0, "the first run changes something");
    assert_eq!(site.play(both).changed, 0, "the second run changes nothing");
    for node in 1..=NODES {
        let files = site.must(&format!("ssh node-{node} ls -A {MANIFESTS}"));
        assert_eq!(files.trim(), "kube-vip.yaml", "and no other file that kubelet would read");
    }
}

/// All pods run, one holds, and there is one election, by this Lease.
fn runs(site: &mut Site, lease: &str) {
    site.comes(
        "a pod on each node is ready",
        "test \"$(kubectl get pods -n kube-system | grep kube-vip | grep -c 1/1)\" = 3",
    );
    site.comes(
        "the address answers",
        "kubectl --server=https://192.168.20.140:6443 get --raw=/healthz",
    );
    let leases = site.must("kubectl get leases -n kube-system -o name");
    let elections = ["kube-vip-cp", "plndr-cp-lock", "another"];
    let found = elections.into_iter().filter(|name| leases.contains(&format!("/{name}\n")));
    assert_eq!(found.collect::<Vec<_>>(), [lease], "{leases}");
    let owners = owners(site);
    assert_eq!(owners.len(), 1, "one node has the address: {owners:?}");
}

fn owners(site: &Site) -> Vec<usize> {
    let world = site.operations.cluster().world();
    let has = |node: &usize| {
        let addresses = world.node(*node).rtnl().addresses();
        addresses.expect("the kernel's addresses").contains(&VIP.into())
    };
    (0..NODES).filter(has).collect()
}
