//! Somebody else on the segment: at the other end of the cable, with an address that no interface
//! of this namespace has.

use std::net::Ipv4Addr;
use std::time::Duration;

use kube_vip::sys::packet::PacketSocket;
use kube_vip_core::address::Mac;
use kube_vip_core::wire::arp::{Operation, Packet, Station};
use kube_vip_core::wire::ethernet::{ARP, Header};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep, timeout};

use crate::announcing::{Ear, mac};
use crate::world::{FAR, NEAR, World};

/// Its Ethernet and IPv4 address.
pub(crate) const STRANGER: Mac = Mac([2, 0, 0, 0, 0x66, 1]);
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 12);

/// The ethertype of IPv4.
const IPV4: u16 = 0x0800;

/// An answer that does not come within so long does not come: on a cable within one host it takes
/// less than a millisecond.
const SOON: Duration = Duration::from_millis(150);

/// Somebody at the other end of the cable.
pub(crate) struct Neighbour {
    socket: PacketSocket,
    ear: Ear,
    index: u32,
    /// The Ethernet address of this end.
    near: Mac,
}

impl Neighbour {
    pub(crate) async fn of(world: &World) -> Self {
        Self {
            socket: PacketSocket::open().expect("a packet socket"),
            ear: Ear::open(),
            index: world.link(FAR).await.header.index,
            near: mac(world, NEAR).await,
        }
    }

    pub(crate) fn says(&self, packet: Packet) {
        self.sends(ARP, &packet.broadcast());
    }

    pub(crate) fn says_to(&self, packet: Packet, to: Mac) {
        self.sends(ARP, &packet.frame(to));
    }

    pub(crate) fn sends(&self, ethertype: u16, frame: &[u8]) {
        self.socket.send(self.index, ethertype, frame).expect("the cable takes it");
    }

    /// Whether somebody answers for the address.
    pub(crate) async fn finds(&self, address: Ipv4Addr) -> bool {
        while self.ear.heard().is_some() {}
        self.says(Packet::request(Station { mac: STRANGER, address: PEER }, address));
        let end = Instant::now() + SOON;
        while Instant::now() < end {
            let heard = self.ear.heard().and_then(|frame| Packet::parse_frame(&frame).ok());
            if let Some((_, packet)) = heard
                && packet.operation == Operation::REPLY
                && packet.sender.address == address
            {
                return true;
            }
            sleep(Duration::from_millis(1)).await;
        }
        false
    }

    /// Whether a packet to the address comes in, for a program that waits for it there.
    pub(crate) async fn reaches(&self, program: &UdpSocket) -> bool {
        let to = program.local_addr().expect("it is bound");
        let std::net::IpAddr::V4(address) = to.ip() else { panic!("{to}") };
        self.sends(IPV4, &self.datagram(address, to.port()));
        let mut buffer = [0; 16];
        timeout(SOON, program.recv(&mut buffer)).await.is_ok()
    }

    /// A UDP datagram (RFC 768) in an IPv4 packet (RFC 791) in a frame.
    fn datagram(&self, to: Ipv4Addr, port: u16) -> Vec<u8> {
        let header = Header { destination: self.near, source: STRANGER, ethertype: IPV4 };
        let mut ip = vec![0x45, 0, 0, 29, 0, 0, 0x40, 0, 64, 17, 0, 0];
        ip.extend(PEER.octets());
        ip.extend(to.octets());
        let words = ip.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
        let sum: u32 = words.sum();
        let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).expect("no second carry");
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        // Without a checksum, which UDP over IPv4 may do.
        let udp = [4000_u16, port, 9, 0].map(u16::to_be_bytes).concat();
        [header.emit().as_slice(), &ip, &udp, b"x"].concat()
    }
}
