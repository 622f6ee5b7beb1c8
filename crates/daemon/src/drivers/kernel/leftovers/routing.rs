//! Addresses, routes, rules, interfaces and neighbours that are left (rtnetlink(7)).

use std::collections::BTreeSet;
use std::net::IpAddr;

use netlink_packet_core::{DecodeError, Parseable};
use netlink_packet_route::address::{AddressAttribute, AddressMessage, AddressProtocol};
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
use netlink_packet_route::rule::{RuleAttribute, RuleMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::super::netlink::{Netlink, NetlinkError};
use super::{Found, Kind, Leftover, Order, PROTOCOL, Wanted};

const FAMILIES: [AddressFamily; 2] = [AddressFamily::Inet, AddressFamily::Inet6];

/// The priority of the rules that the original makes for WireGuard, and what their mark is above
/// the number of their table.
const TUNNEL_PRIORITY: u32 = 100;
const TUNNEL_MARK: u32 = 65_536;

/// What the original's macvlans for DHCP are called: this and eight digits of a Service's UID.
const DHCP_LINK: &str = "vip-";

/// How something other than an address is removed.
pub(super) type Removal = RouteNetlinkMessage;

/// An address as the kernel has it.
#[derive(Clone, Debug)]
pub(super) struct Address {
    message: AddressMessage,
    address: IpAddr,
}

impl Address {
    pub(super) const fn address(&self) -> IpAddr {
        self.address
    }

    fn of(message: AddressMessage) -> Option<Self> {
        let (mut local, mut peer) = (None, None);
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Local(address) => local = Some(*address),
                AddressAttribute::Address(address) => peer = Some(*address),
                _ => {}
            }
        }
        Some(Self { address: local.or(peer)?, message })
    }

    fn is_marked(&self) -> bool {
        let mark = AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL));
        self.message.attributes.contains(&mark)
    }

    fn is_same(&self, other: &Self) -> bool {
        let (one, two) = (&self.message.header, &other.message.header);
        (self.address, one.prefix_len, one.index) == (other.address, two.prefix_len, two.index)
    }
}

/// A connection for questions about the network.
#[derive(Debug)]
pub(super) struct Routing {
    netlink: Netlink,
}

impl Routing {
    pub(super) fn open() -> Result<Self, NetlinkError> {
        Ok(Self { netlink: Netlink::open()? })
    }

    pub(super) fn find(&mut self, wanted: &Wanted) -> Result<Found, NetlinkError> {
        let mut found = Found::default();
        let links = self.links()?;
        let addresses = self.addresses()?;
        let routes = self.or_unseen("routes", &mut found, Self::routes);
        let routes: Vec<_> = routes.into_iter().filter(|route| is_left(route, wanted)).collect();
        // The original's routes name the addresses that it had, if nobody else does.
        let mut vips = wanted.addresses.clone();
        vips.extend(routes.iter().filter_map(host_of));
        for address in &addresses {
            found.leftovers.extend(left_address(address, &vips, wanted, &links));
        }
        found.leftovers.extend(routes.into_iter().map(|route| left_route(route, &links)));
        let rules = self.or_unseen("rules", &mut found, Self::rules);
        found.leftovers.extend(rules.into_iter().filter_map(left_rule));
        found.leftovers.extend(links.iter().filter_map(left_link));
        vips.extend(addresses.iter().filter(|one| one.is_marked()).map(Address::address));
        let neighbours = self.or_unseen("neighbours", &mut found, Self::neighbours);
        let left = |one: NeighbourMessage| left_neighbour(one, &vips, &links);
        found.leftovers.extend(neighbours.into_iter().filter_map(left));
        Ok(found)
    }

    fn or_unseen<T>(
        &mut self,
        what: &'static str,
        found: &mut Found,
        list: impl FnOnce(&mut Self) -> Result<Vec<T>, NetlinkError>,
    ) -> Vec<T> {
        list(self).unwrap_or_else(|error| {
            found.unseen.push((what, error.to_string()));
            Vec::new()
        })
    }

    /// Removes an address. Where it was the first one of its subnet, the kernel takes the others
    /// of that subnet with it, the node's own among them (unless `promote_secondaries` is set):
    /// those are put back.
    pub(super) fn remove_address(&mut self, address: &Address) -> Result<(), NetlinkError> {
        let before = self.addresses()?;
        self.remove(&RouteNetlinkMessage::DelAddress(address.message.clone()))?;
        let after = self.addresses()?;
        for lost in &before {
            let there = after.iter().any(|one| one.is_same(lost));
            if !there && !lost.is_same(address) {
                self.netlink.put(RouteNetlinkMessage::NewAddress(lost.message.clone()))?;
            }
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, removal: &Removal) -> Result<(), NetlinkError> {
        match self.netlink.remove(removal.clone()) {
            Err(error) if is_gone(&error) => Ok(()),
            other => other,
        }
    }

    fn links(&mut self) -> Result<Vec<LinkMessage>, NetlinkError> {
        self.netlink.list(&RouteNetlinkMessage::GetLink(LinkMessage::default()), parsed)
    }

    fn addresses(&mut self) -> Result<Vec<Address>, NetlinkError> {
        let ask = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let all: Vec<AddressMessage> = self.netlink.list(&ask, parsed)?;
        Ok(all.into_iter().filter_map(Address::of).collect())
    }

    fn routes(&mut self) -> Result<Vec<RouteMessage>, NetlinkError> {
        self.of_both_families(|family| {
            let mut message = RouteMessage::default();
            message.header.address_family = family;
            RouteNetlinkMessage::GetRoute(message)
        })
    }

    fn rules(&mut self) -> Result<Vec<RuleMessage>, NetlinkError> {
        self.of_both_families(|family| {
            let mut message = RuleMessage::default();
            message.header.family = family;
            RouteNetlinkMessage::GetRule(message)
        })
    }

    fn neighbours(&mut self) -> Result<Vec<NeighbourMessage>, NetlinkError> {
        self.of_both_families(|family| {
            let mut message = NeighbourMessage::default();
            message.header.family = family;
            RouteNetlinkMessage::GetNeighbour(message)
        })
    }

    /// What there is of IPv4 and of IPv6; a kernel without one of them has nothing there.
    fn of_both_families<T: Parseable<[u8]>>(
        &mut self,
        ask: impl Fn(AddressFamily) -> RouteNetlinkMessage,
    ) -> Result<Vec<T>, NetlinkError> {
        let mut all = Vec::new();
        for family in FAMILIES {
            match self.netlink.list(&ask(family), parsed) {
                Ok(some) => all.extend(some),
                Err(error) if error.is(libc::EAFNOSUPPORT) || error.is(libc::EOPNOTSUPP) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }
}

/// One odd thing must not hide all the others.
#[expect(clippy::unnecessary_wraps, reason = "what a listing calls may fail")]
fn parsed<T: Parseable<[u8]>>(payload: &[u8]) -> Result<Option<T>, DecodeError> {
    Ok(T::parse(payload).ok())
}

fn is_gone(error: &NetlinkError) -> bool {
    let gone = [libc::ENOENT, libc::ESRCH, libc::ENODEV, libc::EADDRNOTAVAIL, libc::ENXIO];
    gone.into_iter().any(|number| error.is(number))
}

fn name_of(links: &[LinkMessage], index: u32) -> String {
    let link = links.iter().find(|link| link.header.index == index);
    link.and_then(name).map_or_else(|| format!("interface {index}"), ToOwned::to_owned)
}

fn name(link: &LinkMessage) -> Option<&str> {
    link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.as_str()),
        _ => None,
    })
}

fn left_address(
    address: &Address,
    vips: &BTreeSet<IpAddr>,
    wanted: &Wanted,
    links: &[LinkMessage],
) -> Option<Leftover> {
    let number = address.address;
    let why = if address.is_marked() {
        format!("marked with proto {PROTOCOL}, as kube-vip-rs marks its addresses")
    } else if wanted.addresses.contains(&number) {
        "it is the virtual address".to_owned()
    } else if vips.contains(&number) {
        "a route that is left names it".to_owned()
    } else {
        return None;
    };
    let header = &address.message.header;
    let link = name_of(links, header.index);
    let what = format!("{number}/{} dev {link}", header.prefix_len);
    Some(Leftover { kind: Kind::Address, what, why, order: Order::Address(address.clone()) })
}

/// The table's whole number: the header has room for its last byte only.
fn table(route: &RouteMessage) -> u32 {
    let whole = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Table(number) => Some(*number),
        _ => None,
    });
    whole.unwrap_or_else(|| route.header.table.into())
}

fn is_left(route: &RouteMessage, wanted: &Wanted) -> bool {
    u8::from(route.header.protocol) == wanted.protocol && table(route) == wanted.table
}

fn destination(route: &RouteMessage) -> Option<IpAddr> {
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(RouteAddress::Inet(address)) => Some((*address).into()),
        RouteAttribute::Destination(RouteAddress::Inet6(address)) => Some((*address).into()),
        _ => None,
    })
}

/// Where a route leads, if that is one address.
fn host_of(route: &RouteMessage) -> Option<IpAddr> {
    let address = destination(route)?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    (route.header.destination_prefix_length == whole).then_some(address)
}

fn left_route(route: RouteMessage, links: &[LinkMessage]) -> Leftover {
    let prefix = route.header.destination_prefix_length;
    let to =
        destination(&route).map_or_else(|| "default".to_owned(), |to| format!("{to}/{prefix}"));
    let through = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Oif(index) => Some(format!(" dev {}", name_of(links, *index))),
        _ => None,
    });
    let (table, protocol) = (table(&route), u8::from(route.header.protocol));
    let through = through.unwrap_or_default();
    Leftover {
        kind: Kind::Route,
        what: format!("{to}{through} table {table} proto {protocol}"),
        why: "the routing-table mode's table and protocol number".to_owned(),
        order: Order::Routing(RouteNetlinkMessage::DelRoute(route)),
    }
}

fn left_rule(rule: RuleMessage) -> Option<Leftover> {
    let (mut mark, mut priority, mut table) = (None, None, u32::from(rule.header.table));
    for attribute in &rule.attributes {
        match attribute {
            RuleAttribute::FwMark(number) => mark = Some(*number),
            RuleAttribute::Priority(number) => priority = Some(*number),
            RuleAttribute::Table(number) => table = *number,
            _ => {}
        }
    }
    if priority != Some(TUNNEL_PRIORITY) || mark != table.checked_add(TUNNEL_MARK) {
        return None;
    }
    Some(Leftover {
        kind: Kind::Rule,
        what: format!("{TUNNEL_PRIORITY}: from all fwmark {:#x} lookup {table}", mark?),
        why: "kube-vip's rule for a WireGuard tunnel".to_owned(),
        order: Order::Routing(RouteNetlinkMessage::DelRule(rule)),
    })
}

fn left_link(link: &LinkMessage) -> Option<Leftover> {
    let name = name(link)?;
    let id = name.strip_prefix(DHCP_LINK)?;
    let is_id = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_macvlan = link.attributes.iter().any(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => infos.contains(&LinkInfo::Kind(InfoKind::MacVlan)),
        _ => false,
    });
    if !(is_id && is_macvlan) {
        return None;
    }
    let mut message = LinkMessage::default();
    message.header.index = link.header.index;
    Some(Leftover {
        kind: Kind::Link,
        what: name.to_owned(),
        why: "a macvlan with the name that kube-vip gives for DHCP".to_owned(),
        order: Order::Routing(RouteNetlinkMessage::DelLink(message)),
    })
}

fn left_neighbour(
    entry: NeighbourMessage,
    vips: &BTreeSet<IpAddr>,
    links: &[LinkMessage],
) -> Option<Leftover> {
    use NeighbourState::{Failed, Incomplete, Noarp};
    let to = entry.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(to)) => Some(IpAddr::from(*to)),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(to)) => Some(IpAddr::from(*to)),
        _ => None,
    })?;
    // Those say nothing of where the address is.
    if !vips.contains(&to) || matches!(entry.header.state, Failed | Incomplete | Noarp) {
        return None;
    }
    let mac = entry.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(bytes) => {
            let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(format!(" lladdr {}", pairs.join(":")))
        }
        _ => None,
    });
    let link = name_of(links, entry.header.ifindex);
    let what = format!("{to} dev {link}{}", mac.unwrap_or_default());
    let mut message = NeighbourMessage::default();
    message.header.family = entry.header.family;
    message.header.ifindex = entry.header.ifindex;
    let key = |one: &NeighbourAttribute| matches!(one, NeighbourAttribute::Destination(_));
    message.attributes.extend(entry.attributes.into_iter().filter(key));
    Some(Leftover {
        kind: Kind::Neighbour,
        what,
        why: "this host remembers where the virtual address was".to_owned(),
        order: Order::Routing(RouteNetlinkMessage::DelNeighbour(message)),
    })
}
