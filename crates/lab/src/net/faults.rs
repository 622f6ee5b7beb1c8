//! What is done to the switch and its cables. Nodes are indices; one that does not exist panics.

use std::net::IpAddr;

use kube_vip_core::segment::{Station, announcement};
use netlink_packet_route::link::BridgePortState;

use super::rtnl::{End, Passes};
use super::{BRIDGE, Error, FAR_BRIDGE, Host, Subnet, TRUNK, World};
use crate::sys::clock::Stamp;
use crate::sys::packet::RawSocket;
use crate::timeline::{Fault, What};

impl World {
    /// Silent cut: the switch passes nothing from or to the node; its link stays up.
    ///
    /// # Errors
    /// What the kernel says; so also below.
    pub fn cut(&self, node: usize) -> Result<(), Error> {
        let disable = |port: &str| self.switch.set_port(port, BridgePortState::Disabled);
        self.strike(Fault::Cut(node), node, disable)
    }

    /// The end of a [cut](Self::cut).
    ///
    /// # Errors
    /// As above.
    pub fn heal(&self, node: usize) -> Result<(), Error> {
        let forward = |port: &str| self.switch.set_port(port, BridgePortState::Forwarding);
        self.mend(Fault::Healed(node), node, forward)
    }

    /// Pulls the node's cable: it has no carrier.
    ///
    /// # Errors
    /// As above.
    pub fn unplug(&self, node: usize) -> Result<(), Error> {
        self.strike(Fault::Unplugged(node), node, |port| self.switch.down(port))
    }

    /// Puts the node's cable back.
    ///
    /// # Errors
    /// As above.
    pub fn plug(&self, node: usize) -> Result<(), Error> {
        let up = |port: &str| {
            self.switch.up(port)?;
            self.switch.settle(port)
        };
        self.mend(Fault::Plugged(node), node, up)
    }

    /// The switch passes what the node sends, and nothing to it.
    ///
    /// # Errors
    /// As above.
    pub fn deafen(&self, node: usize) -> Result<(), Error> {
        let deafen = |port: &str| self.switch.set_passes(port, Passes::FromHost);
        self.strike(Fault::Deafened(node), node, deafen)
    }

    /// The end of [deafness](Self::deafen).
    ///
    /// # Errors
    /// As above.
    pub fn undeafen(&self, node: usize) -> Result<(), Error> {
        let both = |port: &str| self.switch.set_passes(port, Passes::Both);
        self.mend(Fault::Hears(node), node, both)
    }

    /// The switch passes everything to the node, and nothing that it sends.
    ///
    /// # Errors
    /// As above.
    pub fn mute(&self, node: usize) -> Result<(), Error> {
        let mute = |port: &str| self.switch.set_passes(port, Passes::ToHost);
        self.strike(Fault::Muted(node), node, mute)
    }

    /// The end of [muteness](Self::mute).
    ///
    /// # Errors
    /// As above.
    pub fn unmute(&self, node: usize) -> Result<(), Error> {
        let both = |port: &str| self.switch.set_passes(port, Passes::Both);
        self.mend(Fault::Heard(node), node, both)
    }

    /// Splits the segment: the node and the stranger are on the far side, all others on the near
    /// one. Every link stays up. For those who look on from the near side the node is cut off.
    ///
    /// # Errors
    /// As above.
    pub fn split(&self, node: usize) -> Result<(), Error> {
        self.far_side()?;
        let at = Stamp::now();
        self.trunk(BridgePortState::Disabled)?;
        let far = &self.node(node).port;
        for host in self.hosts() {
            let is_far = host.port == *far || host.port == self.stranger.port;
            let bridge = if is_far { FAR_BRIDGE } else { BRIDGE };
            if self.switch.controller(&host.port)? != self.switch.index(bridge)? {
                self.switch.attach(&host.port, bridge)?;
            }
        }
        self.journal.note(at, What::Fault(Fault::Split(node)));
        Ok(())
    }

    /// The end of a [split](Self::split): what joins the two sides passes frames again, and no
    /// host's link notices.
    ///
    /// # Errors
    /// As above.
    pub fn join(&self, node: usize) -> Result<(), Error> {
        // Frames may cross before the kernel has answered: the moment is that of the question.
        let at = Stamp::now();
        self.trunk(BridgePortState::Forwarding)?;
        self.journal.note(at, What::Fault(Fault::Joined(node)));
        Ok(())
    }

    /// A host announces an address, in all forms, whether it has it or not.
    ///
    /// # Errors
    /// As above.
    pub fn announce(&self, host: &Host, address: IpAddr) -> Result<(), Error> {
        let interface = host.rtnl.index(&host.interface)?;
        host.open(format!("announce {address}"), || {
            let socket = RawSocket::neighbours(address, interface)?;
            let frames = announcement(Station { mac: host.mac, address });
            frames.iter().try_for_each(|frame| socket.send(frame))
        })
    }

    /// Makes the far side and the cable to it, once.
    fn far_side(&self) -> Result<(), Error> {
        if self.switch.index(FAR_BRIDGE).is_ok() {
            return Ok(());
        }
        let [near, far] = TRUNK;
        let mac = Subnet::mac(self.subnet, 0);
        self.switch.add_bridge(FAR_BRIDGE)?;
        self.switch.add_veth(near, End { name: far, mac, host: &self.segment })?;
        for link in [FAR_BRIDGE, near, far] {
            self.switch.hush_ipv6(link)?;
        }
        self.switch.attach(near, BRIDGE)?;
        self.switch.attach(far, FAR_BRIDGE)?;
        for link in [FAR_BRIDGE, near, far] {
            self.switch.up(link)?;
        }
        self.switch.settle(near)?;
        self.switch.settle(far)
    }

    fn trunk(&self, state: BridgePortState) -> Result<(), Error> {
        self.switch.set_port(TRUNK[0], state)
    }

    /// A fault strikes the moment before the kernel is asked to do it.
    fn strike(
        &self,
        fault: Fault,
        node: usize,
        how: impl FnOnce(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let at = Stamp::now();
        how(&self.node(node).port)?;
        self.journal.note(at, What::Fault(fault));
        Ok(())
    }

    /// A fault is over when the kernel says so.
    fn mend(
        &self,
        end: Fault,
        node: usize,
        how: impl FnOnce(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        how(&self.node(node).port)?;
        self.journal.note_now(What::Fault(end));
        Ok(())
    }
}

impl Host {
    /// Sets a value below /proc/sys/net of this host's network, such as `ipv4/ip_forward`.
    ///
    /// # Errors
    /// If there is no such value, or it is refused.
    pub fn set_sysctl(&self, name: &str, value: &str) -> Result<(), Error> {
        let path = format!("/proc/sys/net/{name}");
        self.open(format!("set {path}"), || std::fs::write(&path, value))
    }
}
