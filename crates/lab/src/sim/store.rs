//! The Lease as the API servers keep it together: one object, versions that rise, writes that
//! conflict; and the candidates' Leases beside it.

use std::collections::{BTreeMap, VecDeque};

use kube_vip_core::address::NodeName;
use kube_vip_core::event::{
    Candidacy, Candidate, Failure, LeaseRecord, LeaseWrite, Observation, Stamp, Version,
};

/// How many former states a lagging watch may still show.
const REMEMBERED: usize = 6;

/// How many former states somebody may put back.
const BACKED_UP: usize = 40;

/// The object, and what it was before.
#[derive(Clone, Debug)]
pub(super) struct Store {
    revision: u64,
    lease: Option<(u64, LeaseRecord)>,
    former: VecDeque<Observation>,
    candidates: BTreeMap<NodeName, (u64, Candidacy)>,
    /// Writes are refused unless they name the current version. Only a sabotaged store does not
    /// look.
    checks_versions: bool,
}

impl Store {
    pub(super) fn new(first: Option<LeaseRecord>, checks_versions: bool) -> Self {
        let lease = first.map(|record| (1, record));
        Self {
            revision: 1,
            lease,
            former: VecDeque::new(),
            candidates: BTreeMap::new(),
            checks_versions,
        }
    }

    /// The Lease as it is.
    pub(super) fn read(&self) -> Option<Observation> {
        let (revision, record) = self.lease.as_ref()?;
        Some(Observation { version: version(*revision), record: record.clone() })
    }

    /// The Lease as it was some writes ago; as it is, if there were not so many.
    pub(super) fn read_former(&self, ago: usize) -> Option<Observation> {
        let ago = ago.min(REMEMBERED);
        self.former.iter().rev().nth(ago).cloned().or_else(|| self.read())
    }

    /// Writes, if the write names the current version. `wall` is the writer's wall clock when it
    /// sent, in microseconds since the Unix epoch; `apart` is how many other writes this store
    /// took since the last one.
    pub(super) fn write(
        &mut self,
        write: &LeaseWrite,
        wall: i64,
        apart: u64,
    ) -> Result<Observation, Failure> {
        let current = self.lease.as_ref().map(|(revision, _)| version(*revision));
        match (&write.version, &current) {
            _ if !self.checks_versions => {}
            (None, None) => {}
            (Some(_), None) => return Err(Failure::Gone),
            (named, current) if named == current => {}
            _ => return Err(Failure::Conflict),
        }
        Ok(self.put(record(write, wall), apart))
    }

    /// What the Lease would be if this write had been done; it is not.
    pub(super) fn pretend(&self, write: &LeaseWrite, wall: i64) -> Observation {
        Observation { version: version(self.revision), record: record(write, wall) }
    }

    /// Somebody changes an annotation that means nothing to us; false: there is no Lease.
    pub(super) fn touch(&mut self) -> bool {
        let Some((_, record)) = self.lease.clone() else { return false };
        self.put(record, 0);
        true
    }

    /// Somebody asks for the address to move; false: there is no Lease.
    pub(super) fn ask_to_move(&mut self, to: NodeName) -> bool {
        let Some((_, mut record)) = self.lease.clone() else { return false };
        record.marks.move_to = Some(to);
        self.put(record, 0);
        true
    }

    /// Somebody deletes the Lease.
    pub(super) fn delete(&mut self) {
        self.former.extend(self.read());
        self.lease = None;
        self.revision += 1;
    }

    /// The Lease is put back to how it was so many writes ago, with the version of then; false:
    /// it is not remembered. Later versions are still higher than any before, as
    /// `etcdutl snapshot restore --bump-revision` makes them.
    pub(super) fn restore(&mut self, ago: usize) -> bool {
        let Some(former) = self.former.iter().rev().nth(ago).cloned() else { return false };
        self.former.extend(self.read());
        self.revision += 1;
        self.lease = former.version.0.parse().ok().map(|revision| (revision, former.record));
        true
    }

    /// A node writes its candidate Lease.
    pub(super) fn register(&mut self, node: NodeName, candidacy: Candidacy) {
        self.revision += 1;
        self.candidates.insert(node, (self.revision, candidacy));
    }

    /// The candidate Leases of all but this node.
    pub(super) fn candidates(&self, but: &NodeName) -> Vec<Candidate> {
        let others = self.candidates.iter().filter(|(node, _)| *node != but);
        let candidate = |(node, (revision, candidacy)): (&NodeName, &(u64, Candidacy))| Candidate {
            node: node.clone(),
            version: version(*revision),
            candidacy: candidacy.clone(),
        };
        others.map(candidate).collect()
    }

    /// A client that is no node of ours replaces the Lease, if it still is the version it read.
    pub(super) fn replace(&mut self, read: Option<&Version>, record: LeaseRecord) -> bool {
        let current = self.lease.as_ref().map(|(revision, _)| version(*revision));
        let current = current.as_ref() == read;
        if current {
            self.put(record, 0);
        }
        current
    }

    /// Whom the Lease names.
    pub(super) fn holder(&self) -> Option<&str> {
        let (_, record) = self.lease.as_ref()?;
        (!record.holder.is_empty()).then_some(record.holder.as_str())
    }

    fn put(&mut self, record: LeaseRecord, apart: u64) -> Observation {
        if let Some(before) = self.read() {
            self.former.push_back(before);
        }
        if self.former.len() > BACKED_UP {
            self.former.pop_front();
        }
        self.revision += 1 + apart;
        self.lease = Some((self.revision, record.clone()));
        Observation { version: version(self.revision), record }
    }
}

/// What a write makes of the Lease.
fn record(write: &LeaseWrite, wall: i64) -> LeaseRecord {
    LeaseRecord {
        holder: write.holder.clone(),
        duration: write.duration,
        acquired: match write.acquired {
            Stamp::Now => Some(wall),
            Stamp::Keep(acquired) => acquired,
        },
        renewed: Some(wall),
        transitions: write.transitions,
        nonce: Some(write.nonce.clone()),
        marks: write.marks.clone(),
    }
}

fn version(revision: u64) -> Version {
    Version(revision.to_string())
}

#[cfg(test)]
mod tests;
