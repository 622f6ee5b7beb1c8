//! Keeping the addresses past the term when the API is away for all alike: what nobody can claim
//! in the Lease, nobody else can take over, and the one who has it serves best.
//!
//! It begins a little before the kernel would remove the addresses, whose lifetimes have whole
//! seconds and end before the term does: else there would be a gap.
//!
//! Stated plainly: on a segment that is itself partitioned, each half may then be served by one
//! owner. Who prefers none switches it off.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::status::HoldingOnEnd;

/// The fence is refreshed in steps of this length: as long as an address without its daemon stays.
/// A step's address lifetime is 2 s, also if the driver takes 200 ms to begin: with 2.5 s it would
/// be 1 s, and end just when the next step begins.
const STEP: Duration = Duration::from_millis(2700);

/// The next step is taken when so much of the last one is left.
const NEXT_STEP: Duration = Duration::from_millis(1700);

/// Somebody else on the segment must have answered within this time.
const ALIVE_WITHIN: Duration = Duration::from_secs(1);

/// What speaks for and against keeping the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a ground of its own, in no order")]
pub struct Grounds {
    /// The operator wants it, the node is fit as far as it goes (link, kernel), not ending, and was
    /// called in time: one that is starved takes its own lateness for that of others.
    pub may: bool,
    /// The API does not answer this node, or too late.
    pub api_is_away: bool,
    /// The Lease names another node, as last seen.
    pub successor: bool,
    /// Our own API server process accepts connections, or none that we know of does.
    pub serves: bool,
    /// Another station was confirmed to answer for an address.
    pub rival: bool,
    /// When somebody else on the segment last answered us.
    pub alive: Option<Moment>,
}

/// The addresses are kept past the term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldingOn {
    /// Since when.
    pub since: Moment,
    /// The end of the present step.
    pub until: Moment,
    /// The end of the term that was not renewed.
    pub past: Moment,
}

impl HoldingOn {
    /// Begins, if nothing speaks against it; renewing has failed until now.
    #[must_use]
    pub fn begin(grounds: &Grounds, past: Moment, now: Moment) -> Option<Self> {
        let fine = grounds.api_is_away && against(grounds, now).is_none();
        fine.then(|| Self { since: now, until: now + STEP, past })
    }

    /// Goes on.
    ///
    /// # Errors
    /// What ends it.
    pub fn go_on(&mut self, grounds: &Grounds, now: Moment) -> Result<(), HoldingOnEnd> {
        if let Some(end) = against(grounds, now) {
            return Err(end);
        }
        if self.until <= now + NEXT_STEP {
            self.until = now + STEP;
        }
        Ok(())
    }

    /// When to look again.
    #[must_use]
    pub fn deadline(&self, alive: Option<Moment>, now: Moment) -> Moment {
        let dead = alive.map(|at| at + ALIVE_WITHIN).filter(|at| *at > now);
        let step = self.until - NEXT_STEP;
        dead.map_or(step, |dead| dead.min(step))
    }
}

fn against(grounds: &Grounds, now: Moment) -> Option<HoldingOnEnd> {
    let alive = grounds.alive.is_some_and(|at| now.since(at) < ALIVE_WITHIN);
    let ends = [
        (!grounds.may, HoldingOnEnd::LetGo),
        (grounds.successor || grounds.rival, HoldingOnEnd::Successor),
        (!grounds.serves, HoldingOnEnd::OthersServed),
        (!alive, HoldingOnEnd::SegmentDead),
    ];
    ends.into_iter().find(|(against, _)| *against).map(|(_, end)| end)
}
