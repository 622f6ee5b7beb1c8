//! The state of a world at one entry of its timeline: who answers, who holds, who is able to.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::timeline::{Entry, Fault, Part, Parts, Timeline, What};

use super::Bounds;

mod node;

use node::Node;

/// The parts whose loss silences a node, or stops it from renewing: another one must take over.
const VITAL: Parts = Parts::of(&[
    Part::Process,
    Part::Schedule,
    Part::Power,
    Part::Port,
    Part::Cable,
    Part::Hearing,
    Part::Voice,
    Part::Segment,
]);

/// The parts without which a host is not among those that make up the store.
const REACH: Parts =
    Parts::of(&[Part::Power, Part::Port, Part::Cable, Part::Hearing, Part::Voice, Part::Segment]);

/// The parts without which the node's own API server is away, or slow.
const API: Parts = Parts::of(&[Part::ApiProcess, Part::ApiSchedule, Part::ApiPace]);

/// The parts without which a daemon does not run as it should.
const DAEMON: Parts =
    Parts::of(&[Part::Process, Part::Schedule, Part::Processor, Part::Kernel, Part::Power]);

/// The parts without which what a node announces may not arrive, or late.
const FRAMES: Parts =
    Parts::of(&[Part::Frames, Part::Voice, Part::Hearing, Part::Port, Part::Processor]);

/// The parts without which a node hears nobody.
const EARS: Parts = Parts::of(&[Part::Power, Part::Port, Part::Cable, Part::Hearing]);

/// What is known after the entries so far.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    nodes: Vec<Node>,
    store_away: bool,
    stranger: bool,
    holder: Option<usize>,
    /// When somebody who is no holder last changed whom the Lease names.
    meddled: Option<Duration>,
    /// When the Lease last got a holder, and when somebody last undid such a thing at once.
    claimed: Option<Duration>,
    undone: Option<Duration>,
}

/// A claim that stood no longer than this may not have been seen by anybody.
const UNSEEN: Duration = Duration::from_millis(100);

impl Scene {
    /// Before the first entry: nobody answers, and nothing is missing but the daemons that the
    /// recording shows being started before anything else is done to them.
    pub(super) fn before(timeline: &Timeline) -> Self {
        let mut scene = Self {
            nodes: vec![Node::default(); timeline.nodes.len()],
            store_away: false,
            stranger: false,
            holder: None,
            meddled: None,
            claimed: None,
            undone: None,
        };
        for entry in timeline.entries.iter().rev() {
            let What::Fault(fault) = entry.what else { continue };
            let Some(node) = fault.node().and_then(|node| scene.nodes.get_mut(node)) else {
                continue;
            };
            if fault.takes() == Some(Part::Process) {
                node.missing.remove(Part::Process);
            } else if fault.gives() == Some(Part::Process) {
                node.missing.insert(Part::Process);
            }
        }
        scene
    }

    /// One more entry.
    pub(super) fn follow(&mut self, entry: &Entry) {
        self.note_troubles(entry.at);
        match entry.what {
            What::Answers { node, on } => {
                let holds = self.holder == Some(node);
                self.with(node, |node| node.answer(on, holds));
            }
            What::Lease { holder } => {
                if let (Some(giver), None) = (self.holder, holder) {
                    self.with(giver, |node| node.released = Some(entry.at));
                }
                self.holder = holder;
                if let Some(holder) = holder.filter(|_| self.meddled != Some(entry.at)) {
                    self.claimed = Some(entry.at);
                    self.with(holder, |node| node.wrote_at(entry.at));
                }
            }
            What::Renewed { node } => {
                // A recording may begin in the middle of a term.
                self.holder = Some(node);
                self.with(node, |node| node.wrote_at(entry.at));
            }
            What::Fenced { node, on } => self.with(node, |node| {
                node.fence = (on, if on { node.fence.1 } else { Some(entry.at) });
            }),
            What::Fault(fault) => {
                if matches!(fault, Fault::LeaseDeleted | Fault::LeaseRestored) {
                    self.meddled = Some(entry.at);
                    let fresh = self.claimed.is_some_and(|at| entry.at <= at + UNSEEN);
                    self.undone = if fresh { Some(entry.at) } else { self.undone };
                }
                self.strike(fault);
            }
            What::Configured { .. }
            | What::Announced { .. }
            | What::Says { .. }
            | What::Outage(_)
            | What::Slow(_) => {}
        }
        self.note_troubles(entry.at);
    }

    fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::StoreAway => self.store_away = true,
            Fault::StoreBack => self.store_away = false,
            Fault::StrangerCame => self.stranger = true,
            Fault::StrangerLeft => self.stranger = false,
            _ => {}
        }
        let Some(node) = fault.node() else { return };
        self.with(node, |node| node.strike(fault));
    }

    /// Since when which trouble lasts, and until when it lasted.
    fn note_troubles(&mut self, at: Duration) {
        for index in 0..self.nodes.len() {
            let api_is_bad = self.api_is_bad(index);
            let others = (0..self.nodes.len()).filter(|other| *other != index);
            let served = others.clone().any(|other| {
                let node = &self.nodes[other];
                !node.lacks(REACH) && !node.missing.contains(Part::ApiProcess)
            });
            let node = &mut self.nodes[index];
            node.api_trouble.note(api_is_bad, at);
            node.learn(api_is_bad, at);
            node.garbled.note(node.lacks(FRAMES), at);
            node.unwell.note(node.lacks(DAEMON), at);
            node.deaf.note(node.lacks(EARS), at);
            let shut_out = served && node.missing.contains(Part::ApiProcess);
            node.shut_out.note(shut_out, at);
        }
    }

    fn with(&mut self, node: usize, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(node) {
            change(node);
        }
    }

    fn node(&self, node: usize) -> Option<&Node> {
        self.nodes.get(node)
    }

    /// Every node.
    pub(super) fn all(&self) -> std::ops::Range<usize> {
        0..self.nodes.len()
    }

    /// The nodes that answer, except where the original left the address and our daemon has not
    /// yet come to it.
    pub(super) fn answering(&self) -> impl Iterator<Item = usize> {
        let answers =
            |(index, node): (usize, &Node)| (node.answers && !node.original).then_some(index);
        self.nodes.iter().enumerate().filter_map(answers)
    }

    /// The node with the original's address that the Lease names: it is right, unless somebody
    /// meddled with the Lease less than a lease duration ago. The original minds nothing of that.
    pub(super) fn rightful_original(&self, at: Duration, lease: Duration) -> Option<usize> {
        let right = |holder: &usize| self.node(*holder).is_some_and(|n| n.answers && n.original);
        let meddled = self.meddled.is_some_and(|then| at <= then + lease);
        self.holder.filter(right).filter(|_| !meddled)
    }

    /// A claim was undone by somebody at `since` or later, before anybody can have seen it.
    pub(super) fn undid_a_claim(&self, since: Duration) -> bool {
        self.undone.is_some_and(|at| at >= since)
    }

    /// Somebody who is no holder changed just then whom the Lease names.
    pub(super) fn was_meddled_with(&self, at: Duration) -> bool {
        self.meddled == Some(at)
    }

    /// Somewhere the original runs, or left its address.
    pub(super) fn has_original(&self) -> bool {
        self.nodes.iter().any(|node| node.original)
    }

    /// A stranger has the address.
    pub(super) const fn has_stranger(&self) -> bool {
        self.stranger
    }

    /// The node answers.
    pub(super) fn answers(&self, node: usize) -> bool {
        self.node(node).is_some_and(|node| node.answers)
    }

    /// What stands there is the original's.
    pub(super) fn is_original(&self, node: usize) -> bool {
        self.node(node).is_some_and(|node| node.original)
    }

    /// The node's kernel ends what nobody renews on time.
    pub(super) fn is_fenced(&self, node: usize) -> bool {
        self.node(node).is_some_and(|node| node.fence.0)
    }

    /// The entry shows that a node wrote the Lease.
    pub(super) fn is_written_by(&self, entry: &Entry) -> Option<usize> {
        match entry.what {
            What::Renewed { node } => Some(node),
            What::Lease { holder } => holder.filter(|_| self.meddled != Some(entry.at)),
            _ => None,
        }
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

    /// Nothing has been taken from the node but some of these parts.
    pub(super) fn lacks_only(&self, node: usize, parts: Parts) -> bool {
        self.node(node).is_some_and(|node| node.missing.without(parts).is_empty())
    }

    /// Nothing has been taken from the node whose loss means that another one must take over.
    pub(super) fn is_whole(&self, node: usize) -> bool {
        self.node(node).is_some_and(|node| !node.lacks(VITAL))
    }

    /// The node is lost to the others, or hears nobody.
    pub(super) fn is_cut_off(&self, node: usize) -> bool {
        self.node(node).is_none_or(|node| node.lacks(REACH))
    }

    /// The node's daemon lives and gets what it needs of its own host.
    pub(super) fn is_well(&self, node: usize) -> bool {
        let own = Parts::of(&[Part::Kernel, Part::Processor]);
        self.is_whole(node) && self.node(node).is_some_and(|node| !node.lacks(own))
    }

    /// The node has written the Lease since its API was last slow or away.
    pub(super) fn has_renewed(&self, node: usize) -> bool {
        let renewed = |node: &Node| node.wrote.is_some_and(|at| !node.api_trouble.lasted_after(at));
        self.node(node).is_some_and(renewed)
    }

    /// The node's own API server is dead, and another one is not.
    pub(super) fn is_shut_out(&self, node: usize) -> bool {
        self.node(node).is_some_and(|node| node.shut_out.lasts)
    }

    /// The node's daemon has run since `since`, and gets what it needs of its own host.
    pub(super) fn has_run_since(&self, node: usize, since: Duration) -> bool {
        self.node(node).is_some_and(|node| !node.unwell.lasted_after(since))
    }

    /// Frames to and from any of the nodes that answer were lost at `since` or later.
    pub(super) fn lost_frames(&self, since: Duration) -> bool {
        self.nodes.iter().any(|node| node.answers && node.garbled.lasted_after(since))
    }

    /// Somebody deleted the node's fence at `since` or later.
    pub(super) fn lost_its_fence(&self, node: usize, since: Duration) -> bool {
        self.node(node).and_then(|node| node.fence.1).is_some_and(|at| at >= since)
    }

    /// The API accepts writes of those that reach it: there is a store, and more than half of the
    /// hosts make it up.
    pub(super) fn accepts_writes(&self) -> bool {
        let connected = |node: &&Node| !node.lacks(REACH);
        !self.store_away && self.nodes.iter().filter(connected).count() * 2 > self.nodes.len()
    }

    /// The node's API is slow or away.
    pub(super) fn api_is_bad(&self, node: usize) -> bool {
        let own = self.node(node).is_none_or(|node| node.lacks(API) || node.lacks(REACH));
        own || !self.accepts_writes()
    }

    /// The nodes that are able to take the address, if the API accepts writes and nobody else has
    /// it.
    pub(super) fn able(&self) -> BTreeSet<usize> {
        if !self.accepts_writes() || self.stranger {
            return BTreeSet::new();
        }
        self.all().filter(|node| self.is_able(*node)).collect()
    }

    /// The node holds on, as it may: its term is over because the API was away for it, it hears
    /// others, and not only others have an API server. Then it may meet its successor.
    pub(super) fn may_hold_on(&self, node: usize, at: Duration, bounds: &Bounds) -> bool {
        let Some(node) = self.node(node) else { return false };
        let Some(wrote) = node.wrote else { return false };
        // Its own clock may be slow, the successor's fast; and a term is shorter than the lease.
        let over = wrote + (bounds.shortest_lease - bounds.shortest_lease / 500);
        let surely = wrote + bounds.lease_duration;
        // Who released, and cannot know whether anybody took it, has no term either.
        let over = node.released.filter(|at| *at >= wrote).map_or(over, |at| at.min(over));
        over <= at
            && node.api_trouble.lasted_after(wrote)
            && !node.deaf.exceeds(surely, HEARS_WITHIN)
            && !(node.learnt && node.shut_out.exceeds(surely, NOTICES_WITHIN))
    }
}

/// A holder that hears nobody lets go within this time, once its term is over: a second, and what
/// it takes to notice.
const HEARS_WITHIN: Duration = Duration::from_millis(1500);

/// A holder whose API server is dead while others' are not lets go within this time.
const NOTICES_WITHIN: Duration = Duration::from_secs(5);

/// Whether the loss of this part means that another node must take over.
pub(super) fn is_vital(part: Part) -> bool {
    VITAL.contains(part)
}
