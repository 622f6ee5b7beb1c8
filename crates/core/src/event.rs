//! The whole language between the core and the world: events in, effects out.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::{Mac, Vip};
use crate::moment::Moment;
use crate::segment::{Question, Said};
use crate::status::Notice;

mod candidate;
mod health;
mod kernel;
mod lease;

pub use candidate::{Candidacy, Candidate};
pub use health::{Check, Health};
pub use kernel::{Fence, Held, Link, Snapshot, Voice};
pub use lease::{
    BOOT_ANNOTATION, LeaseRecord, LeaseWrite, MOVE_ANNOTATION, Marks, NONCE_ANNOTATION, Nonce,
    OFFER_ANNOTATION, Observation, Offer, SUCCESSOR_ANNOTATION, Stamp, Version,
};

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The node's deadline has come.
    Tick,
    /// A request to the API server has ended.
    Answered(Answer),
    /// The watch showed the Lease as it is now (none: it was deleted).
    Watched(Option<Observation>),
    /// The candidate Leases of this election but our own, complete; after every change.
    Candidates(Vec<Candidate>),
    /// Our candidate Lease was written, or why not.
    Registered(Result<(), String>),
    /// Whether our Node is cordoned; when it is first known, and at every change.
    Cordoned(bool),
    /// What a look at the API servers showed.
    Checked(Check),
    /// Another station speaks for an address of the plan, or probes for one, or answers us.
    Heard {
        /// Who sent the frame.
        from: Mac,
        /// What it says.
        said: Said,
    },
    /// What the kernel has, complete; sent after every change, and from time to time.
    Kernel(Snapshot),
    /// A driver could not do what it was told. What stands in the kernel now, the next snapshot
    /// says.
    Refused {
        /// What it was told.
        effect: Effect,
        /// What stood in the way, for people.
        cause: String,
    },
    /// The process was told to end: let go of everything, then be finished.
    Shutdown,
}

/// One thing to do; doing it twice is harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Ask the API server; ends in [`Event::Answered`] with the same id, whatever happens.
    Ask(Request),
    /// Have the address on the plan's interface, scope global, preferred lifetime 0 and the valid
    /// lifetime of [`crate::reconcile::address_lifetime`], computed right before the system call;
    /// fenced before it is there, with this voice until that moment to the millisecond, where the
    /// kernel can. Ends in [`Event::Kernel`] or [`Event::Refused`].
    Hold {
        /// The address.
        vip: Vip,
        /// When the term ends.
        until: Moment,
        /// What it may do until then.
        voice: Voice,
    },
    /// Silence the address at once, destroy the TCP connections that end at it, remove it from the
    /// interface; fine if it is not there. Ends in [`Event::Kernel`] or [`Event::Refused`].
    Drop(Held),
    /// Tell every station of the plan's interface who has the address, in all forms that there are:
    /// [`crate::segment::announcement`].
    Announce {
        /// The address to speak for.
        address: IpAddr,
        /// The interface's own address.
        mac: Mac,
    },
    /// Ask one station, or all; an answer may come as [`Event::Heard`].
    Question {
        /// What is asked.
        question: Question,
        /// The frame's destination.
        to: Mac,
    },
    /// Look at the API servers; ends in [`Event::Checked`], within the time given.
    Check {
        /// What the whole look may take.
        timeout: Duration,
    },
    /// Write our candidate Lease; ends in [`Event::Registered`].
    Register(Candidacy),
    /// Tell people: a log line, a metric.
    Tell(Notice),
}

/// A request to the API server about the one Lease of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Returned in the answer.
    pub id: u64,
    /// After so long it has failed, as [`Failure::Timeout`].
    pub timeout: Duration,
    /// What is asked.
    pub call: Call,
}

/// What is asked of the API server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Call {
    /// A quorum read of the Lease.
    Read,
    /// A write of the Lease that succeeds only if it still is the version that we know.
    Write(LeaseWrite),
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The request's id.
    pub id: u64,
    /// The Lease as it is after the call (none: a read found no such Lease), or why not.
    pub outcome: Result<Option<Observation>, Failure>,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The Lease is no longer the version that the write named, or exists already (409).
    Conflict,
    /// A write found no such Lease (404).
    Gone,
    /// No answer in time; a write may have happened or may still happen.
    Timeout,
    /// No kubeconfig, no connection, refused rights, a server error; the text is for people.
    Unavailable(String),
}
