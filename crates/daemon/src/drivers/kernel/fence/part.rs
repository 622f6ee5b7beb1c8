//! What the fence needs of the kernel, part by part.

use std::fmt;

/// A part of the fence; printed as what must be there for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The subsystem itself.
    Subsystem,
    /// A table of the family netdev.
    Table,
    /// Sets with timeouts.
    Set,
    /// A chain where packets come in.
    Ingress,
    /// A chain where packets go out.
    Egress,
    /// What stands in the chains.
    Rule,
    /// An address in a set.
    Element,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subsystem => "nftables (CONFIG_NF_TABLES)",
            Self::Table => "nftables of the family netdev (CONFIG_NF_TABLES_NETDEV)",
            Self::Set => "nftables sets with timeouts",
            Self::Ingress => "nftables at an interface's ingress (CONFIG_NETFILTER_INGRESS)",
            Self::Egress => {
                "nftables at an interface's egress (CONFIG_NETFILTER_EGRESS, Linux 5.16)"
            }
            Self::Rule => "nftables rules that look up addresses and write into packets",
            Self::Element => "nftables set elements with timeouts",
        })
    }
}
