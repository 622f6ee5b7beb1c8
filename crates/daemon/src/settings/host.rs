//! What this host is, as far as settings depend on it. A plain value: the kernel driver fills it,
//! tests write it down.

use std::net::Ipv4Addr;

use kube_vip_core::address::{LinkName, Mac};

/// The facts of this host that settings are checked against, read once at start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Every interface of this network namespace, in the kernel's order.
    pub links: Vec<HostLink>,
    /// The interface of the IPv4 default route of the main table; with several such routes, of
    /// the one with the lowest metric.
    pub default_route_link: Option<LinkName>,
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
    /// Its IPv4 addresses, each with its prefix length in bits.
    pub addresses: Vec<(Ipv4Addr, u8)>,
}
