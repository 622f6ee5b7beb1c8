//! The last objects seen, whole, by version: a write sends one of them back with few fields
//! changed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube_vip_core::event::Version;
use serde_json::Value;

#[cfg(test)]
mod tests;

/// How many versions are kept. The core writes against the newest that it knows; a few more are
/// enough for what is on its way to it.
const KEPT: usize = 4;

/// The last objects seen.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    objects: VecDeque<(Version, Value)>,
    /// The version of the last quorum answer, or of what a watch showed later.
    newest: Option<u64>,
}

impl Kept {
    /// Keeps what a read or a write was answered with. It counts even if its version is lower than
    /// an earlier one: etcd may have been restored.
    pub(super) fn answered(&self, version: &Version, object: Value) {
        let mut inner = self.lock();
        inner.newest = number(version);
        inner.push(version, object);
    }

    /// Keeps what a watch showed, if it is news. It is not if an answer or the watch itself was as
    /// new: another API server's cache may lag behind a write that was answered.
    pub(super) fn watched(&self, version: &Version, object: Value) -> bool {
        let mut inner = self.lock();
        let news = inner.is_news(version);
        if news {
            inner.push(version, object);
        }
        news
    }

    /// A watch showed that there is no such object as of that version: whether it is news.
    pub(super) fn vanished(&self, version: &Version) -> bool {
        self.lock().is_news(version)
    }

    /// The whole object at that version.
    pub(super) fn at(&self, version: &Version) -> Option<Value> {
        let inner = self.lock();
        let mut all = inner.objects.iter();
        all.find(|(kept, _)| kept == version).map(|(_, object)| object.clone())
    }

    /// The uid of the last object seen.
    pub(super) fn uid(&self) -> Option<String> {
        let inner = self.lock();
        let object = inner.objects.back().map(|(_, object)| object)?;
        object["metadata"]["uid"].as_str().map(ToOwned::to_owned)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here can be left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether this version is newer than any before; if so, it is the newest now.
    fn is_news(&mut self, version: &Version) -> bool {
        let shown = number(version);
        let news = shown.is_none() || shown > self.newest;
        if news {
            self.newest = shown;
        }
        news
    }

    fn push(&mut self, version: &Version, object: Value) {
        self.objects.retain(|(kept, _)| kept != version);
        if self.objects.len() == KEPT {
            self.objects.pop_front();
        }
        self.objects.push_back((version.clone(), object));
    }
}

/// Versions of one resource compare as numbers since Kubernetes says so (KEP-5504); where one is no
/// number, nothing is taken for old.
fn number(version: &Version) -> Option<u64> {
    version.0.parse().ok()
}
