//! Holding back moves that follow each other too fast.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// EVPN fabrics freeze an address that moves 5 times in 180 s (RFC 7432, section 15.1).
const MOST: usize = 4;

/// See [`MOST`].
const WITHIN: Duration = Duration::from_secs(180);

/// When the address has moved lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damping {
    holder: Option<String>,
    moves: VecDeque<Moment>,
}

impl Damping {
    /// This node has the Lease now.
    pub fn holds(&mut self, holder: &str, now: Moment) {
        if self.holder.as_deref() == Some(holder) {
            return;
        }
        if self.holder.replace(holder.to_owned()).is_some() {
            self.moves.push_back(now);
        }
        if self.moves.len() > MOST {
            self.moves.pop_front();
        }
    }

    /// The last one that had the Lease.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        self.holder.as_deref()
    }

    /// Another move now would be one too many.
    #[must_use]
    pub fn holds_back(&self, now: Moment) -> bool {
        self.until().is_some_and(|until| now < until)
    }

    /// When the next move may be.
    #[must_use]
    pub fn until(&self) -> Option<Moment> {
        let first = self.moves.front().filter(|_| self.moves.len() >= MOST)?;
        Some(*first + WITHIN)
    }
}
