//! The addresses, the interface and the fence.

use std::net::IpAddr;

use kube_vip_core::address::Vip;
use kube_vip_core::event::{Fence, Held};
use tracing::{error, info, warn};

use super::{Teller, span};

impl Teller<'_> {
    pub(super) fn added(&self, vip: Vip) {
        info!(
            address = %vip, interface = %self.plan.link,
            "the address is on the interface and is being announced"
        );
    }

    pub(super) fn removed(&self, vip: Vip) {
        info!(address = %vip, interface = %self.plan.link, "the address is off the interface");
    }

    pub(super) fn lost(&self, vip: Vip) {
        warn!(
            address = %vip, interface = %self.plan.link,
            "the address is gone from the interface, and this node did not remove it; putting it \
             back"
        );
    }

    pub(super) fn leftover(&self, held: &Held) {
        let lifetime = held.lifetime.map_or_else(|| "for ever".to_owned(), span);
        warn!(
            address = %held.vip, interface = %held.link, lifetime,
            "the address was found here, and this node is not entitled to it; removing it"
        );
    }

    pub(super) fn refused(&self, address: IpAddr, cause: &str) {
        error!(
            %address, interface = %self.plan.link, cause,
            "the address could not be added, removed or announced; trying again in a second"
        );
    }

    pub(super) fn link(&self, up: bool) {
        let interface = &self.plan.link;
        if up {
            info!(%interface, "the interface is up; this node can hold the addresses");
        } else {
            warn!(
                %interface,
                "the interface is down or absent; this node cannot hold the addresses until it is \
                 up again"
            );
        }
    }

    pub(super) fn fence(&self, fence: &Fence) {
        let interface = &self.plan.link;
        match fence {
            Fence::Ready => info!(
                %interface,
                "the kernel fences the addresses: it silences them itself when a term ends"
            ),
            Fence::Unknown => info!(%interface, "whether the kernel can fence is not known now"),
            Fence::Missing(cause) => warn!(
                %interface, cause,
                "the kernel cannot fence the addresses; where this node dies or freezes, they \
                 fall silent only when their lifetimes are over, up to a second later"
            ),
        }
    }
}
