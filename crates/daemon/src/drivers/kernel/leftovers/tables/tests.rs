//! Which tables and rules are taken for leftovers.

use super::*;

/// The attributes of a message, as the kernel has them.
fn body(write: impl FnOnce(&mut Body<'_>)) -> Vec<u8> {
    const NETLINK_HEADER: usize = 16;
    let mut messages = Messages::default();
    messages.message(Header { kind: 0, flags: 0, sequence: 0 }, write);
    messages.bytes()[NETLINK_HEADER..].to_vec()
}

fn rule(table: &str, chain: &str, comment: &str) -> Vec<u8> {
    const USERDATA: u16 = 7;
    body(|body| {
        body.text(rule::TABLE, table);
        body.text(rule::CHAIN, chain);
        body.attribute(rule::HANDLE, &17_u64.to_be_bytes());
        body.text(USERDATA, comment);
    })
}

#[test]
fn tables_are_known_by_family_and_name() {
    for (family, name, is_left) in [
        (NETDEV, "kube-vip-kube-system/plndr-cp-lock", true),
        (ARP, "kube-vip-kube-system/plndr-cp-lock", true),
        (IPV4, "kube_vip_v4", true),
        (IPV6, "kube_vip_v6", true),
        (IPV4, "kube_vip_blue_v4", true),
        (IPV4, "kube_vip_v6", false),
        (IPV4, "kube_vipers_v4", false),
        (IPV4, "kube-vip-kube-system/plndr-cp-lock", false),
        (NETDEV, "filter", false),
        (IPV4, "kube-proxy", false),
    ] {
        let found = left_table(family, &body(|body| body.text(table::NAME, name)));
        assert_eq!(found.is_some(), is_left, "{family} {name}");
    }
}

#[test]
fn rules_are_known_by_what_is_in_them() {
    let nowhere = |_: u8, _: &str| false;
    let comment = "default/web kube-vip load balancer IP - drop";
    let found = left_rule(IPV4, &rule("filter", "INPUT", comment), &nowhere).expect("it is left");
    assert_eq!(found.what, "ip filter INPUT handle 17");
    let comment = "a3ViZS12aXAK=kube-vip-default";
    let found = left_rule(IPV6, &rule("nat", "POSTROUTING", comment), &nowhere);
    assert_eq!(found.expect("it is left").what, "ip6 nat POSTROUTING handle 17");
    for (table, chain, comment) in [
        ("filter", "INPUT", "kubernetes load balancer firewall"),
        // Its chain goes as a whole.
        ("mangle", EGRESS_CHAIN, "a3ViZS12aXAK=kube-vip-default"),
    ] {
        assert!(left_rule(IPV4, &rule(table, chain, comment), &nowhere).is_none(), "{chain}");
    }
    // So does its table.
    let within = |family: u8, table: &str| (family, table) == (IPV4, "kube_vip_v4");
    let whole = rule("kube_vip_v4", "kube_vip_snat_1", "a3ViZS12aXAK=kube-vip-default");
    assert!(left_rule(IPV4, &whole, &within).is_none());
}
