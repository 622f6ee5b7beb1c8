//! What is an address or a name, and what is not.

use super::{LinkName, Mac, NameError, NodeName, Vip, VipError, link_local};

#[test]
fn an_ethernet_address_prints_as_it_is_read() {
    let mac: Mac = "02:00:0a:ff:00:01".parse().expect("six pairs");
    assert_eq!(mac, Mac([2, 0, 10, 255, 0, 1]));
    assert_eq!(mac.to_string(), "02:00:0a:ff:00:01");
}

#[test]
fn what_is_no_ethernet_address_is_refused() {
    for text in ["", "02:00:00:00:00", "02:00:00:00:00:01:02", "2:0:0:0:0:1", "02:00:00:00:00:0g"] {
        assert!(text.parse::<Mac>().is_err(), "{text}");
    }
}

#[test]
fn a_host_cannot_hold_every_address() {
    let vip = |text: &str, prefix| Vip::new(text.parse().expect("an address"), prefix);
    assert_eq!(vip("192.168.20.140", 24).expect("fine").to_string(), "192.168.20.140/24");
    assert_eq!(vip("fd00::140", 64).expect("fine").to_string(), "fd00::140/64");
    for (text, prefix) in [("192.168.20.140", 33), ("fd00::140", 129)] {
        let (refused, address) = (vip(text, prefix), text.parse().expect("an address"));
        assert_eq!(refused, Err(VipError::Prefix { address, prefix }));
    }
    let nowhere = ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"];
    for text in nowhere {
        assert!(matches!(vip(text, 32), Err(VipError::NotUnicast(_))), "{text}");
    }
    assert!(matches!(vip("fe80::1", 64), Err(VipError::LinkLocal(_))));
    assert!(matches!(vip("::ffff:10.0.0.1", 128), Err(VipError::Mapped(_))));
}

#[test]
fn a_link_local_address_is_made_from_the_hardware_address() {
    let mac = Mac([0x02, 0x00, 0x00, 0x11, 0x22, 0x33]);
    assert_eq!(link_local(mac).to_string(), "fe80::ff:fe11:2233");
}

#[test]
fn node_names_are_lower_case_dns_subdomains() {
    assert_eq!(NodeName::new("Alpha-1.Example").expect("fine").as_str(), "alpha-1.example");
    let long = "a".repeat(254);
    for text in ["", "-a", "a-", "a b", "a_b", "a.", long.as_str()] {
        assert_eq!(NodeName::new(text), Err(NameError::Node(text.to_owned())), "{text}");
    }
}

#[test]
fn interface_names_are_what_the_kernel_takes() {
    assert_eq!(LinkName::new("enp0s31f6.100").expect("fine").as_str(), "enp0s31f6.100");
    for text in ["", ".", "..", "a/b", "a b", "a:b", "sixteen-bytes-xx"] {
        assert_eq!(LinkName::new(text), Err(NameError::Link(text.to_owned())), "{text}");
    }
}
