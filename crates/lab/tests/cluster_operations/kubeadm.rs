//! The role's variables for kubeadm on a node as kubeadm sets it up: other paths and programs,
//! another kubeconfig in the container. It is removed with a program from the control node.

use kube_vip_lab::pki::Distribution;

use crate::site::{Site, exclusively, given};

const ROLE: &str = "k3s-playbook.yml --tags kube-vip -e kube_vip_distribution=kubeadm";
const KUBECTL: &str = "ssh node-1 kubectl --kubeconfig=/etc/kubernetes/admin.conf";

#[test]
fn the_role_on_kubeadm() {
    let _alone = exclusively();
    let mut site = Site::of("kubeadm", 1, Distribution::Kubeadm);
    site.give_playbooks();
    site.start_cluster();
    site.play(ROLE);
    site.comes(
        "its pod is ready",
        &format!("{KUBECTL} get pods -n kube-system | grep kube-vip | grep 1/1"),
    );
    let answer = "kubectl --server=https://192.168.20.140:6443 get --raw=/healthz";
    assert_eq!(site.must(answer), "ok");
    let holder = "get lease -n kube-system kube-vip-cp -o jsonpath={.spec.holderIdentity}";
    assert_eq!(site.must(&format!("{KUBECTL} {holder}")), "node-1");
    assert_eq!(site.play(ROLE).changed, 0, "a second run changes nothing");

    let program = given("KUBE_VIP_BIN");
    site.play(&format!("{ROLE} -e kube_vip_state=absent -e kube_vip_binary={program}"));
    let left = site.must("ssh node-1 'ls -A /etc/kubernetes/manifests /var/lib'");
    assert!(!left.contains("kube-vip"), "{left}");
    assert_eq!(site.must("ssh node-1 ip address show to 192.168.20.140"), "");
    site.end(Vec::new());
}
