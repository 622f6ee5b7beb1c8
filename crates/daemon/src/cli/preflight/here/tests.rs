//! Where it runs, and what the interface and the subnet come to there.

use std::collections::BTreeMap;

use super::*;
use crate::cli::report::Verdict;
use crate::settings::Inputs;
use crate::settings::host::HostLink;
use kube_vip_core::address::Mac;

const ELSEWHERE: Here = Here::Elsewhere("run it on a node");

fn host() -> Host {
    let link = |name: &str, address: [u8; 4], prefix| HostLink {
        name: LinkName::new(name).unwrap(),
        up: true,
        loopback: false,
        mac: Some(Mac([2, 0, 0, 0, 0, 1])),
        addresses: vec![(IpAddr::from(address), prefix)],
    };
    Host {
        links: vec![link("end0", [192, 168, 20, 11], 24), link("end1", [10, 0, 0, 11], 8)],
        default_route_link: None,
        host_name: "cp-1".to_owned(),
        boot: String::new(),
        ..Host::default()
    }
}

fn node(name: &str, address: [u8; 4]) -> Node {
    let addresses = vec![IpAddr::from(address)];
    Node { name: name.to_owned(), addresses, ..Node::default() }
}

#[test]
fn a_host_is_a_node_by_name_or_address() {
    let here = |nodes: Vec<Node>, manifest| Here::of(&host(), &Ok(nodes), manifest);
    assert_eq!(here(vec![node("CP-1", [1, 1, 1, 1])], false), Here::Node);
    assert_eq!(here(vec![node("x", [10, 0, 0, 11])], false), Here::Node);
    assert_eq!(here(Vec::new(), false), Here::Node, "the cluster has none yet");
    let others = vec![node("cp-2", [192, 168, 20, 12])];
    assert!(matches!(here(others.clone(), false), Here::Elsewhere(_)));
    assert_eq!(here(others, true), Here::Node);
}

#[test]
fn the_address_must_be_in_the_interfaces_subnet() {
    let link = LinkName::new("end0").unwrap();
    let row = |vip: [u8; 4]| subnet(&host(), Some(&link), vip.into(), &Here::Node);
    assert_eq!(row([192, 168, 20, 140]).result, Verdict::Ok);
    for bad in [[192, 168, 21, 140], [10, 0, 0, 140], [192, 168, 20, 255], [192, 168, 20, 0]] {
        assert_eq!(row(bad).result, Verdict::Failed, "{bad:?}");
    }
    let row = subnet(&host(), None, [192, 168, 20, 140].into(), &ELSEWHERE);
    assert_eq!(row.result, Verdict::Skipped);
}

fn found(set: &[(&str, &str)], here: &Here) -> Vec<(&'static str, Verdict)> {
    let environment: BTreeMap<_, _> =
        set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let read = Settings::read(&Inputs { environment, ..Inputs::default() });
    let (rows, _) = settings(&read, &host(), here);
    rows.into_iter().map(|row| (row.check, row.result)).collect()
}

#[test]
fn a_wrong_interface_is_a_failure_on_a_node_only() {
    let good = [
        ("address", "192.168.20.140"),
        ("vip_arp", "true"),
        ("cp_enable", "true"),
        ("vip_leaderelection", "true"),
    ];
    let all = found(&good, &Here::Node);
    assert!(all.iter().all(|(_, result)| *result == Verdict::Ok), "{all:?}");
    let wrong = [&good[..], &[("vip_interface", "eth7")]].concat();
    let expected = [("settings", Verdict::Ok), ("interface", Verdict::Failed)];
    assert_eq!(found(&wrong, &Here::Node), expected);
    let expected = [("settings", Verdict::Ok), ("interface", Verdict::Skipped)];
    assert_eq!(found(&wrong, &ELSEWHERE), expected);
    let wrong = [&good[..], &[("port", "70000")]].concat();
    assert_eq!(found(&wrong, &Here::Node)[0], ("settings", Verdict::Failed));
}
