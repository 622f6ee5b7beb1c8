//! The black box: what happened lately, kept in memory, so that it can be replayed.
//!
//! Everything that the core was told is kept as JSON lines, with the moment and what followed. The
//! core is a function of its state and its events, so a state and the events after it say all there
//! is to say. The lines fill two halves in turn, each beginning with the core's whole state: when
//! one is full, the older one is given up, and what is left still begins with a state. A dump is a
//! header and both halves; `kube-vip-lab replay` runs it through the same core.
//!
//! Nothing in it is secret: the core knows no tokens and no keys.

pub mod dump;
pub mod lookout;
pub mod recorder;

use std::fmt::Display;
use std::mem;

use kube_vip_core::event::{Effect, Event};
use kube_vip_core::moment::Moment;
use kube_vip_core::node::Node;
use kube_vip_core::plan::Plan;
use serde::Serialize;

use crate::clock::Wall;
use crate::metrics::Release;

/// The form of the lines; raised when an older `kube-vip-lab replay` could no longer read them.
pub const FORM: u32 = 1;

/// A half is given up when it has so many bytes: thousands of events in both.
const HALF: usize = 640 * 1024;

/// What one event and its effects may take; more is left out, and said.
const LONGEST: usize = 32 * 1024;

/// What happened lately. Bounded by two halves of 640 KiB, and a state and an entry beyond each.
#[derive(Debug)]
pub struct BlackBox {
    older: Vec<u8>,
    newer: Vec<u8>,
    /// Where the last entry begins, while effects may still follow.
    open: Option<usize>,
    /// The next entry needs a state before it.
    stale: bool,
}

/// The first line of a dump.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Header<'a> {
    black_box: u32,
    version: &'a str,
    build: &'a str,
    node: &'a str,
    cause: String,
    /// The wall clock when the node's clock was at zero.
    started_at: String,
    /// The node's clock when this was written.
    dumped: Moment,
    seed: u64,
    plan: &'a Plan,
}

/// What a dump says of the process, beside what happened.
#[derive(Clone, Debug)]
pub struct Origin {
    /// What the node was told to do.
    pub plan: Plan,
    /// What runs here.
    pub release: Release,
    /// What the node's random numbers and its writes' marks come from.
    pub seed: u64,
}

impl BlackBox {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        let half = || Vec::with_capacity(HALF + 2 * LONGEST);
        Self { older: half(), newer: half(), open: None, stale: true }
    }

    /// Something happened: to be told before the node is, with nothing of it left to poll.
    pub fn happened(&mut self, event: &Event, at: Moment, node: &Node) {
        self.close();
        if self.stale || self.newer.len() >= HALF {
            self.turn(node);
        }
        self.open = Some(self.newer.len());
        self.newer.extend_from_slice(b"{\"at\":");
        json(&mut self.newer, &at);
        self.newer.extend_from_slice(b",\"event\":");
        json(&mut self.newer, event);
        self.newer.extend_from_slice(b",\"effects\":[");
    }

    /// What followed from it; each effect in turn.
    pub fn followed(&mut self, effect: &Effect) {
        if self.open.is_none() {
            return;
        }
        if self.newer.last() != Some(&b'[') {
            self.newer.push(b',');
        }
        json(&mut self.newer, effect);
    }

    /// All of it, from a header on; each line ends with a line feed.
    #[must_use]
    pub fn lines(&self, origin: &Origin, wall: Wall, cause: &impl Display) -> Vec<u8> {
        let mut lines = Vec::with_capacity(self.older.len() + self.newer.len() + LONGEST);
        let header = Header {
            black_box: FORM,
            version: origin.release.version,
            build: origin.release.build,
            node: origin.plan.node.as_str(),
            cause: cause.to_string(),
            started_at: format!("{:.6}", wall.time_of(Moment::START)),
            dumped: wall.now(),
            seed: origin.seed,
            plan: &origin.plan,
        };
        json(&mut lines, &header);
        lines.push(b'\n');
        lines.extend_from_slice(&self.older);
        lines.extend_from_slice(&self.newer);
        if self.open.is_some() {
            lines.extend_from_slice(b"]}\n");
        }
        lines
    }

    /// Ends the last entry. One that is too long is left out; what follows begins anew.
    fn close(&mut self) {
        let Some(start) = self.open.take() else { return };
        let length = self.newer.len() - start;
        if length > LONGEST {
            self.newer.truncate(start);
            self.newer.shrink_to(HALF + 2 * LONGEST);
            let gap = format!("{{\"gap\":\"an event of {length} bytes\"}}\n");
            self.newer.extend_from_slice(gap.as_bytes());
            self.stale = true;
        } else {
            self.newer.extend_from_slice(b"]}\n");
        }
    }

    /// Gives up the older half and begins a new one with the node's state. After a gap the half
    /// goes on instead, unless it is full: an event that is too long must not cost what was before.
    fn turn(&mut self, node: &Node) {
        if self.newer.len() >= HALF {
            mem::swap(&mut self.older, &mut self.newer);
            self.newer.clear();
        }
        self.newer.extend_from_slice(b"{\"checkpoint\":");
        json(&mut self.newer, node);
        self.newer.extend_from_slice(b"}\n");
        self.stale = false;
    }
}

impl Default for BlackBox {
    fn default() -> Self {
        Self::new()
    }
}

/// Everything that is written here has a form in JSON, as the tests show; what had none would stand
/// there as null, which the replay reports.
fn json(to: &mut Vec<u8>, value: &impl Serialize) {
    let start = to.len();
    if serde_json::to_writer(&mut *to, value).is_err() {
        to.truncate(start);
        to.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests;
