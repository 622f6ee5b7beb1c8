//! The guide to migration from keepalived, followed step by step on real nodes.

use kube_vip_lab::pki::Distribution;
use kube_vip_lab::stage::VIP;

use crate::guide::Guide;
use crate::migration::holder_last;
use crate::trial::{NODES, Trial, exclusively, image, manifest};

/// Who has the address at first.
const MASTER: usize = 0;

/// One instance of VRRP; the first node is preferred.
fn configuration(node: usize) -> String {
    let priority = 200 - node;
    format!(
        "vrrp_instance api {{\n  state BACKUP\n  interface end0\n  virtual_router_id 51\n  \
         priority {priority}\n  advert_int 1\n  virtual_ipaddress {{\n    {VIP}/32\n  }}\n}}\n"
    )
}

#[test]
fn from_keepalived_and_back_as_the_guide_says() {
    let _alone = exclusively();
    let guide = Guide::read("migrate-from-keepalived.md");
    guide.has_only(&["who", "replace", "failover", "remove", "back", "clean"]);
    let mut trial = Trial::with("keepalived", Distribution::K3s, vec![image()]);
    trial.start(None);
    for node in 0..NODES {
        trial.write(node, "/etc/rancher/keepalived.conf", &configuration(node));
        trial.write(node, "/etc/rancher/kube-vip.yaml", &manifest());
        trial.run(node, guide.block("back"));
    }
    trial.owner("the preferred keepalived has the address", |owners| owners == [MASTER]);
    for node in 0..NODES {
        let who = trial.run(node, guide.block("who"));
        assert_eq!(who.trim().is_empty(), node != MASTER, "{who}");
    }

    let order = holder_last(MASTER);
    for node in &order[..2] {
        trial.run(*node, guide.block("replace"));
    }
    trial.daemons_say("they wait for the stranger", &order[..2], "Stranger");
    trial.owner("keepalived still has the address, alone", |owners| owners == [MASTER]);
    trial.run(MASTER, guide.block("replace"));
    let holder = trial.holder("kube-vip takes the address", |_| true);
    trial.all_pods_run();
    trial.check(holder, 401);
    trial.run(holder, guide.block("failover"));

    let holder = trial.holder("another node holds", |node| node != holder);
    for node in holder_last(holder) {
        trial.run(node, guide.block("remove"));
    }
    trial.owner("nobody has the address", <[usize]>::is_empty);
    for node in 0..NODES {
        trial.run(node, guide.block("back"));
    }
    trial.owner("keepalived has the address again", |owners| owners == [MASTER]);
    trial.run(0, guide.block("clean"));
    trial.end_without_two();
}
