//! What this host is, as far as settings depend on it. A plain value: the kernel driver fills it,
//! tests write it down.

use std::net::IpAddr;

use kube_vip_core::address::{LinkName, Mac};

/// The facts of this host that settings are checked against, read once at start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Every interface of this network namespace, in the kernel's order.
    pub links: Vec<HostLink>,
    /// The interface of the default route of the main table, that of IPv4 first; with several such
    /// routes, of the one with the lowest metric.
    pub default_route_link: Option<LinkName>,
    /// The interfaces that cannot have IPv6 addresses (sysctl `net.ipv6.conf.*.disable_ipv6`).
    pub without_ipv6: Vec<LinkName>,
    /// The host name as the kernel has it (`uname`), not shortened.
    pub host_name: String,
    /// This boot of the host: `/proc/sys/kernel/random/boot_id`; empty where it cannot be read.
    pub boot: String,
}

/// One interface of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLink {
    /// Its name.
    pub name: LinkName,
    /// Its operational state is up or unknown (`IFLA_OPERSTATE`; "unknown" is what interfaces say
    /// that do not track it).
    pub up: bool,
    /// It is a loopback interface (`IFF_LOOPBACK`).
    pub loopback: bool,
    /// Its Ethernet address; none: it has no address of 48 bits (tunnels, `InfiniBand`), or there
    /// is no ARP on it (`IFF_NOARP`).
    pub mac: Option<Mac>,
    /// Its addresses, each with its prefix length in bits.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// Whether two addresses are in one subnet of this prefix length.
pub(crate) fn in_one_subnet(address: IpAddr, prefix: u8, other: IpAddr) -> bool {
    match (address, other) {
        (IpAddr::V4(address), IpAddr::V4(other)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            address.to_bits() & mask == other.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(other)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            address.to_bits() & mask == other.to_bits() & mask
        }
        _ => false,
    }
}
