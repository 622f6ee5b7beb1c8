//! Who answers for an address on an interface's segment.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac};
use kube_vip_core::segment::{Asker, Said};
use kube_vip_core::wire::{ethernet, ndp};
use rustix::net::netdevice;
use tokio::time::{Instant, timeout_at};

use crate::drivers::frames;
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

/// An ear on an interface's segment for one address. Dropping it closes it.
#[derive(Debug)]
pub(in crate::cli) struct Wire {
    address: IpAddr,
    /// The interface's own Ethernet address.
    own: Mac,
    index: u32,
    listener: PacketListener,
}

impl Wire {
    /// On that interface, whose Ethernet address is `own`. Must be called within a runtime.
    ///
    /// # Errors
    /// If the kernel refuses: without `CAP_NET_RAW`, or where the interface is not there.
    pub(in crate::cli) fn open(link: &LinkName, own: Mac, address: IpAddr) -> io::Result<Self> {
        let listener = frames::listener(address)?;
        let index = netdevice::name_to_index(&listener, link.as_str())?;
        listener.bind(index)?;
        Ok(Self { address, own, index, listener })
    }

    /// Somebody who asks all on the segment who has the address. By ARP it asks in nobody's name
    /// (RFC 5227, section 2.1.1), so that nobody learns anything; by NDP in that of the interface's
    /// own address (RFC 4861, section 7.2.2), since nobody's would disturb whoever is about to take
    /// it.
    pub(in crate::cli) fn asker(&self) -> impl Fn() -> io::Result<()> + use<> {
        let asker = Asker { mac: self.own, addresses: Vec::new() };
        let frame = asker.question(self.address).frame(Mac::BROADCAST);
        let ethertype = if self.address.is_ipv4() { ethernet::ARP } else { ethernet::IPV6 };
        let index = self.index;
        move || PacketSocket::open()?.send(index, ethertype, &frame)
    }

    /// The next one who speaks for the address, this host excepted.
    ///
    /// # Errors
    /// If the interface went down.
    pub(in crate::cli) async fn next(&self) -> io::Result<Mac> {
        let mut frame = [0; ndp::FRAME_BYTES];
        loop {
            self.listener.wait().await?;
            match self.listener.receive(&mut frame) {
                Ok(length) => {
                    let frame = frame.get(..length).unwrap_or_default();
                    if let Some(mac) = speaker(frame, self.address).filter(|mac| *mac != self.own) {
                        return Ok(mac);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Asks for the address, and listens for whoever answers or announces it: the Ethernet addresses of
/// all others than `own`.
///
/// # Errors
/// If the kernel refuses: without `CAP_NET_RAW`, or where the interface is down or not there.
pub(in crate::cli) async fn who_answers(
    link: &LinkName,
    own: Mac,
    address: IpAddr,
) -> io::Result<BTreeSet<Mac>> {
    let wire = Wire::open(link, own, address)?;
    let ask = wire.asker();
    let (began, mut heard) = (Instant::now(), BTreeSet::new());
    let ends = QUESTIONS.into_iter().skip(1).chain([TIME]);
    for until in ends {
        ask()?;
        while let Ok(speaker) = timeout_at(began + until, wire.next()).await {
            heard.insert(speaker?);
        }
    }
    Ok(heard)
}

/// Who speaks for the address in that frame. Frames come from anybody: what makes no sense is
/// passed over.
fn speaker(frame: &[u8], address: IpAddr) -> Option<Mac> {
    let (_, said) = Said::parse(frame).ok()?;
    let sender = said.sender();
    (sender.address == address).then_some(sender.mac)
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
