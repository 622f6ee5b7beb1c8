//! The role by itself: check mode, first and second run on empty hosts, what runs once k3s starts,
//! another image and other settings; another name of the Lease is refused. And from the document's
//! manifest to hosts on which nothing is left.

use std::path::PathBuf;

use kube_vip_lab::stage::VIP;

use crate::guide::Guide;
use crate::site::{NODES, Site, exclusively, given};

const MANIFESTS: &str = "/var/lib/rancher/k3s/agent/pod-manifests";
const IMAGES: &str = "/var/lib/rancher/k3s/agent/images";
const ROLE: &str = "k3s-playbook.yml --tags kube-vip";

#[test]
fn the_role_on_empty_hosts_and_an_upgrade() {
    let _alone = exclusively();
    let mut site = Site::begin("role");
    site.give_playbooks();
    other_group(&mut site);
    empty_hosts(&mut site);
    site.start_cluster();
    site.start_front();
    runs(&mut site, "kube-vip-cp");
    site.must(install_guide().block("look"));
    assert_eq!(site.play(ROLE).changed, 0, "nothing changes while it runs");

    site.say("── another name of the Lease is refused");
    let why = site.refuses(&format!("{ROLE} -e kube_vip_lease_name=another"));
    assert!(why.contains("would be two elections for one address"), "{why}");

    let clients = site.call("192.168.20.140");
    upgrade(&mut site);
    site.hang_up(clients);
    site.end(Vec::new());
}

/// Where the document's manifest elects by the original's usual name, the role keeps it, also when
/// it brings another image, until it has removed kube-vip from all nodes.
#[test]
fn the_documents_manifest_then_the_role_then_nothing() {
    let _alone = exclusively();
    let mut site = Site::begin("removal");
    site.give_playbooks();
    prepare_k3s(&mut site);
    site.start_cluster();
    site.start_front();
    place_documents_manifest(&mut site);
    runs(&mut site, "plndr-cp-lock");

    let (image, archive) = next_image(&site);
    let variables =
        format!("-e kube_vip_image={image} -e kube_vip_image_archive={}", archive.display());
    let recap = site.follow(&format!("{} {variables}", upgrade_guide().block("upgrade")));
    assert_eq!(written(&recap.text).len(), NODES, "the role writes its own manifests");
    runs(&mut site, "plndr-cp-lock");
    let other = format!("{ROLE} {variables} -e kube_vip_lease_name=kube-vip-cp");
    let why = site.refuses(&other);
    assert!(why.contains("would be two elections for one address"), "{why}");

    no_program(&mut site, &image);
    absent(&mut site, &variables);
    site.say("── another name of the Lease, with all nodes stopped");
    site.play(&other);
    runs(&mut site, "kube-vip-cp");
    site.end(Vec::new());
}

/// Its blocks are run by the two tests here.
fn install_guide() -> Guide {
    let guide = Guide::read("install-with-ansible.md");
    guide.has_only(&["see", "install", "look", "absent"]);
    guide
}

fn upgrade_guide() -> Guide {
    let guide = Guide::read("upgrade.md");
    guide.has_only(&["upgrade", "holder"]);
    guide
}

/// kube-vip comes before k3s, on the hosts of the group alone, which has any name.
fn other_group(site: &mut Site) {
    let said = site.must(
        "ansible-playbook -i ansible/inventory/hosts.yml ansible/k3s-playbook.yml \
         --tags k3s-server,kube-vip -e kube_vip_group=k8s_api_front --list-hosts",
    );
    let place = |title| said.find(title).unwrap_or_else(|| panic!("{title:?} is not in {said}"));
    assert!(
        place("Deploy kube-vip on control plane") < place("Configure the k3s servers"),
        "{said}"
    );
    for play in said.split("play #").skip(1) {
        let hosts = play.lines().filter(|line| line.starts_with("      "));
        assert_eq!(hosts.map(str::trim).collect::<Vec<_>>(), ["front"], "{said}");
    }
}

/// On hosts without k3s the role writes the image and the manifest, which kubelet finds later.
fn empty_hosts(site: &mut Site) {
    site.say("── empty hosts");
    let guide = install_guide();
    site.follow(guide.block("see"));
    for node in 1..=NODES {
        site.refused(&format!("ssh node-{node} ls /var/lib/rancher"));
    }
    let install = guide.block("install");
    assert!(site.follow(install).changed > 0, "the first run changes something");
    assert_eq!(site.follow(install).changed, 0, "the second run changes nothing");
    for node in 1..=NODES {
        let files = site.must(&format!("ssh node-{node} ls -A {MANIFESTS}"));
        assert_eq!(files.trim(), "kube-vip.yaml", "and no other file that kubelet would read");
    }
}

/// All pods run, one holds, and there is one election, by this Lease.
fn runs(site: &mut Site, lease: &str) {
    site.comes(
        "a pod on each node is ready",
        "test \"$(kubectl get pods -n kube-system | grep kube-vip | grep -c 1/1)\" = 3",
    );
    site.comes(
        "the address answers",
        "kubectl --server=https://192.168.20.140:6443 get --raw=/healthz",
    );
    let held = held(site);
    let elections = ["kube-vip-cp", "plndr-cp-lock", "another"];
    let found = elections.into_iter().filter(|&name| held.iter().any(|held| held == name));
    assert_eq!(found.collect::<Vec<_>>(), [lease], "{held:?}");
    let owners = owners(site);
    assert_eq!(owners.len(), 1, "one node has the address: {owners:?}");
}

/// The Leases that somebody holds.
fn held(site: &mut Site) -> Vec<String> {
    let leases = site.must(
        "kubectl get leases -n kube-system -o jsonpath='{range .items[*]}\
         {.metadata.name}={.spec.holderIdentity} {end}'",
    );
    let names = leases.split_whitespace().filter_map(|lease| {
        let (name, holder) = lease.split_once('=')?;
        (!holder.is_empty()).then(|| name.to_owned())
    });
    names.collect()
}

fn owners(site: &Site) -> Vec<usize> {
    let world = site.operations.cluster().world();
    let has = |node: &usize| {
        let addresses = world.node(*node).rtnl().addresses();
        addresses.expect("the kernel's addresses").contains(&VIP.into())
    };
    (0..NODES).filter(has).collect()
}

/// Another image and other settings, one node at a time; who has the address comes last.
fn upgrade(site: &mut Site) {
    site.say("── another image, and other settings");
    let holder = format!("node-{}", owners(site)[0] + 1);
    let guide = upgrade_guide();
    assert_eq!(site.must(guide.block("holder")), holder, "the Lease names the owner");
    let (image, archive) = next_image(site);
    let upgrade = format!(
        "{} -e kube_vip_image={image} -e kube_vip_image_archive={} -e kube_vip_log_level=1 \
         -e kube_vip_metrics=:2113 -e kube_vip_memory_request=48Mi",
        guide.block("upgrade"),
        archive.display()
    );
    let recap = site.follow(&upgrade);
    let order = written(&recap.text);
    assert_eq!(order.len(), NODES, "each manifest was written once: {order:?}");
    assert_eq!(order.last(), Some(&holder), "the holder is last");
    runs(site, "kube-vip-cp");
    let images =
        "kubectl get pods -n kube-system -o jsonpath='{.items[*].spec.containers[0].image}'";
    assert_eq!(site.must(images).matches(&image).count(), NODES, "all pods have the image");
    assert_eq!(site.follow(&upgrade).changed, 0, "a second run changes nothing");
}

/// The nodes whose manifest was written, in order.
fn written(text: &str) -> Vec<String> {
    let mut nodes = Vec::new();
    let mut writing = false;
    for line in text.lines() {
        if line.starts_with("TASK ") {
            writing = line.contains("Write the manifest");
        }
        let node = line.strip_prefix("changed: [").and_then(|rest| rest.split_once(']'));
        if let (true, Some((node, _))) = (writing, node) {
            nodes.push(node.to_owned());
        }
    }
    nodes
}

/// The image under another name of the same length; a tar has no sum over what is in its files.
fn next_image(site: &Site) -> (String, PathBuf) {
    let name = given("KUBE_VIP_IMAGE_NAME");
    let next = format!("{}next", &name[..name.len() - 4]);
    let mut tar = std::fs::read(given("KUBE_VIP_IMAGE")).expect("the image");
    let mut found = 0;
    let mut at = 0;
    while let Some(place) = tar[at..].windows(name.len()).position(|part| part == name.as_bytes()) {
        tar[at + place..][..name.len()].copy_from_slice(next.as_bytes());
        at += place + name.len();
        found += 1;
    }
    assert!(found > 0, "the image does not contain its name {name}");
    let archive = site.folder.join("next.tar");
    std::fs::write(&archive, tar).expect("a tar");
    (next, archive)
}

/// Where the program cannot be taken from the image, nothing is touched: containerd lets go of the
/// layers of what it has unpacked, if it is told to (`discard_unpacked_layers`).
fn no_program(site: &mut Site, image: &str) {
    site.say("── absent without layers is refused");
    let discard = "ctr=\"k3s ctr --namespace=k8s.io content\"; for blob in $($ctr ls -q); do \
                   $ctr get $blob | head -c 1 | grep -q { || $ctr rm $blob; done";
    site.must(&format!("ssh node-2 '{discard}'"));
    let absent = install_guide().block("absent").to_owned();
    let why =
        site.refused(&format!("{absent} -e kube_vip_image={image} -e kube_vip_image_archive="));
    assert!(why.contains("The container runtime of node-2 does not give"), "{why}");
    assert!(why.contains("kube_vip_binary"), "{why}");
    for node in 1..=NODES {
        let left = site.must(&format!("ssh node-{node} 'ls -A {MANIFESTS} /var/lib'"));
        let ours: Vec<&str> = left.lines().filter(|name| name.starts_with("kube-vip")).collect();
        assert_eq!(ours, ["kube-vip.yaml"], "node-{node} has the manifest, and no program");
    }
    runs(site, "plndr-cp-lock");
}

/// Nothing is left on any node, nor in the API.
fn absent(site: &mut Site, variables: &str) {
    site.say("── absent");
    let absent = format!("{} {variables}", install_guide().block("absent"));
    site.follow(&absent);
    assert!(owners(site).is_empty(), "no node has the address");
    for node in 1..=NODES {
        let host = site.operations.cluster().world().node(node - 1);
        let tables = host.tables().expect("the kernel's tables");
        assert!(tables.is_empty(), "node-{node} has nftables tables: {tables:?}");
        let left = site.must(&format!(
            "ssh node-{node} 'ls -A {MANIFESTS} {IMAGES}; \
             ls -A /var/lib; ip neighbour show to 192.168.20.140'"
        ));
        assert!(!left.contains("kube-vip") && !left.contains("192.168"), "node-{node}: {left}");
    }
    let mut left = held(site);
    left.retain(|lease| lease.contains("kube-vip") || lease.contains("plndr"));
    assert!(left.is_empty(), "Leases that are held or kept: {left:?}");
    assert_eq!(site.follow(&absent).changed, 0, "a second run changes nothing");
}

/// Before k3s starts: the image where it loads images from, and the address in the certificate.
fn prepare_k3s(site: &mut Site) {
    let archive = given("KUBE_VIP_IMAGE");
    let names = "/etc/rancher/k3s/config.yaml.d";
    for node in 1..=NODES {
        site.must(&format!(
            "ssh node-{node} 'mkdir -p {IMAGES} {names}; cat > {IMAGES}/kube-vip.tar; \
             echo tls-san+: 192.168.20.140 > {names}/50.yaml' < {archive}"
        ));
    }
}

/// The document's manifest on every node, as an operator without the role has it.
fn place_documents_manifest(site: &mut Site) {
    let image = given("KUBE_VIP_IMAGE_NAME");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/static-pod.yaml");
    let text = std::fs::read_to_string(path).expect("the manifest");
    let text = text.replace("ghcr.io/kube-vip-rs/kube-vip:v0.1.0", &image);
    assert!(text.contains(&image), "{text}");
    for node in 0..NODES {
        let written = site.operations.cluster().deploy(node, &text);
        written.expect("a manifest");
    }
}
