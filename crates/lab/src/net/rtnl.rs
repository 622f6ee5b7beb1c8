//! Links, addresses and neighbours of one host, asked of its kernel over rtnetlink.

mod bridge;

use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kube_vip_core::address::Mac;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoKind, InfoVeth, LinkAttribute,
    LinkFlags, LinkInfo, LinkMessage, State,
};
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};

use crate::sys::Error;
use crate::sys::clock::Stamp;
use crate::sys::namespace::Namespaces;

pub(super) use self::bridge::Passes;
pub use netlink_packet_route::neighbour::NeighbourState;

/// The kernel may put off what follows from a carrier for a second.
const SETTLING: Duration = Duration::from_secs(5);

/// A connection to the kernel about one host's network.
#[derive(Debug)]
pub struct Rtnl(Mutex<Connection>);

/// An entry of a neighbour table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Where the address is believed to be; none: being asked for, or asked in vain.
    pub mac: Option<Mac>,
    /// How sure the kernel is.
    pub state: NeighbourState,
}

/// The far end of a veth pair.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The interface's name.
    pub name: &'a str,
    /// Its Ethernet address.
    pub mac: Mac,
    /// The host that it is in.
    pub host: &'a Namespaces,
}

#[derive(Debug)]
struct Connection {
    socket: Socket,
    sequence: u32,
}

impl Rtnl {
    /// Connects to the kernel about the network of `host`.
    ///
    /// # Errors
    /// If the kernel refuses a socket.
    pub fn open(host: &Namespaces) -> Result<Self, Error> {
        let socket = host
            .run(|| {
                let mut socket = Socket::new(NETLINK_ROUTE)?;
                socket.bind_auto()?;
                Ok::<_, io::Error>(socket)
            })?
            .map_err(Error::step("open a netlink socket"))?;
        Ok(Self(Mutex::new(Connection { socket, sequence: 0 })))
    }

    /// The index of an interface.
    ///
    /// # Errors
    /// If there is no such interface.
    pub fn index(&self, link: &str) -> Result<u32, Error> {
        Ok(self.link(link)?.header.index)
    }

    /// Whether an interface has a carrier.
    ///
    /// # Errors
    /// If there is no such interface.
    pub fn carrier(&self, link: &str) -> Result<bool, Error> {
        let flags = self.link(link)?.header.flags;
        Ok(flags.contains(LinkFlags::LowerUp))
    }

    /// Waits until the kernel has done all that follows from an interface's carrier: until then
    /// it may set a bridge's port back to forwarding.
    pub(super) fn settle(&self, link: &str) -> Result<(), Error> {
        let up = LinkAttribute::OperState(State::Up);
        let until = Stamp::now() + SETTLING;
        while !self.link(link)?.attributes.contains(&up) {
            if Stamp::now() > until {
                let late = io::Error::from(io::ErrorKind::TimedOut);
                return Err(Error::step(format!("wait for {link} to be up"))(late));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Brings an interface up.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn up(&self, link: &str) -> Result<(), Error> {
        self.set_flags(link, LinkFlags::Up)
    }

    /// Takes an interface down.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn down(&self, link: &str) -> Result<(), Error> {
        self.set_flags(link, LinkFlags::empty())
    }

    /// Adds an address with its prefix length to an interface, for ever; without duplicate address
    /// detection.
    ///
    /// # Errors
    /// What the kernel says; it is there already.
    pub fn add_address(
        &self,
        link: &str,
        address: impl Into<IpAddr>,
        prefix: u8,
    ) -> Result<(), Error> {
        let new = (RouteNetlinkMessage::NewAddress, NLM_F_CREATE | NLM_F_EXCL);
        self.change_address("add", (address.into(), prefix), (link, "to"), new)
    }

    /// Removes an address from an interface.
    ///
    /// # Errors
    /// What the kernel says; it is not there.
    pub fn remove_address(
        &self,
        link: &str,
        address: impl Into<IpAddr>,
        prefix: u8,
    ) -> Result<(), Error> {
        let gone = (RouteNetlinkMessage::DelAddress, 0);
        self.change_address("remove", (address.into(), prefix), (link, "from"), gone)
    }

    /// All addresses of the host.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn addresses(&self) -> Result<Vec<IpAddr>, Error> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Unspec;
        let answers = self
            .request(RouteNetlinkMessage::GetAddress(message), NLM_F_DUMP)
            .map_err(Error::step("list addresses"))?;
        Ok(answers.iter().filter_map(local_address).collect())
    }

    /// The host's neighbour entry for an address. Looking changes nothing.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn neighbour(&self, address: IpAddr) -> Result<Option<Neighbour>, Error> {
        let mut message = NeighbourMessage::default();
        message.header.family = family(address);
        let answers = self
            .request(RouteNetlinkMessage::GetNeighbour(message), NLM_F_DUMP)
            .map_err(Error::step("list neighbours"))?;
        let wanted = match address {
            IpAddr::V4(address) => NeighbourAddress::Inet(address),
            IpAddr::V6(address) => NeighbourAddress::Inet6(address),
        };
        let wanted = NeighbourAttribute::Destination(wanted);
        let entry = answers.into_iter().find_map(|answer| match answer {
            RouteNetlinkMessage::NewNeighbour(entry) if entry.attributes.contains(&wanted) => {
                Some(entry)
            }
            _ => None,
        });
        Ok(entry.map(|entry| Neighbour {
            mac: entry.attributes.iter().find_map(|attribute| match attribute {
                NeighbourAttribute::LinkLayerAddress(bytes) => {
                    bytes.as_slice().try_into().ok().map(Mac)
                }
                _ => None,
            }),
            state: entry.header.state,
        }))
    }

    /// Makes a veth pair, a cable, from this host to another. Both ends are down.
    ///
    /// # Errors
    /// What the kernel says; one of the names is taken.
    pub fn add_veth(&self, near: &str, far: End<'_>) -> Result<(), Error> {
        let mut peer = LinkMessage::default();
        peer.attributes = vec![
            LinkAttribute::IfName(far.name.to_owned()),
            LinkAttribute::Address(far.mac.0.to_vec()),
            LinkAttribute::NetNsFd(far.host.network_file().as_raw_fd()),
        ];
        let mut message = LinkMessage::default();
        message.attributes = vec![
            LinkAttribute::IfName(near.to_owned()),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
            ]),
        ];
        self.create_link(message, near)
    }

    /// Keeps an interface from making itself an IPv6 address, and so from speaking unasked.
    pub(super) fn hush_ipv6(&self, link: &str) -> Result<(), Error> {
        let mut message = self.reference(link)?;
        let none = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
        message.attributes.push(LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![none])]));
        match self.change(RouteNetlinkMessage::SetLink(message), 0) {
            // A kernel without IPv6 is quiet anyway.
            Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => Ok(()),
            done => done.map_err(Error::step(format!("turn off IPv6 on {link}"))),
        }
    }

    fn link(&self, name: &str) -> Result<LinkMessage, Error> {
        let step = format!("find interface {name}");
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(name.to_owned()));
        let answers = self
            .request(RouteNetlinkMessage::GetLink(message), NLM_F_ACK)
            .map_err(Error::step(&*step))?;
        let found = answers.into_iter().find_map(|answer| match answer {
            RouteNetlinkMessage::NewLink(link) => Some(link),
            _ => None,
        });
        found.ok_or_else(|| Error::step(step)(io::Error::from(io::ErrorKind::NotFound)))
    }

    /// A message about an interface that is there.
    fn reference(&self, link: &str) -> Result<LinkMessage, Error> {
        let mut message = LinkMessage::default();
        message.header.index = self.index(link)?;
        Ok(message)
    }

    fn change_address(
        &self,
        verb: &str,
        (address, prefix): (IpAddr, u8),
        (link, preposition): (&str, &str),
        (kind, flags): (impl FnOnce(AddressMessage) -> RouteNetlinkMessage, u16),
    ) -> Result<(), Error> {
        let mut message = AddressMessage::default();
        message.header.family = family(address);
        message.header.prefix_len = prefix;
        message.header.index = self.index(link)?;
        message.attributes =
            vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
        if address.is_ipv6() {
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        let step = format!("{verb} {address}/{prefix} {preposition} {link}");
        self.change(kind(message), flags).map_err(Error::step(step))
    }

    fn set_flags(&self, link: &str, flags: LinkFlags) -> Result<(), Error> {
        let mut message = self.reference(link)?;
        message.header.flags = flags;
        message.header.change_mask = LinkFlags::Up;
        self.set_link(message, format!("set {link} to {flags:?}"))
    }

    fn create_link(&self, message: LinkMessage, name: &str) -> Result<(), Error> {
        let message = RouteNetlinkMessage::NewLink(message);
        self.change(message, NLM_F_CREATE | NLM_F_EXCL)
            .map_err(Error::step(format!("make interface {name}")))
    }

    fn set_link(&self, message: LinkMessage, step: String) -> Result<(), Error> {
        self.change(RouteNetlinkMessage::SetLink(message), 0).map_err(Error::step(step))
    }

    fn change(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.request(message, NLM_F_ACK | flags).map(drop)
    }

    /// Sends one request and returns what the kernel answers, up to its acknowledgement.
    fn request(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> io::Result<Vec<RouteNetlinkMessage>> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.sequence = connection.sequence.wrapping_add(1);
        let sequence = connection.sequence;
        connection.socket.send(&emit(message, flags, sequence), 0)?;
        let mut answers = Vec::new();
        loop {
            let (bytes, _) = connection.socket.recv_from_full()?;
            for message in parse(&bytes) {
                let message = message?;
                if message.header.sequence_number != sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::Done(_) => return Ok(answers),
                    NetlinkPayload::Error(answer) if answer.code.is_none() => return Ok(answers),
                    NetlinkPayload::Error(answer) => return Err(answer.to_io()),
                    NetlinkPayload::InnerMessage(answer) => answers.push(answer),
                    _ => {}
                }
            }
        }
    }
}

/// A request as bytes.
pub(crate) fn emit(message: RouteNetlinkMessage, flags: u16, sequence: u32) -> Vec<u8> {
    let mut message = NetlinkMessage::from(message);
    message.header.flags = NLM_F_REQUEST | flags;
    message.header.sequence_number = sequence;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// The messages of one read.
pub(crate) fn parse(
    mut bytes: &[u8],
) -> impl Iterator<Item = io::Result<NetlinkMessage<RouteNetlinkMessage>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes);
        let length = message.as_ref().map_or(bytes.len(), |message| {
            usize::try_from(message.header.length).unwrap_or(usize::MAX)
        });
        // Messages are aligned to four bytes.
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message.map_err(io::Error::other))
    })
}

const fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// The address that a message about an address names.
pub(crate) fn local_address(message: &RouteNetlinkMessage) -> Option<IpAddr> {
    let (RouteNetlinkMessage::NewAddress(message) | RouteNetlinkMessage::DelAddress(message)) =
        message
    else {
        return None;
    };
    message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        // Of an IPv6 address there is only this one.
        AddressAttribute::Address(address) if address.is_ipv6() => Some(*address),
        _ => None,
    })
}
