//! Tests of files with settings.

use std::collections::BTreeMap;

use super::*;
use crate::settings::{Inputs, Settings};

fn file(name: &str, text: &str) -> ConfigFile {
    ConfigFile { pairs: parse(Path::new(name), text) }
}

fn read(text: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Settings {
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<_, _> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let file = Some(file("kube-vip.yaml", text));
    let inputs =
        Inputs { environment: map(environment), flags: map(flags), file, ..Inputs::default() };
    Settings::read(&inputs)
}

const ORIGINAL: &str = "
enableARP: true
EnableControlPlane: true
address: 192.168.20.140
vipSubnet: 24
interface: end0
leaseName: a-lease
leaseDuration: 5
renewDeadline: 3
retryPeriod: 1
prometheusHTTPServer: ''
controlPlaneHealthCheck:
  periodSeconds: 7
bgpConfig:
  as: 64512
  peers:
    - address: 10.0.0.1
      as: 64513
";

#[test]
fn the_originals_keys_are_known() {
    let settings = read(ORIGINAL, &[], &[]);
    let values = settings.values();
    assert!(values.arp && values.control_plane);
    assert_eq!((values.address.as_str(), values.interface.as_str()), ("192.168.20.140", "end0"));
    assert_eq!(values.lease_name, "a-lease");
    let seconds = [values.lease_duration, values.renew_deadline, values.retry_period];
    assert_eq!(seconds.map(|span| span.as_secs()), [5, 3, 1]);
    assert_eq!(values.health_period.as_secs(), 7);
    assert!(values.metrics.is_some(), "empty is not set, as in the environment");
    assert!(settings.problems.is_empty(), "{:?}", settings.problems);
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
}

#[test]
fn names_of_the_environment_and_flags_are_keys_too() {
    let settings =
        read("vip_arp: true\ncp-enable: 'true'\nvipSubnet: 24\nvip_arprate: 500", &[], &[]);
    let values = settings.values();
    assert!(values.arp && values.control_plane);
    assert_eq!(values.arp_rate, 500);
}

#[test]
fn environment_and_flags_win_over_the_file_and_the_file_over_defaults() {
    let settings =
        read("port: 1\nvip_leaseduration: 20\naddress: a", &[("port", "3")], &[("address", "b")]);
    let values = settings.values();
    assert_eq!((values.port, values.lease_duration.as_secs()), (3, 20));
    assert_eq!(values.address, "b");
}

#[test]
fn a_key_that_is_none_gets_a_warning() {
    let settings = read("vip_apr: true\nwhatever: {a: 1}", &[], &[]);
    let warnings: Vec<_> = settings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "vip_apr in the file of --config-file: ignored, no setting has this name; is vip_arp \
             meant?",
            "whatever.a in the file of --config-file: ignored, no setting has this name",
        ]
    );
}

/// The fields of the original's `Config` and of those in it, also such that it never reads from a
/// file; and the file of `kube-vip start`.
const KNOWN: &str = "
    logging enableARP enableBGP enableWireguard enableRoutingTable enableControlPlane
    detectControlPlane enableServices enableServicesElection enableLoadBalancer
    enableLeaderElection leaderElectionType enableNodeLabeling enableEndpoints address vip
    interface servicesInterface vipSubnet port namespace serviceNamespace nodeName leaseName
    leaseNodeName servicesLeaseName leaseDuration renewDeadline retryPeriod annotations
    bgpConfig.as bgpConfig.routerID bgpConfig.sourceIF bgpConfig.sourceIP bgpConfig.holdTime
    bgpConfig.keepaliveInterval bgpConfig.peers bgpPeerConfig.address bgpPeerConfig.as
    bgpPeerConfig.password bgpPeerConfig.multiHop loadBalancerPort loadBalancerClassName
    loadBalancerForwardingMethod loadBalancerClassOnly loadBalancerClassLegacyHandling lbPort
    lbForwardingMethod lbClassOnly lbClassName lbClassNameLegacyHandling dnsMode dhcpMode
    dnsDualStackMode dhcpDualStackMode controlPlaneHealthCheck.address
    controlPlaneHealthCheck.periodSeconds controlPlaneHealthCheck.timeoutSeconds
    controlPlaneHealthCheck.failureThreshold controlPlaneHealthCheck.caPath
    prometheusHTTPServer healthCheckPort k8sConfigFile k8sConfigPath kubernetesAddr
    preserveVIP preserveVIPOnLeadershipLoss loseLeadership loseLeadershipTimeoutSeconds
    routingTableID routingTableType routingProtocol cleanRoutingTable mirrorDestInterface
    disableServiceUpdates egressWithNftables enableServiceSecurity arpBroadcastRate ddns
    singleNode startAsLeader loInterfaceGlobalScope instanceName debounceTime
    allowInterfaceNotUp zebra.url zebra.version zebra.softwareName skipDAD
    leaseAnnotations etcd.caFile etcd.clientCertFile etcd.clientKeyFile etcd.endpoints
    gratuitousARP
";

#[test]
fn every_key_of_the_original_is_a_setting_or_told_to_be_gone() {
    for key in KNOWN.split_whitespace() {
        for key in [key.to_owned(), key.to_lowercase()] {
            assert!(known(&key).is_some(), "{key}");
        }
    }
    let gone = "
loadBalancers: [{name: a, port: 6443}]
localPeer: {id: a, port: 10000}
remotePeers: [{id: b}]
zebra: {enabled: false, version: 6}
leaseAnnotations: {a: b}";
    let warnings = read(gone, &[], &[]).warnings;
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    let parts = [
        "vip_leaseannotations={\"a\":\"b\"}: it has no effect",
        "loadBalancers in the file of --config-file: ignored: a leftover",
        "localPeer.id in the file of --config-file: ignored: a leftover",
        "localPeer.port in",
        "remotePeers in",
        "zebra.enabled in the file of --config-file: ignored, no setting has this name; is \
         zebra_enable meant?",
    ];
    assert_eq!(warnings.len(), parts.len(), "{warnings:#?}");
    for part in parts {
        assert!(warnings.iter().any(|warning| warning.starts_with(part)), "{part}: {warnings:#?}");
    }
}

#[test]
fn a_wrong_value_is_told_with_its_place() {
    let settings = read("port: 70000", &[], &[]);
    assert_eq!(settings.problems.len(), 1);
    assert!(settings.problems[0].to_string().contains("by the file of --config-file"));
    let settings = read("bgpConfig: {}\nenableBGP: true", &[], &[]);
    assert!(settings.problems[0].wrong.wrong.starts_with("BGP mode is not in this version"));
}

#[test]
fn a_file_that_is_none_is_a_problem_and_does_not_quote_itself() {
    for (name, text, part) in [
        ("a.yaml", "password: [secret", "this is no YAML"),
        ("a.json", "{\"port\": 1", "this is no JSON"),
        ("a.toml", "port = 1", "the name of this file tells no format"),
        ("a.yaml", "- port", "this is no list of keys and values"),
    ] {
        let file = file(name, text);
        let wrong = file.pairs().expect_err(text);
        assert!(wrong.wrong.contains(part) && !wrong.wrong.contains("secret"), "{wrong:?}");
        let settings = Settings::read(&Inputs { file: Some(file), ..Inputs::default() });
        assert_eq!(settings.problems.len(), 1);
    }
    let absent = ConfigFile::read(Path::new("/nowhere/kube-vip.yaml"));
    assert!(absent.pairs().is_err());
    assert_eq!(file("empty.yml", "").pairs(), Ok(&[][..]));
    assert_eq!(file("b.json", "{\"port\": 6444}").pairs().map(<[_]>::len), Ok(1));
}
