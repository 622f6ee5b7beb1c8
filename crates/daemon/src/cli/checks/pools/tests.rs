//! Which pools have an address.

use serde_json::json;

use super::*;

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 20, 140));

fn found(spec: &Value) -> usize {
    let list = json!({ "items": [{ "metadata": { "name": "lan" }, "spec": spec }] });
    judge("MetalLB", "IPAddressPool", &list, &[VIP]).len()
}

#[test]
fn ranges_and_blocks_are_read() {
    for within in [
        json!({ "addresses": ["10.0.0.0/8", "192.168.20.100-192.168.20.150"] }),
        json!({ "addresses": ["192.168.20.0/24"] }),
        json!({ "addresses": ["192.168.20.140/32"] }),
        json!({ "blocks": [{ "cidr": "192.168.20.128/26" }] }),
        json!({ "blocks": [{ "start": "192.168.20.140" }] }),
        json!({ "addresses": ["0.0.0.0/0"] }),
    ] {
        assert_eq!(found(&within), 1, "{within}");
    }
    for beside in [
        json!({ "addresses": ["192.168.20.150-192.168.20.200", "fd00::/64", "nonsense"] }),
        json!({ "blocks": [{ "cidr": "192.168.20.0/25" }, {}] }),
        json!({}),
    ] {
        assert_eq!(found(&beside), 0, "{beside}");
    }
}

#[test]
fn pools_of_ipv6_are_read() {
    let vip = "fd00::140".parse().unwrap();
    let found = |text: &str| {
        let spec = json!({ "addresses": [text] });
        let list = json!({ "items": [{ "metadata": { "name": "lan" }, "spec": spec }] });
        judge("MetalLB", "IPAddressPool", &list, &[vip]).len()
    };
    assert_eq!(found("fd00::/64"), 1);
    assert_eq!(found("fd00::100-fd00::200"), 1);
    assert_eq!(found("fd01::/64"), 0);
    assert_eq!(found("0.0.0.0/0"), 0);
}
