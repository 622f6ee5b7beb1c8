//! What happens in the kernel world, in one list that all its parts write into.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sys::clock::Stamp;
use crate::timeline::{Entry, Timeline, What};

/// Room for this many entries before the list has to grow.
const ROOM: usize = 16_384;

/// The list. Clones are the same list.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Mutex<Vec<(Stamp, What)>>>);

impl Default for Journal {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Vec::with_capacity(ROOM))))
    }
}

impl Journal {
    /// Writes down that something happened at `at`. Entries need not come in the order of time:
    /// that a node ceased to answer is known a little after its last answer.
    pub fn note(&self, at: Stamp, what: What) {
        self.list().push((at, what));
    }

    /// Writes down that something happened now.
    pub fn note_now(&self, what: What) {
        self.note(Stamp::now(), what);
    }

    /// How many entries there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list().len()
    }

    /// Shows what was written after the first `seen` entries, in the order in which it was. Nobody
    /// else can write meanwhile.
    pub fn each_after(&self, seen: usize, look: impl FnMut(&What)) {
        self.list().iter().skip(seen).map(|(_, what)| what).for_each(look);
    }

    /// What was written after the first `seen` entries; add its length to `seen` for the next call.
    #[must_use]
    pub fn after(&self, seen: usize) -> Vec<(Stamp, What)> {
        self.list().get(seen..).unwrap_or_default().to_vec()
    }

    /// What happened between two moments, in the order of time. An entry that lies a little before
    /// the first moment is left out.
    #[must_use]
    pub fn timeline(&self, nodes: Vec<String>, (start, end): (Stamp, Stamp)) -> Timeline {
        let mut entries: Vec<Entry> = self
            .list()
            .iter()
            .filter(|(at, _)| (start..=end).contains(at))
            .map(|(at, what)| Entry { at: at.since(start), what: what.clone() })
            .collect();
        entries.sort_by_key(|entry| entry.at);
        Timeline { nodes, entries, ended: end.since(start) }
    }

    fn list(&self) -> MutexGuard<'_, Vec<(Stamp, What)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
