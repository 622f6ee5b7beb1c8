//! Tells when somebody removed the table, where the kernel cannot keep them from it.

use std::future::{pending, poll_fn};
use std::io;

use netlink_packet_core::NetlinkBuffer;
use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{AsyncSocket, SocketAddr, TokioSocket};

use super::super::message::{attribute, text};
use super::super::netlink::first;
use super::nf_tables::{GEN_HEADER_BYTES, Verb};
use super::{Fence, Protection};

/// The kernel puts the news of a batch together up to this (`NLMSG_GOODSIZE`, include/linux/
/// netlink.h: a page, 8 KiB at most).
const NEWS_BYTES: usize = 16 * 1024;

/// All of these begin with the table's name (`NFTA_TABLE_NAME`, `NFTA_CHAIN_TABLE`,
/// `NFTA_RULE_TABLE`).
const TABLE_NAME: u16 = 1;

/// Hears of removals of a fence's table, and of parts of it.
pub struct Removals {
    /// None: nobody else can remove it.
    socket: Option<TokioSocket>,
    table: String,
}

impl Removals {
    /// Listens, in the network namespace of this thread. Must be called within a runtime.
    ///
    /// # Errors
    /// If the kernel refuses the socket.
    pub fn listen(fence: &Fence) -> io::Result<Self> {
        let table = fence.table().to_owned();
        if fence.protection() == Protection::Owned {
            return Ok(Self { socket: None, table });
        }
        let mut socket = TokioSocket::new(NETLINK_NETFILTER)?;
        socket.socket_mut().bind(&SocketAddr::new(0, 0))?;
        // A positive number, in another type than the one that is wanted.
        socket.socket_mut().add_membership(libc::NFNLGRP_NFTABLES.unsigned_abs())?;
        Ok(Self { socket: Some(socket), table })
    }

    /// Waits for a removal; also for one by the fence itself. Afterwards [`Fence::voices`] says
    /// what is left. Cancel safe.
    ///
    /// # Errors
    /// If the socket failed.
    pub async fn wait(&self) -> io::Result<()> {
        let Some(socket) = &self.socket else { return pending().await };
        let mut news = Vec::with_capacity(NEWS_BYTES);
        loop {
            news.clear();
            match poll_fn(|context| socket.poll_recv(context, &mut news)).await {
                // More happened than the socket holds: perhaps this too.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => return Ok(()),
                other => other?,
            }
            if tells_of_removal(&news, &self.table) {
                return Ok(());
            }
        }
    }

    /// Forgets the removals up to now: who asks the fence after this is told of them anyway.
    ///
    /// # Errors
    /// If the socket failed.
    pub fn drain(&self) -> io::Result<()> {
        let Some(socket) = &self.socket else { return Ok(()) };
        loop {
            let mut nothing: &mut [u8] = &mut [];
            match socket.socket_ref().recv(&mut nothing, 0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                other => drop(other?),
            }
        }
    }
}

fn tells_of_removal(mut news: &[u8], table: &str) -> bool {
    while let Ok(Some(message)) = first(&mut news) {
        if removes(message, table) {
            return true;
        }
    }
    false
}

fn removes(message: NetlinkBuffer<&[u8]>, table: &str) -> bool {
    let removals = [Verb::DeleteTable, Verb::DeleteChain, Verb::DeleteRule].map(Verb::kind);
    let attributes = message.payload().get(GEN_HEADER_BYTES..).unwrap_or_default();
    removals.contains(&message.message_type())
        && attribute(attributes, TABLE_NAME).and_then(text) == Some(table)
}
