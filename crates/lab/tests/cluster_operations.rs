//! The document's operations, by playbooks over ssh and by the commands that it has, on nodes with
//! real kubelets and API servers. Here the site itself, without kube-vip.
//!
//! Needs root, the programs of `cargo xtask assets`, and an image: `cargo xtask test cluster` makes
//! everything.

#[path = "cluster_operations/document.rs"]
mod document;
#[path = "cluster_static_pod/guide.rs"]
mod guide;
#[path = "cluster_operations/kubeadm.rs"]
mod kubeadm;
#[path = "cluster_operations/look.rs"]
mod look;
#[path = "cluster_operations/roles.rs"]
mod roles;
#[path = "cluster_operations/site.rs"]
mod site;

use std::time::Duration;

use kube_vip_lab::operations::{NAME, standin::Restart};

use site::{Site, exclusively};

/// Each API server is restarted with a certificate for one more name; who asks through the front
/// all the time is answered.
#[test]
fn servers_get_a_name_more_and_the_front_leads_to_the_others() {
    let _alone = exclusively();
    let mut site = Site::begin("site");
    assert_eq!(site.must("ssh node-2 hostname").trim(), "node-2");
    site.refused("ssh node-2 ls /var/lib/rancher");
    site.refused("ssh node-2 ls /etc/rancher/k3s/k3s.yaml");
    site.start_cluster();
    site.start_front();
    let callers = vec![site.call(NAME)];
    site.wait(Duration::from_secs(1));
    let more = "echo tls-san+: 192.168.20.140 > /etc/rancher/k3s/config.yaml.d/50.yaml";
    for node in ["node-1", "node-2", "node-3"] {
        site.must(&format!("ssh {node} 'mkdir -p /etc/rancher/k3s/config.yaml.d; {more}'"));
        site.must(&format!("ssh {node} systemctl restart k3s"));
        site.comes(
            "it serves the new name",
            &format!("ssh {node} k3s kubectl --tls-server-name=192.168.20.140 get --raw=/readyz"),
        );
    }
    let restarts = site.restarts();
    assert_eq!(
        restarts.iter().map(|restart: &Restart| restart.node).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert!(restarts.iter().all(|restart| restart.names.contains(&"192.168.20.140".to_owned())));
    site.comes(
        "the Secret shows it",
        "kubectl --context fzymgc-house get secret -n kube-system k3s-serving \
         -o jsonpath='{.data.tls\\.crt}' | base64 -d | openssl x509 -noout -text \
         | grep 192.168.20.140",
    );
    site.refused("ssh node-1 systemctl restart another");
    site.end(callers);
}
