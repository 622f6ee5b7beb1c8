//! Destroying the TCP sockets that are bound to an address (`SOCK_DESTROY`, sock_diag(7)): their
//! clients are reset at once and connect anew, instead of waiting for an answer that never comes.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use thiserror::Error;

use super::channel::Channel;
use super::message::Body;
use super::netlink::NetlinkError;

/// `SOCK_DIAG_BY_FAMILY` and `SOCK_DESTROY` (include/uapi/linux/sock_diag.h).
const BY_FAMILY: u16 = 20;
const DESTROY: u16 = 21;

/// `AF_INET` and `AF_INET6`: an IPv4 connection to a socket that listens on `[::]` is an IPv6
/// socket, with a mapped address (RFC 4291 section 2.5.5.2).
const IPV4: u8 = 2;
const IPV6: u8 = 10;
const FAMILIES: [u8; 2] = [IPV4, IPV6];

/// `IPPROTO_TCP`.
const TCP: u8 = 6;

/// All states that a socket with an address of its own is listed in, `TCP_ESTABLISHED` (1) to
/// `TCP_NEW_SYN_RECV` (12), but for `TCP_LISTEN` (10) (include/net/tcp_states.h).
const STATES: u32 = 0b1_1011_1111_1110;

/// `struct inet_diag_sockid`: ports, addresses, interface and cookie of a socket.
const ID_BYTES: usize = 48;
type Id = [u8; ID_BYTES];

/// Where the family and the id are in `struct inet_diag_msg`.
const MESSAGE_ID: usize = 4;

/// `INET_DIAG_REQ_BYTECODE`, and in it `INET_DIAG_BC_S_COND` (include/uapi/linux/inet_diag.h).
const BYTECODE: u16 = 1;
const SOURCE: u8 = 7;

/// How often it is looked whether new sockets came while others were destroyed.
const ROUNDS: usize = 8;

/// Why sockets are not destroyed.
#[derive(Debug, Error)]
pub enum SocketsError {
    /// The kernel cannot destroy sockets.
    #[error("the kernel cannot destroy sockets (CONFIG_INET_DIAG_DESTROY): {0}")]
    NoDestroy(#[source] io::Error),
    /// The kernel cannot list sockets.
    #[error("the kernel cannot list TCP sockets (CONFIG_INET_DIAG, CONFIG_INET_TCP_DIAG): {0}")]
    NoList(#[source] io::Error),
    /// The kernel refused, or there is no connection to it.
    #[error("the kernel did not {action}: {source}")]
    Failed {
        /// What it was asked.
        action: &'static str,
        /// What it said.
        source: NetlinkError,
    },
}

/// A connection to the kernel's sockets.
#[derive(Debug)]
pub struct Sockets {
    channel: Channel,
}

impl Sockets {
    /// Connects, in the network namespace of this thread, and finds out whether the kernel can
    /// destroy sockets.
    ///
    /// # Errors
    /// What the kernel lacks or refuses.
    pub fn open() -> Result<Self, SocketsError> {
        let failed = |source| SocketsError::Failed { action: "open a socket", source };
        let mut sockets = Self { channel: Channel::open(NETLINK_SOCK_DIAG).map_err(failed)? };
        for family in FAMILIES {
            sockets.list(family, Ipv4Addr::UNSPECIFIED.into())?;
            // No socket has this id.
            sockets.destroy_one(family, [0; ID_BYTES])?;
        }
        Ok(sockets)
    }

    /// Destroys the TCP sockets of all programs whose local address this is, but not those that
    /// listen. Returns how many.
    ///
    /// A connection of which both ends speak MPTCP (RFC 8684) outlives its sockets until it finds
    /// out by itself: the kernel has nothing to destroy those with.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn destroy(&mut self, address: IpAddr) -> Result<usize, SocketsError> {
        let mut destroyed = 0;
        for _ in 0..ROUNDS {
            let before = destroyed;
            for family in FAMILIES {
                for id in self.list(family, address)? {
                    destroyed += usize::from(self.destroy_one(family, id)?);
                }
            }
            if destroyed == before {
                break;
            }
        }
        Ok(destroyed)
    }

    fn list(&mut self, family: u8, address: IpAddr) -> Result<Vec<Id>, SocketsError> {
        let mut found = Vec::new();
        let ask = |body: &mut Body<'_>| {
            body.raw(&request(family, STATES, [0; ID_BYTES]));
            body.attribute(BYTECODE, &from(address));
        };
        let each = |message: &[u8]| {
            found.extend(message.get(MESSAGE_ID..).and_then(<[u8]>::first_chunk).copied());
        };
        match self.channel.ask((BY_FAMILY, NLM_F_DUMP), ask, each) {
            Ok(()) | Err(NetlinkError::Restless) => Ok(found),
            Err(NetlinkError::Refused(error)) if lacks(&error) => Err(SocketsError::NoList(error)),
            Err(source) => Err(SocketsError::Failed { action: "list the sockets", source }),
        }
    }

    /// Whether it was still there.
    fn destroy_one(&mut self, family: u8, id: Id) -> Result<bool, SocketsError> {
        let ask = |body: &mut Body<'_>| body.raw(&request(family, STATES, id));
        match self.channel.ask((DESTROY, NLM_F_ACK), ask, |_| {}) {
            Ok(()) => Ok(true),
            // ESTALE: the listening socket that it came from was found in its place.
            Err(error) if error.is(libc::ENOENT) || error.is(libc::ESTALE) => Ok(false),
            Err(NetlinkError::Refused(error)) if lacks(&error) => {
                Err(SocketsError::NoDestroy(error))
            }
            Err(source) => Err(SocketsError::Failed { action: "destroy a socket", source }),
        }
    }
}

fn lacks(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EOPNOTSUPP | libc::EPROTONOSUPPORT))
}

/// `struct inet_diag_req_v2`.
fn request(family: u8, states: u32, id: Id) -> Vec<u8> {
    let mut bytes = vec![family, TCP, 0, 0];
    bytes.extend(states.to_ne_bytes());
    bytes.extend(id);
    bytes
}

/// A program for the kernel (`struct inet_diag_bc_op` and `struct inet_diag_hostcond`): the local
/// address is this one with any port. That of an IPv4 address matches IPv6 sockets too
/// (`inet_diag_bc_run` in net/ipv4/inet_diag.c compares IPv4 addresses with mapped ones).
fn from(address: IpAddr) -> Vec<u8> {
    const ANY_PORT: i32 = -1;
    let (family, prefix, octets) = match address {
        IpAddr::V4(address) => (IPV4, 32, address.octets().to_vec()),
        IpAddr::V6(address) => (IPV6, 128, address.octets().to_vec()),
    };
    // What stands before the address takes 12 bytes, and no address is longer than 16.
    let length = 12 + prefix / 8;
    // Go on after its end if it holds, and beyond that, which is no, if it does not.
    let mut bytes = vec![SOURCE, length];
    bytes.extend(u16::from(length + 4).to_ne_bytes());
    bytes.extend([family, prefix, 0, 0]);
    bytes.extend(ANY_PORT.to_ne_bytes());
    bytes.extend(octets);
    bytes
}
