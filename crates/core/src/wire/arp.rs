//! ARP for IPv4 on Ethernet (RFC 826), and the forms that kube-vip speaks (RFC 5227).

use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{WireError, ethernet, take};
use crate::address::Mac;

/// The bytes of a packet.
pub const PACKET_BYTES: usize = 28;

/// The bytes of a frame with a packet in it; the network card pads it to Ethernet's 60.
pub const FRAME_BYTES: usize = ethernet::HEADER_BYTES + PACKET_BYTES;

/// `ar$hrd` for Ethernet.
const HARDWARE: u16 = 1;

/// `ar$pro` for IPv4: its ethertype.
const PROTOCOL: u16 = 0x0800;

/// `ar$hln` and `ar$pln`: the bytes of a hardware and of a protocol address.
const HARDWARE_LENGTH: u8 = 6;
const PROTOCOL_LENGTH: u8 = 4;

/// `ar$op`: what the sender wants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Operation(pub u16);

impl Operation {
    /// Who has the target's protocol address?
    pub const REQUEST: Self = Self(1);
    /// The sender has it.
    pub const REPLY: Self = Self(2);
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::REQUEST => f.write_str("request"),
            Self::REPLY => f.write_str("reply"),
            Self(other) => write!(f, "operation {other}"),
        }
    }
}

/// A station: its two addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    /// The hardware address.
    pub mac: Mac,
    /// The protocol address.
    pub address: Ipv4Addr,
}

/// One ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet {
    /// What it is.
    pub operation: Operation,
    /// `ar$sha` and `ar$spa`: for whom it speaks. Whoever hears it may learn this pair.
    pub sender: Station,
    /// `ar$tha` and `ar$tpa`: about whom it asks, or to whom it answers.
    pub target: Station,
}

impl Packet {
    /// The gratuitous request for `address`: sender and target address are the same. The target's
    /// hardware address is the broadcast address, as the original has it; zeros would be usual,
    /// and receivers ignore the field (RFC 5227 §2.1.1, §2.3).
    #[must_use]
    pub const fn gratuitous_request(mac: Mac, address: Ipv4Addr) -> Self {
        Self {
            operation: Operation::REQUEST,
            sender: Station { mac, address },
            target: Station { mac: Mac::BROADCAST, address },
        }
    }

    /// The gratuitous reply for `address`: sender and target are the same station.
    #[must_use]
    pub const fn gratuitous_reply(mac: Mac, address: Ipv4Addr) -> Self {
        Self {
            operation: Operation::REPLY,
            sender: Station { mac, address },
            target: Station { mac, address },
        }
    }

    /// An ordinary request: `asker` wants to know who has `address`.
    #[must_use]
    pub const fn request(asker: Station, address: Ipv4Addr) -> Self {
        Self {
            operation: Operation::REQUEST,
            sender: asker,
            target: Station { mac: Mac::ZERO, address },
        }
    }

    /// A probe (RFC 5227 §2.1.1): a request without a sender address, from which nobody learns
    /// anything.
    #[must_use]
    pub const fn probe(mac: Mac, address: Ipv4Addr) -> Self {
        let nobody = Station { mac, address: Ipv4Addr::UNSPECIFIED };
        Self::request(nobody, address)
    }

    /// The packet at the front of `bytes`; what follows it is padding.
    ///
    /// # Errors
    /// If the bytes end too early, or it is not for IPv4 on Ethernet.
    pub fn parse(mut bytes: &[u8]) -> Result<Self, WireError> {
        let head = take(&mut bytes, "the head of an ARP packet")?;
        let [h0, h1, p0, p1, hardware_length, protocol_length, o0, o1] = head;
        let hardware = u16::from_be_bytes([h0, h1]);
        let protocol = u16::from_be_bytes([p0, p1]);
        let space = (hardware, protocol, hardware_length, protocol_length);
        if space != (HARDWARE, PROTOCOL, HARDWARE_LENGTH, PROTOCOL_LENGTH) {
            return Err(WireError::Space { hardware, protocol, hardware_length, protocol_length });
        }
        Ok(Self {
            operation: Operation(u16::from_be_bytes([o0, o1])),
            sender: Station::from_bytes(take(&mut bytes, "the sender of an ARP packet")?),
            target: Station::from_bytes(take(&mut bytes, "the target of an ARP packet")?),
        })
    }

    /// The packet as it goes on the wire.
    #[must_use]
    pub fn emit(self) -> [u8; PACKET_BYTES] {
        let mut bytes = [0; PACKET_BYTES];
        let (head, stations) = bytes.split_at_mut(8);
        let (sender, target) = stations.split_at_mut(10);
        let [h0, h1] = HARDWARE.to_be_bytes();
        let [p0, p1] = PROTOCOL.to_be_bytes();
        let [o0, o1] = self.operation.0.to_be_bytes();
        head.copy_from_slice(&[h0, h1, p0, p1, HARDWARE_LENGTH, PROTOCOL_LENGTH, o0, o1]);
        sender.copy_from_slice(&self.sender.to_bytes());
        target.copy_from_slice(&self.target.to_bytes());
        bytes
    }

    /// The packet in a frame from its sender to every station of the segment.
    #[must_use]
    pub fn broadcast(self) -> [u8; FRAME_BYTES] {
        self.frame(Mac::BROADCAST)
    }

    /// The packet in a frame from its sender to one station.
    #[must_use]
    pub fn frame(self, destination: Mac) -> [u8; FRAME_BYTES] {
        let header =
            ethernet::Header { destination, source: self.sender.mac, ethertype: ethernet::ARP };
        let mut frame = [0; FRAME_BYTES];
        let (front, back) = frame.split_at_mut(ethernet::HEADER_BYTES);
        front.copy_from_slice(&header.emit());
        back.copy_from_slice(&self.emit());
        frame
    }

    /// The packet in a frame, with the frame's header.
    ///
    /// # Errors
    /// If the frame ends too early, is not ARP, or not for IPv4 on Ethernet.
    pub fn parse_frame(frame: &[u8]) -> Result<(ethernet::Header, Self), WireError> {
        let (header, payload) = ethernet::Header::parse(frame)?;
        if header.ethertype != ethernet::ARP {
            return Err(WireError::Ethertype(header.ethertype));
        }
        Ok((header, Self::parse(payload)?))
    }
}

impl Station {
    fn from_bytes(bytes: [u8; 10]) -> Self {
        let [m0, m1, m2, m3, m4, m5, a0, a1, a2, a3] = bytes;
        Self { mac: Mac([m0, m1, m2, m3, m4, m5]), address: Ipv4Addr::new(a0, a1, a2, a3) }
    }

    fn to_bytes(self) -> [u8; 10] {
        let [m0, m1, m2, m3, m4, m5] = self.mac.0;
        let [a0, a1, a2, a3] = self.address.octets();
        [m0, m1, m2, m3, m4, m5, a0, a1, a2, a3]
    }
}

#[cfg(test)]
mod tests;
