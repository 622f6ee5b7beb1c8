//! The one decision: what should be true on this host now.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::election::Elector;
use crate::event::{Held, Voice};
use crate::facts::Facts;
use crate::handover::Stance;
use crate::holding_on::HoldingOn;
use crate::moment::Moment;

/// A term is left so long before it ends: what it takes to remove an address, with a margin for a
/// busy host. The kernel's own lifetime stands behind it.
pub const LETTING_GO: Duration = Duration::from_millis(50);

/// What should be true on this host now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Desired {
    /// The addresses are here, with this voice, until this moment at the latest.
    Here {
        /// The end of what entitles this node, or of the present step of it.
        until: Moment,
        /// What they may do.
        voice: Voice,
    },
    /// The addresses are not here.
    NotHere,
    /// The addresses are not here, but what a predecessor on this host left, and the kernel will
    /// remove before its term ends, may stay until we know whether we go on in its place.
    AsFound,
}

/// Whether this node may take or keep addresses at all, whatever the election says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fitness {
    /// It may.
    Fit,
    /// The kernel has not been looked at yet.
    Unknown,
    /// The interface is down or absent.
    LinkDown,
    /// The kernel keeps refusing the addresses.
    KernelRefuses,
    /// The process was told to end.
    ShuttingDown,
}

/// Decides. There is no second place where a role becomes an address.
#[must_use]
pub fn desired(
    elector: &Elector,
    fitness: Fitness,
    stance: Stance,
    holding_on: Option<HoldingOn>,
    now: Moment,
) -> Desired {
    let giving = |until| Desired::Here { until, voice: Voice::Accepting };
    match (fitness, stance) {
        (Fitness::Unknown | Fitness::LinkDown | Fitness::KernelRefuses, _) => {
            return Desired::NotHere;
        }
        (_, Stance::Accept(until)) if now + LETTING_GO < until => return giving(until),
        (_, Stance::Release(until)) if now + LETTING_GO < until => return giving(until),
        (_, Stance::Reclaim(until)) if now + LETTING_GO < until && elector.term().is_none() => {
            return giving(until);
        }
        (Fitness::ShuttingDown, Stance::Hold) if elector.term().is_some() => {}
        (Fitness::ShuttingDown, _) => return Desired::NotHere,
        (Fitness::Fit, _) => {}
    }
    let answering = |until| Desired::Here { until, voice: Voice::Answering };
    match (elector.term(), holding_on) {
        (term, Some(holding_on)) => {
            answering(term.map_or(holding_on.until, |term| term.until.max(holding_on.until)))
        }
        (Some(term), None) if now + LETTING_GO < term.until => answering(term.until),
        (Some(_), None) => Desired::NotHere,
        (None, None) if elector.may_resume() => Desired::AsFound,
        (None, None) => Desired::NotHere,
    }
}

/// Whether an address that was found may stay under [`Desired::AsFound`]: only one that the kernel
/// removes by itself within a term. One without end was left by somebody who cannot take it back.
#[must_use]
pub fn may_stay(held: &Held, term: Duration) -> bool {
    held.lifetime.is_some_and(|lifetime| lifetime <= term)
}

/// The fitness that follows from the facts.
#[must_use]
pub fn fitness(facts: &Facts, shutting_down: Option<Moment>, now: Moment) -> Fitness {
    match shutting_down {
        Some(_) => Fitness::ShuttingDown,
        None if !facts.is_known() => Fitness::Unknown,
        None if !facts.link_is_up() => Fitness::LinkDown,
        None if facts.has_given_up(now) => Fitness::KernelRefuses,
        None => Fitness::Fit,
    }
}
