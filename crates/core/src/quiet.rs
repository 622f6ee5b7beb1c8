//! Before a claim that the Lease alone cannot vouch for: is the segment quiet, or does somebody
//! answer for an address?
//!
//! Nodes of ours are silent when their term is over; nobody needs to ask. But a stranger may have
//! the address when a cluster starts; a node of the original releases the Lease before it removes
//! the address, and keeps it when it is killed; and a Lease that was put back from a snapshot may
//! name a process that has long been another. Asked as RFC 5227 asks, with our own address as
//! sender, so that fabrics which answer for others can be told from the real thing.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Mac;
use crate::event::Effect;
use crate::moment::Moment;
use crate::probes::Probes;
use crate::vigil::Segment;

/// So often each address is asked for (`PROBE_NUM` of RFC 5227, section 1.1).
const TIMES: usize = 3;

/// Where there are many addresses the budget leaves each of them one question.
const fn times(vips: &[IpAddr]) -> usize {
    if vips.len() > 2 { 1 } else { TIMES }
}

/// From one question to the next, and from the last one to the claim. The RFC's seconds would cost
/// a cluster that starts more than they tell it: here everybody is on one segment, and awake.
const EVERY: Duration = Duration::from_millis(60);

/// After somebody answered, how long until it is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// Why the segment must be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Need {
    /// Nobody was ever seen to hold: whoever answers is in the way for as long as it does.
    Stranger,
    /// The last holder may not be silent yet: it is waited for until this moment.
    LastHolder(Moment),
}

/// Where the asking has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quiet {
    /// There is no need to ask.
    #[default]
    Idle,
    /// The segment is being asked.
    Asking {
        /// How many questions there were.
        asked: usize,
        /// When the next one, or the end, is due.
        due: Moment,
    },
    /// Somebody answered.
    Answered {
        /// Who.
        mac: Mac,
        /// When to ask again.
        again: Moment,
    },
    /// Nobody answered, or we have waited long enough.
    Clear,
}

impl Quiet {
    /// Goes on asking, as long as there is a need.
    pub fn poll(
        &mut self,
        need: Option<Need>,
        segment: &Segment,
        probes: &mut Probes,
        now: Moment,
    ) -> Option<Effect> {
        let Some(need) = need else {
            *self = Self::Idle;
            return None;
        };
        if matches!(need, Need::LastHolder(until) if until <= now) {
            *self = Self::Clear;
        }
        match *self {
            Self::Idle => *self = Self::Asking { asked: 0, due: now },
            Self::Answered { again, .. } if again <= now => {
                *self = Self::Asking { asked: 0, due: now };
            }
            _ => {}
        }
        let Self::Asking { asked, due } = *self else { return None };
        if now < due {
            return None;
        }
        let vips = &segment.vips;
        let next = vips.get(asked % vips.len().max(1)).filter(|_| asked < times(vips) * vips.len());
        let Some(address) = next else {
            *self = Self::Clear;
            return None;
        };
        let question = probes.ask(segment.own.question(*address), Mac::BROADCAST, now)?;
        let last_of_round = (asked + 1).is_multiple_of(vips.len());
        let pause = if last_of_round { EVERY } else { Duration::ZERO };
        *self = Self::Asking { asked: asked + 1, due: now + pause };
        Some(question)
    }

    /// A station was confirmed to have an address. Whether that stands in the way.
    pub fn answered(&mut self, mac: Mac, now: Moment) -> bool {
        let asking = self.is_in_the_way();
        if asking {
            *self = Self::Answered { mac, again: now + AGAIN };
        }
        asking
    }

    /// Nothing may be claimed yet.
    #[must_use]
    pub const fn is_in_the_way(&self) -> bool {
        matches!(self, Self::Asking { .. } | Self::Answered { .. })
    }

    /// Somebody has an address.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        matches!(self, Self::Answered { .. })
    }

    /// When to go on.
    #[must_use]
    pub fn deadline(&self, need: Option<Need>, probes: &Probes) -> Option<Moment> {
        let next = match *self {
            Self::Asking { due, .. } => due.max(probes.free()),
            Self::Answered { again, .. } => again,
            Self::Idle | Self::Clear => return None,
        };
        Some(match need {
            Some(Need::LastHolder(until)) => next.min(until),
            Some(Need::Stranger) | None => next,
        })
    }
}
