//! A netlink socket for questions in words that are put together by hand.
//!
//! The kernel works off what it is sent within `send`, so its answers are there when `send`
//! returns.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer,
};
use netlink_sys::{Socket, SocketAddr};

use super::message::{Body, Header, Messages};
use super::netlink::{NetlinkError, end, first};

/// The kernel's largest answer (`netlink_recvmsg` in net/netlink/af_netlink.c caps its own
/// estimate there).
const ANSWER_BYTES: usize = 32 * 1024;

/// How often a listing is begun anew when others change something meanwhile.
const LISTINGS: usize = 16;

/// A connection to one of the kernel's subsystems.
#[derive(Debug)]
pub(super) struct Channel {
    socket: Socket,
    sequence: u32,
    answer: Vec<u8>,
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Channel {
    /// Connects to the subsystem with this number (`NETLINK_*`), in the network namespace of this
    /// thread.
    ///
    /// # Errors
    /// If the kernel refuses the socket.
    pub(super) fn open(subsystem: isize) -> Result<Self, NetlinkError> {
        let mut socket = Socket::new(subsystem).map_err(NetlinkError::Socket)?;
        socket.bind_auto().map_err(NetlinkError::Socket)?;
        socket.set_non_blocking(true).map_err(NetlinkError::Socket)?;
        // An error comes without a copy of the request.
        socket.set_cap_ack(true).map_err(NetlinkError::Socket)?;
        Ok(Self { socket, sequence: 0, answer: Vec::with_capacity(ANSWER_BYTES) })
    }

    /// Sends messages.
    ///
    /// # Errors
    /// If the socket fails.
    pub(super) fn send(&self, messages: &Messages) -> Result<(), NetlinkError> {
        let kernel = SocketAddr::new(0, 0);
        let sent = self.socket.send_to(messages.bytes(), &kernel, 0);
        sent.map(drop).map_err(NetlinkError::Socket)
    }

    /// Takes all answers that are there.
    ///
    /// # Errors
    /// If the socket fails, or an answer is none.
    pub(super) fn answers(
        &mut self,
        mut each: impl FnMut(NetlinkBuffer<&[u8]>),
    ) -> Result<(), NetlinkError> {
        loop {
            match self.receive() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                other => other.map_err(NetlinkError::Socket)?,
            }
            let mut rest = self.answer.as_slice();
            while let Some(message) = first(&mut rest)? {
                each(message);
            }
        }
    }

    /// Asks one question and shows `each` of its answers.
    ///
    /// # Errors
    /// If the kernel refuses or does not answer; [`NetlinkError::Restless`] if the list changed
    /// while it was read.
    pub(super) fn ask(
        &mut self,
        (kind, flags): (u16, u16),
        body: impl FnOnce(&mut Body<'_>),
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), NetlinkError> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        let mut messages = Messages::default();
        messages.message(Header { kind, flags: NLM_F_REQUEST | flags, sequence }, body);
        self.send(&messages)?;
        let mut restless = false;
        loop {
            self.receive().map_err(NetlinkError::Socket)?;
            let mut rest = self.answer.as_slice();
            while let Some(message) = first(&mut rest)? {
                if message.sequence_number() != sequence {
                    continue;
                }
                restless |= message.flags() & NLM_F_DUMP_INTR != 0;
                match message.message_type() {
                    NLMSG_ERROR | NLMSG_DONE => return end(message.payload(), restless),
                    _ => each(message.payload()),
                }
            }
        }
    }

    /// Asks for all of a kind: what `parse` makes of each answer; nothing where there is no such
    /// place to look in.
    ///
    /// # Errors
    /// If the kernel does not answer, or others make changes faster than it is read.
    pub(super) fn list<T, All: IntoIterator<Item = T>>(
        &mut self,
        kind: u16,
        body: impl Fn(&mut Body<'_>),
        parse: impl Fn(&[u8]) -> All,
    ) -> Result<Vec<T>, NetlinkError> {
        for _ in 0..LISTINGS {
            let mut found = Vec::new();
            let each = |payload: &[u8]| found.extend(parse(payload));
            match self.ask((kind, NLM_F_DUMP), &body, each) {
                Err(NetlinkError::Restless) => {}
                Err(error) if error.is(libc::EINTR) => {}
                Err(error) if error.is(libc::ENOENT) => return Ok(Vec::new()),
                other => return other.map(|()| found),
            }
        }
        Err(NetlinkError::Restless)
    }

    fn receive(&mut self) -> io::Result<()> {
        self.answer.clear();
        self.socket.recv(&mut self.answer, 0).map(drop)
    }
}
