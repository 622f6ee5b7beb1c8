//! The role's variables for kubeadm and for RKE2: other paths and programs, another kubeconfig in
//! the container. The node is one as kubeadm sets it up; RKE2's places lead to kubeadm's on it.

use kube_vip_lab::pki::Distribution;

use crate::site::{Site, exclusively, given};

const ROLE: &str = "k3s-playbook.yml --tags kube-vip -e kube_vip_distribution=";
const KUBECTL: &str = "ssh node-1 kubectl --kubeconfig=/etc/kubernetes/admin.conf";

#[test]
fn the_role_on_kubeadm_and_with_the_places_of_rke2() {
    let _alone = exclusively();
    let mut site = Site::of("kubeadm", 1, Distribution::Kubeadm);
    site.give_playbooks();
    site.start_cluster();
    let kubeadm = format!("{ROLE}kubeadm");
    deploys(&mut site, &kubeadm, "/etc/kubernetes/admin.conf");
    // With a program from the control node.
    let program = given("KUBE_VIP_BIN");
    removes(&mut site, &format!("{kubeadm} -e kube_vip_binary={program}"));

    site.must(&format!("ssh node-1 '{RKE2}'"));
    let rke2 = format!("{ROLE}rke2");
    deploys(&mut site, &rke2, "/etc/rancher/rke2/rke2.yaml");
    removes(&mut site, &rke2);
    site.end(Vec::new());
}

const RKE2: &str = "\
    mkdir -p /var/lib/rancher/rke2/agent /var/lib/rancher/rke2/bin /etc/rancher/rke2 \
    /run/k3s/containerd; cd /var/lib/rancher/rke2; \
    ln -s /etc/kubernetes/manifests agent/pod-manifests; \
    ln -s $(command -v kubectl) $(command -v ctr) bin; \
    ln -s /run/containerd/containerd.sock /run/k3s/containerd; \
    cp /etc/kubernetes/admin.conf /etc/rancher/rke2/rke2.yaml";

/// The pod runs with this kubeconfig, and holds the address.
fn deploys(site: &mut Site, role: &str, kubeconfig: &str) {
    site.play(role);
    let pods = format!("{KUBECTL} get pods -n kube-system");
    site.comes("its pod is ready", &format!("{pods} | grep kube-vip | grep 1/1"));
    let volumes = "-o jsonpath={.items[0].spec.volumes[0].hostPath.path}";
    assert_eq!(site.must(&format!("{pods} {volumes}")), kubeconfig);
    let answer = "kubectl --server=https://192.168.20.140:6443 get --raw=/healthz";
    assert_eq!(site.must(answer), "ok");
    let holder = "get lease -n kube-system kube-vip-cp -o jsonpath={.spec.holderIdentity}";
    assert_eq!(site.must(&format!("{KUBECTL} {holder}")), "node-1");
}

/// Neither files nor the address are left.
fn removes(site: &mut Site, role: &str) {
    site.play(&format!("{role} -e kube_vip_state=absent"));
    let left = site.must("ssh node-1 'ls -A /etc/kubernetes/manifests /var/lib'");
    assert!(!left.contains("kube-vip"), "{left}");
    assert_eq!(site.must("ssh node-1 ip address show to 192.168.20.140"), "");
}
