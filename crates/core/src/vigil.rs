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

/// From one question to the next: twice a second one for an address, twice one for a neighbour,
/// which leaves half of the budget.
const EVERY: Duration = Duration::from_millis(250);

/// The questions in turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vigil {
    turn: usize,
    due: Moment,
}

impl Vigil {
    /// The next question, if it is due: the neighbours in turn, and our own addresses in between.
    pub fn poll(
        &mut self,
        own: Station,
        neighbours: &[Ipv4Addr],
        vips: &[Ipv4Addr],
        probes: &mut Probes,
        now: Moment,
    ) -> Option<Effect> {
        if now < self.due {
            return None;
        }
        let turn = self.turn;
        let own_turn = !turn.is_multiple_of(2) || neighbours.is_empty();
        let asked = if own_turn { vips } else { neighbours };
        let address = asked.get(turn / 2 % asked.len().max(1))?;
        let question = probes.ask(Packet::request(own, *address), Mac::BROADCAST, now)?;
        self.turn = turn.wrapping_add(1);
        self.due = now + EVERY;
        Some(question)
    }

    /// When the next question is due.
    #[must_use]
    pub fn deadline(&self, probes: &Probes) -> Moment {
        self.due.max(probes.free())
    }
}
