//! Neighbour solicitations and advertisements for IPv6 on Ethernet (RFC 4861 sections 4.3, 4.4 and
//! 7.1; RFC 2464 section 7).

use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use super::{WireError, ethernet, take};
use crate::address::Mac;

/// The bytes of an IPv6 header (RFC 8200 section 3).
const HEADER_BYTES: usize = 40;

/// The bytes of either message without options.
const MESSAGE_BYTES: usize = 24;

/// The most bytes of a frame that is looked at: a full one of Ethernet.
pub const FRAME_BYTES: usize = 1514;

/// `Next Header` of ICMPv6.
const ICMPV6: u8 = 58;

/// What has come through a router has less, and is nobody's neighbour.
const HOP_LIMIT: u8 = 255;

/// ICMPv6 types.
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// The options that name a link-layer address; both are 8 bytes long on Ethernet.
const SOURCE_LINK: u8 = 1;
const TARGET_LINK: u8 = 2;

/// Every station (RFC 4291 section 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// What an advertisement says beside the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// The sender is a router.
    pub router: bool,
    /// It answers a question.
    pub solicited: bool,
    /// Whoever knew another hardware address is to forget that.
    pub overrides: bool,
}

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Who has the target?
    Solicitation,
    /// The sender has it.
    Advertisement(Flags),
}

/// One solicitation or advertisement, with the addresses of its IPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet {
    /// Who sent it; unspecified: somebody who is about to use the target.
    pub source: Ipv6Addr,
    /// For whom it is.
    pub destination: Ipv6Addr,
    /// Which of the two.
    pub message: Message,
    /// The address that it is about.
    pub target: Ipv6Addr,
    /// The hardware address of the source, in a solicitation; of the target, in an advertisement.
    pub mac: Option<Mac>,
}

impl Packet {
    /// An ordinary question: `asker` wants to know who has `target`. It goes to all who may have
    /// it, whatever the frame's destination is.
    #[must_use]
    pub fn solicitation((mac, asker): (Mac, Ipv6Addr), target: Ipv6Addr) -> Self {
        Self {
            source: asker,
            destination: solicited_node(target),
            message: Message::Solicitation,
            target,
            mac: (!asker.is_unspecified()).then_some(mac),
        }
    }

    /// The unsolicited advertisement for `address` to every station: it overrides what they know,
    /// and says nothing of a router (RFC 4861 section 7.2.6).
    #[must_use]
    pub fn unsolicited(mac: Mac, address: Ipv6Addr) -> Self {
        let flags = Flags { overrides: true, ..Flags::default() };
        Self {
            source: address,
            destination: ALL_NODES,
            message: Message::Advertisement(flags),
            target: address,
            mac: Some(mac),
        }
    }

    /// The answer to whoever asked for `address`.
    #[must_use]
    pub const fn answer((mac, address): (Mac, Ipv6Addr), to: Ipv6Addr) -> Self {
        let flags = Flags { router: false, solicited: true, overrides: true };
        Self {
            source: address,
            destination: to,
            message: Message::Advertisement(flags),
            target: address,
            mac: Some(mac),
        }
    }

    /// The packet in a frame from `source` to one station; to [`Mac::BROADCAST`]: to the Ethernet
    /// group that belongs to its IPv6 destination (RFC 2464 section 7). What has the address of
    /// a group is not sent to one station otherwise, so the target stands there instead.
    #[must_use]
    pub fn frame(self, source: Mac, to: Mac) -> Vec<u8> {
        let mut packet = self;
        let destination = if to == Mac::BROADCAST { group(self.destination) } else { to };
        if to != Mac::BROADCAST && self.destination.is_multicast() {
            packet.destination = self.target;
        }
        let header = ethernet::Header { destination, source, ethertype: ethernet::IPV6 };
        [header.emit().as_slice(), &packet.emit()].concat()
    }

    /// The packet as it goes on the wire.
    #[must_use]
    pub fn emit(self) -> Vec<u8> {
        let (kind, flags, option) = match self.message {
            Message::Solicitation => (SOLICITATION, 0, SOURCE_LINK),
            Message::Advertisement(flags) => (ADVERTISEMENT, flags.bits(), TARGET_LINK),
        };
        let mut message = vec![kind, 0, 0, 0, flags, 0, 0, 0];
        message.extend(self.target.octets());
        if let Some(Mac(mac)) = self.mac {
            message.extend([option, 1]);
            message.extend(mac);
        }
        let checksum = checksum((self.source, self.destination), &message).to_be_bytes();
        message[2..4].copy_from_slice(&checksum);
        // A message has 32 bytes at most.
        let length = u16::try_from(message.len()).unwrap_or_default().to_be_bytes();
        let mut bytes = vec![0x60, 0, 0, 0, length[0], length[1], ICMPV6, HOP_LIMIT];
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(message);
        bytes
    }

    /// The packet at the front of `bytes`; what follows it is padding.
    ///
    /// # Errors
    /// If the bytes end too early, or it is not what RFC 4861 sections 7.1.1 and 7.1.2 call valid.
    pub fn parse(mut bytes: &[u8]) -> Result<Self, WireError> {
        let header: [u8; HEADER_BYTES] = take(&mut bytes, "an IPv6 header")?;
        let [v, _, _, _, l0, l1, next, hops, addresses @ ..] = header;
        if (v >> 4, next) != (6, ICMPV6) {
            return Err(WireError::Neighbour("it is not ICMPv6"));
        }
        if hops != HOP_LIMIT {
            return Err(WireError::Neighbour("it came through a router"));
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let short =
            WireError::Short { what: "an ICMPv6 message", needed: length, got: bytes.len() };
        let message = bytes.get(..length).ok_or(short)?;
        let (source, destination) = addresses.split_at(16);
        let (source, destination) = (address(source), address(destination));
        Self::parse_message((source, destination), message)
    }

    fn parse_message(
        (source, destination): (Ipv6Addr, Ipv6Addr),
        message: &[u8],
    ) -> Result<Self, WireError> {
        let mut rest = message;
        let fixed: [u8; MESSAGE_BYTES] = take(&mut rest, "a neighbour discovery message")?;
        let [kind, code, _, _, flags, _, _, _, target @ ..] = fixed;
        let (kind, option) = match (kind, code) {
            (SOLICITATION, 0) => (Message::Solicitation, SOURCE_LINK),
            (ADVERTISEMENT, 0) => (Message::Advertisement(Flags::of(flags)), TARGET_LINK),
            _ => return Err(WireError::Neighbour("it is no solicitation or advertisement")),
        };
        if checksum((source, destination), message) != 0 {
            return Err(WireError::Neighbour("its checksum is wrong"));
        }
        let target = Ipv6Addr::from_octets(target);
        if target.is_multicast() {
            return Err(WireError::Neighbour("its target is a group"));
        }
        let mac = link_option(rest, option)?;
        let packet = Self { source, destination, message: kind, target, mac };
        packet.check().map(|()| packet)
    }

    /// What RFC 4861 asks of the parts together.
    fn check(&self) -> Result<(), WireError> {
        let from_nobody = self.source.is_unspecified();
        match self.message {
            Message::Solicitation if from_nobody && self.mac.is_some() => {
                Err(WireError::Neighbour("it names the hardware address of nobody"))
            }
            Message::Solicitation
                if from_nobody && self.destination != solicited_node(self.target) =>
            {
                Err(WireError::Neighbour("it asks one station in nobody's name"))
            }
            Message::Advertisement(flags) if flags.solicited && self.destination.is_multicast() => {
                Err(WireError::Neighbour("it answers a group"))
            }
            _ => Ok(()),
        }
    }
}

impl Flags {
    const fn bits(self) -> u8 {
        (self.router as u8) << 7 | (self.solicited as u8) << 6 | (self.overrides as u8) << 5
    }

    const fn of(bits: u8) -> Self {
        Self { router: bits & 0x80 != 0, solicited: bits & 0x40 != 0, overrides: bits & 0x20 != 0 }
    }
}

/// The first option of this kind; all must have a length.
fn link_option(mut options: &[u8], kind: u8) -> Result<Option<Mac>, WireError> {
    let mut found = None;
    while let [this, units, ..] = *options {
        let length = usize::from(units) * 8;
        let short = WireError::Short { what: "an option", needed: length, got: options.len() };
        let option = options.get(..length).ok_or(short)?;
        if length == 0 {
            return Err(WireError::Neighbour("an option of it has no length"));
        }
        if let ([_, 1, mac @ ..], true) = (option, this == kind && found.is_none()) {
            found = mac.first_chunk().copied().map(Mac);
        }
        options = options.get(length..).unwrap_or_default();
    }
    Ok(found)
}

/// The group that hears questions for the address (RFC 4291 section 2.7.1).
#[must_use]
pub const fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::from_octets([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

/// The Ethernet group of an IPv6 group (RFC 2464 section 7).
#[must_use]
pub const fn group(address: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = address.octets();
    Mac([0x33, 0x33, a, b, c, d])
}

fn address(bytes: &[u8]) -> Ipv6Addr {
    bytes.first_chunk().map_or(Ipv6Addr::UNSPECIFIED, |bytes| Ipv6Addr::from_octets(*bytes))
}

/// The checksum of an ICMPv6 message with its pseudo-header (RFC 8200 section 8.1); of one that has
/// a right checksum it is zero.
fn checksum((source, destination): (Ipv6Addr, Ipv6Addr), message: &[u8]) -> u16 {
    let words = |bytes: &[u8]| -> u64 {
        bytes.chunks(2).map(|w| u64::from(w[0]) << 8 | u64::from(*w.get(1).unwrap_or(&0))).sum()
    };
    let mut sum = words(&source.octets()) + words(&destination.octets()) + words(message);
    sum += message.len() as u64 + u64::from(ICMPV6);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
mod tests;
