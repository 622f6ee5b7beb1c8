//! etcd with an API server before it: one Lease, and compare-and-swap.

use kube_vip_core::event::{Call, Failure, LeaseRecord, LeaseWrite, Observation, Stamp, Version};

/// The one Lease.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    version: u64,
    lease: Option<LeaseRecord>,
}

impl Store {
    pub(crate) fn read(&self) -> Option<Observation> {
        let version = Version(self.version.to_string());
        self.lease.clone().map(|record| Observation { version, record })
    }

    pub(crate) fn put(&mut self, lease: Option<LeaseRecord>) {
        self.version += 1;
        self.lease = lease;
    }

    /// Somebody annotates it.
    pub(crate) fn touch(&mut self) {
        if self.lease.is_some() {
            self.put(self.lease.clone());
        }
    }

    /// Carries out a request of a node of ours; `wall` is its wall clock in microseconds.
    pub(crate) fn serve(&mut self, call: &Call, wall: i64) -> Result<Option<Observation>, Failure> {
        if let Call::Write(write) = call {
            self.write(write, wall)?;
        }
        Ok(self.read())
    }

    fn write(&mut self, write: &LeaseWrite, wall: i64) -> Result<(), Failure> {
        let actual = self.read().map(|seen| seen.version);
        match (&write.version, &actual) {
            (Some(_), None) => return Err(Failure::Gone),
            (known, actual) if known != actual => return Err(Failure::Conflict),
            _ => {}
        }
        let acquired = match write.acquired {
            Stamp::Now => Some(wall),
            Stamp::Keep(acquired) => acquired,
        };
        self.put(Some(LeaseRecord {
            holder: write.holder.clone(),
            duration: write.duration,
            acquired,
            renewed: Some(wall),
            transitions: write.transitions,
            nonce: Some(write.nonce.clone()),
            marks: write.marks.clone(),
        }));
        Ok(())
    }

    /// Carries out an update of the original, which leaves annotations as they are.
    pub(crate) fn update(&mut self, version: Option<&Version>, record: LeaseRecord) -> bool {
        let actual = self.read();
        if version != actual.as_ref().map(|seen| &seen.version) {
            return false;
        }
        let nonce = actual.and_then(|seen| seen.record.nonce);
        self.put(Some(LeaseRecord { nonce, ..record }));
        true
    }
}
