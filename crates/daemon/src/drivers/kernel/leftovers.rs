//! What a kube-vip that ran on this host has left in its kernel: ours after a SIGKILL, the original
//! after most ways to end. Found and shown first, removed one by one when that is wanted.
//!
//! Nothing is taken for a leftover that others may have made: what is ours has our mark or name;
//! what the original leaves has the names, numbers and comments that it gives, or is an address
//! that somebody named.

mod routing;
mod tables;

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use super::netlink::NetlinkError;
use super::sockets::Sockets;
use routing::Routing;
use tables::{Change, Tables};

/// The protocol number that the original marks routes with (`vip_routingprotocol`), and we our
/// addresses.
pub const PROTOCOL: u8 = 248;

/// The routing table that the original uses (`vip_routingtableid`).
pub const TABLE: u32 = 198;

/// What is to be found beside what has a mark of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The virtual addresses: they are removed from whatever interface has them.
    pub addresses: BTreeSet<IpAddr>,
    /// The routing table of the routing-table mode.
    pub table: u32,
    /// The protocol number of its routes.
    pub protocol: u8,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { addresses: BTreeSet::new(), table: TABLE, protocol: PROTOCOL }
    }
}

/// What sort of thing is left, in the order in which they are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An address of an interface.
    Address,
    /// A route.
    Route,
    /// A rule of policy routing.
    Rule,
    /// An interface.
    Link,
    /// A packet filter rule in somebody else's chain.
    FilterRule,
    /// A packet filter chain in somebody else's table.
    FilterChain,
    /// A packet filter table.
    FilterTable,
    /// An entry of the neighbour table.
    Neighbour,
}

impl Kind {
    /// One word for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "Address",
            Self::Route => "Route",
            Self::Rule => "Rule",
            Self::Link => "Link",
            Self::FilterRule => "FilterRule",
            Self::FilterChain => "FilterChain",
            Self::FilterTable => "FilterTable",
            Self::Neighbour => "Neighbour",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "address",
            Self::Route => "route",
            Self::Rule => "ip rule",
            Self::Link => "interface",
            Self::FilterRule => "nft rule",
            Self::FilterChain => "nft chain",
            Self::FilterTable => "nft table",
            Self::Neighbour => "neighbour",
        })
    }
}

/// One thing that is left.
#[derive(Clone, Debug)]
pub struct Leftover {
    /// What sort of thing.
    pub kind: Kind,
    /// Which, as `ip` and `nft` show it.
    pub what: String,
    /// By what it is taken for a leftover.
    pub why: String,
    /// How it is removed.
    order: Order,
}

impl Leftover {
    /// Somebody who asks for the address is answered as long as this is here.
    #[must_use]
    pub const fn is_address(&self) -> bool {
        matches!(self.kind, Kind::Address)
    }
}

#[derive(Clone, Debug)]
enum Order {
    Address(routing::Address),
    Routing(routing::Removal),
    Tables(Vec<Change>),
}

/// A connection to this host's kernel, in the network namespace of the thread that opens it.
#[derive(Debug)]
pub struct Kernel {
    routing: Routing,
    /// Or why nothing can be asked of nf_tables.
    tables: Result<Tables, String>,
    /// Without them the clients of an address find out by themselves that it is gone.
    sockets: Option<Sockets>,
}

/// What was found, and what could not be looked at.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order in which they are to be removed.
    pub leftovers: Vec<Leftover>,
    /// What could not be looked at, and why.
    pub unseen: Vec<(&'static str, String)>,
}

impl Kernel {
    /// Connects to the kernel.
    ///
    /// # Errors
    /// If the kernel refuses a socket for its routing subsystem.
    pub fn open() -> Result<Self, NetlinkError> {
        Ok(Self {
            routing: Routing::open()?,
            tables: Tables::open().map_err(|error| error.to_string()),
            sockets: Sockets::open().ok(),
        })
    }

    /// Looks for what is left. Changes nothing.
    ///
    /// # Errors
    /// If the kernel does not say what addresses it has.
    pub fn find(&mut self, wanted: &Wanted) -> Result<Found, NetlinkError> {
        let mut found = self.routing.find(wanted)?;
        let tables = match &mut self.tables {
            Ok(tables) => tables.find().map_err(|error| error.to_string()),
            Err(error) => Err(error.clone()),
        };
        match tables {
            Ok(tables) => found.leftovers.extend(tables),
            Err(error) => found.unseen.push(("nftables", error)),
        }
        found.leftovers.sort_by(|one, other| (one.kind, &one.what).cmp(&(other.kind, &other.what)));
        Ok(found)
    }

    /// Removes it. What is gone already counts as removed.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn remove(&mut self, leftover: &Leftover) -> Result<(), String> {
        let done = match &leftover.order {
            Order::Address(address) => {
                if let Some(sockets) = &mut self.sockets {
                    // Clients that are connected are reset; without that they time out.
                    let _ = sockets.destroy(address.address());
                }
                self.routing.remove_address(address)
            }
            Order::Routing(removal) => self.routing.remove(removal),
            Order::Tables(changes) => match &mut self.tables {
                Ok(tables) => tables.carry_out(changes),
                Err(error) => return Err(error.clone()),
            },
        };
        done.map_err(|error| error.to_string())
    }
}
