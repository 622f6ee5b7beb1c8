//! Tests of reading: which of several values counts.

use super::*;
use crate::settings::config::Listen;
use crate::settings::definition::{Effect, Kind};

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Settings {
    Settings::read(&Inputs {
        environment: map(environment),
        flags: map(flags),
        ..Inputs::default()
    })
}

#[test]
fn without_anything_all_is_default() {
    let settings = read(&[], &[]);
    let values = settings.values();
    assert_eq!((values.port, values.prefixes.ipv4, values.arp_rate), (6443, 32, 3000));
    assert_eq!(
        (values.lease_name.as_str(), values.namespace.as_str()),
        ("plndr-cp-lock", "kube-system")
    );
    let seconds = [values.lease_duration, values.renew_deadline, values.retry_period];
    assert_eq!(seconds.map(|span| span.as_secs()), [15, 10, 2]);
    assert_eq!(values.metrics, Some(Listen { address: None, port: 2112 }));
    assert_eq!(values.health_port, None);
    assert!(!values.arp && !values.control_plane && !values.leader_election);
    assert!(settings.problems.is_empty() && settings.warnings.is_empty());
}

#[test]
fn the_environment_wins_over_flags() {
    let settings = read(&[("port", "1")], &[("port", "2"), ("vipSubnet", "24")]);
    assert_eq!((settings.values().port, settings.values().prefixes.ipv4), (1, 24));
    let warnings: Vec<_> = settings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["port (--port): both are set, and the environment wins over the flag"]);
}

#[test]
fn the_same_value_twice_is_not_mentioned() {
    assert!(read(&[("port", "1")], &[("port", "1")]).warnings.is_empty());
}

#[test]
fn an_empty_variable_is_not_set() {
    let settings =
        read(&[("port", ""), ("prometheus_server", ""), ("vip_arp", "")], &[("port", "2")]);
    assert_eq!(settings.values().port, 2);
    assert_eq!(settings.values().metrics, Some(Listen { address: None, port: 2112 }));
    assert!(settings.problems.is_empty());
}

#[test]
fn an_empty_flag_is_set() {
    let settings = read(&[], &[("prometheusHTTPServer", "")]);
    assert_eq!(settings.values().metrics, None);
    assert!(settings.problems.is_empty());
    assert_eq!(read(&[], &[("port", "")]).problems.len(), 1);
    let settings = read(&[], &[("vipSubnet", ""), ("address", ""), ("interface", "")]);
    assert!(settings.problems.is_empty() && settings.warnings.is_empty());
    assert_eq!(settings.values().prefixes.ipv6, 128);
}

#[test]
fn quotation_marks_are_taken_off_with_a_warning() {
    let settings = read(&[("port", "\"6444\""), ("address", " 10.0.0.1 ")], &[]);
    assert_eq!((settings.values().port, settings.values().address.as_str()), (6444, "10.0.0.1"));
    let warnings: Vec<_> = settings.warnings.iter().map(ToString::to_string).collect();
    let text = "port=\"6444\": the quotation marks are no part of it; taken without them";
    assert_eq!(warnings, [text]);
}

#[test]
fn variables_in_flags_are_replaced() {
    let settings = read(&[("KVVIP", "10.0.0.1")], &[("address", "$(KVVIP)"), ("port", "$(PORTS)")]);
    assert_eq!(settings.values().address, "10.0.0.1");
    assert_eq!(settings.problems.len(), 1);
    let wrong = "$(PORTS) stands for a variable that the environment has not";
    assert_eq!(settings.problems[0].wrong.wrong, wrong);
}

#[test]
fn of_several_names_the_first_that_is_not_empty_counts() {
    let settings = read(&[("egress_clean", ""), ("EGRESS_CLEAN", "perhaps")], &[]);
    assert_eq!(settings.problems.len(), 1);
    assert!(
        read(&[("egress_clean", "true"), ("EGRESS_CLEAN", "perhaps")], &[]).problems.is_empty()
    );
}

#[test]
fn what_is_wrong_leaves_the_default() {
    let settings = read(&[("port", "0"), ("vip_leaseduration", "5s")], &[]);
    assert_eq!(settings.values().port, 6443);
    assert_eq!(settings.values().lease_duration.as_secs(), 15);
    assert_eq!(settings.problems.len(), 2);
}

#[test]
fn features_that_are_not_there_are_refused_only_if_switched_on() {
    let off = [
        ("bgp_enable", "false"),
        ("bgp_as", "64512"),
        ("bgp_peerpass", "secret"),
        ("lb_enable", "0"),
        ("lb_port", "6444"),
        ("lb_fwdmethod", "masquerade"),
        ("svc_enable", "False"),
        ("svc_election", "true"),
        ("svc_leasename", "plndr-svcs-lock"),
        ("vip_ddns", "false"),
        ("dns_mode", "first"),
        ("vip_routingtableid", "198"),
    ];
    let settings = read(&off, &[("leaderElectionType", "kubernetes")]);
    assert_eq!(settings.problems, []);
    assert!(settings.warnings.is_empty());
    for (name, value) in
        [("bgp_enable", "true"), ("lb_enable", "T"), ("svc_enable", "1"), ("vip_ddns", "true")]
    {
        let settings = read(&[(name, value)], &[]);
        assert_eq!(settings.problems.len(), 1, "{name}");
        assert!(settings.problems[0].wrong.wrong.ends_with("not in this version of kube-vip"));
    }
}

/// By every way in which a setting can be given.
#[test]
fn what_switches_a_missing_feature_on_is_refused_by_its_name() {
    for definition in definitions::all().filter(|one| one.effect() == Effect::Refused) {
        let feature = definition.missing().expect("refused because its feature is missing");
        let on = if definition.kind.is_switch() { "true" } else { "etcd" };
        let pair = |name: &str| BTreeMap::from([(name.to_owned(), on.to_owned())]);
        let flag = definition.flag.expect("all of them have one").long;
        let file = |key: &str| {
            let file = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a file");
            std::fs::write(&file, format!("{key}: {on}\n")).expect("room");
            Some(ConfigFile::read(file.path()))
        };
        let environment = definition.env.iter().map(|name| pair(name));
        let ways = environment
            .map(|environment| Inputs { environment, ..Inputs::default() })
            .chain([Inputs { flags: pair(flag), ..Inputs::default() }])
            .chain(
                [definition.name(), flag]
                    .map(|key| Inputs { file: file(key), ..Inputs::default() }),
            );
        for inputs in ways {
            let problems = Settings::read(&inputs).problems;
            assert_eq!(problems.len(), 1, "{inputs:?}");
            let expected = format!("{} is not in this version of kube-vip", feature.title());
            assert_eq!(problems[0].wrong.wrong, expected, "{inputs:?}");
        }
    }
}

#[test]
fn what_says_more_of_a_missing_feature_is_accepted_without_a_word() {
    for definition in definitions::all().filter(|one| one.effect() == Effect::Accepted) {
        let other = match &definition.kind {
            Kind::Switch(_) => (definition.default != "true").to_string(),
            Kind::Number(..) | Kind::Port(_) => "7".to_owned(),
            _ => "whatever".to_owned(),
        };
        let name = definition.name();
        let (environment, flags) = match definition.flag {
            Some(flag) if definition.env.is_empty() => (vec![], vec![(flag.long, other.as_str())]),
            _ => (vec![(name, other.as_str())], vec![]),
        };
        let settings = read(&environment, &flags);
        assert_eq!(settings.problems, [], "{name}");
        assert!(settings.warnings.is_empty(), "{name}: {:?}", settings.warnings);
    }
}

#[test]
fn settings_without_effect_get_a_warning() {
    let effectless = ["vip_startleader", "cp_detect", "vip_preserve_on_leadership_loss"];
    for name in effectless {
        let settings = read(&[(name, "true"), ("vip_singlenode", "false")], &[]);
        let warnings: Vec<_> = settings.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].starts_with(&format!("{name}=true: it has no effect: ")),
            "{warnings:?}"
        );
        assert!(settings.problems.is_empty());
    }
}

#[test]
fn a_switch_of_a_missing_feature_has_to_be_a_switch() {
    assert_eq!(read(&[("vip_wireguard", "no")], &[]).problems.len(), 1);
}
