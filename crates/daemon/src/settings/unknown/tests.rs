//! Tests of names that look like settings.

use super::*;

fn texts(name: &str, value: &str) -> Vec<String> {
    let inputs =
        Inputs { environment: [(name.to_owned(), value.to_owned())].into(), ..Inputs::default() };
    warnings(&inputs).iter().map(ToString::to_string).collect()
}

#[test]
fn what_was_meant() {
    for (name, known) in [
        ("vip_apr", "vip_arp"),
        ("vip_leasduration", "vip_leaseduration"),
        ("vip_leaseDuration", "vip_leaseduration"),
        ("VIP_ARP", "vip_arp"),
        ("PORT", "port"),
        ("lb_enabled", "lb_enable"),
        ("enableServicesElection", "svc_election"),
        ("enableUPNP", "enable_upnp"),
        ("bgppeers", "bgp_peers"),
        ("interface", "vip_interface"),
        ("log_level", "vip_loglevel"),
        ("vip", "address"),
        ("cp_enabled", "cp_enable"),
        ("svc_elections", "svc_election"),
    ] {
        let warned = texts(name, "x");
        let expected = format!("{name}: ignored, no setting has this name; is {known} meant?");
        assert_eq!(warned, [expected]);
    }
}

#[test]
fn names_of_long_ago_are_told_from_misspelled_ones() {
    for (name, part) in [
        ("vip_localpeer", "time with raft"),
        ("lb_backends", "time with raft"),
        ("provider_config", "Equinix Metal"),
    ] {
        let warned = texts(name, "x");
        assert!(warned.len() == 1 && warned[0].contains(part), "{warned:?}");
    }
}

#[test]
fn nothing_is_proposed_that_is_not_near() {
    assert_eq!(
        texts("bgp_xxxxxxxxxxxxxxx", "x"),
        ["bgp_xxxxxxxxxxxxxxx: ignored, no setting has this name"]
    );
}

#[test]
fn other_programs_variables_are_none_of_ours() {
    for name in ["PATH", "KUBERNETES_SERVICE_HOST", "VIP_EXPORTER_PORT", "LB_SERVICE_HOST", "TERM"]
    {
        assert_eq!(texts(name, "x"), [""; 0], "{name}");
    }
}

#[test]
fn known_names_and_empty_values_are_not_mentioned() {
    assert_eq!(texts("vip_arp", "true"), [""; 0]);
    assert_eq!(texts("EGRESS_CLEAN", "true"), [""; 0]);
    assert_eq!(texts("vip_apr", ""), [""; 0]);
}

#[test]
fn a_word_without_a_flag_is_mentioned() {
    let inputs = Inputs { words: vec!["false".to_owned()], ..Inputs::default() };
    let warned = warnings(&inputs);
    assert_eq!(warned.len(), 1);
    assert!(warned[0].to_string().starts_with("false: ignored, it belongs to no flag"));
}
