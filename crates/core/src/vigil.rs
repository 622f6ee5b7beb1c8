//! Questions that a holder asks the segment when it cannot ask the API: does anybody hear and
//! answer me, and does anybody else answer for my addresses?

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Mac;
use crate::event::Effect;
use crate::moment::Moment;
use crate::probes::Probes;
use crate::wire::arp::{Packet, Station};

/// From one question to the next. Every other one is for an address of ours, of which one says as
/// much as all; those between are for the neighbour that answered last and the next one in turn, so
/// that none of them need be alive for long.
const EVERY: Duration = Duration::from_millis(170);

/// The questions in turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vigil {
    turn: usize,
    /// Whom of the neighbours to ask next.
    next: usize,
    due: Moment,
}

/// Whom to ask, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// In whose name.
    pub own: Station,
    /// Who should be there.
    pub neighbours: &'a [Ipv4Addr],
    /// Who answered last.
    pub alive: Option<Ipv4Addr>,
    /// Our addresses.
    pub vips: &'a [Ipv4Addr],
}

impl Vigil {
    /// The next question, if it is due.
    pub fn poll(
        &mut self,
        segment: &Segment<'_>,
        probes: &mut Probes,
        now: Moment,
    ) -> Option<Effect> {
        if now < self.due {
            return None;
        }
        let all = segment.neighbours;
        let next = || all.get(self.next % all.len().max(1)).copied();
        let asked = match self.turn {
            1 => segment.alive.or_else(next),
            3 => next(),
            _ => None,
        };
        let address = asked.or_else(|| segment.vips.first().copied())?;
        let question =
            probes.ask_if_idle(Packet::request(segment.own, address), Mac::BROADCAST, now)?;
        self.next = self.next.wrapping_add(usize::from(self.turn == 3));
        self.turn = (self.turn + 1) % 4;
        self.due = now + EVERY;
        Some(question)
    }

    /// When the next question is due.
    #[must_use]
    pub fn deadline(&self, probes: &Probes) -> Moment {
        self.due.max(probes.idle())
    }
}
