//! What the kernel has of what concerns the plan.

use kube_vip_core::address::{LinkName, Mac, Vip};
use kube_vip_core::event::{Fence, Held, Link, Snapshot};
use kube_vip_core::plan::Plan;
use netlink_packet_route::link::LinkFlags;

use super::netlink::{Netlink, NetlinkError};
use super::rtnl;

/// What concerns the plan.
#[derive(Debug)]
pub(super) struct Scope {
    /// The interface.
    pub(super) link: LinkName,
    vips: Vec<Vip>,
}

impl Scope {
    /// What a plan is about.
    pub(super) fn of(plan: &Plan) -> Self {
        Self { link: plan.link.clone(), vips: plan.vips.iter().collect() }
    }

    /// What the kernel has of it now, after so many orders.
    pub(super) fn look(
        &self,
        netlink: &mut Netlink,
        carried_out: u64,
    ) -> Result<Snapshot, NetlinkError> {
        let interface = rtnl::interface_named(netlink, &self.link)?;
        let mut held = Vec::new();
        for found in rtnl::addresses(netlink)? {
            if !self.vips.iter().any(|vip| vip.address() == found.address) {
                continue;
            }
            let link = if interface.as_ref().is_some_and(|link| link.index == found.index) {
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
        // IFF_RUNNING: its operational state is up or unknown (`dev_get_flags` in net/core/dev.c).
        let up = LinkFlags::Up | LinkFlags::Running | LinkFlags::LowerUp;
        let link = interface.map(|link| Link {
            mac: link.mac.unwrap_or(Mac::ZERO),
            up: link.flags.contains(up),
            address: None,
            gateway: None,
        });
        Ok(Snapshot { link, held, carried_out, fence: Fence::Unknown })
    }
}
