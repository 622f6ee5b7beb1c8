//! Questions on the wire, within one budget for all addresses of an interface.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Mac;
use crate::event::Effect;
use crate::moment::Moment;
use crate::segment::Question;

/// So many a second: switches with ARP inspection shut a port at 15 by default.
const A_SECOND: usize = 8;

/// What is asked again and again leaves so much for what is asked on an occasion.
const SPARE: usize = 1;

/// What has been asked lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// When the last ones were sent, the oldest first.
    sent: Vec<Moment>,
}

impl Probes {
    /// The question, if the budget has room for it.
    pub fn ask(&mut self, question: Question, to: Mac, now: Moment) -> Option<Effect> {
        if now < self.free() {
            return None;
        }
        Some(self.send(question, to, now))
    }

    /// The question, if it leaves room for others that have an occasion.
    pub fn ask_if_idle(&mut self, question: Question, to: Mac, now: Moment) -> Option<Effect> {
        if now < self.idle() {
            return None;
        }
        Some(self.send(question, to, now))
    }

    fn send(&mut self, question: Question, to: Mac, now: Moment) -> Effect {
        if self.sent.len() >= A_SECOND {
            self.sent.remove(0);
        }
        self.sent.push(now);
        Effect::Question { question, to }
    }

    /// When the budget has room for one more.
    #[must_use]
    pub fn free(&self) -> Moment {
        self.room_for(1)
    }

    /// When the budget has room for one more, and for others that have an occasion.
    #[must_use]
    pub fn idle(&self) -> Moment {
        self.room_for(1 + SPARE)
    }

    fn room_for(&self, questions: usize) -> Moment {
        let in_the_way = (self.sent.len() + questions).checked_sub(A_SECOND + 1);
        let last = in_the_way.and_then(|index| self.sent.get(index));
        last.map_or(Moment::START, |at| *at + Duration::from_secs(1))
    }
}
