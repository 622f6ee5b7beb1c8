//! When a node is to be called though nothing happens.

use crate::announce::Herald;
use crate::desired::LETTING_GO;
use crate::handover::Stance;
use crate::moment::Moment;

use super::{FAREWELL_WITHIN, Node, RELEASE_WITHIN};

impl Node {
    /// The earliest of everything that becomes due by itself.
    pub(super) fn next_deadline(&self, now: Moment) -> Option<Moment> {
        let heralds = self.heralds.values().map(Herald::due).min();
        let heralds = heralds.filter(|_| self.holding_on.is_none());
        let leave = self.elector.term().map(|term| term.until - LETTING_GO);
        let keep = self.leaving();
        let accepts = match self.moves.stance() {
            Stance::Hold => None,
            Stance::Accept(until) | Stance::Release(until) | Stance::Reclaim(until) => {
                Some(until - LETTING_GO)
            }
        };
        let limits = self
            .shutdown
            .map(|since| [since + FAREWELL_WITHIN, since.max(self.moved) + RELEASE_WITHIN]);
        let alive = self.rivals.alive().map(|(_, at)| at);
        let overdue = self.elector.overdue();
        let excused = Some(self.api_server.excused());
        let unrenewed = self.elector.renewal_overdue();
        let later = [leave, keep, overdue, unrenewed, accepts, excused, self.damping.until()]
            .into_iter()
            .flatten()
            .chain(limits.into_iter().flatten())
            .filter(|at| *at > now)
            .min();
        let looks = self.shutdown.is_none().then(|| self.api_server.deadline());
        let registers = self.facts.is_known().then(|| self.registration.deadline());
        let holding_on = self.holding_on.map(|holding_on| holding_on.deadline(alive, now));
        [
            heralds,
            later,
            looks,
            registers,
            holding_on,
            self.moves.deadline(now),
            self.segment_deadline(now),
            self.facts.pause_ends(now),
            self.elector.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
