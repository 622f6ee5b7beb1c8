//! Which subnets an address is on.

use std::net::Ipv4Addr;

use super::on;

#[test]
fn an_address_is_on_a_subnet_with_its_prefix() {
    let vip = Ipv4Addr::new(192, 168, 20, 140).into();
    for (own, prefix, is) in [
        ([192, 168, 20, 11], 24, true),
        ([192, 168, 21, 11], 24, false),
        ([192, 168, 21, 11], 23, true),
        ([192, 168, 20, 140], 32, false),
        ([10, 0, 0, 1], 0, true),
    ] {
        assert_eq!(on(vip)(&(own.into(), prefix)), is, "{own:?}/{prefix}");
    }
}
