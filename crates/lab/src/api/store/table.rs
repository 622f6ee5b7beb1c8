//! The objects of one kind and their recent history.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::{Failure, Kind};

/// How many changes of one kind are kept for watches.
const HISTORY: usize = 4096;

/// Where an object is: its namespace (empty for kinds without) and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    namespace: String,
    name: String,
}

impl Key {
    /// The object of this name.
    pub(crate) fn new(namespace: Option<&str>, name: &str) -> Self {
        Self { namespace: namespace.unwrap_or_default().into(), name: name.into() }
    }

    /// The object's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The object's namespace, if its kind has them.
    pub(crate) fn namespace(&self) -> Option<&str> {
        (!self.namespace.is_empty()).then_some(self.namespace.as_str())
    }
}

/// Which objects a list or watch is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Those in this namespace.
    pub(crate) namespace: Option<String>,
    /// Those of this name.
    pub(crate) name: Option<String>,
    /// Those that have all of these labels.
    pub(crate) labels: Vec<(String, String)>,
    /// Those whose fields have these values.
    pub(crate) fields: Vec<(String, String)>,
}

impl Selection {
    fn takes_key(&self, key: &Key) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace)
            && self.name.as_ref().is_none_or(|name| *name == key.name)
    }

    fn takes<K: Kind>(&self, object: &K) -> bool {
        let labels = object.metadata().labels.as_ref();
        let labelled = self.labels.iter().all(|(name, value)| {
            labels.and_then(|labels| labels.get(name)).is_some_and(|found| found == value)
        });
        let mut fields = self.fields.iter();
        labelled && fields.all(|(name, value)| object.field(name) == Some(value.as_str()))
    }

    /// A change as those see it who see the selected objects only: one that is no longer selected
    /// is deleted, one that is selected from now on is added.
    fn shown<K: Kind>(&self, change: &Change<K>) -> Option<Change<K>> {
        let before = change.before.as_ref().filter(|object| self.takes(object.as_ref()));
        let is_there = change.kind != ChangeKind::Deleted;
        let after = is_there && self.takes(change.object.as_ref());
        let mut shown = change.clone();
        shown.kind = match (before, after) {
            (None, true) => ChangeKind::Added,
            (Some(_), true) => ChangeKind::Modified,
            (None, false) => return None,
            (Some(before), false) => {
                let mut last = before.as_ref().clone();
                last.metadata_mut().resource_version = Some(change.revision.to_string());
                shown.object = Arc::new(last);
                ChangeKind::Deleted
            }
        };
        Some(shown)
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    /// It was made.
    Added,
    /// It changed.
    Modified,
    /// It was deleted.
    Deleted,
}

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Change<K> {
    /// The revision that it made.
    pub(crate) revision: u64,
    /// What happened.
    pub(crate) kind: ChangeKind,
    /// The object after it; of a deleted one the last state, with the deletion's revision.
    pub(crate) object: Arc<K>,
    /// The object before it, if there was one.
    pub(crate) before: Option<Arc<K>>,
}

/// The objects of one kind.
#[derive(Debug)]
pub(crate) struct Table<K> {
    objects: BTreeMap<Key, Arc<K>>,
    history: VecDeque<(Key, Change<K>)>,
    /// The last revision whose changes are forgotten.
    forgotten: u64,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), history: VecDeque::new(), forgotten: 0 }
    }
}

impl<K: Kind> Table<K> {
    pub(super) fn get(&self, key: &Key) -> Option<Arc<K>> {
        self.objects.get(key).cloned()
    }

    pub(super) fn list(&self, selection: &Selection) -> Vec<Arc<K>> {
        let selected = self
            .objects
            .iter()
            .filter(|(key, object)| selection.takes_key(key) && selection.takes(object.as_ref()));
        selected.map(|(_, object)| Arc::clone(object)).collect()
    }

    pub(super) fn changes(
        &self,
        after: u64,
        selection: &Selection,
    ) -> Result<Vec<Change<K>>, Failure> {
        if after < self.forgotten {
            return Err(Failure::expired(after, self.forgotten));
        }
        let start = self.history.partition_point(|(_, change)| change.revision <= after);
        let selected = self.history.range(start..).filter(|(key, _)| selection.takes_key(key));
        Ok(selected.filter_map(|(_, change)| selection.shown(change)).collect())
    }

    pub(super) fn write(&mut self, key: &Key, change: Change<K>) {
        match change.kind {
            ChangeKind::Deleted => {
                self.objects.remove(key);
            }
            ChangeKind::Added | ChangeKind::Modified => {
                self.objects.insert(key.clone(), Arc::clone(&change.object));
            }
        }
        self.history.push_back((key.clone(), change));
        while self.history.len() > HISTORY {
            self.forget_first();
        }
    }

    pub(super) fn compact(&mut self, revision: u64) {
        while self.history.front().is_some_and(|(_, change)| change.revision <= revision) {
            self.forget_first();
        }
        self.forgotten = self.forgotten.max(revision);
    }

    fn forget_first(&mut self) {
        if let Some((_, change)) = self.history.pop_front() {
            self.forgotten = change.revision;
        }
    }
}
