//! What this node writes into the Lease, and when it sent what.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::NodeName;
use crate::election::Sight;
use crate::event::{LeaseWrite, Marks, Nonce, Stamp};
use crate::moment::Moment;

/// Writes that are remembered, in case their answer was lost.
const REMEMBERED: usize = 16;

/// This process's writes. Only claims and renewals are remembered, and only until a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Writes {
    node: NodeName,
    duration: Duration,
    seed: u64,
    count: u64,
    sent: VecDeque<(Nonce, Moment)>,
}

impl Writes {
    /// No writes yet. The seed must differ from any other process's.
    pub(super) const fn new(node: NodeName, duration: Duration, seed: u64) -> Self {
        Self { node, duration, seed, count: 0, sent: VecDeque::new() }
    }

    /// This node's name, as it stands in the Lease.
    pub(super) fn holder(&self) -> &str {
        self.node.as_str()
    }

    /// When the claim or renewal with this mark was sent, if it was ours and still counts.
    pub(super) fn sent(&self, nonce: Option<&Nonce>) -> Option<Moment> {
        self.sent.iter().find(|(known, _)| Some(known) == nonce).map(|(_, sent)| *sent)
    }

    /// A claim or a renewal, sent at `now`. As client-go, a change of holder is a transition and
    /// has its own time.
    pub(super) fn claim(&mut self, sight: &Sight, marks: Marks, now: Moment) -> LeaseWrite {
        let nonce = self.nonce();
        self.sent.push_back((nonce.clone(), now));
        if self.sent.len() > REMEMBERED {
            self.sent.pop_front();
        }
        let record = &sight.record;
        let (transitions, acquired) = match &sight.version {
            _ if record.holder == self.holder() => {
                (record.transitions, Stamp::Keep(record.acquired))
            }
            Some(_) => (record.transitions.saturating_add(1), Stamp::Now),
            None => (record.transitions, Stamp::Now),
        };
        LeaseWrite {
            version: sight.version.clone(),
            holder: self.holder().to_owned(),
            duration: self.duration,
            transitions,
            acquired,
            nonce,
            marks,
        }
    }

    /// A release as client-go's: no holder, a duration of one second. What was written before must
    /// never entitle again, however late we hear of it.
    pub(super) fn release(&mut self, sight: &Sight, marks: Marks) -> LeaseWrite {
        self.sent.clear();
        LeaseWrite {
            version: sight.version.clone(),
            holder: String::new(),
            duration: Duration::from_secs(1),
            transitions: sight.record.transitions,
            acquired: Stamp::Now,
            nonce: self.nonce(),
            marks,
        }
    }

    fn nonce(&mut self) -> Nonce {
        self.count += 1;
        Nonce(format!("{:016x}-{}", self.seed, self.count))
    }
}
