//! What stands in frames on the wire, as values: parse and emit.

pub mod arp;
pub mod ethernet;
pub mod ndp;

use thiserror::Error;

/// Why bytes are not what they should be. Parsing never panics, whatever it is given.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WireError {
    /// The bytes end too early.
    #[error("{what} takes {needed} bytes, and only {got} are there")]
    Short {
        /// What was being read.
        what: &'static str,
        /// How many bytes it takes.
        needed: usize,
        /// How many there are.
        got: usize,
    },
    /// The frame carries another protocol.
    #[error("ethertype {0:#06x} is not the one expected")]
    Ethertype(u16),
    /// ARP, but not for IPv4 on Ethernet.
    #[error(
        "ARP for hardware type {hardware} with {hardware_length}-byte addresses and protocol \
         {protocol:#06x} with {protocol_length}-byte addresses is not for IPv4 on Ethernet"
    )]
    Space {
        /// `ar$hrd`.
        hardware: u16,
        /// `ar$pro`.
        protocol: u16,
        /// `ar$hln`.
        hardware_length: u8,
        /// `ar$pln`.
        protocol_length: u8,
    },
    /// ARP, but neither a request nor a reply.
    #[error("ARP operation {0} is neither a request nor a reply")]
    Operation(u16),
    /// IPv6, but no valid neighbour discovery; what is wrong.
    #[error("no neighbour discovery: {0}")]
    Neighbour(&'static str),
}

/// Takes `N` bytes off the front of `bytes`, which belong to `what`.
fn take<const N: usize>(bytes: &mut &[u8], what: &'static str) -> Result<[u8; N], WireError> {
    let short = WireError::Short { what, needed: N, got: bytes.len() };
    let (first, rest) = bytes.split_first_chunk().ok_or(short)?;
    *bytes = rest;
    Ok(*first)
}
