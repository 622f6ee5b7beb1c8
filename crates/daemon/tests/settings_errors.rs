//! What people read when settings are wrong, kept as a file.

#[path = "support/golden_file.rs"]
mod golden_file;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use kube_vip::cli::{Outcome, decide};
use kube_vip::settings::host::{Host, HostLink};
use kube_vip_core::address::{LinkName, Mac};

/// An environment in which nothing is wrong; every case changes some of it.
const FINE: [&str; 4] =
    ["vip_arp=true", "cp_enable=true", "address=192.168.20.140", "vip_interface=end0"];

struct Case {
    name: &'static str,
    environment: &'static [&'static str],
    flags: &'static [&'static str],
}

const fn case(name: &'static str, environment: &'static [&'static str]) -> Case {
    Case { name, environment, flags: &[] }
}

const CASES: [Case; 20] = [
    case("nothing is set", &["vip_arp=", "cp_enable=", "address=", "vip_interface="]),
    case("a name is misspelled", &["vip_arp=", "vip_apr=true"]),
    case("switches are in words of their own", &["vip_arp=yes", "cp_enable=on"]),
    case("two modes", &["bgp_enable=true"]),
    case("another mode", &["vip_arp=false", "vip_wireguard=true"]),
    case("Services only", &["cp_enable=false", "svc_enable=true", "svc_election=true"]),
    case(
        "features that are not there",
        &[
            "lb_enable=true",
            "vip_ddns=true",
            "kubernetes_addr=https://",
            "config_file=/nowhere/kube-vip.toml",
        ],
    ),
    Case {
        name: "flags",
        environment: &["address=", "port=6443"],
        flags: &["--address=192.168.20.140/24", "--port=0", "--leaderElectionType=etcd", "true"],
    },
    case("IPv6 where it is switched off", &["address=192.168.20.140,fd00::140"]),
    case("a name that nobody resolved", &["address=k8s.example.org"]),
    case("an address that no host can have", &["address=255.255.255.255"]),
    case("a prefix length that is too long", &["vip_subnet=33"]),
    case("a netmask", &["vip_subnet=255.255.255.0"]),
    case(
        "times that do not fit",
        &["vip_leaseduration=10", "vip_retryperiod=2s", "vip_renewdeadline=0"],
    ),
    case("a lease shorter than its renewal", &["vip_leaseduration=5"]),
    case(
        "ports",
        &["port=70000", "health_check_port=80", "prometheus_server=2112", "vip_loglevel=debug"],
    ),
    case(
        "health and preference",
        &[
            "vip_priority=256",
            "vip_fail_back=no",
            "control_plane_health_check_address=127.0.0.1:6443",
            "control_plane_health_check_period_seconds=0",
            "control_plane_health_check_failure_threshold=0.5",
        ],
    ),
    case("an interface that is not there", &["vip_interface=eth0"]),
    case("a variable that is not there", &["address=$(VIP)", "port=$(PORT)"]),
    case(
        "names that Kubernetes refuses",
        &["vip_nodename=my_node", "vip_leasename=Kube_VIP", "cp_namespace=kube.system"],
    ),
];

fn link(name: &str, address: Ipv4Addr, prefix: u8) -> HostLink {
    HostLink {
        name: LinkName::new(name).expect("a name"),
        up: true,
        loopback: name == "lo",
        mac: Some(Mac([2, 0, 0, 0, 0, 1])),
        addresses: vec![(address.into(), prefix)],
    }
}

fn host() -> Host {
    let wlan =
        HostLink { up: false, addresses: Vec::new(), ..link("wlan0", Ipv4Addr::LOCALHOST, 8) };
    Host {
        links: vec![
            link("lo", Ipv4Addr::LOCALHOST, 8),
            wlan,
            link("end0", Ipv4Addr::new(192, 168, 20, 141), 24),
        ],
        default_route_link: LinkName::new("end0").ok(),
        without_ipv6: LinkName::new("end0").ok().into_iter().collect(),
        host_name: "tpi-alpha-1".to_owned(),
        boot: "a-boot".to_owned(),
    }
}

fn refusal(case: &Case, host: &Host) -> String {
    let pairs = FINE.iter().chain(case.environment).filter_map(|pair| pair.split_once('='));
    let environment: BTreeMap<_, _> =
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let args = ["kube-vip", "manager"].iter().chain(case.flags).map(Into::into);
    let Outcome::Manager(settings) = decide(args, environment, None) else {
        panic!("{}: this is no manager", case.name);
    };
    match settings.config(host) {
        Ok(config) => panic!("{}: accepted as {config:?}", case.name),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn errors_are_as_they_were_read() {
    let mut text = String::new();
    for case in &CASES {
        let changes: Vec<_> = case.environment.iter().chain(case.flags).copied().collect();
        let _ = writeln!(text, "=== {}: {}", case.name, changes.join(" "));
        let _ = writeln!(text, "{}", refusal(case, &host()));
    }
    golden_file::check("crates/daemon/tests/golden/settings-errors.txt", &text);
}

#[test]
fn every_error_names_the_setting_and_stays_within_the_width() {
    for case in &CASES {
        let text = refusal(case, &host());
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{}: {line}", case.name);
            assert!(!line.ends_with(' '), "{}: {line:?}", case.name);
        }
        let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        let problems = count("  wrong  ");
        assert!(problems > 0);
        assert_eq!((count("  given  "), count("  right  ")), (problems, problems), "{}", case.name);
    }
}
