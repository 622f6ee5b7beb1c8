//! Questions and batches to nf_tables, and its answers (net/netfilter/nfnetlink.c).
//!
//! The kernel works off what it is sent within `send`, so its answers are there when `send`
//! returns. Questions wait for nobody; a batch waits for other programs' batches.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use netlink_packet_core::{DecodeError, NLM_F_ACK, NLM_F_REQUEST, NLMSG_ERROR};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::super::channel::Channel;
use super::super::message::{Body, Header, Messages};
use super::super::netlink::{NetlinkError, end};
use super::super::nf_tables::{self, NETDEV, Verb, after_header};
use super::part::Part;

/// Changes that the kernel makes all together or not at all.
#[derive(Debug)]
pub(super) struct Batch {
    messages: Messages,
    parts: Vec<Part>,
}

impl Default for Batch {
    fn default() -> Self {
        let mut messages = Messages::default();
        nf_tables::begin(&mut messages);
        Self { messages, parts: Vec::new() }
    }
}

impl Batch {
    /// Adds a change; `flags` are `NLM_F_CREATE` and the like.
    pub(super) fn add(
        &mut self,
        verb: Verb,
        flags: u16,
        part: Part,
        body: impl FnOnce(&mut Body<'_>),
    ) {
        self.parts.push(part);
        let header = Header {
            kind: verb.kind(),
            flags: NLM_F_REQUEST | NLM_F_ACK | flags,
            sequence: self.count(),
        };
        self.messages.message(header, |message| {
            message.raw(&nf_tables::gen_header(NETDEV));
            body(message);
        });
    }

    fn count(&self) -> u32 {
        u32::try_from(self.parts.len()).expect("a batch has a few dozen changes")
    }

    /// The change with this sequence number; none: the batch itself.
    fn part(&self, sequence: u32) -> Option<Part> {
        let index = usize::try_from(sequence).ok()?.checked_sub(1)?;
        self.parts.get(index).copied()
    }
}

/// Why a batch was not carried out.
#[derive(Debug)]
pub(super) enum Undone {
    /// The kernel refused this part of it, and with it all.
    Refused(Part, io::Error),
    /// Something else; with [`NetlinkError::Socket`] it may have been carried out all the same.
    Failed(NetlinkError),
}

impl From<NetlinkError> for Undone {
    fn from(error: NetlinkError) -> Self {
        Self::Failed(error)
    }
}

/// A connection to nf_tables. Tables may belong to it.
#[derive(Debug)]
pub(super) struct Connection(Channel);

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Connection {
    /// Connects, in the network namespace of this thread.
    ///
    /// # Errors
    /// If the kernel refuses the socket.
    pub(super) fn open() -> Result<Self, NetlinkError> {
        Channel::open(NETLINK_NETFILTER).map(Self)
    }

    /// Has the kernel carry out a batch.
    ///
    /// # Errors
    /// If it did not; the first thing that stood in the way.
    pub(super) fn commit(&mut self, mut batch: Batch) -> Result<(), Undone> {
        if batch.parts.is_empty() {
            return Ok(());
        }
        let last = batch.count() + 1;
        nf_tables::end(&mut batch.messages, last);
        self.0.send(&batch.messages)?;
        self.acknowledged(&batch)
    }

    /// The kernel answers for every change, or once for the whole if that fails as a whole. After
    /// a refusal it may go on and answer for later changes, none of which is made.
    fn acknowledged(&mut self, batch: &Batch) -> Result<(), Undone> {
        let mut refused = None;
        let mut agreed = 0;
        self.0.answers(|message| {
            if message.message_type() != NLMSG_ERROR {
                return;
            }
            match end(message.payload(), false) {
                Ok(()) => agreed += 1,
                Err(NetlinkError::Refused(error)) if refused.is_none() => {
                    let part = batch.part(message.sequence_number());
                    refused = Some(Undone::Refused(part.unwrap_or(Part::Subsystem), error));
                }
                Err(_) => {}
            }
        })?;
        match refused {
            Some(refused) => Err(refused),
            None if agreed >= batch.parts.len() => Ok(()),
            None => {
                let missing = DecodeError::from("the kernel did not answer for every change");
                Err(NetlinkError::Malformed(missing).into())
            }
        }
    }

    /// Asks for one thing: what `parse` makes of it; none: it is not there.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub(super) fn get<T>(
        &mut self,
        verb: Verb,
        body: impl FnOnce(&mut Body<'_>),
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, NetlinkError> {
        let mut found = None;
        let body = |message: &mut Body<'_>| {
            message.raw(&nf_tables::gen_header(NETDEV));
            body(message);
        };
        let each = |payload: &[u8]| found = parse(after_header(payload));
        match self.0.ask((verb.kind(), NLM_F_ACK), body, each) {
            Err(error) if error.is(libc::ENOENT) => Ok(None),
            other => other.map(|()| found),
        }
    }

    /// Asks for all of a kind: what `parse` makes of each message; none where there is no such
    /// table or set.
    ///
    /// # Errors
    /// If the kernel does not answer, or others make changes faster than it is read.
    pub(super) fn list<T>(
        &mut self,
        verb: Verb,
        body: impl Fn(&mut Body<'_>),
        parse: impl Fn(&[u8]) -> Vec<T>,
    ) -> Result<Vec<T>, NetlinkError> {
        let body = |message: &mut Body<'_>| {
            message.raw(&nf_tables::gen_header(NETDEV));
            body(message);
        };
        self.0.list(verb.kind(), body, |payload| parse(after_header(payload)))
    }
}
