//! The whole of the mission document on real nodes: an API behind HAProxy gets a name more, then
//! kube-vip by playbook, a fail-over test by `kubectl drain`, and clients that move to the new
//! address, back and forth again, until the front is removed. k3s itself does not run here, see
//! `kube_vip_lab::operations`.

use kube_vip_lab::operations::NAME;

use crate::guide::Guide;
use crate::look::Look;
use crate::site::{Site, exclusively, given};

const VIP: &str = "192.168.20.140";
const OLD: &str = "10.255.254.6";

#[test]
fn the_whole_document() {
    let _alone = exclusively();
    let mut site = Site::begin("document");
    site.give_playbooks();
    site.start_cluster();
    site.start_front();
    site.must(CALICO);
    // As k3s labels its servers.
    site.must("kubectl label nodes --all node-role.kubernetes.io/control-plane=true");
    let (by_name, by_front) = (site.call(NAME), site.call(OLD));
    let guide = Guide::read("migrate-from-haproxy.md");
    guide.has_only(&[
        "preflight",
        "phase-1",
        "checks",
        "verify",
        "phase-2",
        "phase-3",
        "phase-4",
        "back",
    ]);

    pre_deployment(&mut site, &guide);
    phase_1(&mut site, &guide);
    let direct = site.call(VIP);
    fail_over(&mut site);
    let why = site.refused(guide.block("phase-3"));
    assert!(why.contains("and should lead to 192.168.20.140"), "{why}");
    phase_2(&mut site, &guide);
    let why = site.refused(guide.block("phase-4"));
    assert!(why.contains("still names 10.255.254.6"), "{why}");
    phase_3(&mut site, &guide);
    checks(&mut site, &guide, 3);

    site.say("── rollback, and forward again");
    site.follow(guide.block("back"));
    site.must("getent hosts k8s-cluster.fzymgc.house | grep 10.255.254.6");
    site.must("kubectl get --raw=/readyz");
    phase_2(&mut site, &guide);
    phase_3(&mut site, &guide);

    front_in_use(&mut site, &guide);
    site.hang_up(by_front);
    phase_4(&mut site, &guide);
    site.end(vec![by_name, direct]);
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

/// The document's checks before anything is done; no later phase may be first, and phase 1 leaves
/// an address alone that somebody else has.
fn pre_deployment(site: &mut Site, guide: &Guide) {
    site.say("── before");
    site.refused("ping -c 1 -W 1 192.168.20.140");
    let image = format!("{} --image {}", guide.block("preflight"), given("KUBE_VIP_IMAGE_NAME"));
    let look = Look::on_node(site, "node-1", &image, 1);
    look.fails_only(&["certificate"]);
    look.are(&["address-unused", "interface", "subnet", "port", "kubeconfig", "rights"], "ok");
    look.are(&["image"], "warning");

    site.must("ip address add 192.168.20.140/32 dev end0");
    let why = site.refused(guide.block("phase-1"));
    assert!(why.contains("192.168.20.140 is in use already"), "{why}");
    site.must("ip address del 192.168.20.140/32 dev end0");
    assert_eq!(site.restarts(), [], "nothing was done");
    let why = site.refused(guide.block("phase-2"));
    assert!(why.contains("not valid for"), "{why}");
}

/// The document's command, and its checks. The guide's playbook does the same.
fn phase_1(site: &mut Site, guide: &Guide) {
    site.say("── phase 1: the name in the certificate, kube-vip on the nodes");
    site.play("k3s-playbook.yml --tags k3s-server,kube-vip --limit tp_cluster_controlplane");
    let nodes: Vec<usize> = site.restarts().iter().map(|restart| restart.node).collect();
    assert_eq!(nodes, [0, 1, 2], "each server was restarted once, one after another");
    for node in ["node-1", "node-2", "node-3"] {
        let file = "/etc/rancher/k3s/config.yaml.d/50-tls-san.yaml";
        let names = site.must(&format!("ssh {node} cat {file}"));
        assert!(names.starts_with("tls-san+:") && names.contains(VIP), "{node}: {names}");
    }
    site.comes(
        "the Secret has the new name",
        "kubectl --context fzymgc-house get secret -n kube-system k3s-serving \
         -o jsonpath='{.data.tls\\.crt}' | base64 -d | openssl x509 -noout -text \
         | grep 192.168.20.140",
    );
    checks(site, guide, 1);
    site.must(guide.block("checks"));
    let manifest = "kube-vip preflight --manifest \
                    /var/lib/rancher/k3s/agent/pod-manifests/kube-vip.yaml";
    let look = Look::on_node(site, "node-1", manifest, 0);
    look.are(&["manifest", "image", "address-unused", "certificate", "serving-secret"], "ok");
    let again = site.follow(guide.block("phase-1"));
    assert_eq!(again.changed, 0, "a second run changes nothing:\n{}", again.text);
}

/// The document's table of checks after the deployment, by its commands and by kube-vip's own,
/// when so many phases are done.
fn checks(site: &mut Site, guide: &Guide, phases: usize) {
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

    let look = Look::until_good(site, guide.block("verify"));
    look.are(&["pods", "address-answers", "anonymous", "lease", "one-election"], "ok");
    look.are(&["arp-one", "arp-holder", "candidate", "versions", "phase-1-certificate"], "ok");
    for (phase, check) in [(2, "phase-2-dns"), (3, "phase-3-kubeconfig"), (4, "phase-4-front")] {
        look.are(&[check], if phase <= phases { "ok" } else { "warning" });
    }
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

/// The name.
fn phase_2(site: &mut Site, guide: &Guide) {
    site.say("── phase 2: the name");
    site.follow(guide.block("phase-2"));
    site.must("getent hosts k8s-cluster.fzymgc.house | grep 192.168.20.140");
}

/// The kubeconfig.
fn phase_3(site: &mut Site, guide: &Guide) {
    site.say("── phase 3: the kubeconfig");
    site.follow(guide.block("phase-3"));
    let server = site.must("kubectl config view -o jsonpath='{.clusters[0].cluster.server}'");
    assert_eq!(server, "https://k8s-cluster.fzymgc.house:6443");
    site.must("kubectl get nodes");
}

/// Phase 4 is refused while a node is configured to go through the front, or a client does.
fn front_in_use(site: &mut Site, guide: &Guide) {
    site.say("── phase 4 is refused while the front is used");
    let file = "/etc/rancher/k3s/config.yaml.d/90-server.yaml";
    site.must(&format!("ssh node-2 'echo server: https://10.255.254.6:6443 > {file}'"));
    let why = site.refused(guide.block("phase-4"));
    let used = format!("node-2 still uses 10.255.254.6: {file}");
    assert!(why.contains(&used), "{why}");
    assert!(why.contains("localhost still uses 10.255.254.6: "), "{why}");
    assert!(!why.contains("node-1 still uses") && !why.contains("node-3 still uses"), "{why}");
    site.must("curl -sk --max-time 3 https://10.255.254.6:6443/healthz");
    site.must(&format!("ssh node-2 rm {file}"));
}

/// The front goes, and there is no way back without it.
fn phase_4(site: &mut Site, guide: &Guide) {
    site.say("── phase 4: the front goes");
    site.follow(guide.block("phase-4"));
    site.refused("curl -sk --max-time 3 https://10.255.254.6:6443/healthz");
    let found = "kubectl get daemonset -n kube-system calico-node -o \
                 jsonpath='{.spec.template.spec.containers[0].env[0].value}'";
    assert_eq!(site.must(found), "can-reach=192.168.20.1", "Calico goes by the gateway");
    checks(site, guide, 4);
    let why = site.refused(guide.block("back"));
    assert!(why.contains("does not answer at https://10.255.254.6:6443"), "{why}");
    site.must("getent hosts k8s-cluster.fzymgc.house | grep 192.168.20.140");
    site.must("kubectl get --raw=/readyz");
}
