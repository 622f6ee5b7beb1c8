//! Listens for changes that anybody makes.

use std::future::poll_fn;
use std::io;

use libc::{BPF_ABS, BPF_H, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET};
use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use netlink_sys::{AsyncSocket, SocketAddr, TokioSocket};
use socket2::{SockFilter, SockRef};

/// Those who want to be told of changes of nftables (linux/netfilter/nfnetlink.h).
const NFNLGRP_NFTABLES: u32 = 7;

/// What they are told at the end of each batch: `NFT_MSG_NEWGEN` of `NFNL_SUBSYS_NFTABLES`.
const NEW_GENERATION: u16 = 10 << 8 | 15;

/// Where a netlink message's type stands (`nlmsg_type`).
const TYPE_OFFSET: u32 = 4;

/// Tells that something changed; what, is asked anew.
pub(super) struct Changes {
    socket: TokioSocket,
}

impl Changes {
    /// Listens for changes of interfaces and addresses, in the network namespace of this
    /// thread. Must be called within a runtime.
    ///
    /// # Errors
    /// If the kernel refuses the socket.
    pub(super) fn listen() -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        socket.socket_mut().bind(&SocketAddr::new(0, 0))?;
        for group in [libc::RTNLGRP_LINK, libc::RTNLGRP_IPV4_IFADDR, libc::RTNLGRP_IPV6_IFADDR] {
            socket.socket_mut().add_membership(group)?;
        }
        Ok(Self { socket })
    }

    /// Listens for changes of nftables, in the network namespace of this thread: one message for
    /// each batch of anybody's. Must be called within a runtime.
    ///
    /// # Errors
    /// If the kernel refuses the socket; it may be without nftables.
    pub(super) fn listen_for_rules() -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_NETFILTER)?;
        SockRef::from(socket.socket_ref()).attach_filter(&only(NEW_GENERATION))?;
        socket.socket_mut().bind(&SocketAddr::new(0, 0))?;
        socket.socket_mut().add_membership(NFNLGRP_NFTABLES)?;
        Ok(Self { socket })
    }

    /// Waits for a change.
    ///
    /// # Errors
    /// If the socket failed.
    pub(super) async fn wait(&self) -> io::Result<()> {
        let changed = poll_fn(|context| self.socket.poll_recv(context, &mut nothing())).await;
        tells_of_change(changed)
    }

    /// Forgets the changes up to now: who asks after this is told of them anyway.
    ///
    /// # Errors
    /// If the socket failed.
    pub(super) fn drain(&self) -> io::Result<()> {
        loop {
            let changed = self.socket.socket_ref().recv(&mut nothing(), 0).map(|_length| ());
            match tells_of_change(changed) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                other => other?,
            }
        }
    }
}

/// A filter for messages of one type: a batch of another program's may come with thousands.
fn only(kind: u16) -> [SockFilter; 4] {
    let code = |code: u32| u16::try_from(code).unwrap_or_default();
    // Numbers in netlink are the host's, and those in filters the network's.
    let kind = u16::from_be_bytes(kind.to_ne_bytes());
    [
        SockFilter::new(code(BPF_LD | BPF_H | BPF_ABS), 0, 0, TYPE_OFFSET),
        SockFilter::new(code(BPF_JMP | BPF_JEQ | BPF_K), 0, 1, kind.into()),
        SockFilter::new(code(BPF_RET | BPF_K), 0, 0, u32::MAX),
        SockFilter::new(code(BPF_RET | BPF_K), 0, 0, 0),
    ]
}

/// Where messages go whose content does not matter: the kernel cuts them to this length.
fn nothing() -> &'static mut [u8] {
    &mut []
}

fn tells_of_change(received: io::Result<()>) -> io::Result<()> {
    match received {
        // More happened than the socket holds: as good as any other message.
        Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Ok(()),
        other => other,
    }
}
