//! What happened to one address in one world, simulated or real: who held, answered and announced,
//! which faults struck, what the client saw. The oracle judges it, reports draw it.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod fault;
mod parts;
#[cfg(test)]
mod tests;

pub use fault::{Fault, Part};
pub use parts::Parts;

/// A recording of one address over one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// The nodes' names; entries speak of them by index.
    pub nodes: Vec<String>,
    /// Entries in the order of time.
    pub entries: Vec<Entry>,
    /// When the recording ended, since its start.
    pub ended: Duration,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, since the start of the recording.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happened. Nodes are indices into [`Timeline::nodes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// The node began or ceased to answer for the address, as seen on the clients' segment: a node
    /// that is cut off does not answer, whatever its kernel has.
    Answers {
        /// Who.
        node: usize,
        /// Began, or ceased.
        on: bool,
    },
    /// The node's kernel got or lost the address.
    Configured {
        /// Where.
        node: usize,
        /// Got, or lost.
        on: bool,
    },
    /// The node announced the address: a gratuitous ARP crossed the clients' segment.
    Announced {
        /// Who.
        node: usize,
    },
    /// The Lease got another holder (none: nobody, or a stranger).
    Lease {
        /// Who.
        holder: Option<usize>,
    },
    /// The Lease was written without a change of holder: its term begins anew. Optional: where
    /// renewals are not recorded, the oracle takes the longest term that is possible.
    Renewed {
        /// The holder.
        node: usize,
    },
    /// The node's kernel has a fence that ends on time, or has none. Optional: where it is not
    /// recorded, the oracle takes it that only address lifetimes end a dead node's answers.
    Fenced {
        /// Whose.
        node: usize,
        /// It has one.
        on: bool,
    },
    /// What the node's daemon says of itself and of the Lease. Optional: G7 is judged only where
    /// it is recorded.
    Says {
        /// Who.
        node: usize,
        /// It says that it holds.
        holds: bool,
        /// Whom it says the Lease names (none: nobody, or a stranger).
        holder: Option<usize>,
    },
    /// A fault struck, or ended.
    Fault(Fault),
    /// The client's probe went unanswered for this long, from `at` on.
    Outage(Duration),
    /// The client's connection that was begun at `at` took so long, to come about or to fail.
    Slow(Duration),
}

impl Timeline {
    /// Takes over what another recording has that is no one address's: faults, the Lease, what
    /// daemons say. This one began so much later.
    pub fn share(&mut self, other: &Self, later: Duration) {
        let common = |entry: &&Entry| match entry.what {
            What::Answers { .. }
            | What::Configured { .. }
            | What::Announced { .. }
            | What::Outage(_)
            | What::Slow(_) => false,
            What::Lease { .. }
            | What::Renewed { .. }
            | What::Fenced { .. }
            | What::Says { .. }
            | What::Fault(_) => true,
        };
        let shifted =
            |entry: &Entry| Entry { at: entry.at.saturating_sub(later), what: entry.what.clone() };
        self.entries.extend(other.entries.iter().filter(common).map(shifted));
        self.entries.sort_by_key(|entry| entry.at);
    }

    /// Leaves out slow connections that began in an outage, or beside it: it explains them.
    pub fn leave_out_explained(&mut self) {
        const BESIDE: Duration = Duration::from_millis(10);
        let span = |entry: &Entry| match entry.what {
            What::Outage(length) => {
                Some(entry.at.saturating_sub(BESIDE)..=entry.at + length + BESIDE)
            }
            _ => None,
        };
        let outages: Vec<_> = self.entries.iter().filter_map(span).collect();
        self.entries.retain(|entry| {
            let slow = matches!(entry.what, What::Slow(_));
            !(slow && outages.iter().any(|outage| outage.contains(&entry.at)))
        });
    }

    /// The name of a node; its index where it has none.
    #[must_use]
    pub fn name(&self, node: usize) -> String {
        self.nodes.get(node).cloned().unwrap_or_else(|| format!("node {node}"))
    }

    /// One thing that happened, as a short clause.
    #[must_use]
    pub fn describe(&self, what: &What) -> String {
        match what {
            What::Answers { node, on: true } => format!("{} answers", self.name(*node)),
            What::Answers { node, on: false } => format!("{} is silent", self.name(*node)),
            What::Configured { node, on: true } => format!("{} has the address", self.name(*node)),
            What::Configured { node, on: false } => {
                format!("{} lost the address", self.name(*node))
            }
            What::Announced { node } => format!("{} announces", self.name(*node)),
            What::Lease { holder: Some(node) } => format!("the Lease names {}", self.name(*node)),
            What::Lease { holder: None } => "the Lease names nobody".to_owned(),
            What::Renewed { node } => format!("{} renewed the Lease", self.name(*node)),
            What::Fenced { node, on: true } => format!("{} has a fence", self.name(*node)),
            What::Fenced { node, on: false } => format!("{} has no fence", self.name(*node)),
            What::Says { node, holds, holder } => {
                let holder = holder.map_or("nobody".to_owned(), |holder| self.name(holder));
                let holds = if *holds { "it holds" } else { "it does not hold" };
                format!("{} says that {holds}, and that the Lease names {holder}", self.name(*node))
            }
            What::Fault(fault) => match fault.node() {
                Some(node) => format!("* {}: {}", self.name(node), fault.text()),
                None => format!("* {}", fault.text()),
            },
            What::Outage(span) => format!("no answer for {:.3} s", span.as_secs_f64()),
            What::Slow(span) => format!("a connection took {:.3} s", span.as_secs_f64()),
        }
    }

    /// The whole recording as plain text, one line per entry; renewals and announcements, which
    /// are many, only where `wanted` says so.
    #[must_use]
    pub fn text(&self, wanted: impl Fn(&What) -> bool) -> String {
        let mut text = String::new();
        for entry in self.entries.iter().filter(|entry| wanted(&entry.what)) {
            let at = entry.at.as_secs_f64();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{at:>10.4} s  {}", self.describe(&entry.what));
        }
        let _ = writeln!(text, "{:>10.4} s  end", self.ended.as_secs_f64());
        text
    }

    /// How long nobody answered at the longest, between the first answer and the end.
    #[must_use]
    pub fn longest_silence(&self) -> Duration {
        let mut answering = 0_u32;
        let mut silent_since = None;
        let mut longest = Duration::ZERO;
        for entry in &self.entries {
            match entry.what {
                What::Answers { on: true, .. } => {
                    answering += 1;
                    if let Some(since) = silent_since.take() {
                        longest = longest.max(entry.at.saturating_sub(since));
                    }
                }
                What::Answers { on: false, .. } => {
                    answering = answering.saturating_sub(1);
                    if answering == 0 {
                        silent_since = Some(entry.at);
                    }
                }
                _ => {}
            }
        }
        let open = silent_since.map_or(Duration::ZERO, |since| self.ended.saturating_sub(since));
        longest.max(open)
    }
}
