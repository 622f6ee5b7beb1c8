//! Questions on the wire, within one budget for all addresses of an interface.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Mac;
use crate::event::Effect;
use crate::moment::Moment;
use crate::wire::arp;

/// So many a second: switches with ARP inspection shut a port at 15 by default.
const A_SECOND: u32 = 8;

/// What has been asked lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// When the last ones were sent, the oldest first.
    sent: Vec<Moment>,
}

impl Probes {
    /// The question, if the budget has room for it.
    pub fn ask(&mut self, packet: arp::Packet, to: Mac, now: Moment) -> Option<Effect> {
        if now < self.free() {
            return None;
        }
        if self.sent.len() >= A_SECOND as usize {
            self.sent.remove(0);
        }
        self.sent.push(now);
        Some(Effect::Question { packet, to })
    }

    /// When the budget has room for one more.
    #[must_use]
    pub fn free(&self) -> Moment {
        match self.sent.first() {
            Some(first) if self.sent.len() >= A_SECOND as usize => *first + Duration::from_secs(1),
            _ => Moment::START,
        }
    }
}
