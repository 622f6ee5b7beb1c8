//! What settings need to know of this host.

use std::net::IpAddr;

use kube_vip_core::address::LinkName;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::link::{LinkFlags, State};
use rustix::system::uname;

use super::KernelError;
use super::netlink::Netlink;
use super::rtnl::{self, Address, Interface};
use crate::settings::host::{Host, HostLink};

/// Drawn by the kernel at every boot (drivers/char/random.c).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Reads the interfaces, addresses and default routes of this thread's network namespace, and
/// the host name.
///
/// # Errors
/// If the kernel refuses to tell.
pub fn host() -> Result<Host, KernelError> {
    let mut netlink = Netlink::open()?;
    let interfaces = rtnl::interfaces(&mut netlink)?;
    let addresses = rtnl::addresses(&mut netlink)?;
    let default_route = match rtnl::default_route(&mut netlink, AddressFamily::Inet)? {
        None => rtnl::default_route(&mut netlink, AddressFamily::Inet6)?,
        found => found,
    };
    let named = |index| interfaces.iter().find(|link| link.index == index);
    Ok(Host {
        default_route_link: default_route.and_then(named).map(|link| link.name.clone()),
        without_ipv6: interfaces.iter().filter_map(without_ipv6).collect(),
        links: interfaces.iter().map(|link| host_link(link, &addresses)).collect(),
        host_name: uname().nodename().to_string_lossy().into_owned(),
        boot: std::fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned(),
    })
}

/// This host's addresses; none if the kernel refuses to tell.
#[must_use]
pub fn own_addresses() -> Vec<IpAddr> {
    let host = host().unwrap_or_default();
    host.links.iter().flat_map(|link| &link.addresses).map(|(address, _)| *address).collect()
}

/// The interface's name, if it cannot have IPv6 addresses: the kernel was built or started without
/// IPv6, or it is switched off there.
fn without_ipv6(link: &Interface) -> Option<LinkName> {
    let switch = format!("/proc/sys/net/ipv6/conf/{}/disable_ipv6", link.name);
    let off = match std::fs::read_to_string(switch) {
        Ok(text) => text.trim() != "0",
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    off.then(|| link.name.clone())
}

fn host_link(link: &Interface, addresses: &[Address]) -> HostLink {
    let pair = |found: &Address| -> (IpAddr, u8) { (found.address, found.prefix) };
    HostLink {
        name: link.name.clone(),
        up: matches!(link.state, State::Up | State::Unknown),
        loopback: link.flags.contains(LinkFlags::Loopback),
        mac: link.mac.filter(|_| !link.flags.contains(LinkFlags::Noarp)),
        addresses: addresses.iter().filter(|a| a.index == link.index).map(pair).collect(),
    }
}
