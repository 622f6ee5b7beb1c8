//! The kernel world: nodes, a switch, a client and an observer in network namespaces.
//!
//! Every host has one cable to the switch, a bridge in a namespace of its own. The observer is
//! apart from the client: each answer to an ARP question refreshes the asker's neighbour entry and
//! hides the outage that a real client would see.

pub mod daemon;
mod faults;
pub mod host;
pub mod nft;
pub mod rtnl;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use self::daemon::{Daemon, DaemonSpec};
pub use self::host::Host;
use self::rtnl::{End, Neighbour, Rtnl};
use crate::recorder::Journal;
pub use crate::sys::Error;
pub use crate::sys::mount::Bind;
use crate::sys::namespace::Namespaces;
pub use crate::sys::process::Process;
use kube_vip_core::address::{Mac, link_local};

/// The name of the bridge, inside the switch's namespace.
const BRIDGE: &str = "switch";
/// The name of the other bridge, once there is one.
const FAR_BRIDGE: &str = "far";
/// The names of the two ends of the cable between them.
const TRUNK: [&str; 2] = ["trunk1", "trunk2"];

/// The last byte of the first node's address; the others follow.
const FIRST_NODE: u8 = 11;
/// The last byte of the client's address.
const CLIENT: u8 = 200;
/// The last byte of the address in whose name the observer asks; its kernel does not have it.
const OBSERVER: u8 = 201;
/// The last byte of the control's address.
const CONTROL: u8 = 202;
/// The last byte of the stranger's address.
const STRANGER: u8 = 203;

/// At most this many nodes: their addresses end below the usual virtual one, .140.
pub const MOST_NODES: usize = 100;

/// The segment's addresses: the first three bytes; the prefix length is 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet(pub [u8; 3]);

impl Subnet {
    /// The prefix length in bits.
    pub const PREFIX: u8 = 24;

    /// The address of a host.
    #[must_use]
    pub const fn host(self, last: u8) -> Ipv4Addr {
        let [a, b, c] = self.0;
        Ipv4Addr::new(a, b, c, last)
    }

    /// The IPv6 address of a host, of a network of its own; its prefix length is 64 bits.
    #[must_use]
    pub const fn host6(self, last: u8) -> Ipv6Addr {
        let [_, _, c] = self.0;
        Ipv6Addr::new(0xfd00, c as u16, 0, 0, 0, 0, 0, last as u16)
    }

    /// An Ethernet address, locally administered, from which the host can be read.
    const fn mac(self, last: u8) -> Mac {
        let [a, b, c] = self.0;
        Mac([0x02, 0, a, b, c, last])
    }
}

/// What a node is to be.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its name.
    pub name: String,
    /// What it has of its own.
    pub own: Own,
}

/// What a node has of its own.
#[derive(Clone, Debug)]
pub enum Own {
    /// Its network.
    Network,
    /// Network, host name, processes and file systems, as hostNetwork pods need it. File systems
    /// are the lab's with these binds laid over them.
    Host(Vec<Bind>),
}

/// What a world is to be.
#[derive(Clone, Debug)]
pub struct WorldSpec {
    /// The segment.
    pub subnet: Subnet,
    /// The name of each host's interface.
    pub interface: String,
    /// The nodes: the first has the address .11, and so on.
    pub nodes: Vec<NodeSpec>,
    /// Hosts have IPv6 addresses as well.
    pub ipv6: bool,
}

impl WorldSpec {
    /// So many nodes, `node-1` and so on, with interface `end0` on 192.168.20.0/24, each with a
    /// network of its own.
    #[must_use]
    pub fn of(nodes: usize) -> Self {
        let node = |number| NodeSpec { name: format!("node-{number}"), own: Own::Network };
        Self {
            subnet: Subnet([192, 168, 20]),
            interface: "end0".to_owned(),
            nodes: (1..=nodes).map(node).collect(),
            ipv6: false,
        }
    }
}

/// A switch with hosts around it. Dropping it kills every process in it; nothing is left.
#[derive(Debug)]
pub struct World {
    subnet: Subnet,
    nodes: Vec<Host>,
    client: Host,
    observer: Host,
    control: Host,
    stranger: Host,
    switch: Rtnl,
    segment: Namespaces,
    journal: Journal,
}

impl World {
    /// Makes a world.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if this user may not (see [`crate::sys::user::become_root`]);
    /// else the step that failed.
    pub fn new(spec: &WorldSpec) -> Result<Self, Error> {
        if spec.nodes.len() > MOST_NODES {
            let many = std::io::Error::other(format!("at most {MOST_NODES} are possible"));
            return Err(Error::step(format!("make {} nodes", spec.nodes.len()))(many));
        }
        let segment = Namespaces::network()?;
        let switch = Rtnl::open(&segment)?;
        switch.add_bridge(BRIDGE)?;
        switch.hush_ipv6(BRIDGE)?;
        switch.up(BRIDGE)?;
        let plug = |name: &str, own: &Own, last: u8| plug(&switch, spec, name, own, last);
        let nodes = (FIRST_NODE..).zip(&spec.nodes);
        let nodes = nodes.map(|(last, node)| plug(&node.name, &node.own, last));
        let nodes = nodes.collect::<Result<_, _>>()?;
        let world = Self {
            subnet: spec.subnet,
            nodes,
            client: plug("client", &Own::Network, CLIENT)?,
            observer: plug("observer", &Own::Network, OBSERVER)?,
            control: plug("control", &Own::Network, CONTROL)?,
            stranger: plug("stranger", &Own::Network, STRANGER)?,
            switch,
            segment,
            journal: Journal::default(),
        };
        for host in world.hosts() {
            world.switch.settle(&host.port)?;
            host.rtnl.settle(&host.interface)?;
        }
        Ok(world)
    }
}

impl World {
    /// The nodes, in the order of the spec.
    #[must_use]
    pub fn nodes(&self) -> &[Host] {
        &self.nodes
    }

    /// One node.
    ///
    /// # Panics
    /// If there is no such node.
    #[must_use]
    pub fn node(&self, node: usize) -> &Host {
        &self.nodes[node]
    }

    /// The host whose ordinary traffic is measured. Never ask ARP questions from it.
    #[must_use]
    pub const fn client(&self) -> &Host {
        &self.client
    }

    /// The host from which the segment is observed. Its kernel has no address.
    #[must_use]
    pub const fn observer(&self) -> &Host {
        &self.observer
    }

    /// A host that no fault touches: what a client sees of it is the noise of the machine.
    #[must_use]
    pub const fn control(&self) -> &Host {
        &self.control
    }

    /// A host that is no node of the cluster, and may do as it likes.
    #[must_use]
    pub const fn stranger(&self) -> &Host {
        &self.stranger
    }

    /// The address in whose name the observer asks for one of the same family; nobody has it.
    #[must_use]
    pub const fn questioner(&self, address: IpAddr) -> IpAddr {
        self.beside(OBSERVER, address)
    }

    /// The control's address of the same family.
    #[must_use]
    pub const fn undisturbed(&self, address: IpAddr) -> IpAddr {
        self.beside(CONTROL, address)
    }

    const fn beside(&self, last: u8, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(_) => IpAddr::V4(self.subnet.host(last)),
            IpAddr::V6(_) => IpAddr::V6(self.subnet.host6(last)),
        }
    }

    /// Where everything that happens is written down.
    #[must_use]
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Whom the client takes `address` to be: its neighbour entry.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn client_neighbour(&self, address: impl Into<IpAddr>) -> Result<Option<Neighbour>, Error> {
        self.client.rtnl.neighbour(address.into())
    }

    /// The switch's network, and the index of its bridge.
    pub(crate) fn segment(&self) -> Result<(&Namespaces, u32), Error> {
        Ok((&self.segment, self.switch.index(BRIDGE)?))
    }

    fn hosts(&self) -> impl Iterator<Item = &Host> {
        let others = [&self.client, &self.observer, &self.control, &self.stranger];
        self.nodes.iter().chain(others)
    }
}

/// Makes a host and plugs it into the switch.
fn plug(switch: &Rtnl, spec: &WorldSpec, name: &str, own: &Own, last: u8) -> Result<Host, Error> {
    let namespaces = match own {
        Own::Network => Namespaces::network()?,
        Own::Host(binds) => Namespaces::host(name, binds)?,
    };
    let rtnl = Rtnl::open(&namespaces)?;
    let (mac, interface) = (spec.subnet.mac(last), spec.interface.as_str());
    let port = format!("port{last}");
    let far = End { name: interface, mac, host: &namespaces };
    switch.add_veth(&port, far)?;
    switch.hush_ipv6(&port)?;
    switch.attach(&port, BRIDGE)?;
    switch.up(&port)?;
    rtnl.hush_ipv6(interface)?;
    rtnl.up("lo")?;
    rtnl.up(interface)?;
    let address = (last != OBSERVER).then(|| spec.subnet.host(last));
    if let Some(address) = address {
        rtnl.add_address(interface, address, Subnet::PREFIX)?;
    }
    if spec.ipv6 && last != OBSERVER {
        rtnl.add_address(interface, link_local(mac), 64)?;
        rtnl.add_address(interface, spec.subnet.host6(last), 64)?;
    }
    Ok(Host {
        name: name.to_owned(),
        interface: interface.to_owned(),
        mac,
        address,
        port,
        namespaces,
        rtnl,
    })
}
