//! Why this node holds the addresses, or does not; and what is told to people when it changes.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::address::{Mac, NodeName, Vip};
use crate::event::{Fence, Held, Voice};
use crate::moment::Moment;

/// What this node does, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// This node.
    pub node: NodeName,
    /// Whether it holds, and why.
    pub reason: Reason,
    /// The Lease as last seen.
    pub lease: LeaseStatus,
    /// The term that this node holds by; none: it holds nothing.
    pub term: Option<Term>,
    /// The addresses.
    pub vips: Vec<VipStatus>,
    /// How the API server answers.
    pub api: ApiStatus,
    /// What silences the addresses when nobody renews them.
    pub fence: Fence,
    /// How this node is.
    pub fitness: FitnessStatus,
    /// Since when it keeps the addresses although the API is away for all; none: it does not.
    pub holding_on: Option<Moment>,
    /// To whom it is handing the addresses over.
    pub handing_over: Option<NodeName>,
    /// The other nodes of the election that say of themselves that they are there.
    pub candidates: Vec<CandidateStatus>,
    /// Who else was heard speaking for an address, and when last.
    pub rival: Option<RivalStatus>,
}

/// How this node is, as the other ones are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FitnessStatus {
    /// It may be handed the addresses.
    pub fit: bool,
    /// Its Node is cordoned.
    pub cordoned: bool,
    /// What is wrong with its API server; none: nothing is known to be.
    pub api_server: Option<String>,
}

/// Another node of the election.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateStatus {
    /// Which.
    pub node: NodeName,
    /// It may be handed the addresses, and said so lately.
    pub fit: bool,
    /// Its Node is cordoned.
    pub cordoned: bool,
    /// When this node last saw it renew.
    pub seen: Moment,
}

/// Somebody who speaks for an address and is not this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RivalStatus {
    /// For which.
    pub address: IpAddr,
    /// Its Ethernet address.
    pub mac: Mac,
    /// Its name, if it is a node of the election.
    pub node: Option<NodeName>,
    /// When it was last heard.
    pub heard: Moment,
}

/// Whether this node holds, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Nothing is known of the Lease yet.
    Starting,
    /// Its own acknowledged write entitles this node.
    Elected,
    /// Another node is the Lease's holder.
    OtherHolds,
    /// The Lease has no holder, or one that no longer renews: this node is claiming it.
    Claiming,
    /// The term ended without a renewal.
    TermOver,
    /// The interface is down or not there.
    LinkDown,
    /// The kernel keeps refusing the addresses; they are tried again after a while.
    KernelRefuses,
    /// The API is away for all, and nobody else has taken over: the address stays.
    HoldingOn,
    /// The address is being handed over to another node.
    HandingOver,
    /// Another host renews the Lease in this node's name.
    Twin,
    /// A station that is no node of the election answers for the address.
    Stranger,
    /// The process was told to end.
    ShuttingDown,
}

impl Reason {
    /// One word for programs, spelt as reasons are in Kubernetes' conditions and as serde writes
    /// it: `/status`, metrics and Events use it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "Starting",
            Self::Elected => "Elected",
            Self::OtherHolds => "OtherHolds",
            Self::Claiming => "Claiming",
            Self::TermOver => "TermOver",
            Self::LinkDown => "LinkDown",
            Self::KernelRefuses => "KernelRefuses",
            Self::HoldingOn => "HoldingOn",
            Self::HandingOver => "HandingOver",
            Self::Twin => "Twin",
            Self::Stranger => "Stranger",
            Self::ShuttingDown => "ShuttingDown",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "nothing is known of the Lease yet",
            Self::Elected => "elected by the Lease",
            Self::OtherHolds => "another node holds the Lease",
            Self::Claiming => "nobody holds the Lease; claiming it",
            Self::TermOver => "the term ended without a renewal",
            Self::LinkDown => "the interface is down or absent",
            Self::KernelRefuses => "the kernel keeps refusing the address",
            Self::HoldingOn => "the API is away for all; keeping the address",
            Self::HandingOver => "handing the address over",
            Self::Twin => "another host renews the Lease in this node's name",
            Self::Stranger => "a station that is no node of the election answers for the address",
            Self::ShuttingDown => "told to end",
        })
    }
}

/// A period of entitlement: ours by an acknowledged write of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// Rises by one with each term of this process; renewing does not change it.
    pub epoch: u64,
    /// When it began.
    pub since: Moment,
    /// Until when it is safe to act.
    pub until: Moment,
}

/// The Lease as last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseStatus {
    /// `holderIdentity`; none: nobody, or nothing seen yet.
    pub holder: Option<String>,
    /// `acquireTime`, the holder's wall clock, in microseconds since the Unix epoch.
    pub acquired: Option<i64>,
    /// `leaseTransitions`.
    pub transitions: u32,
    /// When this node last saw it change.
    pub seen: Option<Moment>,
}

/// One address of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VipStatus {
    /// The address.
    pub vip: Vip,
    /// The kernel has it, according to the last snapshot.
    pub present: bool,
    /// What the fence lets it do, according to the last snapshot; none: nothing fences it.
    pub voice: Option<Voice>,
}

/// How the API server answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiStatus {
    /// The last good answer.
    pub answered: Option<Moment>,
    /// Since when it has failed without a good answer; none: it answers.
    pub failing_since: Option<Moment>,
    /// The last failure since then, for people.
    pub error: Option<String>,
}

/// Something that people are told: one log line each, and a metric where one fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// The Lease has another holder than before (none: nobody).
    HolderChanged {
        /// Before.
        from: Option<String>,
        /// Now.
        to: Option<String>,
    },
    /// A term of ours began.
    TermBegan(Term),
    /// A term of ours ended.
    TermEnded {
        /// Why.
        reason: Reason,
    },
    /// Renewing has failed for longer than the renew deadline; the address stays until the term
    /// ends.
    RenewalFailing {
        /// When the address will go.
        until: Moment,
        /// The last failure.
        cause: String,
    },
    /// The API server does not answer (said once, then ever more rarely).
    ApiAway {
        /// Since when.
        since: Moment,
        /// The last failure.
        cause: String,
    },
    /// The API server answers again.
    ApiBack {
        /// When it had begun to fail.
        since: Moment,
    },
    /// The kernel has the address, and it is being announced.
    AddressAdded(Vip),
    /// The address is gone, as it should be.
    AddressRemoved(Vip),
    /// The kernel lost an address that this node holds; it is being put back.
    AddressLost(Vip),
    /// An address of the plan was found that nobody here is entitled to; it is being removed.
    Leftover(Held),
    /// The kernel refused what it was told; tried again in a second.
    KernelRefused {
        /// The address concerned.
        address: IpAddr,
        /// What it said.
        cause: String,
    },
    /// The interface went up or down, appeared or vanished.
    LinkChanged {
        /// It is up now.
        up: bool,
    },
    /// A candidate was asked to take the addresses over.
    Offered {
        /// Who.
        to: NodeName,
        /// Why they are to move.
        why: MoveReason,
    },
    /// The addresses went to another node without a break.
    HandedOver {
        /// Who has them now; none: a node that was heard, and is not known by name.
        to: Option<NodeName>,
    },
    /// The addresses were to move, and did not.
    NotHandedOver {
        /// What stood in the way.
        cause: String,
    },
    /// This node consents to take the addresses over.
    Consented,
    /// The term is over without a renewal; the addresses stay, as the API is away for all.
    HoldingOn {
        /// The last failure.
        cause: String,
    },
    /// The addresses were kept past the term, and that is over.
    HeldOn {
        /// Since when they were kept.
        since: Moment,
        /// What ended it.
        end: HoldingOnEnd,
    },
    /// The local API server counts as well, or no longer does.
    FitnessChanged {
        /// It is well.
        fit: bool,
        /// What is wrong with it, or was.
        cause: String,
    },
    /// The Node was cordoned, or uncordoned.
    Cordoned(bool),
    /// Somebody else speaks for an address that this node holds, or was about to claim.
    Rival {
        /// The address.
        address: IpAddr,
        /// Who, by its Ethernet address.
        mac: Mac,
        /// Its name, if it is a node of the election.
        node: Option<NodeName>,
    },
    /// The rival has not been heard for a while.
    RivalGone {
        /// The address.
        address: IpAddr,
        /// Who it was.
        mac: Mac,
    },
    /// Another host renews the Lease in this node's name; this node claims nothing.
    Twin {
        /// The other host's boot.
        boot: String,
    },
    /// The kernel cannot fence addresses, or can again.
    FenceChanged(Fence),
    /// Our candidate Lease cannot be written (said once, until it can).
    NotRegistered {
        /// What stands in the way.
        cause: String,
    },
    /// The Lease was released.
    Released,
    /// The Lease could not be released in time; it ends by itself.
    NotReleased {
        /// What stood in the way.
        cause: String,
    },
}

/// Why a holder wants the addresses to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MoveReason {
    /// The process was told to end.
    ShuttingDown,
    /// A human asked for it.
    Requested,
    /// The local API server is unwell, and the candidate's is not.
    Unfit,
    /// The Node is cordoned, and the candidate's is not.
    Drain,
    /// The candidate has a higher priority, and it is wished that it has the addresses.
    FailBack,
}

impl MoveReason {
    /// One word for programs, as serde writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ShuttingDown => "ShuttingDown",
            Self::Requested => "Requested",
            Self::Unfit => "Unfit",
            Self::Drain => "Drain",
            Self::FailBack => "FailBack",
        }
    }
}

impl fmt::Display for MoveReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ShuttingDown => "told to end",
            Self::Requested => "asked for",
            Self::Unfit => "the local API server is unwell",
            Self::Drain => "the node is cordoned",
            Self::FailBack => "a node of higher priority is there",
        })
    }
}

/// What ended the keeping of the addresses past the term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldingOnEnd {
    /// The Lease was renewed: the API is back.
    Renewed,
    /// Another node has taken over.
    Successor,
    /// Another API server accepts connections, and this node's does not.
    OthersServed,
    /// Nobody else on the segment is heard any more.
    SegmentDead,
    /// The node lets go for another reason: it ends, or its link is down.
    LetGo,
}

impl fmt::Display for HoldingOnEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Renewed => "the API is back",
            Self::Successor => "another node has taken over",
            Self::OthersServed => "another node's API server is there, and this node's is not",
            Self::SegmentDead => "nobody else on the segment is heard",
            Self::LetGo => "this node lets go",
        })
    }
}
