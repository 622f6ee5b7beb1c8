//! Manifests as they were read, and those in `deploy`, which the program wrote.

use super::golden_file;
use super::program::{NODE, both, out};

fn kept(name: &str) -> String {
    format!("crates/daemon/tests/golden/manifest/{name}.yaml")
}

#[test]
fn pods_are_as_they_were_read() {
    let k3s = [&NODE[..], &["--distribution=k3s"]].concat();
    golden_file::check(&kept("pod-k3s"), &out(&["manifest", "pod"], &k3s));
    golden_file::check(&kept("pod-kubeadm"), &out(&["manifest", "pod"], &NODE));
    let cluster = [&NODE[..], &["--inCluster"]].concat();
    golden_file::check(&kept("pod-in-cluster"), &out(&["manifest", "pod"], &cluster));
    let everything = [
        &NODE[1..],
        &["--interface=bond0.100"],
        &[
            "--leaseName=infra/kube-vip-cp",
            "--leaseDuration=5",
            "--leaseRenewDuration=3",
            "--leaseRetry=1",
            "--vipSubnet=24",
            "--port=7443",
            "--log=-4",
            "--priority=10",
            "--failBack",
            "--holdOnApiLoss=false",
            "--prometheusHTTPServer=",
            "--healthCheckPort=9442",
            "--controlPlaneHealthCheckAddress=https://127.0.0.1:7443/readyz",
            "--controlPlaneHealthCheckCAPath=/etc/kubernetes/pki/ca.crt",
            "--blackBoxFile=/var/lib/kube-vip/black-box.json",
            "--leaderElectionType=kubernetes",
            "--servicesLeaseName=other",
            "--bgppeers=192.168.20.1:65000::false",
            "--k8sConfigPath=/etc/kubernetes/super-admin.conf",
            "--image=registry.example/kube-vip@sha256:0123",
            "--priorityClass=",
            "--cpuRequest=",
            "--memoryRequest=",
        ],
    ];
    golden_file::check(&kept("pod-everything"), &out(&["manifest", "pod"], &everything.concat()));
}

#[test]
fn a_daemon_set_and_rights_are_as_they_were_read() {
    golden_file::check(&kept("daemonset"), &out(&["manifest", "daemonset", "--taint"], &NODE));
    let role = ["manifest", "rbac", "--namespace=infra", "--role"];
    let (text, notes) = both(&role, &[]);
    assert!(notes.starts_with("without the rights to list Nodes"), "{notes}");
    golden_file::check(&kept("rbac-role"), &text);
    let bound = ["manifest", "rbac", "--leaseName=infra/lock", "--rolebinding"];
    golden_file::check(&kept("rbac-rolebinding"), &both(&bound, &[]).0);
    let labels = ["manifest", "rbac"];
    golden_file::check(&kept("rbac-labels"), &out(&labels, &["--enableNodeLabeling"]));
}

/// Each file of `deploy` says how it was made.
#[test]
fn the_manifests_for_users_are_printed_by_the_program() {
    let node = "--interface end0 --address 192.168.20.140 --controlplane --arp --leaderElection";
    for (file, command, flags) in [
        ("kubeadm", "pod", node.to_owned()),
        ("k3s", "pod", format!("--distribution k3s {node}")),
        ("rke2", "pod", format!("--distribution rke2 {node}")),
        ("daemonset", "daemonset", format!("--inCluster --taint {node}")),
        ("rbac", "rbac", String::new()),
    ] {
        let flags = flags.trim();
        let words: Vec<_> = flags.split_whitespace().collect();
        let text = out(&["manifest", command], &words);
        let made = format!("# kube-vip manifest {command} {flags}");
        golden_file::check(&format!("deploy/{file}.yaml"), &format!("{}\n{text}", made.trim()));
    }
}
