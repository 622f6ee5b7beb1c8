//! Small types for addresses and names: parse and print.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An Ethernet address (48 bits).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// All ones: every station of the segment.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// All zeros: the unknown target of an ARP request.
    pub const ZERO: Self = Self([0; 6]);
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no Ethernet address.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0:?} is no Ethernet address; write six hexadecimal pairs, as in 02:00:00:00:00:01")]
pub struct MacError(String);

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let wrong = || MacError(text.to_owned());
        let mut bytes = [0; 6];
        let mut pairs = text.split(':');
        for byte in &mut bytes {
            let pair = pairs.next().filter(|pair| pair.len() == 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        pairs.next().map_or(Ok(Self(bytes)), |_| Err(wrong()))
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

impl TryFrom<String> for Mac {
    type Error = MacError;

    fn try_from(text: String) -> Result<Self, MacError> {
        text.parse()
    }
}

/// A virtual IP: the address and the prefix length that it is configured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Vip {
    address: IpAddr,
    prefix: u8,
}

/// Why an address and prefix length are no virtual IP.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum VipError {
    /// The prefix length is longer than the address: 32 or 128 bits.
    #[error("prefix length {prefix} is too long for {address}; at most {}", bits(*address))]
    Prefix {
        /// The address.
        address: IpAddr,
        /// The length.
        prefix: u8,
    },
    /// The address is no unicast address that a host may have.
    #[error("{0} is no address that a host can hold; use a unicast address of the nodes' subnet")]
    NotUnicast(IpAddr),
    /// An IPv6 address that each client could only use together with a name of its own interface.
    #[error("{0} is link-local: clients would have to name their interface beside it; use another")]
    LinkLocal(IpAddr),
    /// An IPv4 address in the form of an IPv6 address.
    #[error("{0} is an IPv4 address written as IPv6; write it as IPv4")]
    Mapped(IpAddr),
}

impl Vip {
    /// An address with its prefix length (0 to 32 bits, or 128).
    ///
    /// # Errors
    /// If the prefix is too long, or the address unspecified, loopback, multicast or broadcast; if
    /// it is an IPv6 address that is link-local or stands for an IPv4 address.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, VipError> {
        if prefix > bits(address) {
            return Err(VipError::Prefix { address, prefix });
        }
        let odd = address.is_unspecified() || address.is_loopback() || address.is_multicast();
        match address {
            IpAddr::V4(address) if address.is_broadcast() => {
                Err(VipError::NotUnicast(address.into()))
            }
            _ if odd => Err(VipError::NotUnicast(address)),
            IpAddr::V6(six) if six.is_unicast_link_local() => Err(VipError::LinkLocal(address)),
            IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => Err(VipError::Mapped(address)),
            _ => Ok(Self { address, prefix }),
        }
    }

    /// The address without its prefix length.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// The prefix length in bits, 0 to 32 or 128.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }
}

impl fmt::Display for Vip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// How many bits an address of the same family has.
#[must_use]
pub const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The IPv6 link-local address that is made from a hardware address (RFC 4291 appendix A).
#[must_use]
pub const fn link_local(mac: Mac) -> Ipv6Addr {
    let Mac([a, b, c, d, e, f]) = mac;
    let universal = 0x02;
    let octets = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ universal, b, c, 0xff, 0xfe, d, e, f];
    Ipv6Addr::from_octets(octets)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of a Kubernetes Node, as it stands in a Lease: lower case, as kube-vip writes it.
    NodeName
}

name! {
    /// The name of a network interface: 1 to 15 bytes, no slash, no white space
    /// (`dev_valid_name` in the kernel's net/core/dev.c).
    LinkName
}

/// Why a text is no name of the kind asked for.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// A node name may not be empty, nor longer than a DNS subdomain (253 bytes).
    #[error("{0:?} is no node name; a DNS subdomain of 1 to 253 letters, digits, '-' and '.'")]
    Node(String),
    /// An interface name that the kernel would refuse.
    #[error("{0:?} is no interface name; 1 to 15 bytes without '/', ':' and white space")]
    Link(String),
}

impl NodeName {
    /// The name, in lower case.
    ///
    /// # Errors
    /// If it is no DNS subdomain (RFC 1123).
    pub fn new(name: &str) -> Result<Self, NameError> {
        let lower = name.to_ascii_lowercase();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let fine = lower.len() <= 253
            && lower.chars().all(plain)
            && ends(lower.chars().next())
            && ends(lower.chars().next_back());
        if fine { Ok(Self(lower)) } else { Err(NameError::Node(name.to_owned())) }
    }
}

impl LinkName {
    /// The name.
    ///
    /// # Errors
    /// If the kernel would refuse it.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let odd = |c: char| c == '/' || c == ':' || c.is_whitespace();
        let fine =
            (1..=15).contains(&name.len()) && !name.contains(odd) && name != "." && name != "..";
        if fine { Ok(Self(name.to_owned())) } else { Err(NameError::Link(name.to_owned())) }
    }
}

#[cfg(test)]
mod tests;
