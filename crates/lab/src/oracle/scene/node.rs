//! What is known of one node.

use std::time::Duration;

use crate::timeline::{Fault, Part, Parts};

/// One node after the entries so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) answers: bool,
    pub(super) missing: Parts,
    pub(super) wrote: Option<Duration>,
    /// When it last released the Lease.
    pub(super) released: Option<Duration>,
    /// It has a fence, and when somebody last deleted one.
    pub(super) fence: (bool, Option<Duration>),
    /// The original runs here, or somebody else left the address that is found here.
    pub(super) original: bool,
    /// Its API was slow or away.
    pub(super) api_trouble: Trouble,
    /// It heard nobody.
    pub(super) deaf: Trouble,
    /// Since when its daemon has had nothing to complain of.
    pub(super) able: Option<Duration>,
    /// Its daemon had the time to learn of other API servers.
    pub(super) learnt: bool,
    /// What it announces may not have arrived.
    pub(super) garbled: Trouble,
    /// Its daemon did not run, or not when it wanted to.
    pub(super) unwell: Trouble,
    /// Its API server was dead while another one was not.
    pub(super) shut_out: Trouble,
}

impl Node {
    pub(super) const fn lacks(&self, parts: Parts) -> bool {
        self.missing.meets(parts)
    }

    /// Time has passed.
    pub(super) fn learn(&mut self, api_is_bad: bool, at: Duration) {
        let able = self.missing.is_empty() && !api_is_bad;
        self.learnt |= self.able.is_some_and(|since| at >= since + LEARNS_WITHIN);
        self.able = if able { Some(self.able.unwrap_or(at)) } else { None };
    }

    /// It begins or ceases to answer, while the Lease names it or does not.
    pub(super) fn answer(&mut self, on: bool, holds: bool) {
        self.answers = on;
        // Only a daemon that runs can have silenced what it found, or taken it over as the holder.
        let idle = self.lacks(Parts::of(&[Part::Process, Part::Schedule, Part::Kernel]));
        self.original &= idle || (on && !holds);
    }

    pub(super) fn wrote_at(&mut self, at: Duration) {
        self.wrote = Some(at);
        // Ours holds here now, and with it what it found.
        self.original &= self.missing.contains(Part::Process);
    }

    pub(super) fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::Reverted(_) => self.original = true,
            Fault::AddressLeft(_) => self.original |= !self.answers,
            _ => {}
        }
        if let Some(part) = fault.takes() {
            self.missing.insert(part);
        }
        if let Some(part) = fault.gives() {
            self.missing.remove(part);
            if part == Part::Process {
                (self.able, self.learnt) = (None, false);
                // It was another process that was frozen.
                self.missing.remove(Part::Schedule);
                self.original &= self.answers;
            }
        }
    }
}

/// A daemon that can ask for other API servers knows them within this time.
const LEARNS_WITHIN: Duration = Duration::from_secs(2);

/// A trouble that comes and goes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trouble {
    pub(super) lasts: bool,
    since: Duration,
    until: Option<Duration>,
}

impl Trouble {
    pub(super) fn note(&mut self, on: bool, at: Duration) {
        if on && !self.lasts {
            self.since = at;
        }
        if on || self.lasts {
            self.until = Some(at);
        }
        self.lasts = on;
    }

    /// It lasts, or did at some time after `at`.
    pub(super) fn lasted_after(&self, at: Duration) -> bool {
        self.lasts || self.until.is_some_and(|until| until >= at)
    }

    /// The last time that it came it lasted for longer than `span`, and longer than `span` beyond
    /// `at`.
    pub(super) fn exceeds(&self, at: Duration, span: Duration) -> bool {
        self.until.is_some_and(|until| until > self.since.max(at) + span)
    }
}
