//! Who answers for an address on an interface's segment.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac, link_local};
use kube_vip_core::wire::{arp, ethernet, ndp};
use libc::{BPF_K, BPF_RET};
use rustix::net::netdevice;
use socket2::SockFilter;
use tokio::time::{Instant, timeout_at};

use crate::sys::packet::{PacketListener, PacketSocket};

/// When the questions are asked, from the first on.
const QUESTIONS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_millis(600),
    Duration::from_millis(900),
];

/// When it ends. RFC 5227, section 1.1: a host that is there answers within a second.
pub(in crate::cli) const TIME: Duration = Duration::from_millis(2000);

/// Asks for the address, and listens for whoever answers or announces it: the Ethernet addresses of
/// all others than `own`. By ARP it asks in nobody's name (RFC 5227, section 2.1.1), so that nobody
/// learns anything; by NDP in that of the interface's own address (RFC 4861, section 7.2.2), since
/// nobody's would disturb whoever is about to take it.
///
/// # Errors
/// If the kernel refuses: without `CAP_NET_RAW`, or where the interface is down or not there.
pub(in crate::cli) async fn who_answers(
    link: &LinkName,
    own: Mac,
    address: IpAddr,
) -> io::Result<BTreeSet<Mac>> {
    let everything = u16::try_from(BPF_RET | BPF_K).expect("two small numbers of linux/filter.h");
    let (ethertype, question) = question(own, address);
    let ear = PacketListener::open(ethertype, &[SockFilter::new(everything, 0, 0, u32::MAX)])?;
    let mouth = PacketSocket::open()?;
    let index = netdevice::name_to_index(&mouth, link.as_str())?;
    ear.bind(index)?;
    let (began, mut heard) = (Instant::now(), BTreeSet::new());
    let mut buffer = [0; ndp::FRAME_BYTES];
    let ends = QUESTIONS.into_iter().skip(1).chain([TIME]);
    for until in ends {
        mouth.send(index, ethertype, &question)?;
        while timeout_at(began + until, ear.wait()).await.is_ok() {
            match ear.receive(&mut buffer) {
                Ok(length) => heard.extend(speaker(&buffer[..length], address)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
    heard.remove(&own);
    Ok(heard)
}

/// The ethertype and the frame of the question.
fn question(own: Mac, address: IpAddr) -> (u16, Vec<u8>) {
    match address {
        IpAddr::V4(address) => {
            (ethernet::ARP, arp::Packet::probe(own, address).broadcast().to_vec())
        }
        IpAddr::V6(address) => {
            let question = ndp::Packet::solicitation((own, link_local(own)), address);
            (ethernet::IPV6, question.frame(own, Mac::BROADCAST))
        }
    }
}

/// Who speaks for the address in that frame.
fn speaker(frame: &[u8], address: IpAddr) -> Option<Mac> {
    match address {
        IpAddr::V4(address) => speaks_arp(frame, address),
        IpAddr::V6(address) => speaks_ndp(frame, address),
    }
}

fn speaks_arp(frame: &[u8], address: Ipv4Addr) -> Option<Mac> {
    let (_, packet) = arp::Packet::parse_frame(frame).ok()?;
    (packet.sender.address == address).then_some(packet.sender.mac)
}

fn speaks_ndp(frame: &[u8], address: Ipv6Addr) -> Option<Mac> {
    let (header, payload) = ethernet::Header::parse(frame).ok()?;
    let packet = ndp::Packet::parse(payload).ok()?;
    let says = matches!(packet.message, ndp::Message::Advertisement(_));
    (says && packet.target == address).then(|| packet.mac.unwrap_or(header.source))
}

/// Whom this host's kernel takes an IPv4 address to be, as `arp -n` shows it; none: unknown.
pub(in crate::cli) fn neighbour(address: IpAddr) -> Option<Mac> {
    let IpAddr::V4(address) = address else { return None };
    let table = fs::read_to_string(Path::new("/proc/net/arp")).ok()?;
    let line = table.lines().find(|line| {
        line.split_whitespace().next().is_some_and(|first| first.parse() == Ok(address))
    })?;
    // Address, type, flags, Ethernet address, mask, interface; flags 0: not answered.
    let mac: Mac = line.split_whitespace().nth(3)?.parse().ok()?;
    (mac != Mac::ZERO).then_some(mac)
}

/// Whose kind of Ethernet address it is, where that says something.
pub(in crate::cli) fn kind(mac: Mac) -> &'static str {
    match mac.0 {
        // RFC 9568, section 7.3.
        [0, 0, 0x5e, 0, 1, _] => " (VRRP: a keepalived or a router)",
        [0, 0, 0x5e, 0, 2, _] => " (VRRP for IPv6)",
        // Cisco's HSRP.
        [0, 0, 0x0c, 0x07, 0xac, _] => " (HSRP: a router)",
        _ => "",
    }
}
