//! What stands in the election's Lease, and what is written into it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::NodeName;

/// What a write puts into the Lease; everything else in it stays as it is. The driver stamps
/// `renewTime` with its wall clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseWrite {
    /// The version that is replaced; none: the Lease is created.
    pub version: Option<Version>,
    /// `holderIdentity`; empty: released.
    pub holder: String,
    /// `leaseDurationSeconds`, whole seconds.
    pub duration: Duration,
    /// `leaseTransitions`.
    pub transitions: u32,
    /// `acquireTime`.
    pub acquired: Stamp,
    /// Marks this write, in the annotation [`NONCE_ANNOTATION`].
    pub nonce: Nonce,
    /// The other annotations of ours, exactly: what is none here is removed.
    pub marks: Marks,
}

/// The annotation that carries a write's [`Nonce`].
pub const NONCE_ANNOTATION: &str = "kube-vip.io/write";

/// The annotation that carries [`Marks::boot`].
pub const BOOT_ANNOTATION: &str = "kube-vip.io/boot-id";

/// The annotation that carries [`Marks::offer`]: the node's name, a space, the nonce.
pub const OFFER_ANNOTATION: &str = "kube-vip.io/offer";

/// The annotation that carries [`Marks::successor`].
pub const SUCCESSOR_ANNOTATION: &str = "kube-vip.io/successor";

/// The annotation that carries [`Marks::move_to`].
pub const MOVE_ANNOTATION: &str = "kube-vip.io/move-to";

/// A time in a Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stamp {
    /// The driver's wall clock when it sends.
    Now,
    /// As it was, in microseconds since the Unix epoch.
    Keep(Option<i64>),
}

/// Identifies one write of one process among all writes of all processes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(pub String);

/// A `resourceVersion`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub String);

/// The Lease as it was at one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Its `resourceVersion`.
    pub version: Version,
    /// Its contents.
    pub record: LeaseRecord,
}

/// What a Lease says. Times are somebody's wall clock, in microseconds since the Unix epoch: they
/// are shown and compared for equality, never with a clock of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// `holderIdentity`; empty: nobody.
    pub holder: String,
    /// `leaseDurationSeconds`; zero where the field is absent.
    pub duration: Duration,
    /// `acquireTime`.
    pub acquired: Option<i64>,
    /// `renewTime`.
    pub renewed: Option<i64>,
    /// `leaseTransitions`.
    pub transitions: u32,
    /// The mark of the last write by a node of ours.
    pub nonce: Option<Nonce>,
    /// The other annotations of ours; what is none is absent, or makes no sense.
    pub marks: Marks,
}

/// What nodes of ours tell each other in the annotations of the Lease. None of it entitles anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// The boot of the host that wrote last, in [`BOOT_ANNOTATION`].
    pub boot: Option<String>,
    /// The holder asks a candidate to take the address over, in [`OFFER_ANNOTATION`].
    pub offer: Option<Offer>,
    /// For whom the last holder released the Lease, in [`SUCCESSOR_ANNOTATION`].
    pub successor: Option<NodeName>,
    /// To whom a human wants the address to move, in [`MOVE_ANNOTATION`]: RBAC decides who may.
    pub move_to: Option<NodeName>,
}

/// A holder's question whether a candidate is ready to take over; it says yes by the nonce in its
/// own candidate Lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Who is asked.
    pub to: NodeName,
    /// What a yes must repeat.
    pub nonce: Nonce,
}
