//! The header of an Ethernet frame (Ethernet II; no VLAN tag, no 802.3 length).

use serde::{Deserialize, Serialize};

use super::{WireError, take};
use crate::address::Mac;

/// The bytes of a header: two addresses and the ethertype.
pub const HEADER_BYTES: usize = 14;

/// The ethertype of ARP (RFC 826, `ether_type$ADDRESS_RESOLUTION`).
pub const ARP: u16 = 0x0806;

/// The ethertype of IPv6 (RFC 2464 section 3).
pub const IPV6: u16 = 0x86dd;

/// What stands before the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Who shall receive the frame.
    pub destination: Mac,
    /// Who sent it.
    pub source: Mac,
    /// Which protocol the payload is, as [`ARP`] and [`IPV6`].
    pub ethertype: u16,
}

impl Header {
    /// The header of a frame, and what follows it.
    ///
    /// # Errors
    /// If there are less than [`HEADER_BYTES`] bytes.
    pub fn parse(mut frame: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let header: [u8; HEADER_BYTES] = take(&mut frame, "an Ethernet header")?;
        let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, e0, e1] = header;
        let header = Self {
            destination: Mac([d0, d1, d2, d3, d4, d5]),
            source: Mac([s0, s1, s2, s3, s4, s5]),
            ethertype: u16::from_be_bytes([e0, e1]),
        };
        Ok((header, frame))
    }

    /// The header as it goes on the wire.
    #[must_use]
    pub fn emit(self) -> [u8; HEADER_BYTES] {
        let [d0, d1, d2, d3, d4, d5] = self.destination.0;
        let [s0, s1, s2, s3, s4, s5] = self.source.0;
        let [e0, e1] = self.ethertype.to_be_bytes();
        [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, e0, e1]
    }
}

#[cfg(test)]
mod tests;
