//! The whole of the mission document on real nodes: an API behind HAProxy gets a name more, then
//! kube-vip by playbook, a fail-over test by `kubectl drain`, and clients that move to the new
//! address, back and forth again, until the front is removed. k3s itself does not run here, see
//! `kube_vip_lab::operations`.

use kube_vip_lab::operations::NAME;

use crate::guide::Guide;
use crate::site::{Site, exclusively};

const VIP: &str = "192.168.20.140";

#[test]
fn the_whole_document() {
    let _alone = exclusively();
    let mut site = Site::begin("document");
    site.give_playbooks();
    site.start_k3s();
    site.start_front();
    site.must(CALICO);
    let clients = site.call(NAME);
    let guide = Guide::read("migrate-from-haproxy.md");
    guide.has_only(&["phase-1", "checks", "phase-2", "phase-3", "phase-4", "back"]);

    pre_deployment(&mut site, &guide);
    phase_1(&mut site, &guide);
    let direct = site.call(VIP);
    fail_over(&mut site);
    phases_2_and_3(&mut site, &guide);
    checks(&mut site);

    site.say("── rollback, and forward again");
    site.follow(guide.block("back"));
    site.must("getent hosts k8s-cluster.fzymgc.house | grep 10.255.254.6");
    site.must("kubectl get --raw=/readyz");
    phases_2_and_3(&mut site, &guide);

    site.say("── phase 4: the front goes");
    site.follow(guide.block("phase-4"));
    site.refused("curl -sk --max-time 3 https://10.255.254.6:6443/healthz");
    checks(&mut site);
    let why = site.refused(guide.block("back"));
    assert!(why.contains("does not answer at https://10.255.254.6:6443"), "{why}");
    site.must("getent hosts k8s-cluster.fzymgc.house | grep 192.168.20.140");
    site.must("kubectl get --raw=/readyz");
    site.end(vec![clients, direct]);
}

/// As much of Calico as its role changes; there is no controller here that would run it.
const CALICO: &str = "kubectl apply -f - <<'END'
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: calico-node}}
  template:
    metadata: {labels: {k8s-app: calico-node}}
    spec:
      containers:
        - name: calico-node
          image: localhost/calico-node:none
          env: [{name: IP_AUTODETECTION_METHOD, value: can-reach=10.255.254.6}]
END";

/// The document's checks before anything is done; no later phase may be first.
fn pre_deployment(site: &mut Site, guide: &Guide) {
    site.say("── before");
    site.refused("ping -c 1 -W 1 192.168.20.140");
    let why = site.refused(guide.block("phase-2"));
    assert!(why.contains("not valid for"), "{why}");
}

/// The document's command, and its checks. The guide's playbook does the same.
fn phase_1(site: &mut Site, guide: &Guide) {
    site.say("── phase 1: the name in the certificate, kube-vip on the nodes");
    site.play("k3s-playbook.yml --tags k3s-server,kube-vip --limit tp_cluster_controlplane");
    let nodes: Vec<usize> = site.restarts().iter().map(|restart| restart.node).collect();
    assert_eq!(nodes.len(), 3, "each server was restarted once: {nodes:?}");
    site.comes(
        "the Secret has the new name",
        "kubectl --context fzymgc-house get secret -n kube-system k3s-serving \
         -o jsonpath='{.data.tls\\.crt}' | base64 -d | openssl x509 -noout -text \
         | grep 192.168.20.140",
    );
    checks(site);
    site.must(guide.block("checks"));
    let again = site.follow(guide.block("phase-1"));
    assert_eq!(again.changed, 0, "a second run changes nothing:\n{}", again.text);
}

/// The document's table of checks after the deployment.
fn checks(site: &mut Site) {
    site.say("── the document's checks");
    site.comes(
        "3 pods, one per control-plane node",
        "test \"$(kubectl get pods -n kube-system | grep kube-vip | grep -c 1/1)\" = 3",
    );
    // k3s refuses requests without credentials: it answers, but not `ok`.
    let anonymous = site.must("curl -sk https://192.168.20.140:6443/healthz");
    assert!(anonymous.contains("Unauthorized"), "{anonymous}");
    let answer = site.must("kubectl --server=https://192.168.20.140:6443 get --raw=/healthz");
    assert_eq!(answer, "ok");
    let holder = holder(site);
    site.must("kubectl get lease -n kube-system kube-vip-cp");
    let others = site.must("kubectl get leases -n kube-system -o name");
    assert!(!others.contains("plndr-cp-lock"), "one election: {others}");
    let link = site.must(&format!("ssh {holder} ip -brief link show end0"));
    let mac = link.split_whitespace().nth(2).expect("a MAC address").to_owned();
    let entry = site.must("arp -n 192.168.20.140");
    assert!(entry.contains(&mac), "the ARP entry is {holder}'s {mac}: {entry}");
}

fn holder(site: &mut Site) -> String {
    let text = "kubectl get lease -n kube-system kube-vip-cp -o jsonpath='{.spec.holderIdentity}'";
    let holder = site.must(text).trim().to_owned();
    assert!(holder.starts_with("node-"), "the Lease names {holder:?}");
    holder
}

/// The document's fail-over test.
fn fail_over(site: &mut Site) {
    site.say("── fail-over test");
    let leader = holder(site);
    site.must(&format!("kubectl drain {leader} --ignore-daemonsets --delete-emptydir-data"));
    site.comes(
        "the address moves",
        &format!(
            "test \"$(kubectl get lease -n kube-system kube-vip-cp \
             -o jsonpath='{{.spec.holderIdentity}}')\" != {leader}"
        ),
    );
    site.must("curl -sk https://192.168.20.140:6443/healthz");
    site.must(&format!("kubectl uncordon {leader}"));
}

/// Name and kubeconfig; phase 3 before phase 2 is refused.
fn phases_2_and_3(site: &mut Site, guide: &Guide) {
    site.say("── phases 2 and 3: the name, the kubeconfig");
    let why = site.refused(guide.block("phase-3"));
    assert!(why.contains("and should lead to 192.168.20.140"), "{why}");
    site.follow(guide.block("phase-2"));
    site.must("getent hosts k8s-cluster.fzymgc.house | grep 192.168.20.140");
    site.follow(guide.block("phase-3"));
    let server = site.must("kubectl config view -o jsonpath='{.clusters[0].cluster.server}'");
    assert_eq!(server, "https://k8s-cluster.fzymgc.house:6443");
    site.must("kubectl get nodes");
}
