//! What the nodes of an election tell each other in Leases of their own, beside the election's.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Nonce, Version};
use crate::address::{Mac, NodeName};

/// What a node says about itself in its candidate Lease, `<election's lease>-<node>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidacy {
    /// It could hold the address well: its API server answers, its link is up, it is not ending.
    pub fit: bool,
    /// Its Node is cordoned.
    pub cordoned: bool,
    /// Higher is preferred.
    pub priority: u32,
    /// Its interface's Ethernet address.
    pub mac: Option<Mac>,
    /// An address of its own on the interface, where it answers the segment.
    pub address: Option<IpAddr>,
    /// The boot of its host.
    pub boot: String,
    /// The nonce of the offer that it says yes to.
    pub consent: Option<Nonce>,
}

/// Another node's candidate Lease as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Whose.
    pub node: NodeName,
    /// Changes with every renewal.
    pub version: Version,
    /// What it says.
    pub candidacy: Candidacy,
}
