//! What the kernel says of addresses that every host has, and of those that no host has.

use super::*;

#[test]
fn loopback_is_here() {
    for own in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "0.0.0.0"] {
        assert!(is_here(own.parse().unwrap()), "{own}");
    }
}

#[test]
fn documentation_addresses_are_not_here() {
    for other in ["192.0.2.77", "::ffff:192.0.2.77", "2001:db8::77"] {
        assert!(!is_here(other.parse().unwrap()), "{other}");
    }
}

#[test]
fn what_this_node_speaks_from_is_its_own() {
    let source = source(Ipv4Addr::new(127, 0, 0, 5).into()).unwrap();
    assert!(is_own(source), "{source}");
}
