//! Somebody else who speaks for the addresses, or in this node's name.

use std::net::IpAddr;

use kube_vip_core::address::{Mac, NodeName};
use tracing::{error, info, warn};

use super::Teller;

impl Teller<'_> {
    pub(super) fn rival(&self, address: IpAddr, mac: Mac, node: Option<&NodeName>) {
        let interface = &self.plan.link;
        match node {
            Some(other) => warn!(
                %address, %mac, %other, %interface,
                "another node of the election speaks for the address as well; the Lease decides, \
                 and the one that it does not name lets go"
            ),
            None => error!(
                %address, %mac, %interface,
                "a station that is not known as a node of the election uses the address; this \
                 node defends the address while it holds it, and before that waits for the station \
                 to fall silent. Unless it is a node that runs kube-vip itself and is just giving \
                 way: find the machine with this Ethernet address, and take the address from it"
            ),
        }
    }

    pub(super) fn rival_gone(&self, address: IpAddr, mac: Mac) {
        info!(
            %address, %mac, interface = %self.plan.link,
            "nobody else has been heard speaking for the address for a while"
        );
    }

    pub(super) fn twin(&self, boot: &str) {
        error!(
            node = %self.plan.node, lease = self.lease(), boot,
            "another host renews the Lease in this node's name; this node claims nothing while it \
             does. Give each host a name of its own (vip_nodename, or spec.nodeName in the \
             manifest)"
        );
    }
}
