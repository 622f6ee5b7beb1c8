//! What can be done to a stage as a whole, or to one node of it besides its daemon.

use std::io;
use std::time::Duration;

use kube_vip_core::address::bits;

use super::props::{Burden, Company};
use super::{Stage, StageError};
use crate::net::nft::Table;
use crate::sys::clock::Stamp;
use crate::sys::trace::{Sends, Tripwire};
use crate::timeline::{Fault, What};

/// For how long `kube-vip move` may take.
const MOVE_WITHIN: Duration = Duration::from_secs(10);

/// A burden ends by itself after this time.
const BURDEN_AT_MOST: Duration = Duration::from_secs(60);

impl Stage {
    /// Silent cut: nothing passes between the node and the others, its API server's store included.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn cut(&self, node: usize) -> Result<(), StageError> {
        self.control_plane.isolate(node);
        Ok(self.world.cut(node)?)
    }

    /// The end of a cut.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn heal(&self, node: usize) -> Result<(), StageError> {
        self.world.heal(node)?;
        self.control_plane.reunite(node);
        Ok(())
    }

    /// Pulls the node's cable.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn unplug(&self, node: usize) -> Result<(), StageError> {
        self.control_plane.isolate(node);
        Ok(self.world.unplug(node)?)
    }

    /// Puts the cable back.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn plug(&self, node: usize) -> Result<(), StageError> {
        self.world.plug(node)?;
        self.control_plane.reunite(node);
        Ok(())
    }

    /// One-way loss: the switch passes what the node sends, and nothing to it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn deafen(&self, node: usize) -> Result<(), StageError> {
        self.control_plane.isolate(node);
        Ok(self.world.deafen(node)?)
    }

    /// The end of it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn undeafen(&self, node: usize) -> Result<(), StageError> {
        self.world.undeafen(node)?;
        self.control_plane.reunite(node);
        Ok(())
    }

    /// One-way loss: the switch passes everything to the node, and nothing that it sends.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn mute(&self, node: usize) -> Result<(), StageError> {
        self.control_plane.isolate(node);
        Ok(self.world.mute(node)?)
    }

    /// The end of it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn unmute(&self, node: usize) -> Result<(), StageError> {
        self.world.unmute(node)?;
        self.control_plane.reunite(node);
        Ok(())
    }

    /// Splits the segment, with the node and a host that talks to it on the far side.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn split(&mut self, node: usize) -> Result<(), StageError> {
        let company = Company::keep(&self.world, node)?;
        self.props.company = Some(company);
        self.control_plane.isolate(node);
        Ok(self.world.split(node)?)
    }

    /// Joins the segment again; nobody's link notices.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn join(&mut self, node: usize) -> Result<(), StageError> {
        self.world.join(node)?;
        self.control_plane.reunite(node);
        self.props.company = None;
        Ok(())
    }

    /// Keeps every processor busy, twice over, until [`Self::relieve`], a minute at most.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn overload(&mut self) -> Result<(), StageError> {
        self.note_all(Fault::Starved);
        self.props.burden = Some(Burden::start(BURDEN_AT_MOST)?);
        Ok(())
    }

    /// The end of an overload.
    pub fn relieve(&mut self) {
        self.props.burden = None;
        self.note_all(Fault::Relieved);
    }

    /// The stranger configures the virtual address, answers for it and announces it once.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn steal(&self) -> Result<(), StageError> {
        let stranger = self.world.stranger();
        self.note(Fault::StrangerCame);
        stranger.rtnl().add_address(stranger.interface(), self.address(), self.prefix())?;
        Ok(self.world.announce(stranger, self.address())?)
    }

    fn prefix(&self) -> u8 {
        bits(self.address())
    }

    /// The stranger gives the address up.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn give_up(&self) -> Result<(), StageError> {
        let stranger = self.world.stranger();
        stranger.rtnl().remove_address(stranger.interface(), self.address(), self.prefix())?;
        self.note(Fault::StrangerLeft);
        Ok(())
    }

    /// Somebody deletes the virtual address on a node.
    ///
    /// # Errors
    /// What the kernel says; it is not there.
    pub fn delete_address(&self, node: usize) -> Result<(), StageError> {
        let host = self.world.node(node);
        let at = Stamp::now();
        host.rtnl().remove_address(host.interface(), self.address(), self.prefix())?;
        self.world.journal().note(at, What::Fault(Fault::AddressDeleted(node)));
        Ok(())
    }

    /// Somebody gives a node the virtual address for ever, as a killed kube-vip leaves it behind.
    ///
    /// # Errors
    /// What the kernel says; it is there.
    pub fn leave_address(&self, node: usize) -> Result<(), StageError> {
        let host = self.world.node(node);
        self.note(Fault::AddressLeft(node));
        Ok(host.rtnl().add_address(host.interface(), self.address(), self.prefix())?)
    }

    /// The packet filter tables on a node.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn tables(&self, node: usize) -> Result<Vec<Table>, StageError> {
        Ok(self.world.node(node).tables()?)
    }

    /// Somebody deletes each packet filter table on a node, one by one, as far as the kernel
    /// permits it: what a running program owns stays.
    ///
    /// # Errors
    /// What else the kernel says.
    pub fn delete_tables(&self, node: usize) -> Result<(), StageError> {
        let host = self.world.node(node);
        self.note(Fault::TablesDeleted(node));
        for table in host.tables()? {
            match host.delete_table(&table) {
                Err(crate::net::Error::Step { source, .. })
                    if source.kind() == io::ErrorKind::PermissionDenied => {}
                done => done?,
            }
        }
        Ok(())
    }

    /// Somebody flushes the ruleset of a node.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn flush_ruleset(&self, node: usize) -> Result<(), StageError> {
        self.note(Fault::TablesDeleted(node));
        Ok(self.world.node(node).flush_ruleset()?)
    }

    /// Every node loses its power at once: daemons, API servers and stores die, and with the
    /// kernels go addresses and tables.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn power_off(&mut self) -> Result<(), StageError> {
        self.note_all(Fault::PoweredOff);
        for daemon in &mut self.daemons {
            *daemon = None;
        }
        self.control_plane.power_off();
        for host in self.world.nodes() {
            host.flush_ruleset()?;
            let has = host.rtnl().addresses()?;
            for address in self.spec.addresses.iter().filter(|address| has.contains(address)) {
                host.rtnl().remove_address(host.interface(), *address, bits(*address))?;
            }
        }
        Ok(())
    }

    /// Every node boots: stores, API servers and daemons start at once; the daemons do not wait
    /// for the API. Returns when every API server is ready.
    ///
    /// # Errors
    /// If a program cannot be started, or the API servers do not become ready.
    pub fn power_on(&mut self) -> Result<(), StageError> {
        self.control_plane.power_on(&self.world)?;
        for node in 0..self.spec.nodes {
            self.start(node)?;
        }
        self.control_plane.ready(&self.world)?;
        self.note_all(Fault::PoweredOn);
        Ok(())
    }

    /// Asks, with the program under test, on one node for the address to move to another one.
    ///
    /// # Errors
    /// If the program refuses.
    pub fn ask_to_move(&self, from: usize, to: usize) -> Result<(), StageError> {
        let name = self.world.node(to).name();
        self.note(Fault::MoveAsked(to));
        let mut asking = self.command(from, &["move", "--to", name], &[])?;
        match asking.wait(MOVE_WITHIN)? {
            Some(status) if status.success() => Ok(()),
            status => {
                let log = self.log(from);
                let text =
                    format!("`kube-vip move --to {name}`: {status:?}; see {}", log.display());
                Err(StageError::Request(text))
            }
        }
    }

    /// Watches a node's daemon, `at_most` so long, and stops it when it is about to send such a
    /// thing; see [`Self::caught`].
    ///
    /// # Errors
    /// If it cannot be traced.
    ///
    /// # Panics
    /// If no daemon was started there.
    pub fn lay_tripwire(
        &self,
        node: usize,
        (sends, at_most): (Sends, Duration),
    ) -> Result<Tripwire, StageError> {
        let daemon = self.daemon(node).expect("a daemon was started there");
        Ok(Tripwire::lay(daemon.process().pid(), sends, at_most)?)
    }

    /// Waits until the node's daemon was stopped.
    ///
    /// # Errors
    /// If it sent no such thing in time.
    pub fn caught(&self, node: usize, tripwire: &Tripwire) -> Result<(), StageError> {
        let at = tripwire.wait()?;
        self.world.journal().note(at, What::Fault(Fault::Frozen(node)));
        Ok(())
    }

    /// Lets the node's daemon go on.
    pub fn let_go(&self, node: usize, tripwire: Tripwire) {
        drop(tripwire);
        self.note(Fault::Thawed(node));
    }

    /// Writes down that something was done.
    pub(super) fn note(&self, fault: Fault) {
        self.world.journal().note_now(What::Fault(fault));
    }

    fn note_all(&self, fault: fn(usize) -> Fault) {
        (0..self.spec.nodes).for_each(|node| self.note(fault(node)));
    }
}
