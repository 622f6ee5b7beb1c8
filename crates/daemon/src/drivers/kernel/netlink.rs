//! Questions to the kernel's routing subsystem and its answers (rtnetlink(7)).
//!
//! The kernel works off a request within the `send` that carries it, so its answer is there when
//! `send` returns: nothing here waits, except for the lock that all network configuration of the
//! host shares.

use std::io;

use netlink_packet_core::{
    DecodeError, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REPLACE,
    NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer, NetlinkMessage,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use thiserror::Error;

/// The kernel's largest answer (`netlink_recvmsg` in net/netlink/af_netlink.c caps its own
/// estimate there).
const ANSWER_BYTES: usize = 32 * 1024;

/// How often a listing is begun anew when what it lists changes meanwhile.
const LISTINGS: usize = 8;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum NetlinkError {
    /// The kernel's answer is an error; the connection is as good as before.
    #[error("{0}")]
    Refused(#[source] io::Error),
    /// The socket failed.
    #[error("the netlink socket failed: {0}")]
    Socket(#[source] io::Error),
    /// The answer makes no sense.
    #[error("the kernel's answer makes no sense: {0}")]
    Malformed(#[from] DecodeError),
    /// What was listed changed all the time.
    #[error("what was listed changed {LISTINGS} times while it was listed")]
    Restless,
}

impl NetlinkError {
    /// The kernel answered with this error.
    pub(super) fn is(&self, errno: i32) -> bool {
        matches!(self, Self::Refused(error) if error.raw_os_error() == Some(errno))
    }
}

/// A connection for questions.
#[derive(Debug)]
pub(super) struct Netlink {
    socket: Socket,
    sequence: u32,
    answer: Vec<u8>,
}

impl Netlink {
    /// Connects to the kernel, in the network namespace of this thread.
    ///
    /// # Errors
    /// If the kernel refuses the socket.
    pub(super) fn open() -> Result<Self, NetlinkError> {
        let mut socket = Socket::new(NETLINK_ROUTE).map_err(NetlinkError::Socket)?;
        socket.bind_auto().map_err(NetlinkError::Socket)?;
        socket.set_non_blocking(true).map_err(NetlinkError::Socket)?;
        // An error comes without a copy of the request.
        socket.set_cap_ack(true).map_err(NetlinkError::Socket)?;
        // A listing leaves out what was not asked for; kernels before 4.20 list it all.
        let _ = socket.set_netlink_get_strict_chk(true);
        Ok(Self { socket, sequence: 0, answer: Vec::with_capacity(ANSWER_BYTES) })
    }

    /// Creates or replaces what the message describes.
    ///
    /// # Errors
    /// If the kernel refuses, or does not answer.
    pub(super) fn put(&mut self, message: RouteNetlinkMessage) -> Result<(), NetlinkError> {
        self.ask(message, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, |_| Ok(()))
    }

    /// Removes what the message describes.
    ///
    /// # Errors
    /// If the kernel refuses, or does not answer.
    pub(super) fn remove(&mut self, message: RouteNetlinkMessage) -> Result<(), NetlinkError> {
        self.ask(message, NLM_F_ACK, |_| Ok(()))
    }

    /// Asks for one thing.
    ///
    /// # Errors
    /// If it is not there, or the kernel does not answer.
    pub(super) fn get<T>(
        &mut self,
        message: RouteNetlinkMessage,
        parse: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, NetlinkError> {
        let mut found = None;
        self.ask(message, NLM_F_ACK, |payload| {
            found = Some(parse(payload)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Asks for all of a kind: what `parse` makes of each, where it makes something of it.
    ///
    /// # Errors
    /// If the kernel refuses or does not answer, or the list changes faster than it is read.
    pub(super) fn list<T>(
        &mut self,
        message: &RouteNetlinkMessage,
        parse: impl Fn(&[u8]) -> Result<Option<T>, DecodeError>,
    ) -> Result<Vec<T>, NetlinkError> {
        for _ in 0..LISTINGS {
            let mut found = Vec::new();
            let listed = self.ask(message.clone(), NLM_F_DUMP, |payload| {
                found.extend(parse(payload)?);
                Ok(())
            });
            match listed {
                Err(NetlinkError::Restless) => {}
                other => return other.map(|()| found),
            }
        }
        Err(NetlinkError::Restless)
    }

    /// Sends one message and reads its answers to the end. After an error that is neither a refusal
    /// nor restlessness the rest of them is still to come, and the connection of no use any more.
    fn ask(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
        mut each: impl FnMut(&[u8]) -> Result<(), DecodeError>,
    ) -> Result<(), NetlinkError> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = NetlinkMessage::from(message);
        message.header.flags = NLM_F_REQUEST | flags;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        let kernel = SocketAddr::new(0, 0);
        self.socket.send_to(&bytes, &kernel, 0).map_err(NetlinkError::Socket)?;
        let mut restless = false;
        loop {
            self.answer.clear();
            self.socket.recv(&mut self.answer, 0).map_err(NetlinkError::Socket)?;
            let mut rest = self.answer.as_slice();
            while let Some(message) = first(&mut rest)? {
                if message.sequence_number() != self.sequence {
                    continue;
                }
                restless |= message.flags() & NLM_F_DUMP_INTR != 0;
                match message.message_type() {
                    NLMSG_ERROR | NLMSG_DONE => return end(message.payload(), restless),
                    _ => each(message.payload())?,
                }
            }
        }
    }
}

/// Takes the first message off an answer; none: there are no more.
///
/// # Errors
/// If the bytes are no message.
pub(super) fn first<'a>(
    answer: &mut &'a [u8],
) -> Result<Option<NetlinkBuffer<&'a [u8]>>, DecodeError> {
    if answer.is_empty() {
        return Ok(None);
    }
    let message = NetlinkBuffer::new_checked(*answer)?;
    // Messages begin at multiples of four; the last one may end without filling up.
    let length = usize::try_from(message.length()).unwrap_or(usize::MAX).next_multiple_of(4);
    *answer = answer.get(length..).unwrap_or_default();
    Ok(Some(message))
}

/// What the last message of an answer says: its payload begins with a negative error number, or
/// zero.
///
/// # Errors
/// What it says, unless it says that all is well.
pub(super) fn end(payload: &[u8], restless: bool) -> Result<(), NetlinkError> {
    let code = payload.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code));
    match code {
        0 if restless => Err(NetlinkError::Restless),
        0 => Ok(()),
        code => Err(NetlinkError::Refused(io::Error::from_raw_os_error(code.saturating_neg()))),
    }
}
