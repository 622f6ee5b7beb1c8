//! ARP on the segment of an address: who speaks for it.
//!
//! Nothing is asked while the outage is measured: an answer would refresh this host's own neighbour
//! entry, and hide what other clients see.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use kube_vip_core::address::{Mac, bits};
use kube_vip_core::wire::arp::{FRAME_BYTES, Packet};
use kube_vip_core::wire::ethernet;
use kube_vip_measure::clock::Stamp;
use libc::{BPF_K, BPF_RET};
use rustix::net::netdevice;
use socket2::SockFilter;
use tokio::time::sleep;

use super::record::Evidence;
use super::sights::{Sight, Teller, Who};
use crate::drivers::kernel;
use crate::settings::host::{HostLink, in_one_subnet};
use crate::sys::packet::{PacketListener, PacketSocket};

/// A pause after the socket failed.
const PAUSE: Duration = Duration::from_millis(100);

/// A segment, and the address on it.
#[derive(Debug)]
pub(super) struct Wire {
    address: Ipv4Addr,
    /// The interface's own Ethernet address.
    mac: Mac,
    index: u32,
    listener: PacketListener,
}

impl Wire {
    /// The segment of that address. Must be called within a runtime.
    ///
    /// # Errors
    /// If this host is not on it, or may not listen; the text is for people.
    pub(super) fn find(address: IpAddr) -> Result<Self, String> {
        let IpAddr::V4(address) = address else {
            return Err("only ARP is listened to, which IPv6 does not use".to_owned());
        };
        let host = kernel::host().map_err(|error| error.to_string())?;
        let near =
            |link: &&HostLink| !link.loopback && link.addresses.iter().any(on(address.into()));
        let away = || "this host is not on the address's segment".to_owned();
        let link = host.links.iter().filter(near).find(|link| link.mac.is_some());
        let (link, mac) = link.and_then(|link| Some((link, link.mac?))).ok_or_else(away)?;
        let listener = Self::listen(link.name.as_str());
        let (listener, index) = listener.map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "listening for ARP takes the capability NET_RAW".to_owned()
            }
            _ => format!("cannot listen on {}: {error}", link.name),
        })?;
        Ok(Self { address, mac, index, listener })
    }

    fn listen(link: &str) -> io::Result<(PacketListener, u32)> {
        let code = u16::try_from(BPF_RET | BPF_K).unwrap_or_default();
        let everything = [SockFilter::new(code, 0, 0, u32::MAX)];
        let listener = PacketListener::open(ethernet::ARP, &everything)?;
        let index = netdevice::name_to_index(&listener, link)?;
        listener.bind(index)?;
        Ok((listener, index))
    }

    /// Somebody who asks who has the address, as RFC 5227 probes: nobody learns from it.
    pub(super) fn asker(&self) -> impl Fn() -> io::Result<()> + use<> {
        let (frame, index) = (Packet::probe(self.mac, self.address).broadcast(), self.index);
        move || PacketSocket::open()?.send(index, ethernet::ARP, &frame)
    }

    /// Tells who speaks for the address, until it is dropped.
    pub(super) async fn run(self, tell: &Teller) {
        loop {
            if self.listener.wait().await.is_err() {
                return;
            }
            let mut frame = [0; FRAME_BYTES];
            match self.listener.receive(&mut frame) {
                Ok(length) => self.hear(frame.get(..length).unwrap_or_default(), tell),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The interface went down, say.
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Frames come from anybody: what makes no sense is passed over.
    fn hear(&self, frame: &[u8], tell: &Teller) {
        let Ok((_, packet)) = Packet::parse_frame(frame) else { return };
        if packet.sender.address == self.address {
            let claim = Sight::Claim(Evidence::Wire, Who::Mac(packet.sender.mac));
            tell.tell(Stamp::now(), claim);
        }
    }
}

/// Whether that address is on the subnet of an interface's own.
fn on(address: IpAddr) -> impl Fn(&(IpAddr, u8)) -> bool {
    move |(own, prefix)| *prefix < bits(*own) && in_one_subnet(*own, *prefix, address)
}

#[cfg(test)]
mod tests;
