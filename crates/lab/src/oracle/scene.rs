//! The state of a world at one entry of its timeline: who answers, who holds, who is able to.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::timeline::{Entry, Fault, Part, Timeline, What};

/// The parts whose loss silences a node, or stops it from renewing: another one must take over.
const VITAL: [Part; 7] = [
    Part::Process,
    Part::Schedule,
    Part::Power,
    Part::Port,
    Part::Cable,
    Part::Hearing,
    Part::Voice,
];

/// The parts without which a host is not among those that make up the store.
const REACH: [Part; 5] = [Part::Power, Part::Port, Part::Cable, Part::Hearing, Part::Voice];

/// What is known after the entries so far.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    nodes: Vec<Node>,
    store_away: bool,
    holder: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    answers: bool,
    missing: BTreeSet<Part>,
    wrote: Option<Duration>,
}

impl Scene {
    /// Before the first entry: nobody answers, and nothing is missing but the daemons that the
    /// recording shows being started before anything else is done to them.
    pub(super) fn before(timeline: &Timeline) -> Self {
        let mut scene = Self {
            nodes: vec![Node::default(); timeline.nodes.len()],
            store_away: false,
            holder: None,
        };
        for entry in timeline.entries.iter().rev() {
            let What::Fault(fault) = entry.what else { continue };
            let Some(node) = fault.node().and_then(|node| scene.nodes.get_mut(node)) else {
                continue;
            };
            if fault.takes() == Some(Part::Process) {
                node.missing.remove(&Part::Process);
            } else if fault.gives() == Some(Part::Process) {
                node.missing.insert(Part::Process);
            }
        }
        scene
    }

    /// One more entry.
    pub(super) fn follow(&mut self, entry: &Entry) {
        match entry.what {
            What::Answers { node, on } => self.with(node, |node| node.answers = on),
            What::Lease { holder } => {
                self.holder = holder;
                if let Some(holder) = holder {
                    self.with(holder, |node| node.wrote = Some(entry.at));
                }
            }
            What::Renewed { node } => {
                // A recording may begin in the middle of a term.
                self.holder = Some(node);
                self.with(node, |node| node.wrote = Some(entry.at));
            }
            What::Fault(fault) => self.strike(fault),
            What::Configured { .. } | What::Announced { .. } | What::Outage(_) => {}
        }
    }

    fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::StoreAway => self.store_away = true,
            Fault::StoreBack => self.store_away = false,
            _ => {}
        }
        let Some(node) = fault.node() else { return };
        self.with(node, |node| {
            node.missing.extend(fault.takes());
            if let Some(part) = fault.gives() {
                node.missing.remove(&part);
                if part == Part::Process {
                    // It was another process that was frozen.
                    node.missing.remove(&Part::Schedule);
                }
            }
        });
    }

    fn with(&mut self, node: usize, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(node) {
            change(node);
        }
    }

    fn node(&self, node: usize) -> Option<&Node> {
        self.nodes.get(node)
    }

    /// The nodes that answer.
    pub(super) fn answering(&self) -> impl Iterator<Item = usize> {
        let answers = |(index, node): (usize, &Node)| node.answers.then_some(index);
        self.nodes.iter().enumerate().filter_map(answers)
    }

    /// The node answers.
    pub(super) fn answers(&self, node: usize) -> bool {
        self.node(node).is_some_and(|node| node.answers)
    }

    /// Whom the Lease names.
    pub(super) const fn holder(&self) -> Option<usize> {
        self.holder
    }

    /// When the node last wrote the Lease.
    pub(super) fn wrote(&self, node: usize) -> Option<Duration> {
        self.node(node).and_then(|node| node.wrote)
    }

    /// Nothing has been taken from the node.
    pub(super) fn is_able(&self, node: usize) -> bool {
        self.node(node).is_some_and(|node| node.missing.is_empty())
    }

    /// Nothing has been taken from the node whose loss means that another one must take over.
    pub(super) fn is_whole(&self, node: usize) -> bool {
        let vital = |node: &Node| node.missing.iter().any(|part| is_vital(*part));
        self.node(node).is_some_and(|node| !vital(node))
    }

    /// The API accepts writes of those that reach it: there is a store, and more than half of the
    /// hosts make it up.
    pub(super) fn accepts_writes(&self) -> bool {
        let connected = |node: &&Node| !REACH.iter().any(|part| node.missing.contains(part));
        !self.store_away && self.nodes.iter().filter(connected).count() * 2 > self.nodes.len()
    }

    /// The nodes that are able to take the address, if the API accepts writes.
    pub(super) fn able(&self) -> BTreeSet<usize> {
        if !self.accepts_writes() {
            return BTreeSet::new();
        }
        (0..self.nodes.len()).filter(|node| self.is_able(*node)).collect()
    }
}

/// Whether the loss of this part means that another node must take over.
pub(super) fn is_vital(part: Part) -> bool {
    VITAL.contains(&part)
}
