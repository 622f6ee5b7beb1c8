//! ARP and neighbour discovery on packet sockets: what we say, and what others say to us or in our
//! name.

mod ear;
mod filter;
mod hearing;

use std::cell::Cell;
use std::io;
use std::net::IpAddr;

use kube_vip_core::address::{LinkName, Mac};
use kube_vip_core::event::{Effect, Event};
use kube_vip_core::plan::Plan;
use kube_vip_core::segment::{Question, Station, announcement};
use kube_vip_core::wire::ethernet;
use rustix::io::Errno;
use rustix::net::netdevice;
use thiserror::Error;
use tokio::sync::mpsc::UnboundedSender;

use crate::sys::packet::{PacketListener, PacketSocket};
use ear::Ear;

/// Announces addresses on the plan's interface, asks, and hears others: [`Event::Heard`]. The
/// sockets are open from the start; a frame is handed to the kernel at once or refused. Dropping it
/// ends its task.
#[derive(Debug)]
pub struct Frames {
    link: LinkName,
    socket: PacketSocket,
    ear: Ear,
    events: UnboundedSender<Event>,
    /// The last announcement was dropped on its way out, which was said.
    dropped: Cell<bool>,
}

/// A socket that hears who speaks for an address, and whoever answers this host; see
/// [`PacketListener`].
///
/// # Errors
/// As [`PacketListener::open`].
pub(crate) fn listener(address: IpAddr) -> io::Result<PacketListener> {
    match address {
        IpAddr::V4(address) => PacketListener::open(ethernet::ARP, &filter::arp(&[address])),
        IpAddr::V6(address) => {
            PacketListener::open(ethernet::IPV6, &filter::neighbours(&[address]))
        }
    }
}

/// Why nothing can be announced.
#[derive(Debug, Error)]
pub enum FramesError {
    /// No packet socket: the capability `NET_RAW` is missing, or there are no files left.
    #[error("cannot open a packet socket: {0}")]
    Socket(#[source] io::Error),
    /// No such interface.
    #[error("there is no interface {0}")]
    NoLink(LinkName),
    /// The interface has no Ethernet address, so that nothing can be said about it.
    #[error("interface {0} has no Ethernet address")]
    NotEthernet(LinkName),
    /// The kernel would not send.
    #[error("the kernel did not send on {link}: {source}")]
    NotSent {
        /// The interface.
        link: LinkName,
        /// What it said.
        source: io::Error,
    },
    /// The fence dropped the frame, since the address may not answer now, or a full queue did.
    #[error("the fence or a full queue dropped the announcement on {0}")]
    Dropped(LinkName),
}

impl Frames {
    /// Opens the sockets, in the network namespace of this thread. Must be called within a runtime.
    ///
    /// # Errors
    /// If the kernel refuses one.
    pub fn start(plan: &Plan, events: UnboundedSender<Event>) -> Result<Self, FramesError> {
        let socket = PacketSocket::open().map_err(FramesError::Socket)?;
        let ear = Ear::start(plan, events.clone()).map_err(FramesError::Socket)?;
        Ok(Self { link: plan.link.clone(), socket, ear, events, dropped: Cell::new(false) })
    }

    /// Carries out [`Effect::Announce`]: sends both gratuitous forms of ARP, the request and the
    /// reply, or an unsolicited neighbour advertisement. What stands in the way becomes
    /// [`Event::Refused`]; that the fence does, only once until an announcement goes through.
    /// Whether they were sent.
    pub fn announce(&self, address: IpAddr, mac: Mac) -> bool {
        let Err(error) = self.try_announce(address, mac) else {
            self.dropped.set(false);
            return true;
        };
        let again = matches!(error, FramesError::Dropped(_)) && self.dropped.replace(true);
        if !again {
            self.refuse(Effect::Announce { address, mac }, &error);
        }
        false
    }

    /// Carries out [`Effect::Question`]: asks one station, or all. What stands in the way becomes
    /// [`Event::Refused`].
    pub fn question(&self, question: Question, to: Mac) {
        let sent = self.index().and_then(|index| self.send(index, &question.frame(to)));
        if let Err(error) = sent {
            self.refuse(Effect::Question { question, to }, &error);
        }
    }

    fn try_announce(&self, address: IpAddr, mac: Mac) -> Result<(), FramesError> {
        if mac == Mac::ZERO {
            return Err(FramesError::NotEthernet(self.link.clone()));
        }
        let index = self.index()?;
        let frames = announcement(Station { mac, address });
        let sent: Vec<_> = frames.iter().map(|frame| self.send(index, frame)).collect();
        sent.into_iter().collect()
    }

    /// By name each time: the interface may have been deleted and made anew since.
    fn index(&self) -> Result<u32, FramesError> {
        match netdevice::name_to_index(&self.socket, self.link.as_str()) {
            Ok(index) => {
                // Whoever speaks is to hear the answer.
                self.ear.follow(index);
                Ok(index)
            }
            Err(Errno::NODEV) => Err(FramesError::NoLink(self.link.clone())),
            Err(error) => Err(self.not_sent(error.into())),
        }
    }

    fn send(&self, index: u32, frame: &[u8]) -> Result<(), FramesError> {
        let header = ethernet::Header::parse(frame);
        let ethertype = header.map_or(ethernet::ARP, |(header, _)| header.ethertype);
        match self.socket.send(index, ethertype, frame) {
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                Err(FramesError::Dropped(self.link.clone()))
            }
            other => other.map_err(|error| self.not_sent(error)),
        }
    }

    fn not_sent(&self, source: io::Error) -> FramesError {
        FramesError::NotSent { link: self.link.clone(), source }
    }

    fn refuse(&self, effect: Effect, error: &FramesError) {
        // Nobody listens any more only when the process is ending.
        let _ = self.events.send(Event::Refused { effect, cause: error.to_string() });
    }
}
