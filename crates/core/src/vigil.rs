//! Questions that a holder asks the segment when it cannot ask the API: does anybody hear and
//! answer me, and does anybody else answer for my addresses?

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Mac;
use crate::event::Effect;
use crate::moment::Moment;
use crate::probes::Probes;
use crate::segment::Asker;

/// From one question for an address of ours to the next; one of them says as much as all. A
/// successor that was not heard must be found, asked by itself, and given way to within 250 ms.
const OWN_EVERY: Duration = Duration::from_millis(200);

/// From one question to the neighbour that answered last to the next.
const NEIGHBOUR_EVERY: Duration = Duration::from_millis(500);

/// A neighbour that has not answered by then need not be alive: the next one is asked.
const ANSWER_WITHIN: Duration = Duration::from_millis(120);

/// The questions as they were asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vigil {
    /// Whom of the neighbours to ask next.
    next: usize,
    /// When a neighbour was last asked.
    asked: Option<Moment>,
    /// When an address of ours was last asked for.
    asked_for_own: Option<Moment>,
}

/// Whom to ask, and for what.
#[derive(Clone, Debug)]
pub struct Segment {
    /// In whose name.
    pub own: Asker,
    /// Who should be there.
    pub neighbours: Vec<IpAddr>,
    /// Who answered last, and when.
    pub alive: Option<(IpAddr, Moment)>,
    /// Our addresses.
    pub vips: Vec<IpAddr>,
}

impl Vigil {
    /// The next question, if it is due.
    pub fn poll(&mut self, segment: &Segment, probes: &mut Probes, now: Moment) -> Option<Effect> {
        let for_own = self.own_due() <= now;
        if !for_own && self.neighbour_due(segment).is_none_or(|due| now < due) {
            return None;
        }
        let address = if for_own { *segment.vips.first()? } else { self.neighbour(segment)? };
        let question = probes.ask_if_idle(segment.own.question(address), Mac::BROADCAST, now)?;
        if for_own {
            self.asked_for_own = Some(now);
        } else {
            self.asked = Some(now);
            self.next = self.next.wrapping_add(1);
        }
        Some(question)
    }

    /// When the next question is due.
    #[must_use]
    pub fn deadline(&self, segment: &Segment, probes: &Probes) -> Moment {
        let own = self.own_due();
        self.neighbour_due(segment).map_or(own, |due| due.min(own)).max(probes.idle())
    }

    fn own_due(&self) -> Moment {
        self.asked_for_own.map_or(Moment::START, |at| at + OWN_EVERY)
    }

    /// None: there is nobody to ask.
    fn neighbour_due(&self, segment: &Segment) -> Option<Moment> {
        segment.neighbours.first()?;
        let Some(asked) = self.asked else { return Some(Moment::START) };
        let pause = if self.answerer(segment).is_some() { NEIGHBOUR_EVERY } else { ANSWER_WITHIN };
        Some(asked + pause)
    }

    /// Who answered the last question to a neighbour.
    fn answerer(&self, segment: &Segment) -> Option<IpAddr> {
        let asked = self.asked.unwrap_or(Moment::START);
        segment.alive.filter(|(_, at)| *at >= asked).map(|(address, _)| address)
    }

    fn neighbour(&self, segment: &Segment) -> Option<IpAddr> {
        let all = &segment.neighbours;
        self.answerer(segment).or_else(|| all.get(self.next % all.len().max(1)).copied())
    }
}
