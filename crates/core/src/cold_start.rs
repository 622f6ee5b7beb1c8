//! Before the first claim of a process that saw nobody hold the Lease: does a stranger have the
//! address? Asked as RFC 5227 asks, with our own address as sender, so that fabrics which answer
//! for others can be told from the real thing.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Mac;
use crate::event::Effect;
use crate::moment::Moment;
use crate::probes::Probes;
use crate::wire::arp::{Packet, Station};

/// So often each address is asked for (`PROBE_NUM` of RFC 5227, section 1.1).
const TIMES: usize = 3;

/// From one question to the next, and from the last one to the claim. The RFC's seconds would cost
/// a cluster that starts more than they tell it: here everybody is on one segment, and awake.
const EVERY: Duration = Duration::from_millis(60);

/// After a stranger answered, how long until it is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// Where it has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColdStart {
    /// Nobody was asked yet.
    #[default]
    Waiting,
    /// The segment is being asked.
    Asking {
        /// How many questions there were.
        asked: usize,
        /// When the next one, or the end, is due.
        due: Moment,
    },
    /// A station that is no node of the election answered.
    Stranger {
        /// Who.
        mac: Mac,
        /// When to ask again.
        again: Moment,
    },
    /// Nobody answered, or somebody of ours was seen to hold.
    Clear,
}

impl ColdStart {
    /// Goes on asking, if `claims`: this node would claim the Lease now.
    pub fn poll(
        &mut self,
        claims: bool,
        own: Station,
        vips: &[Ipv4Addr],
        probes: &mut Probes,
        now: Moment,
    ) -> Option<Effect> {
        match *self {
            Self::Waiting if claims => *self = Self::Asking { asked: 0, due: now },
            Self::Stranger { again, .. } if again <= now => {
                *self = Self::Asking { asked: 0, due: now };
            }
            _ => {}
        }
        let Self::Asking { asked, due } = *self else { return None };
        if now < due {
            return None;
        }
        let Some(address) = vips.get(asked % vips.len().max(1)).filter(|_| asked < self.all(vips))
        else {
            *self = Self::Clear;
            return None;
        };
        let question = probes.ask(Packet::request(own, *address), Mac::BROADCAST, now)?;
        let last_of_round = (asked + 1).is_multiple_of(vips.len().max(1));
        let pause = if last_of_round { EVERY } else { Duration::ZERO };
        *self = Self::Asking { asked: asked + 1, due: now + pause };
        Some(question)
    }

    const fn all(&self, vips: &[Ipv4Addr]) -> usize {
        TIMES * vips.len()
    }

    /// Somebody of ours holds, or this node does: there is nothing to ask any more.
    pub const fn clear(&mut self) {
        *self = Self::Clear;
    }

    /// A station that is no node of the election was confirmed to have an address. Whether that
    /// stands in the way.
    pub fn stranger(&mut self, mac: Mac, now: Moment) -> bool {
        if *self == Self::Clear {
            return false;
        }
        *self = Self::Stranger { mac, again: now + AGAIN };
        true
    }

    /// Nothing may be claimed yet.
    #[must_use]
    pub const fn is_in_the_way(&self) -> bool {
        matches!(self, Self::Asking { .. } | Self::Stranger { .. })
    }

    /// A stranger has an address.
    #[must_use]
    pub const fn has_stranger(&self) -> bool {
        matches!(self, Self::Stranger { .. })
    }

    /// When to go on.
    #[must_use]
    pub fn deadline(&self, probes: &Probes) -> Option<Moment> {
        match *self {
            Self::Asking { due, .. } => Some(due.max(probes.free())),
            Self::Stranger { again, .. } => Some(again),
            Self::Waiting | Self::Clear => None,
        }
    }
}
