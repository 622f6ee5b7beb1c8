//! Looks out for what must not be: the loop notices it, and the black box is written.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use kube_vip_core::address::NodeName;
use kube_vip_core::event::Voice;
use kube_vip_core::moment::Moment;
use kube_vip_core::status::{Notice, Reason, Status};

use crate::logging::span;

/// Snapshots of the kernel arrive within milliseconds of a change; an address that is still heard
/// so long after its term was not silenced.
const SILENCED: Duration = Duration::from_secs(1);

/// From one violation that is written out to the next.
const PAUSE: Duration = Duration::from_secs(600);

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The loop was to act before the end of a term, and came so long after it.
    Late(Duration),
    /// The kernel lets an address answer although the node's term ended at that moment.
    Answering(IpAddr, Moment),
    /// Another node of the election speaks for an address that this node holds.
    Two(IpAddr, NodeName),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(by) => write!(
                f,
                "the control loop came back {} after the end of a term, before which it was to act",
                span(*by)
            ),
            Self::Answering(address, ended) => {
                write!(f, "{address} still answers, and the term ended at {ended}")
            }
            Self::Two(address, node) => {
                write!(f, "{node} speaks for {address} while this node holds it")
            }
        }
    }
}

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Lookout {
    /// When the last term of this process ended; none: it has one, or had none, or it was told.
    ended: Option<Moment>,
    /// When a violation was written out last.
    written: Option<Moment>,
}

impl Lookout {
    /// The loop woke up, with this status as it was before and this deadline of the node.
    #[must_use]
    pub fn woke(
        &self,
        status: &Status,
        deadline: Option<Moment>,
        now: Moment,
    ) -> Option<Violation> {
        let until = status.term?.until;
        let had = status.vips.iter().any(|vip| vip.present);
        let due = deadline.is_some_and(|deadline| deadline < until) && status.holding_on.is_none();
        (had && due && until < now).then(|| Violation::Late(now.since(until)))
    }

    /// The node handled what there was: its status before and after it.
    pub fn handled(&mut self, before: &Status, after: &Status, now: Moment) -> Option<Violation> {
        let may = after.term.is_some() || after.holding_on.is_some();
        if may || moves(after) {
            self.ended = None;
            return None;
        }
        let had = before.term.is_some() || before.holding_on.is_some();
        if had || moves(before) {
            self.ended = Some(now);
        }
        let ended = self.ended.filter(|ended| *ended + SILENCED < now)?;
        let speaks = after.vips.iter().find(|vip| vip.voice == Some(Voice::Answering))?;
        self.ended = None;
        Some(Violation::Answering(speaks.vip.address(), ended))
    }

    /// People are being told something, by a node of this status.
    #[must_use]
    pub fn told(notice: &Notice, status: &Status) -> Option<Violation> {
        match notice {
            Notice::Rival { address, node: Some(node), .. } if status.term.is_some() => {
                Some(Violation::Two(*address, node.clone()))
            }
            _ => None,
        }
    }

    /// Whether a violation is to be written out now: one that goes on for hours must not fill the
    /// log.
    pub fn may_write(&mut self, now: Moment) -> bool {
        let may = self.written.is_none_or(|written| written + PAUSE <= now);
        if may {
            self.written = Some(now);
        }
        may
    }
}

/// A move is under way, to a certain node or to whoever comes.
fn moves(status: &Status) -> bool {
    status.handing_over.is_some() || status.reason == Reason::HandingOver
}

#[cfg(test)]
mod tests;
