//! What the kernel has of what concerns the plan.

use std::net::IpAddr;

use kube_vip_core::address::{LinkName, Mac, Vip};
use kube_vip_core::event::{Fence, Held, Link, Snapshot};
use kube_vip_core::plan::Plan;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::link::LinkFlags;

use super::netlink::{Netlink, NetlinkError};
use super::rtnl::{self, Address, Interface, Subnet};
use crate::settings::host::in_one_subnet;

/// What concerns the plan.
#[derive(Debug)]
pub(super) struct Scope {
    /// The interface.
    pub(super) link: LinkName,
    vips: Vec<Vip>,
    gateway: Gateway,
    /// The node's own addresses on the interface, at the last look; one of each family at most.
    own: Vec<IpAddr>,
    /// All other addresses of the interface with their prefix lengths, at the last look.
    beside: Vec<(IpAddr, u8)>,
}

/// The next hops of the default routes. Listing a host's routes may take long where there are many,
/// so it is looked for only when the interface has changed, or from time to time.
#[derive(Debug, Default)]
struct Gateway {
    /// What the interface was like when it was looked for; none: not looked for.
    at: Option<(u32, LinkFlags, Vec<IpAddr>)>,
    found: Vec<IpAddr>,
}

impl Scope {
    /// What a plan is about.
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            link: plan.link.clone(),
            vips: plan.vips.iter().collect(),
            gateway: Gateway::default(),
            own: Vec::new(),
            beside: Vec::new(),
        }
    }

    /// The addresses of the plan that this host has, in whatever form.
    pub(super) fn configured(&self, netlink: &mut Netlink) -> Result<Vec<Address>, NetlinkError> {
        let mut found = rtnl::addresses(netlink)?;
        found.retain(|found| self.concerns(found));
        Ok(found)
    }

    /// The address is as the plan has it: with this prefix, on this interface.
    pub(super) fn is_planned(&self, held: &Held) -> bool {
        held.link == self.link && self.plans(held.vip)
    }

    /// The address has the prefix that the plan gives it.
    pub(super) fn plans(&self, vip: Vip) -> bool {
        self.vips.contains(&vip)
    }

    fn concerns(&self, found: &Address) -> bool {
        self.vips.iter().any(|vip| vip.address() == found.address)
    }

    /// The next look asks for the gateway whatever the interface is like.
    pub(super) fn forget_gateway(&mut self) {
        self.gateway.at = None;
    }

    /// What the kernel has of it now, after so many orders.
    pub(super) fn look(
        &mut self,
        netlink: &mut Netlink,
        carried_out: u64,
    ) -> Result<Snapshot, NetlinkError> {
        let interface = rtnl::interface_named(netlink, &self.link)?;
        let (planned, others): (Vec<_>, Vec<_>) =
            rtnl::addresses(netlink)?.into_iter().partition(|found| self.concerns(found));
        let held = self.held(netlink, interface.as_ref(), planned)?;
        let link = match interface {
            Some(interface) => Some(self.link(netlink, &interface, &others)?),
            None => None,
        };
        Ok(Snapshot { link, held, carried_out, fence: Fence::Unknown })
    }

    fn held(
        &self,
        netlink: &mut Netlink,
        interface: Option<&Interface>,
        planned: Vec<Address>,
    ) -> Result<Vec<Held>, NetlinkError> {
        let mut held = Vec::new();
        for found in planned {
            let link = if interface.is_some_and(|link| link.index == found.index) {
                self.link.clone()
            } else if let Some(other) = rtnl::interface_numbered(netlink, found.index)? {
                other.name
            } else {
                // It went between the two questions, and its addresses with it.
                continue;
            };
            if let Ok(vip) = Vip::new(found.address, found.prefix) {
                held.push(Held { vip, link, lifetime: found.lifetime, voice: None });
            }
        }
        Ok(held)
    }

    fn link(
        &mut self,
        netlink: &mut Netlink,
        interface: &Interface,
        others: &[Address],
    ) -> Result<Link, NetlinkError> {
        let here = others.iter().filter(|found| found.index == interface.index);
        self.beside = here.map(|found| (found.address, found.prefix)).collect();
        let families = self.families();
        let own = families.iter().filter_map(|family| own(others, interface.index, *family));
        self.own = own.collect();
        let at = Some((interface.index, interface.flags, self.own.clone()));
        if self.gateway.at != at {
            let mut found = Vec::new();
            for family in families {
                found.extend(rtnl::gateway(netlink, interface.index, family)?);
            }
            self.gateway = Gateway { at, found };
        }
        // IFF_RUNNING: its operational state is up or unknown (`dev_get_flags` in net/core/dev.c).
        let up = LinkFlags::Up | LinkFlags::Running | LinkFlags::LowerUp;
        Ok(Link {
            mac: interface.mac.unwrap_or(Mac::ZERO),
            up: interface.flags.contains(up),
            addresses: self.own.clone(),
            gateways: self.gateway.found.clone(),
        })
    }

    /// Which families the plan has, the first address's first.
    fn families(&self) -> Vec<AddressFamily> {
        let mut families: Vec<_> =
            self.vips.iter().map(|vip| rtnl::family(vip.address())).collect();
        families.dedup();
        families.truncate(2);
        families
    }

    /// Whether the interface has the address's subnet without it.
    pub(super) fn subnet(&self, vip: Vip) -> Subnet {
        let same = |(own, bits): &(IpAddr, u8)| {
            *bits == vip.prefix() && in_one_subnet(*own, *bits, vip.address())
        };
        if self.beside.iter().any(same) { Subnet::Known } else { Subnet::New }
    }

    /// The node's own address of the same family: what the kernel asks the segment with it as
    /// sender carries this one instead.
    pub(super) fn own(&self, address: IpAddr) -> Option<IpAddr> {
        self.own.iter().find(|own| own.is_ipv4() == address.is_ipv4()).copied()
    }
}

/// In whose name an interface asks: of IPv4 its first address, of IPv6 its link-local one.
fn own(others: &[Address], index: u32, wanted: AddressFamily) -> Option<IpAddr> {
    let mut here = others.iter().filter(|found| {
        let usable = !found.deprecated && !found.tentative;
        found.index == index && usable && rtnl::family(found.address) == wanted
    });
    here.find(|found| found.address.is_ipv4() || found.is_link_local()).map(|found| found.address)
}
