//! `kube-vip preflight` and `kube-vip verify` on a real control plane of three nodes: all is well,
//! and then each thing that they look for is made to be wrong.
//!
//! Needs root, the programs of `cargo xtask assets`, and `KUBE_VIP_BIN`: `cargo xtask test cluster`
//! makes and names everything.

#[path = "cluster_checks/site.rs"]
mod site;

use http::Method;
use kube_vip_lab::stage::VIP;
use serde_json::json;

use site::{From, Site};

const GOOD: &str = "ok";

/// One control plane for all: it takes most of the time.
#[test]
fn preflight_and_verify_tell_what_is_so() {
    let mut site = Site::build();
    before(&site);
    strangers(&site);
    site.deploy();
    after(&site);
    two_who_answer(&site);
    pods_and_candidates(&site);
}

/// Nothing runs yet, and everything is ready for it.
fn before(site: &Site) {
    let report = site.preflight(From::Node(0), &[]);
    report.expect(0, &[]);
    for check in [
        "settings",
        "interface",
        "subnet",
        "address-unused",
        "port",
        "sysctl",
        "capabilities",
        "nf-tables",
        "kubeconfig",
        "kubeconfig-server",
        "api",
        "certificate",
        "rights",
        "one-election",
        "address-pools",
    ] {
        report.is(check, GOOD);
    }
    report.is("serving-secret", "skipped");

    let report = site.preflight(From::Node(0), &["--manifest", &site.manifest()]);
    report.expect(0, &[]);
    report.is("manifest", GOOD);

    wrong_settings(site);
    wrong_kubeconfigs(site);
    wrong_cluster(site);

    let report = site.preflight(From::Client, &[]);
    report.expect(0, &[]);
    for check in ["port", "nf-tables", "other-daemons", "kubeconfig-server"] {
        report.is(check, "skipped");
        assert!(report.evidence(check).contains("run it on a node"), "{check}: {report:?}");
    }
    report.is("certificate", GOOD);
}

fn wrong_settings(site: &Site) {
    let with = |name, value| site.preflight_with(From::Node(0), &[(name, value)]);
    with("vip_interface", "eth7").expect(1, &["interface"]);
    with("address", "192.168.21.140").expect(1, &["subnet", "certificate"]);
    with("vip_leaseduration", "soon").expect(1, &["settings"]);
    with("address", "192.168.20.12").is("address-unused", "failed");
    let host = site.stage.world().node(0);
    host.set_sysctl("ipv4/conf/end0/arp_ignore", "8").expect("root may");
    site.preflight(From::Node(0), &[]).expect(1, &["sysctl"]);
    host.set_sysctl("ipv4/conf/end0/arp_ignore", "0").expect("root may");
    let report = site.preflight(From::Unprivileged(0), &[]);
    report.expect(1, &["capabilities"]);
    report.is("nf-tables", "skipped");
    report.is("address-unused", "unknown");
}

fn wrong_kubeconfigs(site: &Site) {
    let missing = site.preflight(From::Node(0), &["--kubeconfig", "/no/such/file"]);
    missing.expect(1, &["kubeconfig"]);
    missing.is("api", "unknown");
    missing.is("rights", "skipped");
    let vip = site.kubeconfig_for(&format!("https://{VIP}:6443"));
    let report = site.preflight(From::Node(0), &["--kubeconfig", &vip]);
    // This node's own API server is asked instead.
    report.expect(0, &[]);
    report.is("kubeconfig-server", "warning");
    report.is("api", GOOD);
    let nobody = site.kubeconfig_without_rights();
    let report = site.preflight(From::Node(0), &["--kubeconfig", &nobody]);
    report.expect(1, &["rights"]);
    assert!(report.evidence("rights").contains("not allowed"), "{report:?}");
}

fn wrong_cluster(site: &Site) {
    let secret = "/api/v1/namespaces/kube-system/secrets";
    for (names, result) in [(["10.0.0.1"], "failed"), (["192.168.20.140"], GOOD)] {
        let pem = site::certificate(&names);
        let object = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": "k3s-serving", "namespace": "kube-system" },
            "stringData": { "tls.crt": pem },
        });
        site.request(Method::POST, secret, &object);
        let report = site.preflight(From::Node(0), &[]);
        report.is("serving-secret", result);
        site.delete(&format!("{secret}/k3s-serving"));
    }
    let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    site.request(Method::POST, leases, &site::other_election());
    site.preflight(From::Node(0), &[]).expect(1, &["one-election"]);
    site.delete(&format!("{leases}/kube-vip-cp"));
    site.pool_of_metallb("192.168.20.130-192.168.20.150");
    let report = site.preflight(From::Node(0), &[]);
    report.expect(1, &["address-pools"]);
    assert!(
        report.evidence("address-pools").contains("MetalLB's IPAddressPool taken"),
        "{report:?}"
    );
    site.delete("/apis/metallb.io/v1beta1/namespaces/kube-system/ipaddresspools/taken");
    site.preflight(From::Node(0), &[]).is("address-pools", GOOD);
}

/// Somebody else has the address.
fn strangers(site: &Site) {
    site.stage.steal().expect("the stranger may");
    let report = site.preflight(From::Node(0), &[]);
    report.expect(1, &["address-unused"]);
    let mac = site.stage.world().stranger().mac().to_string();
    assert!(report.evidence("address-unused").contains(&mac), "{report:?}");
    site.stage.give_up().expect("the stranger may");

    site.stage.leave_address(1).expect("root may");
    site.preflight(From::Node(1), &[]).expect(1, &["address-unused"]);
    site.stage.delete_address(1).expect("root may");
}

/// Three daemons run, with their pods: all is well from everywhere.
fn after(site: &Site) {
    for from in [From::Node(0), From::Node(2), From::Client] {
        let report = site.verify(from, &[]);
        report.expect(0, &[]);
        for check in [
            "api",
            "pods",
            "lease",
            "one-election",
            "candidate",
            "versions",
            "address-answers",
            "anonymous",
            "arp-one",
            "arp-holder",
            "phase-1-certificate",
        ] {
            report.is(check, GOOD);
        }
        assert!(report.evidence("anonymous").contains("anonymous requests refused (401)"));
        report.is("phase-2-dns", "skipped");
    }
    // On a node's own kubeconfig nothing is said of what people use.
    site.verify(From::Node(0), &[]).is("phase-3-kubeconfig", "skipped");
    let vip = site.kubeconfig_for(&format!("https://{VIP}:6443"));
    let people = site.verify(From::Client, &["--kubeconfig", &vip, "--front", "192.168.20.203"]);
    people.expect(0, &[]);
    people.is("phase-3-kubeconfig", GOOD);
    people.is("phase-4-front", GOOD);
    let still = site.verify(From::Client, &["--front", "192.168.20.12:6443"]);
    still.is("phase-4-front", "warning");
    still.is("phase-3-kubeconfig", "warning");
    let name = site.verify(From::Client, &["--dns-name", "k8s.invalid"]);
    name.expect(1, &["phase-1-certificate", "phase-2-dns"]);

    // The holder has the address, and that is no reason against another deployment.
    site.preflight(From::Node(0), &[]).is("address-unused", GOOD);
    site.preflight(From::Node(1), &[]).is("address-unused", GOOD);
    // Without rights to ask the segment, the rest is told.
    let report = site.verify(From::Unprivileged(0), &[]);
    report.expect(0, &[]);
    report.is("arp-one", "skipped");
}

fn two_who_answer(site: &Site) {
    site.stage.steal().expect("the stranger may");
    let report = site.verify(From::Client, &[]);
    // Whether requests go astray as well depends on whom this host takes the address to be.
    report.is("arp-one", "failed");
    let mac = site.stage.world().stranger().mac().to_string();
    assert!(report.evidence("arp-one").contains(&mac), "{report:?}");
    site.stage.give_up().expect("the stranger may");
    site.settle();
}

/// A pod is gone, another is of another version, a node is cordoned, and at last all are dead.
fn pods_and_candidates(site: &Site) {
    let pods = "/api/v1/namespaces/kube-system/pods";
    site.pod(1, "kube-vip:other");
    let report = site.verify(From::Node(0), &[]);
    report.expect(1, &["pods"]);
    report.is("versions", "warning");
    site.delete(&format!("{pods}/kube-vip-node-2"));
    site.delete(&format!("{pods}/kube-vip-again-node-2"));
    let report = site.verify(From::Node(0), &[]);
    assert!(report.evidence_of("pods", "node-2").contains("runs as a service"), "{report:?}");
    site.kill_daemons();
    let report = site.verify(From::Node(0), &[]);
    report.expect(1, &["address-answers", "anonymous", "arp-one", "arp-holder", "lease"]);
}
