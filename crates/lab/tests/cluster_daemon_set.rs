//! The DaemonSet of `deploy` with its service account and its rights, on a real control plane of
//! three nodes: etcd, kube-apiserver, kubelet and containerd on each, as kubeadm sets them up.
//!
//! The objects are made at the real API server, and kubelets run the pods with projected tokens.
//! There is no controller manager and no scheduler: the test does what they would, which is to
//! publish the authority's certificate, and to make a pod of the set's template for each node.
//! Nothing forwards the address of the Service `kubernetes` either, as before kube-proxy runs.
//!
//! Needs root, the programs of `cargo xtask assets`, and an image: `cargo xtask test cluster` makes
//! everything.

#[path = "cluster_daemon_set/objects.rs"]
mod objects;
#[path = "cluster_static_pod/trial.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod trial;

use std::collections::BTreeSet;
use std::fs;

use kube_vip_lab::oracle::Guarantee;
use kube_vip_lab::pki::Distribution;
use kube_vip_lab::timeline::{Fault, What};
use serde_json::Value;

use objects::Objects;
use trial::{NODES, Trial, exclusively};

#[test]
fn the_daemon_set_with_its_rights() {
    let _alone = exclusively();
    let mut trial = Trial::begin("daemon-set", Distribution::Kubeadm);
    trial.start_kubelets();
    trial.start_api_servers();
    let objects = Objects::read();
    objects.prepare(&mut trial);
    for node in 0..NODES {
        objects.start(&mut trial, node);
    }
    let first = trial.holder("a node takes the address", |_| true);
    objects.all_run(&mut trial, |_| true);
    trial.check(first, 200);
    trial.root_is_read_only(first);

    objects.delete(&mut trial, first);
    let second = trial.holder("the address moves", |node| node != first);
    trial.check(second, 200);
    objects.all_run(&mut trial, |node| node != first);
    objects.start(&mut trial, first);
    objects.all_run(&mut trial, |_| true);
    assert_eq!(trial.holder("it stays where it is", |_| true), second);

    trial.stop_services(second);
    let third = trial.holder("the address moves to a fit node", |node| node != second);
    trial.check(third, 200);
    trial.start_services(second);
    objects.all_run(&mut trial, |_| true);
    let asked = what_was_asked(&mut trial);
    let told: Vec<_> = asked.iter().map(|(verb, what)| format!("{verb} {what}")).collect();
    trial.say(&format!("asked for and allowed: {}", told.join(", ")));
    for (verb, what) in [
        ("create", "leases"),
        ("get", "leases"),
        ("list", "leases"),
        ("update", "leases"),
        ("watch", "leases"),
        ("list", "endpointslices"),
        ("watch", "nodes"),
        ("create", "events"),
    ] {
        assert!(asked.contains(&(verb.to_owned(), what.to_owned())), "{verb} {what}: {asked:?}");
    }
    trial.end(&[Guarantee::OneOwner, Guarantee::Recovery]);
}

/// Every verb and resource that the daemons asked for, at any API server; none was denied, but by a
/// server that had just started: until it has read the rights, it denies what others allow, and
/// itself later, if it is asked again.
fn what_was_asked(trial: &mut Trial) -> BTreeSet<(String, String)> {
    let mut events = Vec::new();
    for node in 0..NODES {
        let told = trial.cluster().asked_by_account(node).expect("an audit log");
        assert!(!told.is_empty(), "no request at node {node}");
        events.extend(told);
    }
    let (allowed, denied): (Vec<_>, Vec<_>) = events.iter().partition(|event| allowed(event));
    let asked: BTreeSet<_> = allowed.into_iter().map(verb_and_resource).collect();
    for event in denied {
        assert!(asked.contains(&verb_and_resource(event)), "denied: {event:#}");
    }
    asked
}

fn allowed(event: &Value) -> bool {
    let code = &event["responseStatus"]["code"];
    let decision = &event["annotations"]["authorization.k8s.io/decision"];
    code != 401 && code != 403 && decision == "allow"
}

fn verb_and_resource(event: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let what = match &event["objectRef"]["resource"] {
        Value::Null => text(&event["requestURI"]),
        resource => text(resource),
    };
    (text(&event["verb"]), what)
}

impl Trial {
    fn start_kubelets(&mut self) {
        for node in 0..NODES {
            let machine = self.cluster().machine(node);
            let folder = machine.layout().outside(machine.manifests());
            fs::create_dir_all(folder).expect("a node's directories can be made");
            self.cluster().start_kubelet(node).unwrap_or_else(|error| trial::fail(&error));
        }
    }

    fn began(&mut self, node: usize) {
        self.cluster().world().journal().note_now(What::Fault(Fault::Started(node)));
    }

    fn told_to_end(&mut self, node: usize) {
        self.cluster().world().journal().note_now(What::Fault(Fault::Terminated(node)));
    }
}
