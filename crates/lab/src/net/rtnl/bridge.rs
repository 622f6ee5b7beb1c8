//! Bridges and their ports.

use netlink_packet_core::DefaultNla;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::link::{
    BridgePortState, BridgeStpState, InfoBridge, InfoData, InfoKind, LinkAttribute, LinkInfo,
    LinkMessage, LinkProtoInfoBridge,
};

use super::Rtnl;
use crate::sys::Error;

// Attributes of linux/if_link.h.
const IFLA_BRPORT_STATE: u16 = 1;
const IFLA_BRPORT_LEARNING: u16 = 8;
const IFLA_BRPORT_UNICAST_FLOOD: u16 = 9;
const IFLA_BRPORT_FLUSH: u16 = 24;
const IFLA_BRPORT_MCAST_FLOOD: u16 = 27;
const IFLA_BRPORT_BCAST_FLOOD: u16 = 30;
const IFLA_BRPORT_LOCKED: u16 = 39;

/// Which way frames pass a port of a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Passes {
    /// Both.
    Both,
    /// What comes from the host is forwarded, nothing goes to it.
    FromHost,
    /// What is for the host, or for all, goes to it; nothing that comes from it is forwarded.
    ToHost,
}

impl Rtnl {
    /// Makes a bridge that forwards at once and knows neither spanning tree nor multicast groups.
    pub(in crate::net) fn add_bridge(&self, name: &str) -> Result<(), Error> {
        let mut message = LinkMessage::default();
        message.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Bridge),
                LinkInfo::Data(InfoData::Bridge(vec![
                    InfoBridge::ForwardDelay(0),
                    InfoBridge::StpState(BridgeStpState::Disabled),
                    InfoBridge::MulticastSnooping(false),
                ])),
            ]),
        ];
        self.create_link(message, name)
    }

    /// Makes an interface a port of a bridge.
    pub(in crate::net) fn attach(&self, port: &str, bridge: &str) -> Result<(), Error> {
        let mut message = self.reference(port)?;
        message.attributes.push(LinkAttribute::Controller(self.index(bridge)?));
        self.set_link(message, format!("make {port} a port of {bridge}"))
    }

    /// The index of the bridge that an interface is a port of; 0: of none.
    pub(in crate::net) fn controller(&self, port: &str) -> Result<u32, Error> {
        let link = self.link(port)?;
        let found = link.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::Controller(index) => Some(*index),
            _ => None,
        });
        Ok(found.unwrap_or(0))
    }

    /// Sets whether a bridge's port passes frames. Asked of the bridge: asked of the link, the
    /// kernel tells everyone that the link changed, and the bridge sets it back to forwarding.
    pub(in crate::net) fn set_port(&self, port: &str, state: BridgePortState) -> Result<(), Error> {
        let state_of = vec![DefaultNla::new(IFLA_BRPORT_STATE, vec![state.into()])];
        self.port(port, state_of, format!("set port {port} to {state}"))
    }

    /// Sets which way frames pass a port. A port that nobody is learned behind, and to which
    /// nothing is flooded, gets no frame; one that is locked forwards only the frames of those who
    /// are known to be behind it (Linux 5.18).
    pub(in crate::net) fn set_passes(&self, port: &str, passes: Passes) -> Result<(), Error> {
        let both = u8::from(passes == Passes::Both);
        let flood = u8::from(passes != Passes::FromHost);
        let locked = u8::from(passes == Passes::ToHost);
        let flags = [
            (IFLA_BRPORT_LEARNING, both),
            (IFLA_BRPORT_UNICAST_FLOOD, flood),
            (IFLA_BRPORT_MCAST_FLOOD, flood),
            (IFLA_BRPORT_BCAST_FLOOD, flood),
            (IFLA_BRPORT_LOCKED, locked),
        ];
        let mut attributes: Vec<_> =
            flags.iter().map(|(kind, value)| DefaultNla::new(*kind, vec![*value])).collect();
        attributes.push(DefaultNla::new(IFLA_BRPORT_FLUSH, Vec::new()));
        self.port(port, attributes, format!("let frames pass {passes:?} at port {port}"))
    }

    fn port(&self, port: &str, values: Vec<DefaultNla>, step: String) -> Result<(), Error> {
        let mut message = self.reference(port)?;
        message.header.interface_family = AddressFamily::Bridge;
        let values = values.into_iter().map(LinkProtoInfoBridge::Other).collect();
        message.attributes.push(LinkAttribute::ProtoInfoBridge(values));
        self.set_link(message, step)
    }
}
