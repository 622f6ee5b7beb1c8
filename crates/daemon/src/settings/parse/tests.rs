//! Tests of the forms of values.

use std::net::Ipv6Addr;

use super::*;

#[test]
fn switches_are_those_of_go() {
    for text in ["1", "t", "T", "true", "TRUE", "True"] {
        assert_eq!(switch(text), Ok(true), "{text}");
    }
    for text in ["0", "f", "F", "false", "FALSE", "False"] {
        assert_eq!(switch(text), Ok(false), "{text}");
    }
    for text in ["yes", "no", "on", "off", "tRUE", " true", "2", ""] {
        assert!(switch(text).is_err(), "{text}");
    }
}

#[test]
fn numbers_are_decimal_and_within_bounds() {
    let bounds = Bounds { least: -4, most: 10, unit: "level" };
    for (text, value) in [("0", 0), ("-4", -4), ("10", 10), ("+3", 3), ("007", 7)] {
        assert_eq!(number(text, bounds), Ok(value), "{text}");
    }
    for text in ["-5", "11", "0x1", "1.5", "1s", "", " 1", "99999999999999999999"] {
        assert!(number(text, bounds).is_err(), "{text}");
    }
}

#[test]
fn levels_are_numbers_or_their_names() {
    for (text, value) in [("-4", -4), ("0", 0), ("8", 8), ("debug", -4), ("WARN", 4), ("error", 8)]
    {
        assert_eq!(level(text), Ok(value));
    }
    for text in ["verbose", "", "4.0", "3000000000"] {
        assert!(level(text).is_err(), "{text}");
    }
}

#[test]
fn servers_are_urls_or_hosts() {
    for (text, url) in [
        ("https://10.0.0.1:6443", "https://10.0.0.1:6443"),
        ("kubernetes:6443", "https://kubernetes:6443"),
        ("10.0.0.1", "https://10.0.0.1"),
        ("[fd00::1]:6443", "https://[fd00::1]:6443"),
    ] {
        assert_eq!(server(text).as_deref(), Ok(url));
    }
    for text in ["ftp://a", "https://", "a b", ""] {
        assert!(server(text).is_err(), "{text}");
    }
}

#[test]
fn verbosities_are_klogs() {
    assert_eq!((verbosity("0"), verbosity("10")), (Ok(0), Ok(10)));
    for text in ["-1", "11", "debug", ""] {
        assert!(verbosity(text).is_err(), "{text}");
    }
}

#[test]
fn ports_can_be_connected_to() {
    assert_eq!(port("6443"), Ok(6443));
    assert_eq!(port("65535"), Ok(65535));
    for text in ["0", "65536", "-1", "https", ""] {
        assert!(port(text).is_err(), "{text}");
    }
}

#[test]
fn a_health_port_is_none_of_the_systems() {
    assert_eq!(health_port("0"), Ok(None));
    assert_eq!(health_port("1024"), Ok(Some(1024)));
    for text in ["1023", "1", "65536", "-1", "x"] {
        assert!(health_port(text).is_err(), "{text}");
    }
}

#[test]
fn prefix_lengths_as_people_write_them() {
    for (text, ipv4, ipv6) in [
        ("32", 32, 32),
        ("24", 24, 24),
        ("/24", 24, 24),
        ("1", 1, 1),
        ("64", 64, 64),
        ("128", 128, 128),
        ("32,128", 32, 128),
        ("24, 64", 24, 64),
        ("/24,/64", 24, 64),
    ] {
        assert_eq!(prefixes(text), Ok(Prefixes { ipv4, ipv6 }), "{text}");
    }
    for text in [
        "0",
        "33,128",
        "129",
        "128,32",
        "32,129",
        "32,",
        "32,128,1",
        "auto",
        "255.255.255.0",
        "-1",
        "x",
    ] {
        assert!(prefixes(text).is_err(), "{text}");
    }
}

#[test]
fn addresses_are_separated_by_commas() {
    let one = Ipv4Addr::new(192, 168, 20, 140).into();
    let two = "fd00::1".parse().expect("an address");
    assert_eq!(addresses("192.168.20.140"), Ok(vec![one]));
    assert_eq!(addresses("192.168.20.140, fd00::1"), Ok(vec![one, two]));
}

#[test]
fn what_is_no_address_is_told_apart() {
    for (text, part) in [
        ("fd00::1::2", "no IP address"),
        ("k8s.example.org", "could not be resolved"),
        ("localhost", "could not be resolved"),
        ("192.168.20.300", "\"192.168.20.300\" is no IP address"),
        ("192.168.20", "no IP address"),
        ("192.168.20.140/24", "the prefix length does not belong here"),
        ("10.0.0.1,", "a comma without an address"),
        ("http://x", "prefix length"),
        ("10.0.0.1;10.0.0.2", "no IP address"),
        ("0.0.0.0", "0.0.0.0 stands for an address from DHCP, which is not in this version"),
        ("10.0.0.1,::", ":: stands for an address from DHCP"),
    ] {
        let wrong = addresses(text).expect_err(text).wrong;
        assert!(wrong.contains(part), "{text}: {wrong}");
    }
}

#[test]
fn where_to_listen() {
    let at = |address: Option<IpAddr>, port| Ok(Some(Listen { address, port }));
    assert_eq!(listen(""), Ok(None));
    assert_eq!(listen(":2112"), at(None, 2112));
    assert_eq!(listen("127.0.0.1:2113"), at(Some(Ipv4Addr::LOCALHOST.into()), 2113));
    assert_eq!(listen("localhost:2113"), at(Some(Ipv4Addr::LOCALHOST.into()), 2113));
    assert_eq!(listen("[::1]:80"), at(Some(Ipv6Addr::LOCALHOST.into()), 80));
    assert_eq!(listen("0.0.0.0:1"), at(Some(Ipv4Addr::UNSPECIFIED.into()), 1));
    for text in ["2112", "host:2112", ":http", "::1:2112", "[127.0.0.1]:1", "127.0.0.1:65536"] {
        assert!(listen(text).is_err(), "{text}");
    }
    for text in [":2112", "127.0.0.1:2113", "[::1]:80"] {
        let shown = listen(text).ok().flatten().map(|listen| listen.to_string());
        assert_eq!(shown.as_deref(), Some(text));
    }
}

#[test]
fn leases_and_namespaces_have_the_names_of_kubernetes() {
    assert_eq!(lease("plndr-cp-lock"), Ok((None, "plndr-cp-lock".to_owned())));
    assert_eq!(lease("infra/vip.a"), Ok((Some("infra".to_owned()), "vip.a".to_owned())));
    for text in ["", "a.b/x", "/x", "ns/", "A", "a_b", "-a", "a-", "a..b", "a/b/c", "a b"] {
        assert!(lease(text).is_err(), "{text}");
    }
    assert!(lease(&"a".repeat(253)).is_ok());
    assert!(lease(&"a".repeat(254)).is_err());
    assert!(namespace(&"a".repeat(63)).is_ok());
    assert!(namespace(&"a".repeat(64)).is_err());
}
