//! What the kernel has, and what was heard on the wire.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::{LinkName, Mac, Vip};

/// What the kernel has of what concerns the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The plan's interface; none: it does not exist.
    pub link: Option<Link>,
    /// Every address of this host that is one of the plan's, whoever added it, with whatever
    /// prefix length, on whatever interface.
    pub held: Vec<Held>,
    /// How many orders of this process ([`super::Effect::Hold`], [`super::Effect::Drop`]) had been
    /// carried out, or refused, before the kernel was looked at: they are carried out in the order
    /// in which they were told, and what came later is not in here.
    pub carried_out: u64,
    /// Whether the kernel can fence addresses.
    pub fence: Fence,
}

/// Whether the kernel can silence an address at a given moment without any of our code running.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fence {
    /// It can, to the millisecond.
    Ready,
    /// Not known yet.
    #[default]
    Unknown,
    /// It lacks this part; address lifetimes remain, in whole seconds.
    Missing(String),
}

/// The plan's interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its own address.
    pub mac: Mac,
    /// It is up, and has a carrier.
    pub up: bool,
    /// Its own addresses in whose name questions are asked, at most one of each family: for IPv4
    /// the first that is none of the plan's, for IPv6 the link-local one.
    pub addresses: Vec<IpAddr>,
    /// The next hops of the default routes through it, at most one of each family.
    pub gateways: Vec<IpAddr>,
}

/// An address that is configured on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The address with the prefix length that it has here.
    pub vip: Vip,
    /// The interface that has it.
    pub link: LinkName,
    /// How long the kernel will keep it, in whole seconds; none: for ever.
    pub lifetime: Option<Duration>,
    /// What the fence lets it do now; none: nothing fences it.
    pub voice: Option<Voice>,
}

/// What an address may do on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Voice {
    /// Nothing.
    Silent,
    /// Packets to it come in, but it speaks for itself to nobody: neighbours that know the way go
    /// on, one that asks gets no answer.
    Accepting,
    /// Everything.
    Answering,
}
