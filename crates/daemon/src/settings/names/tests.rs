//! Tests of names in the place of addresses.

use super::*;
use crate::settings::Inputs;

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().expect("an address")).collect()
}

#[test]
fn which_answers_count_and_that_their_order_does_not() {
    let answers = addresses(&["fd00::2", "10.0.0.9", "10.0.0.2", "fd00::1"]);
    for (mode, chosen) in [
        (DnsMode::First, &["10.0.0.2"][..]),
        (DnsMode::Ipv4, &["10.0.0.2"]),
        (DnsMode::Ipv6, &["fd00::1"]),
        (DnsMode::Dual, &["10.0.0.2", "fd00::1"]),
    ] {
        let mut turned = answers.clone();
        for _ in 0..answers.len() {
            assert_eq!(mode.chosen(&turned), addresses(chosen), "{mode:?}");
            turned.rotate_left(1);
        }
    }
}

#[test]
fn a_family_that_is_missing() {
    let six = addresses(&["fd00::1"]);
    assert_eq!(DnsMode::First.chosen(&six), six);
    assert_eq!(DnsMode::Dual.chosen(&six), six);
    assert!(DnsMode::Ipv4.chosen(&six).is_empty());
    assert!(DnsMode::First.chosen(&[]).is_empty());
}

#[test]
fn names_are_found_among_addresses() {
    let names = |name: &str, value: &str, mode: &str| {
        let pairs = [(name, value), ("dns_mode", mode)];
        let environment = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Settings::read(&Inputs { environment, ..Inputs::default() }).names()
    };
    let list = "10.0.0.1, api.example.org,api,api.example.org,fd00::1";
    let both = vec!["api".to_owned(), "api.example.org".to_owned()];
    assert_eq!(names("address", list, "dual"), (both.clone(), DnsMode::Dual));
    assert_eq!(names("vip_address", list, ""), (both, DnsMode::First));
    assert_eq!(names("address", "10.0.0.1,10.0.0", "ipv4").0, Vec::<String>::new());
}

#[test]
fn names_are_replaced_by_what_they_stand_for() {
    let names = Resolved::from([("api".to_owned(), addresses(&["10.0.0.2", "fd00::1"]))]);
    assert_eq!(replaced("10.0.0.1, api ,other", &names), "10.0.0.1,10.0.0.2,fd00::1,other");
}
