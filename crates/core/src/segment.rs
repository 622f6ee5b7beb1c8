//! What stations say to each other on a segment about who has which address, whichever protocol
//! they say it in: ARP for IPv4, NDP for IPv6. Only here the two differ.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::address::{Mac, link_local};
use crate::wire::{WireError, arp, ethernet, ndp};

/// A station: its two addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    /// The hardware address.
    pub mac: Mac,
    /// The protocol address.
    pub address: IpAddr,
}

/// Who has an address?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Who asks, and so says that it has its own address. Of the unspecified address nobody learns
    /// anything (RFC 5227 section 2.1.1; RFC 4862 section 5.4.2).
    pub asker: Station,
    /// The address. If it is the asker's own, this is an announcement.
    pub address: IpAddr,
}

/// A station says that it has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which station, and which address.
    pub station: Station,
    /// Whom it tells: who asked, or all ([`Mac::BROADCAST`]). A gratuitous ARP reply tells itself.
    pub to: Mac,
}

/// What was said in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// An ARP request, or a neighbour solicitation.
    Question(Question),
    /// An ARP reply, or a neighbour advertisement.
    Claim(Claim),
}

impl Question {
    /// The frame that asks one station, or all ([`Mac::BROADCAST`]).
    #[must_use]
    pub fn frame(self, to: Mac) -> Vec<u8> {
        let mac = self.asker.mac;
        match (self.asker.address, self.address) {
            (IpAddr::V4(asker), IpAddr::V4(address)) => {
                let asker = arp::Station { mac, address: asker };
                arp::Packet::request(asker, address).frame(to).to_vec()
            }
            (asker, IpAddr::V4(address)) => {
                debug_assert!(asker.is_unspecified(), "{asker} does not ask for {address}");
                arp::Packet::probe(mac, address).frame(to).to_vec()
            }
            (IpAddr::V6(asker), IpAddr::V6(address)) => {
                ndp::Packet::solicitation((mac, asker), address).frame(mac, to)
            }
            (IpAddr::V4(_), IpAddr::V6(address)) => {
                ndp::Packet::solicitation((mac, link_local(mac)), address).frame(mac, to)
            }
        }
    }
}

impl Said {
    /// For whom it speaks: whoever hears it may learn this pair.
    #[must_use]
    pub const fn sender(&self) -> Station {
        match self {
            Self::Question(question) => question.asker,
            Self::Claim(claim) => claim.station,
        }
    }

    /// It answers the station with this hardware address.
    #[must_use]
    pub fn answers(&self, mac: Mac) -> bool {
        matches!(self, Self::Claim(claim) if claim.to == mac)
    }

    /// It tells all who hear it that its sender has the sender's address: a gratuitous ARP request
    /// or reply (RFC 5944 section 4.6), or an unsolicited neighbour advertisement.
    #[must_use]
    pub fn announces(&self) -> bool {
        match self {
            Self::Question(question) => question.address == question.asker.address,
            Self::Claim(claim) => [Mac::BROADCAST, claim.station.mac].contains(&claim.to),
        }
    }

    /// The address that somebody is about to use, and asks for in nobody's name.
    #[must_use]
    pub fn probed(&self) -> Option<IpAddr> {
        match self {
            Self::Question(question) if question.asker.address.is_unspecified() => {
                Some(question.address)
            }
            _ => None,
        }
    }

    /// What a frame says, with its header.
    ///
    /// # Errors
    /// If it is neither ARP nor neighbour discovery, or not as the RFCs have it.
    pub fn parse(frame: &[u8]) -> Result<(ethernet::Header, Self), WireError> {
        let (header, payload) = ethernet::Header::parse(frame)?;
        let said = match header.ethertype {
            ethernet::ARP => Self::from_arp(&arp::Packet::parse(payload)?)?,
            ethernet::IPV6 => Self::from_ndp(&ndp::Packet::parse(payload)?, &header),
            other => return Err(WireError::Ethertype(other)),
        };
        Ok((header, said))
    }

    fn from_arp(packet: &arp::Packet) -> Result<Self, WireError> {
        let arp::Packet { operation, sender, target } = packet;
        let station = Station { mac: sender.mac, address: sender.address.into() };
        match *operation {
            arp::Operation::REQUEST => {
                let address = target.address.into();
                Ok(Self::Question(Question { asker: station, address }))
            }
            arp::Operation::REPLY => Ok(Self::Claim(Claim { station, to: target.mac })),
            other => Err(WireError::Operation(other.0)),
        }
    }

    /// Without the option that names a hardware address it is the frame's.
    fn from_ndp(packet: &ndp::Packet, header: &ethernet::Header) -> Self {
        let mac = packet.mac.unwrap_or(header.source);
        match packet.message {
            ndp::Message::Solicitation => Self::Question(Question {
                asker: Station { mac, address: packet.source.into() },
                address: packet.target.into(),
            }),
            ndp::Message::Advertisement(flags) => Self::Claim(Claim {
                station: Station { mac, address: packet.target.into() },
                to: if flags.solicited { header.destination } else { Mac::BROADCAST },
            }),
        }
    }
}

/// The frames that tell the segment who has the address: gratuitous ARP in both forms, or an
/// unsolicited neighbour advertisement.
#[must_use]
pub fn announcement(station: Station) -> Vec<Vec<u8>> {
    let Station { mac, address } = station;
    match address {
        IpAddr::V4(address) => {
            let request = arp::Packet::gratuitous_request(mac, address);
            let reply = arp::Packet::gratuitous_reply(mac, address);
            vec![request.broadcast().to_vec(), reply.broadcast().to_vec()]
        }
        IpAddr::V6(address) => {
            vec![ndp::Packet::unsolicited(mac, address).frame(mac, Mac::BROADCAST)]
        }
    }
}

/// In whose name an interface asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Its hardware address.
    pub mac: Mac,
    /// Its own addresses.
    pub addresses: Vec<IpAddr>,
}

impl Asker {
    /// The question who has the address, in the name of the interface's own address of the same
    /// family. Without one it is asked in nobody's name for IPv4, and for IPv6 in the name of the
    /// link-local address that belongs to the hardware address: solicitations in nobody's name
    /// make other implementations give up theirs.
    #[must_use]
    pub fn question(&self, address: IpAddr) -> Question {
        let own = self.addresses.iter().find(|own| own.is_ipv4() == address.is_ipv4());
        let without = match address {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => link_local(self.mac).into(),
        };
        let own = own.copied().unwrap_or(without);
        Question { asker: Station { mac: self.mac, address: own }, address }
    }
}

#[cfg(test)]
mod tests;
