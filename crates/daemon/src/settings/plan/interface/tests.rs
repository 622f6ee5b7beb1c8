//! Tests of the choice of an interface.

use kube_vip_core::address::{Mac, Vip};

use super::*;
use crate::settings::config::Config;
use crate::settings::{Inputs, Refusal, Settings};

const MAC: Option<Mac> = Some(Mac([2, 0, 0, 0, 0, 1]));

fn link(name: &str, addresses: &[([u8; 4], u8)]) -> HostLink {
    HostLink {
        name: LinkName::new(name).expect("a name"),
        up: true,
        loopback: false,
        mac: MAC,
        addresses: addresses.iter().map(|(address, prefix)| ((*address).into(), *prefix)).collect(),
    }
}

fn host(links: Vec<HostLink>, route: &str) -> Host {
    Host {
        links,
        without_ipv6: Vec::new(),
        default_route_link: LinkName::new(route).ok(),
        host_name: "n1".to_owned(),
        boot: String::new(),
    }
}

fn choose(host: &Host, name: &str) -> Result<Config, Refusal> {
    let pairs = [
        ("vip_arp", "true"),
        ("cp_enable", "true"),
        ("address", "192.168.20.140"),
        ("vip_interface", name),
    ];
    let environment = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Settings::read(&Inputs { environment, ..Inputs::default() }).config(host)
}

fn chosen(host: &Host) -> (String, usize) {
    match choose(host, "") {
        Ok(config) => (config.plan.link.to_string(), config.warnings.len()),
        Err(refusal) => panic!("{refusal}"),
    }
}

fn wrong(host: &Host, name: &str) -> String {
    let refusal = choose(host, name).expect_err("something wrong");
    assert_eq!(refusal.problems.len(), 1, "{refusal}");
    refusal.problems[0].wrong.wrong.clone()
}

#[test]
fn the_subnet_decides_before_the_route() {
    let links =
        || vec![link("wan", &[([10, 0, 0, 5], 8)]), link("lan", &[([192, 168, 20, 1], 24)])];
    assert_eq!(chosen(&host(links(), "wan")), ("lan".to_owned(), 0));
}

#[test]
fn the_narrowest_subnet_decides_among_several() {
    let links = vec![
        link("a", &[([192, 168, 0, 1], 16)]),
        link("b", &[([10, 0, 0, 1], 8), ([192, 168, 20, 1], 24)]),
        link("c", &[([192, 168, 20, 2], 20)]),
    ];
    assert_eq!(chosen(&host(links, "a")).0, "b");
}

#[test]
fn of_two_alike_the_one_that_is_up() {
    let mut links =
        vec![link("a", &[([192, 168, 20, 1], 24)]), link("b", &[([192, 168, 20, 2], 24)])];
    links[0].up = false;
    assert_eq!(chosen(&host(links, "a")).0, "b");
}

#[test]
fn an_address_left_behind_shows_nothing() {
    let links =
        vec![link("old", &[([192, 168, 20, 140], 24)]), link("lan", &[([192, 168, 20, 1], 24)])];
    assert_eq!(chosen(&host(links, "old")).0, "lan");
}

#[test]
fn interfaces_without_arp_are_not_chosen() {
    let mut links =
        vec![link("wg0", &[([192, 168, 20, 1], 30)]), link("lan", &[([192, 168, 20, 2], 24)])];
    links[0].mac = None;
    links.push(HostLink { loopback: true, ..link("lo", &[([192, 168, 20, 3], 31)]) });
    assert_eq!(chosen(&host(links, "wg0")).0, "lan");
}

#[test]
fn the_route_decides_where_no_subnet_does_and_that_is_said() {
    let links = vec![link("a", &[([10, 0, 0, 5], 8)]), link("b", &[([172, 16, 0, 1], 12)])];
    assert_eq!(chosen(&host(links, "b")), ("b".to_owned(), 1));
}

#[test]
fn nothing_fits() {
    let none = host(vec![link("a", &[([10, 0, 0, 5], 8)])], "");
    assert_eq!(
        wrong(&none, ""),
        "no interface has 192.168.20.140 in its subnet, nor a default route"
    );
}

#[test]
fn the_one_that_is_named_has_to_be_usable() {
    let mut links = vec![
        link("down", &[]),
        link("wg0", &[]),
        link("lo", &[([127, 0, 0, 1], 8)]),
        link("lan", &[([192, 168, 20, 1], 24)]),
    ];
    links[0].up = false;
    links[1].mac = None;
    links[2].loopback = true;
    let host = host(links, "lan");
    assert_eq!(wrong(&host, "down"), "down is down");
    assert_eq!(wrong(&host, "wg0"), "there is no ARP on wg0: it is no Ethernet interface");
    let on_lo = choose(&host, "lo").expect("another one is there");
    assert_eq!((on_lo.plan.link.as_str(), on_lo.warnings.len()), ("lan", 1));
    assert_eq!(wrong(&host, "eth0"), "this host has no interface of this name");
    assert_eq!(wrong(&host, "a/b"), "this host has no interface of this name");
    assert!(choose(&host, "lan").is_ok());
}

#[test]
fn lo_alone_is_not_enough() {
    let lo = HostLink { loopback: true, mac: None, ..link("lo", &[([127, 0, 0, 1], 8)]) };
    let mut links = vec![lo, link("lan", &[([192, 168, 20, 1], 24)])];
    links[1].up = false;
    let text = "nothing outside this host can see an address on lo";
    assert_eq!(wrong(&host(links, "lan"), "lo"), text);
}

#[test]
fn a_host_full_of_pods_lists_what_matters() {
    let mut links: Vec<_> = (0..100).map(|n| link(&format!("cali{n}"), &[])).collect();
    links.push(link("end0", &[([192, 168, 20, 1], 24)]));
    let lines = candidates(&host(links, ""));
    assert_eq!(lines[0], "end0    up    192.168.20.1/24");
    assert_eq!(lines.len(), LISTED + 1);
    assert_eq!(lines[LISTED], "and 89 more");
}

#[test]
fn prefix_lengths_of_every_size() {
    let [a, b, top] = ["10.1.2.3", "10.1.2.200", "255.255.255.255"].map(address);
    assert!(in_one_subnet(a, 24, b) && !in_one_subnet(a, 25, b));
    assert!(in_one_subnet(a, 0, top));
    assert!(in_one_subnet(a, 32, a) && !in_one_subnet(a, 32, b));
    let [c, d] = ["fd00:20::140", "fd00:20::1:2"].map(address);
    assert!(in_one_subnet(c, 64, d) && !in_one_subnet(c, 112, d) && in_one_subnet(c, 128, c));
    assert!(!in_one_subnet(a, 0, c) && !in_one_subnet(c, 0, a));
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn an_ipv6_address_finds_its_subnet() {
    let six = HostLink {
        addresses: vec![(address("fd00:20::11"), 64), (address("fe80::11"), 64)],
        ..link("end1", &[])
    };
    let links = vec![link("end0", &[([192, 168, 20, 11], 24)]), six];
    let vips = |text: &str| {
        let vip = Vip::new(address(text), 128).expect("a unicast address");
        Vips::new(vec![vip]).expect("one")
    };
    let found = |text| by_subnet(&host(links.clone(), ""), &vips(text)).map(|l| l.name.to_string());
    assert_eq!(found("fd00:20::140"), Some("end1".to_owned()));
    assert_eq!(found("fd00:21::140"), None);
}
