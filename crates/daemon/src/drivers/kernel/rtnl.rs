//! Interfaces and addresses in the kernel's words, and back.
//!
//! Attributes are parsed one by one, and those that make no sense are passed over: what one odd
//! interface says of itself must not hide all the others.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac, Vip};
use netlink_packet_core::{DecodeError, Emitable, NlasIterator, Parseable, ParseableParametrized};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeader, AddressHeaderFlags, AddressMessage,
    AddressProtocol, AddressScope, CacheInfo,
};
use netlink_packet_route::link::{
    LinkAttribute, LinkExtentMask, LinkFlags, LinkHeader, LinkMessage, State,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteLwEnCapType, RouteMessage, RouteNextHop,
    RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::leftovers::PROTOCOL;
use super::netlink::{Netlink, NetlinkError};

/// A lifetime without end (`INFINITY_LIFE_TIME` in the kernel's include/net/addrconf.h).
const FOR_EVER: u32 = u32::MAX;

/// Shown as `proto 248` by `ip address`: the number that kube-vip marks its routes with. For
/// people only; kernels before 5.18 ignore it.
const MARK: AddressProtocol = AddressProtocol::Other(PROTOCOL);

/// An interface as the kernel has it.
#[derive(Debug)]
pub(super) struct Interface {
    /// Its number; a new one each time it is made.
    pub(super) index: u32,
    /// Its name.
    pub(super) name: LinkName,
    /// `IFF_*`.
    pub(super) flags: LinkFlags,
    /// `IFLA_OPERSTATE`.
    pub(super) state: State,
    /// Its hardware address, if that has 48 bits.
    pub(super) mac: Option<Mac>,
}

/// An address as the kernel has it.
#[derive(Debug)]
pub(super) struct Address {
    /// The number of its interface.
    pub(super) index: u32,
    /// The address.
    pub(super) address: IpAddr,
    /// Its prefix length in bits.
    pub(super) prefix: u8,
    /// How long the kernel will keep it; none: for ever.
    pub(super) lifetime: Option<Duration>,
    /// It is not chosen as a source address: ours are so, and those of other elections.
    pub(super) deprecated: bool,
    /// It is not there yet, or never: somebody else may have it (RFC 4862 section 5.4).
    pub(super) tentative: bool,
}

/// What an interface has of an address's subnet beside addresses of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subnet {
    /// It has other addresses in it, and the way there.
    Known,
    /// Nothing: the address brings the way there, which ends with the address's lifetime.
    New,
}

impl Address {
    /// Only the interface's own segment knows it (RFC 4291 section 2.5.6).
    pub(super) const fn is_link_local(&self) -> bool {
        matches!(self.address, IpAddr::V6(address) if address.is_unicast_link_local())
    }
}

/// The interface with this name, or with this alternative name.
pub(super) fn interface_named(
    netlink: &mut Netlink,
    name: &LinkName,
) -> Result<Option<Interface>, NetlinkError> {
    let mut message = link_message();
    message.attributes.push(LinkAttribute::IfName(name.as_str().to_owned()));
    interface(netlink, message)
}

/// The interface with this number.
pub(super) fn interface_numbered(
    netlink: &mut Netlink,
    index: u32,
) -> Result<Option<Interface>, NetlinkError> {
    let mut message = link_message();
    message.header.index = index;
    interface(netlink, message)
}

fn interface(
    netlink: &mut Netlink,
    message: LinkMessage,
) -> Result<Option<Interface>, NetlinkError> {
    match netlink.get(RouteNetlinkMessage::GetLink(message), parse_interface) {
        Err(error) if error.is(libc::ENODEV) => Ok(None),
        other => other.map(Option::flatten),
    }
}

/// All interfaces, in the kernel's order.
pub(super) fn interfaces(netlink: &mut Netlink) -> Result<Vec<Interface>, NetlinkError> {
    netlink.list(&RouteNetlinkMessage::GetLink(link_message()), parse_interface)
}

/// All addresses, in the kernel's order: IPv4, then IPv6.
pub(super) fn addresses(netlink: &mut Netlink) -> Result<Vec<Address>, NetlinkError> {
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Unspec;
    netlink.list(&RouteNetlinkMessage::GetAddress(message), parse_address)
}

/// The number of the interface of the main table's default route of this family: with several such
/// routes of that with the lowest metric, with several next hops of the first.
pub(super) fn default_route(
    netlink: &mut Netlink,
    family: AddressFamily,
) -> Result<Option<u32>, NetlinkError> {
    let routes = default_routes(netlink, family)?;
    let best = routes.into_iter().min_by_key(|route| route.metric);
    Ok(best.and_then(|route| route.hops.first().map(|hop| hop.index)))
}

/// The next hop of the main table's default route of this family through the interface with this
/// number: with several of that with the lowest metric; none: there is none, or nobody is in
/// between.
pub(super) fn gateway(
    netlink: &mut Netlink,
    index: u32,
    family: AddressFamily,
) -> Result<Option<IpAddr>, NetlinkError> {
    let mut routes = default_routes(netlink, family)?;
    routes.sort_by_key(|route| route.metric);
    let mut hops = routes.into_iter().flat_map(|route| route.hops);
    Ok(hops.find_map(|hop| hop.gateway.filter(|_| hop.index == index)))
}

fn default_routes(
    netlink: &mut Netlink,
    family: AddressFamily,
) -> Result<Vec<DefaultRoute>, NetlinkError> {
    let mut message = RouteMessage::default();
    message.header.address_family = family;
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    match netlink.list(&RouteNetlinkMessage::GetRoute(message), parse_default_route) {
        // There is no such table yet, for there is no route.
        Err(error) if error.is(libc::ENOENT) => Ok(Vec::new()),
        other => other,
    }
}

/// Gives the interface with this number the address, for so long (none: for ever); or for longer or
/// shorter than before, without a gap. It is deprecated from the start: not chosen as a source
/// address. An IPv6 address is there at once, since the Lease says whose it is and not duplicate
/// address detection; and in a subnet that the interface has already it brings no route, because
/// that would be the one of the node's own address, and end with this one's lifetime
/// (`modify_prefix_route` in net/ipv6/addrconf.c).
pub(super) fn put_address(
    netlink: &mut Netlink,
    index: u32,
    (vip, subnet): (Vip, Subnet),
    lifetime: Option<Duration>,
) -> Result<(), NetlinkError> {
    let mut message = address_message(index, vip);
    let mut cache = CacheInfo::default();
    // Terms are hours at most; a lifetime of 136 years and more is one without end.
    let seconds = lifetime.and_then(|lifetime| lifetime.as_secs().try_into().ok());
    cache.ifa_valid = seconds.unwrap_or(FOR_EVER);
    message.attributes.push(AddressAttribute::CacheInfo(cache));
    message.attributes.push(AddressAttribute::Protocol(MARK));
    match vip.address() {
        IpAddr::V4(address) if vip.prefix() < 31 => {
            let hosts = u32::MAX >> vip.prefix();
            let broadcast = Ipv4Addr::from_bits(address.to_bits() | hosts);
            message.attributes.push(AddressAttribute::Broadcast(broadcast));
        }
        IpAddr::V4(_) => {}
        IpAddr::V6(_) => {
            let alone = subnet == Subnet::New && vip.prefix() < 128;
            let route = if alone { AddressFlags::empty() } else { AddressFlags::Noprefixroute };
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad | route));
        }
    }
    netlink.put(RouteNetlinkMessage::NewAddress(message))
}

/// Packets to the address stay on this host. After an IPv6 address was added that takes a moment: a
/// worker of the kernel's makes the route (`addrconf_dad_work` in net/ipv6/addrconf.c).
pub(super) fn is_local(netlink: &mut Netlink, address: IpAddr) -> Result<bool, NetlinkError> {
    let mut message = RouteMessage::default();
    message.header.address_family = family(address);
    let (to, bits) = match address {
        IpAddr::V4(address) => (RouteAddress::Inet(address), 32),
        IpAddr::V6(address) => (RouteAddress::Inet6(address), 128),
    };
    message.header.destination_prefix_length = bits;
    message.attributes.push(RouteAttribute::Destination(to));
    let kind = |payload: &[u8]| Ok(RouteHeader::parse(payload)?.kind);
    match netlink.get(RouteNetlinkMessage::GetRoute(message), kind) {
        // There is no way to it at all yet.
        Err(NetlinkError::Refused(_)) => Ok(false),
        other => other.map(|kind| kind == Some(RouteType::Local)),
    }
}

/// Takes the address from the interface with this number; it need not have it, or be there.
pub(super) fn remove_address(
    netlink: &mut Netlink,
    index: u32,
    vip: Vip,
) -> Result<(), NetlinkError> {
    match netlink.remove(RouteNetlinkMessage::DelAddress(address_message(index, vip))) {
        Err(error) if error.is(libc::EADDRNOTAVAIL) || error.is(libc::ENODEV) => Ok(()),
        other => other,
    }
}

fn link_message() -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    message
}

fn address_message(index: u32, vip: Vip) -> AddressMessage {
    let address = vip.address();
    let mut message = AddressMessage::default();
    message.header.family = family(address);
    message.header.prefix_len = vip.prefix();
    message.header.scope = AddressScope::Universe;
    message.header.index = index;
    message.attributes.push(AddressAttribute::Local(address));
    message.attributes.push(AddressAttribute::Address(address));
    message
}

fn parse_interface(payload: &[u8]) -> Result<Option<Interface>, DecodeError> {
    let header = LinkHeader::parse(payload)?;
    let (mut name, mut mac, mut state) = (None, None, State::Unknown);
    for attribute in attributes(payload, header.buffer_len()) {
        match LinkAttribute::parse_with_param(&attribute?, header.interface_family) {
            Ok(LinkAttribute::IfName(text)) => name = LinkName::new(&text).ok(),
            Ok(LinkAttribute::Address(bytes)) => mac = bytes.try_into().ok().map(Mac),
            Ok(LinkAttribute::OperState(at)) => state = at,
            _ => {}
        }
    }
    let whole = |name| Interface { index: header.index, name, flags: header.flags, state, mac };
    Ok(name.map(whole))
}

fn parse_address(payload: &[u8]) -> Result<Option<Address>, DecodeError> {
    let header = AddressHeader::parse(payload)?;
    let (mut local, mut peer, mut lifetime) = (None, None, None);
    for attribute in attributes(payload, header.buffer_len()) {
        match AddressAttribute::parse(&attribute?) {
            Ok(AddressAttribute::Local(address)) => local = Some(address),
            // Of an IPv6 address that is nobody's peer there is only this (`inet6_fill_ifaddr`).
            Ok(AddressAttribute::Address(address)) => peer = Some(address),
            Ok(AddressAttribute::CacheInfo(cache)) if cache.ifa_valid != FOR_EVER => {
                lifetime = Some(Duration::from_secs(cache.ifa_valid.into()));
            }
            _ => {}
        }
    }
    let (index, prefix) = (header.index, header.prefix_len);
    let deprecated = header.flags.contains(AddressHeaderFlags::Deprecated);
    let unproven = AddressHeaderFlags::Tentative | AddressHeaderFlags::Dadfailed;
    let tentative = header.flags.intersects(unproven);
    let address = local.or(peer.filter(|address| address.is_ipv6()));
    let whole = |address| Address { index, address, prefix, lifetime, deprecated, tentative };
    Ok(address.map(whole))
}

/// A way out for what goes nowhere else.
struct DefaultRoute {
    metric: u32,
    hops: Vec<Hop>,
}

/// Through which interface, and to whom there.
#[derive(Default)]
struct Hop {
    index: u32,
    gateway: Option<IpAddr>,
}

fn parse_default_route(payload: &[u8]) -> Result<Option<DefaultRoute>, DecodeError> {
    let header = RouteHeader::parse(payload)?;
    let everything = header.destination_prefix_length == 0;
    let main = header.table == RouteHeader::RT_TABLE_MAIN;
    if !(everything && main && header.kind == RouteType::Unicast) {
        return Ok(None);
    }
    let (mut metric, mut single, mut hops) = (0, Hop::default(), Vec::new());
    let family = (header.address_family, header.kind, RouteLwEnCapType::None);
    for attribute in attributes(payload, header.buffer_len()) {
        match RouteAttribute::parse_with_param(&attribute?, family) {
            Ok(RouteAttribute::Priority(priority)) => metric = priority,
            Ok(RouteAttribute::Oif(number)) => single.index = number,
            Ok(RouteAttribute::Gateway(to)) => single.gateway = host(&to),
            Ok(RouteAttribute::MultiPath(several)) => {
                hops = several.iter().map(Hop::from_next_hop).collect();
            }
            _ => {}
        }
    }
    if single.index != 0 {
        hops.push(single);
    }
    Ok((!hops.is_empty()).then_some(DefaultRoute { metric, hops }))
}

impl Hop {
    fn from_next_hop(hop: &RouteNextHop) -> Self {
        let gateway = hop.attributes.iter().find_map(|attribute| match attribute {
            RouteAttribute::Gateway(to) => host(to),
            _ => None,
        });
        Self { index: hop.interface_index, gateway }
    }
}

/// The family of an address, in netlink's words.
pub(super) const fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

const fn host(to: &RouteAddress) -> Option<IpAddr> {
    match to {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

/// What follows a header of this length.
fn attributes(payload: &[u8], header: usize) -> NlasIterator<&[u8]> {
    NlasIterator::new(payload.get(header..).unwrap_or_default())
}
