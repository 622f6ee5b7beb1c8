//! Each node's kernel: when it got and lost the address.

use std::io;
use std::net::IpAddr;

use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::time::Timespec;

use super::Journal;
use crate::net::{Error, Host, rtnl};
use crate::sys::clock::Stamp;
use crate::sys::worker::Term;
use crate::timeline::What;

/// `RTMGRP_IPV4_IFADDR` and `RTMGRP_IPV6_IFADDR` of linux/rtnetlink.h.
const ADDRESSES: u32 = 0x10 | 0x100;

/// How often the thread looks whether it shall stop.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// A subscription to one node's changes of addresses.
#[derive(Debug)]
struct Kernel {
    socket: Socket,
    has: bool,
}

/// All nodes' kernels, and the address that is looked for.
#[derive(Debug)]
pub(super) struct Kernels {
    kernels: Vec<Kernel>,
    address: IpAddr,
    journal: Journal,
}

impl Kernels {
    /// Subscribes to all nodes' kernels. Who has the address already is written down as of now.
    pub(super) fn subscribe(
        nodes: &[Host],
        address: IpAddr,
        journal: Journal,
    ) -> Result<Self, Error> {
        let mut kernels = Vec::with_capacity(nodes.len());
        for (node, host) in nodes.iter().enumerate() {
            let socket = host.open("watch addresses".to_owned(), || {
                let mut socket = Socket::new(NETLINK_ROUTE)?;
                socket.bind(&SocketAddr::new(0, ADDRESSES))?;
                socket.set_non_blocking(true)?;
                Ok(socket)
            })?;
            let has = host.rtnl().addresses()?.contains(&address);
            if has {
                journal.note_now(What::Configured { node, on: true });
            }
            kernels.push(Kernel { socket, has });
        }
        Ok(Self { kernels, address, journal })
    }

    /// Writes down every change until its term is over.
    pub(super) fn run(mut self, term: &Term) -> io::Result<()> {
        while term.goes_on() {
            let ready = self.wait()?;
            let at = Stamp::now();
            for node in ready {
                self.read(node, at)?;
            }
        }
        Ok(())
    }

    /// The nodes whose kernels have news.
    fn wait(&self) -> io::Result<Vec<usize>> {
        let mut files: Vec<_> =
            self.kernels.iter().map(|kernel| PollFd::new(&kernel.socket, PollFlags::IN)).collect();
        match poll(&mut files, Some(&LOOK)) {
            Err(Errno::INTR) => return Ok(Vec::new()),
            done => done?,
        };
        let ready = files.iter().enumerate();
        let ready = ready.filter(|(_, file)| !file.revents().is_empty());
        Ok(ready.map(|(node, _)| node).collect())
    }

    fn read(&mut self, node: usize, at: Stamp) -> io::Result<()> {
        let kernel = &mut self.kernels[node];
        let (bytes, _) = match kernel.socket.recv_from_full() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            read => read?,
        };
        for message in rtnl::parse(&bytes) {
            let NetlinkPayload::InnerMessage(message) = message?.payload else {
                continue;
            };
            if rtnl::local_address(&message) != Some(self.address) {
                continue;
            }
            let on = matches!(message, RouteNetlinkMessage::NewAddress(_));
            // A renewed lifetime is told as an address, too.
            if on != kernel.has {
                kernel.has = on;
                self.journal.note(at, What::Configured { node, on });
            }
        }
        Ok(())
    }
}
