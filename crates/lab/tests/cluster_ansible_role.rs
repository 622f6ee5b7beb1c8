//! What the Ansible role `kube-vip` writes and refuses, without nodes: its hosts are directories of
//! this machine, and their API server is a script that prints Leases.
//!
//! Needs root and the programs of `cargo xtask assets`: run `cargo xtask test cluster`.

#[path = "cluster_ansible_role/desk.rs"]
mod desk;

use desk::{Desk, sorted};
use serde_json::{Value, json};

/// An alternative to every default that a manifest shows.
fn alternative() -> Value {
    json!({
        "kube_vip_distribution": "kubeadm",
        "kube_vip_image": "registry.example/kube-vip:v9",
        "kube_vip_address": ADDRESS,
        "kube_vip_interface": "eth1",
        "kube_vip_port": 7443,
        "kube_vip_subnet": "24",
        "kube_vip_lease_name": "another",
        "kube_vip_namespace": "elsewhere",
        "kube_vip_lease_duration": 15,
        "kube_vip_renew_deadline": 10,
        "kube_vip_retry_period": 2,
        "kube_vip_metrics": "127.0.0.1:2113",
        "kube_vip_log_level": -4,
        "kube_vip_priority_class": "system-cluster-critical",
        "kube_vip_cpu_request": "",
        "kube_vip_memory_request": "48Mi",
        "kube_vip_settings": {
            "vip_fail_back": true,
            "vip_priority": 5,
            "health_check_port": 8080,
            "control_plane_health_check_ca_path": "/etc/kubernetes/pki/ca.crt",
            "black_box_file": "/var/lib/kube-vip/box.txt",
        },
    })
}

#[test]
fn a_first_run_writes_a_second_changes_nothing_and_check_mode_only_tells() {
    let desk = Desk::new();
    let told = desk.runs(&json!({}), &["--check", "--diff"]);
    assert!(told.contains("kube-vip-cp"), "{told}");
    assert_eq!(desk.manifests(), 0, "check mode wrote");
    desk.runs(&json!({}), &[]);
    assert_eq!(desk.manifests(), Desk::HOSTS.len());
    let again = desk.runs(&json!({}), &[]);
    assert_eq!(again.matches("changed=0").count(), Desk::HOSTS.len(), "{again}");
}

/// Nobody is asked for the address where another host has a manifest already.
const ADDRESS: &str = "192.168.20.140";

#[test]
fn the_manifest_is_what_kube_vip_prints_for_the_same_settings() {
    let desk = Desk::new();
    desk.place_named("b", "kube-vip-cp", "kube-system");
    let image = "registry.example/kube-vip:v9";
    desk.runs(&json!({ "kube_vip_image": image, "kube_vip_address": ADDRESS }), &["--limit=a"]);
    let printed = desk.prints(&format!(
        "--image={image} --distribution=k3s --arp --controlplane --leaderElection \
         --interface=end0 --address={ADDRESS} --vipSubnet=32 --leaseName=kube-vip-cp \
         --leaseDuration=5 --leaseRenewDuration=3 --leaseRetry=1"
    ));
    assert_eq!(sorted(desk.manifest("a")), sorted(printed));

    let desk = Desk::new();
    desk.place_named("b", "another", "elsewhere");
    desk.runs(&alternative(), &["--limit=a"]);
    let printed = desk.prints(&format!(
        "--image={image} --arp --controlplane --leaderElection --interface=eth1 \
         --address={ADDRESS} --vipSubnet=24 --port=7443 --leaseName=another \
         --namespace=elsewhere --leaseDuration=15 --leaseRenewDuration=10 --leaseRetry=2 \
         --prometheusHTTPServer=127.0.0.1:2113 --log=-4 --priorityClass=system-cluster-critical \
         --cpuRequest= --memoryRequest=48Mi --failBack --priority=5 --healthCheckPort=8080 \
         --controlPlaneHealthCheckCAPath=/etc/kubernetes/pki/ca.crt \
         --blackBoxFile=/var/lib/kube-vip/box.txt"
    ));
    assert_eq!(sorted(desk.manifest("a")), sorted(printed));
}

#[test]
fn the_manifest_for_rke2_reads_its_kubeconfig() {
    let desk = Desk::new();
    desk.place_named("b", "kube-vip-cp", "kube-system");
    let image = "registry.example/kube-vip:v9";
    let variables = json!({
        "kube_vip_distribution": "rke2",
        "kube_vip_image": image,
        "kube_vip_address": ADDRESS,
    });
    desk.runs(&variables, &["--limit=a"]);
    let printed = desk.prints(&format!(
        "--image={image} --distribution=rke2 --arp --controlplane --leaderElection \
         --interface=end0 --address={ADDRESS} --vipSubnet=32 --leaseName=kube-vip-cp \
         --leaseDuration=5 --leaseRenewDuration=3 --leaseRetry=1"
    ));
    let volume = printed.pointer("/spec/volumes/0/hostPath/path").expect("a volume");
    assert_eq!(volume, "/etc/rancher/rke2/rke2.yaml");
    assert_eq!(sorted(desk.manifest("a")), sorted(printed));
}

#[test]
fn a_name_in_use_is_kept_and_another_is_refused() {
    let desk = Desk::new();
    desk.place_document("b");
    let refused = desk.fails(&json!({ "kube_vip_lease_name": "kube-vip-cp" }), &[]);
    assert!(refused.contains("two elections for one address"), "{refused}");
    assert_eq!(desk.manifests(), 1, "something was written");
    // A host that has none yet learns the name from one that the limit leaves out.
    desk.runs(&json!({}), &["--limit=a"]);
    desk.runs(&json!({}), &[]);
    for host in Desk::HOSTS {
        assert_eq!(desk.lease_name(host), "plndr-cp-lock", "{host}");
    }
    desk.place_named("c", "kube-vip-cp", "kube-system");
    let refused = desk.fails(&json!({}), &[]);
    assert!(refused.contains("elections for one address"), "{refused}");
}

#[test]
fn a_lease_that_is_renewed_is_in_use_and_one_that_is_not_is_not() {
    let no_wait = json!({ "kube_vip_wait_seconds": 0 });
    let desk = Desk::new();
    desk.leases("plndr-cp-lock", "$(date +%s%N)");
    desk.runs(&no_wait, &["--limit=a"]);
    assert_eq!(desk.lease_name("a"), "plndr-cp-lock");
    let desk = Desk::new();
    desk.leases("plndr-cp-lock", "yesterday");
    desk.runs(&no_wait, &["--limit=a"]);
    assert_eq!(desk.lease_name("a"), "kube-vip-cp");
}

#[test]
fn an_address_in_use_and_an_unknown_setting_are_refused() {
    let desk = Desk::new();
    let refused = desk.fails(&json!({ "kube_vip_address": "127.0.0.1" }), &["--limit=a"]);
    assert!(refused.contains("127.0.0.1 is in use already"), "{refused}");
    let misspelt = json!({ "kube_vip_settings": { "vip_prioritty": 3 } });
    let refused = desk.fails(&misspelt, &["--limit=a"]);
    assert!(refused.contains("kube_vip_settings.vip_prioritty"), "{refused}");
    assert_eq!(desk.manifests(), 0, "something was written");
}
