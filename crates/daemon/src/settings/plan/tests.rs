//! Tests of what settings come to on a host.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use kube_vip_core::address::{LinkName, Mac, Vip};
use kube_vip_core::plan::{Conduct, HealthPlan, Vips};

use super::*;
use crate::settings::Inputs;
use crate::settings::config::{HealthCheck, Listen, LogFormat, LogLevel};
use crate::settings::host::HostLink;

const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 140);

/// The environment of the manifest that this project was made for.
const MANIFEST: [(&str, &str); 8] = [
    ("vip_arp", "true"),
    ("vip_interface", "end0"),
    ("address", "192.168.20.140"),
    ("port", "6443"),
    ("vip_leaderelection", "true"),
    ("cp_enable", "true"),
    ("cp_namespace", "kube-system"),
    ("KUBECONFIG", "/.kube/config"),
];

fn link(name: &str, address: [u8; 4], prefix: u8) -> HostLink {
    HostLink {
        name: LinkName::new(name).expect("a name"),
        up: true,
        loopback: name == "lo",
        mac: Some(Mac([2, 0, 0, 0, 0, 1])),
        addresses: vec![(address.into(), prefix)],
    }
}

fn board() -> Host {
    Host {
        links: vec![
            link("lo", [127, 0, 0, 1], 8),
            link("end1", [10, 0, 0, 5], 16),
            link("end0", [192, 168, 20, 141], 24),
        ],
        without_ipv6: Vec::new(),
        default_route_link: LinkName::new("end1").ok(),
        host_name: "TPI-Alpha-1".to_owned(),
        boot: "a-boot".to_owned(),
    }
}

fn settings_map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let all = MANIFEST.iter().chain(pairs);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn settings(pairs: &[(&str, &str)]) -> Settings {
    Settings::read(&Inputs { environment: settings_map(pairs), ..Inputs::default() })
}

/// The manifest's environment with some changes, on the board.
fn config(pairs: &[(&str, &str)]) -> Config {
    on(&board(), pairs)
}

fn on(host: &Host, pairs: &[(&str, &str)]) -> Config {
    match settings(pairs).config(host) {
        Ok(config) => config,
        Err(refusal) => panic!("{refusal}"),
    }
}

fn warnings(config: &Config) -> Vec<String> {
    config.warnings.iter().map(ToString::to_string).collect()
}

fn problem(host: &Host, pairs: &[(&str, &str)]) -> (String, String) {
    let refusal = settings(pairs).config(host).expect_err("something wrong");
    assert_eq!(refusal.problems.len(), 1, "{refusal}");
    (refusal.problems[0].label.clone(), refusal.problems[0].wrong.wrong.clone())
}

fn vips(list: &[([u8; 4], u8)]) -> Vips {
    let vip =
        |(address, prefix): &([u8; 4], u8)| Vip::new((*address).into(), *prefix).expect("a vip");
    Vips::new(list.iter().map(vip).collect()).expect("addresses")
}

#[test]
fn the_manifest_comes_to_its_plan() {
    let config = config(&[]);
    let expected = Config {
        plan: Plan {
            node: NodeName::new("tpi-alpha-1").expect("a node"),
            link: LinkName::new("end0").expect("a link"),
            vips: vips(&[([192, 168, 20, 140], 32)]),
            lease: LeasePlan {
                namespace: "kube-system".to_owned(),
                name: "plndr-cp-lock".to_owned(),
                timings: Timings::new(
                    Duration::from_secs(15),
                    Duration::from_secs(10),
                    Duration::from_secs(2),
                )
                .expect("the usual times"),
            },
            announce_every: Duration::from_secs(3),
            conduct: Conduct::default(),
            boot: "a-boot".to_owned(),
        },
        credentials: Credentials {
            k8s_config_file: None,
            kubeconfig_env: Some("/.kube/config".to_owned()),
            home: None,
            server: None,
        },
        port: 6443,
        node_label: None,
        health: HealthCheck::default(),
        metrics: Some(Listen { address: None, port: 2112 }),
        health_port: None,
        log_level: LogLevel(0),
        log_format: LogFormat::Text,
        black_box_file: None,
        warnings: Vec::new(),
    };
    assert_eq!(config, expected);
}

#[test]
fn flags_do_the_same_as_the_environment() {
    let flags = [
        ("arp", "true"),
        ("interface", "end0"),
        ("address", "192.168.20.140"),
        ("port", "6443"),
        ("leaderElection", "true"),
        ("controlplane", "true"),
        ("namespace", "kube-system"),
    ];
    let flags = flags.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment = BTreeMap::from([("KUBECONFIG".to_owned(), "/.kube/config".to_owned())]);
    let inputs = Inputs { environment, flags: flags.into(), ..Inputs::default() };
    let by_flags = Settings::read(&inputs).config(&board()).expect("fine");
    assert_eq!(by_flags, config(&[]));
}

#[test]
fn a_manifest_of_the_originals_generator_is_accepted_as_it_is() {
    let config = config(&[
        ("vip_nodename", "Node-A"),
        ("vip_subnet", "32"),
        ("dns_mode", "first"),
        ("dhcp_mode", "ipv4"),
        ("vip_ddns", "false"),
        ("svc_enable", "false"),
        ("vip_leasename", "plndr-cp-lock"),
        ("vip_leaseduration", "5"),
        ("vip_renewdeadline", "3"),
        ("vip_retryperiod", "1"),
        ("lb_enable", "false"),
        ("lb_port", "6443"),
        ("lb_fwdmethod", "local"),
        ("prometheus_server", ":2112"),
    ]);
    assert_eq!(warnings(&config), [""; 0]);
    assert_eq!(config.plan.node.as_str(), "node-a");
    assert_eq!(config.plan.lease.timings.duration(), Duration::from_secs(5));
}

#[test]
fn old_names_of_address_and_prefix_length() {
    let old = config(&[("address", ""), ("vip_address", "192.168.20.140"), ("vip_cidr", "24")]);
    assert_eq!(old.plan.vips, vips(&[([192, 168, 20, 140], 24)]));
    assert_eq!(warnings(&old).len(), 2);
    let both = config(&[("vip_address", "end0"), ("vip_subnet", "/25"), ("vip_cidr", "24")]);
    assert_eq!(both.plan.vips, vips(&[([192, 168, 20, 140], 25)]));
    assert_eq!(
        warnings(&both),
        [
            "vip_address=end0: it is ignored, because address is set too",
            "vip_cidr=24: it is ignored, because vip_subnet is set too",
        ]
    );
    let odd = config(&[("vip_cidr", "auto")]);
    assert_eq!(odd.plan.vips, vips(&[([192, 168, 20, 140], 32)]));
    assert_eq!(
        warnings(&odd),
        ["vip_cidr=auto: it is ignored: this is no prefix length; write vip_subnet"]
    );
}

#[test]
fn an_election_is_told_with_the_addresses_of_either_name() {
    let vips = |pairs: &[(&str, &str)]| settings(pairs).election().expect("fine").vips;
    assert_eq!(vips(&[]), [IpAddr::from(VIP)]);
    let old = [("address", ""), ("vip_address", "192.168.20.140, fd00::140")];
    assert_eq!(vips(&old), [VIP.into(), "fd00::140".parse::<IpAddr>().expect("an address")]);
}

#[test]
fn several_addresses_share_the_prefix_length() {
    let config = config(&[("address", "192.168.20.140,192.168.20.150"), ("vip_subnet", "24,64")]);
    let expected = vips(&[([192, 168, 20, 140], 24), ([192, 168, 20, 150], 24)]);
    assert_eq!(config.plan.vips, expected);
}

#[test]
fn an_address_that_is_there_twice_counts_once() {
    let list = ("address", "192.168.20.140,k8s.example.org,192.168.20.150");
    let names = Resolved::from([("k8s.example.org".to_owned(), vec![VIP.into()])]);
    let config = settings(&[list]).config_with(&board(), &names).expect("fine");
    assert_eq!(config.plan.vips, vips(&[([192, 168, 20, 140], 32), ([192, 168, 20, 150], 32)]));
    let warning = "192.168.20.140 is there more than once; it counts once";
    assert!(warnings(&config)[0].ends_with(warning), "{:?}", warnings(&config));
}

#[test]
fn announcements_that_are_too_frequent_come_at_the_usual_pace() {
    for (rate, used) in [("3", 3000), ("499", 3000), ("500", 500), ("10000", 10_000)] {
        let config = config(&[("vip_arpRate", rate)]);
        assert_eq!(config.plan.announce_every, Duration::from_millis(used), "{rate}");
        assert_eq!(warnings(&config).len(), usize::from(rate.len() == 1 || rate == "499"));
    }
}

#[test]
fn the_lease_is_where_the_original_has_it() {
    let namespace = |pairs: &[(&str, &str)], pod: Option<&str>| {
        let mut settings = settings(pairs);
        settings.pod_namespace = pod.map(str::to_owned);
        let config = settings.config(&board()).expect("fine");
        (
            config.plan.lease.namespace.clone(),
            config.plan.lease.name.clone(),
            warnings(&config).len(),
        )
    };
    let lock = "plndr-cp-lock".to_owned();
    let own = &[("cp_namespace", "infra")];
    assert_eq!(namespace(own, None), ("infra".to_owned(), lock.clone(), 0));
    assert_eq!(namespace(own, Some("kube-vip")), ("kube-vip".to_owned(), lock.clone(), 1));
    assert_eq!(namespace(&[], Some("kube-system")), ("kube-system".to_owned(), lock, 0));
    let full = &[("vip_leasename", "vips/a"), ("cp_namespace", "infra")];
    assert_eq!(namespace(full, Some("kube-vip")), ("vips".to_owned(), "a".to_owned(), 0));
}

#[test]
fn credentials_are_where_the_settings_say() {
    let credentials = |pairs: &[(&str, &str)]| config(pairs).credentials;
    assert_eq!(credentials(&[("k8s_config_file", ADMIN_CONF)]).k8s_config_file, None);
    let rke2 = credentials(&[("k8s_config_file", "/etc/rancher/rke2/rke2.yaml"), ("HOME", "/")]);
    assert_eq!(rke2.k8s_config_file, Some(PathBuf::from("/etc/rancher/rke2/rke2.yaml")));
    assert_eq!(rke2.home, Some(PathBuf::from("/")));
    assert_eq!(credentials(&[("KUBECONFIG", "")]).kubeconfig_env, None);
}

#[test]
fn servers_need_ports_of_their_own() {
    let (label, wrong) = problem(&board(), &[("health_check_port", "2112")]);
    assert_eq!(label, "health_check_port (--healthCheckPort)");
    assert_eq!(wrong, "this port is that of /metrics");
    let (label, wrong) = problem(&board(), &[("prometheus_server", ":6443")]);
    assert_eq!(label, "prometheus_server (--prometheusHTTPServer)");
    assert_eq!(wrong, "this port is the API server's");
    assert_eq!(config(&[("health_check_port", "2113")]).health_port, Some(2113));
}

#[test]
fn the_log_levels_scale_has_changed_once() {
    for (level, count) in [("-4", 0), ("0", 0), ("4", 0), ("8", 0), ("5", 1), ("1", 1)] {
        assert_eq!(warnings(&config(&[("vip_loglevel", level)])).len(), count, "{level}");
    }
}

#[test]
fn klogs_verbosity_counts_where_no_level_is_given() {
    let level = |flags: &[(&str, &str)], level: &str| {
        let mut settings = settings(&[("vip_loglevel", level)]);
        for (name, value) in flags {
            let flags = [((*name).to_owned(), (*value).to_owned())].into();
            let environment = settings_map(&[("vip_loglevel", level)]);
            settings = Settings::read(&Inputs { environment, flags, ..Inputs::default() });
        }
        settings.config(&board()).expect("fine").log_level
    };
    assert_eq!(level(&[("v", "5")], ""), LogLevel(-4));
    assert_eq!(level(&[("v", "3")], ""), LogLevel(0));
    assert_eq!(level(&[("v", "5")], "8"), LogLevel(8));
}

#[test]
fn another_server_is_asked_if_one_is_named() {
    let server = |text| config(&[("kubernetes_addr", text)]).credentials.server;
    assert_eq!(server(""), None);
    assert_eq!(server("kubernetes:6443").as_deref(), Some("https://kubernetes:6443"));
    let (label, _) = problem(&board(), &[("kubernetes_addr", "https://")]);
    assert_eq!(label, "kubernetes_addr");
}

#[test]
fn a_label_is_the_first_address() {
    let label = |pairs: &[(&str, &str)]| config(pairs).node_label;
    assert_eq!(label(&[]), None);
    let on = ("enable_node_labeling", "true");
    assert_eq!(label(&[on]).as_deref(), Some("192.168.20.140"));
    let several = ("address", "192.168.20.141,192.168.20.142");
    assert_eq!(label(&[on, several]).as_deref(), Some("192.168.20.141"));
    let digits = "fd000020000000000000000000000140";
    assert_eq!(label(&[on, ("address", "fd00:20::140")]).as_deref(), Some(digits));
}

#[test]
fn no_election_is_not_to_be_had() {
    let config = config(&[("vip_leaderelection", "false")]);
    assert_eq!(
        warnings(&config),
        ["vip_leaderelection=false: in ARP mode the nodes elect all the same"]
    );
}

#[test]
fn nodes_have_names_of_their_own() {
    let mut host = board();
    host.host_name = "localhost".to_owned();
    assert_eq!(warnings(&on(&host, &[])).len(), 1);
    assert_eq!(
        on(&host, &[("vip_nodename", "n1.example.org")]).plan.node.as_str(),
        "n1.example.org"
    );
    let empty = on(&board(), &[("vip_nodename", "")]);
    let text =
        "vip_nodename (--nodeName): it is there and empty: the host name is used, tpi-alpha-1";
    assert_eq!(warnings(&empty), [text]);
    host.host_name = "my_host".to_owned();
    let (label, wrong) = problem(&host, &[]);
    assert_eq!(label, "vip_nodename (--nodeName)");
    assert_eq!(wrong, "the host name, \"my_host\", is no name that a node can have");
}

#[test]
fn an_address_that_may_be_the_nodes_own_gets_a_warning() {
    assert_eq!(warnings(&config(&[("address", "192.168.20.141")])).len(), 1);
    let mut host = board();
    host.links[2].addresses.push((VIP.into(), 32));
    assert_eq!(warnings(&on(&host, &[])), [""; 0], "left by an earlier process");
}

#[test]
fn conduct_and_health_are_the_settings() {
    let config = config(&[
        ("vip_priority", "255"),
        ("vip_fail_back", "true"),
        ("vip_hold_on_api_loss", "false"),
        ("control_plane_health_check_address", "https://127.0.0.1:6443/readyz"),
        ("control_plane_health_check_period_seconds", "5"),
        ("control_plane_health_check_timeout_seconds", "3"),
        ("control_plane_health_check_failure_threshold", "2"),
        ("control_plane_health_check_ca_path", "/ca.crt"),
    ]);
    let seconds = Duration::from_secs;
    let health = HealthPlan { period: seconds(5), timeout: seconds(3), rise: 2, fall: 2 };
    let expected = Conduct { health, hold_on_api_loss: false, priority: 255, fail_back: true };
    assert_eq!(config.plan.conduct, expected);
    let url = Some("https://127.0.0.1:6443/readyz".to_owned());
    assert_eq!(config.health, HealthCheck { url, authority: Some("/ca.crt".into()) });
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn a_look_never_takes_longer_than_to_the_next() {
    let config = config(&[("control_plane_health_check_timeout_seconds", "3")]);
    assert_eq!(config.plan.conduct.health, HealthPlan::default());
    let text = "control_plane_health_check_timeout_seconds=3: longer than \
                control_plane_health_check_period_seconds, which is 1; 1 is used";
    assert_eq!(warnings(&config), [text]);
}

#[test]
fn an_authority_that_nothing_is_asked_with_gets_a_warning() {
    let authority = ("control_plane_health_check_ca_path", "/ca.crt");
    let plain = ("control_plane_health_check_address", "http://127.0.0.1:8080/health");
    for (pairs, why) in [
        (vec![authority], "without control_plane_health_check_address"),
        (vec![authority, plain], "the URL is not of https"),
    ] {
        let warnings = warnings(&config(&pairs));
        assert!(warnings.len() == 1 && warnings[0].contains(why), "{warnings:?}");
    }
}

#[test]
fn a_health_check_needs_a_url() {
    for text in ["127.0.0.1:6443", "no url", "ftp://127.0.0.1/readyz", "https://"] {
        let (label, _) = problem(&board(), &[("control_plane_health_check_address", text)]);
        let name = "control_plane_health_check_address (--controlPlaneHealthCheckAddress)";
        assert_eq!(label, name, "{text}");
    }
}
