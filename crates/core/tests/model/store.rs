//! etcd with API servers before it: the election's Lease with compare-and-swap, and those of the
//! candidates.

use kube_vip_core::address::NodeName;
use kube_vip_core::event::{
    Call, Candidacy, Candidate, Failure, LeaseRecord, LeaseWrite, Observation, Stamp, Version,
};
use serde::Serialize;

use crate::clock::Instant;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Store {
    version: u64,
    lease: Option<LeaseRecord>,
    candidates: Vec<Candidate>,
}

impl Store {
    pub(crate) fn read(&self) -> Option<Observation> {
        let version = Version(self.version.to_string());
        self.lease.clone().map(|record| Observation { version, record })
    }

    /// Carries out a request at `now`.
    pub(crate) fn serve(
        &mut self,
        call: &Call,
        now: Instant,
    ) -> Result<Option<Observation>, Failure> {
        if let Call::Write(write) = call {
            self.write(write, now)?;
        }
        Ok(self.read())
    }

    fn write(&mut self, write: &LeaseWrite, now: Instant) -> Result<(), Failure> {
        let actual = self.read().map(|seen| seen.version);
        match (&write.version, &actual) {
            (Some(_), None) => return Err(Failure::Gone),
            (known, actual) if known != actual => return Err(Failure::Conflict),
            _ => {}
        }
        let wall = Some(now.microseconds());
        self.version += 1;
        self.lease = Some(LeaseRecord {
            holder: write.holder.clone(),
            duration: write.duration,
            acquired: match write.acquired {
                Stamp::Now => wall,
                Stamp::Keep(acquired) => acquired,
            },
            renewed: wall,
            transitions: write.transitions,
            nonce: Some(write.nonce.clone()),
            marks: write.marks.clone(),
        });
        Ok(())
    }

    /// A candidate writes its own Lease.
    pub(crate) fn register(&mut self, node: NodeName, candidacy: Candidacy) {
        self.version += 1;
        self.candidates.retain(|known| known.node != node);
        let version = Version(self.version.to_string());
        self.candidates.push(Candidate { node, version, candidacy });
        self.candidates.sort_by(|a, b| a.node.as_str().cmp(b.node.as_str()));
    }

    /// All candidates but `node`.
    pub(crate) fn candidates(&self, node: &NodeName) -> Vec<Candidate> {
        self.candidates.iter().filter(|known| known.node != *node).cloned().collect()
    }
}
