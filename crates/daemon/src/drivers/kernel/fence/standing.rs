//! Whether the table stands as it should, and putting it there.

use std::{io, mem};

use rustix::io::Errno;
use rustix::net::netdevice;

use super::super::netlink::NetlinkError;
use super::super::nf_tables::Verb;
use super::change::lost_race;
use super::connection::{Batch, Undone};
use super::part::Part;
use super::rules::Chain;
use super::table::rules_of;
use super::{Fence, FenceError, Protection, TRIES};

impl Fence {
    /// Puts the table there, unless it stands.
    pub(super) fn stand(&mut self) -> Result<(), FenceError> {
        if self.standing()? { Ok(()) } else { self.build() }
    }

    /// Whether both chains stand with all their rules. They do not after somebody removed them, or
    /// (before Linux 6.16) after the interface was removed.
    pub(super) fn standing(&mut self) -> Result<bool, FenceError> {
        for which in Chain::ALL {
            if self.rules(which)? != Some(which.rules().len()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Puts the table there with new chains. What is in the sets stays, unless they are of another
    /// make.
    pub(super) fn build(&mut self) -> Result<(), FenceError> {
        for _ in 1..TRIES {
            match self.try_build() {
                Err(undone) if other_make(&undone) => self.remove()?,
                Err(undone) if lost_race(&undone) && !self.lacks_link() => {}
                other => return other.map_err(|undone| self.explain(undone)),
            }
        }
        self.try_build().map_err(|undone| self.explain(undone))
    }

    fn try_build(&mut self) -> Result<(), Undone> {
        let mut batch = Batch::default();
        self.table.create(&mut batch, self.protection.flags());
        if self.exists()? {
            // A table that changes hands takes no new chains in the same batch
            // (`nf_tables_addchain` in net/netfilter/nf_tables_api.c).
            self.connection.commit(mem::take(&mut batch))?;
        }
        for which in Chain::ALL {
            if self.rules(which)?.is_some() {
                self.table.delete_chain(&mut batch, which);
            }
            self.table.create_chain(&mut batch, which);
        }
        self.connection.commit(batch)
    }

    /// Removes the table if nothing is guarded.
    pub(super) fn tidy(&mut self) -> Result<(), FenceError> {
        if self.guarded()?.is_empty() { self.remove() } else { Ok(()) }
    }

    fn remove(&mut self) -> Result<(), FenceError> {
        let mut batch = Batch::default();
        self.table.delete(&mut batch);
        match self.connection.commit(batch) {
            Err(undone) if lost_race(&undone) => Ok(()),
            other => other.map_err(|undone| self.explain(undone)),
        }
    }

    /// How many rules a chain has; none: there is no such chain.
    fn rules(&mut self, which: Chain) -> Result<Option<usize>, NetlinkError> {
        let Self { connection, table, .. } = self;
        connection.get(Verb::GetChain, |body| table.ask_chain(body, which), rules_of)
    }

    fn exists(&mut self) -> Result<bool, NetlinkError> {
        let Self { connection, table, .. } = self;
        let found = connection.get(Verb::GetTable, |body| table.ask_table(body), |_| Some(()));
        Ok(found?.is_some())
    }

    fn lacks_link(&self) -> bool {
        let found = netdevice::name_to_index(&self.connection, self.table.link().as_str());
        matches!(found, Err(Errno::NODEV))
    }

    pub(super) fn explain(&self, undone: Undone) -> FenceError {
        let (part, source) = match undone {
            Undone::Failed(error) => return error.into(),
            Undone::Refused(part, source) => (part, source),
        };
        let chain = matches!(part, Part::Ingress | Part::Egress);
        match source.raw_os_error() {
            Some(libc::EPERM) if part != Part::Subsystem => {
                FenceError::Foreign(self.table.name().to_owned())
            }
            Some(libc::ENOENT | libc::ENODEV) if chain && self.lacks_link() => {
                FenceError::NoLink(self.table.link().clone())
            }
            Some(libc::EINVAL) if part == Part::Table && self.protection == Protection::Owned => {
                FenceError::Missing { part, source }
            }
            _ if is_lack(&source) => FenceError::Missing { part, source },
            _ => FenceError::Refused { part, source },
        }
    }
}

/// What the kernel says of things that it was built without.
fn is_lack(error: &io::Error) -> bool {
    let lacks =
        [libc::EOPNOTSUPP, libc::EAFNOSUPPORT, libc::EPROTONOSUPPORT, libc::ENOENT, libc::ENOSYS];
    error.raw_os_error().is_some_and(|number| lacks.contains(&number))
}

/// A set of this name is there that is not ours.
fn other_make(undone: &Undone) -> bool {
    let exists = |error: &io::Error| {
        matches!(error.raw_os_error(), Some(libc::EEXIST | libc::EINVAL | libc::EBUSY))
    };
    matches!(undone, Undone::Refused(Part::Set | Part::Ingress | Part::Egress, e) if exists(e))
}
