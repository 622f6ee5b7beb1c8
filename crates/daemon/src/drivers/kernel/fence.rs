//! The fence: what silences an address when nobody renews it, without any code of ours running.
//!
//! One nftables table per election, of the family netdev, on the plan's interface. Its rules apply
//! to an address while it is in `guard`: then ARP that speaks for it goes out only while it is in
//! `answering`, and packets to it come in only while it is in `accepting`. All elements have
//! timeouts, and what they lead to is in `rules`. IPv6 addresses have sets of their own, and
//! neighbour advertisements and solicitations in ARP's place.
//!
//! A refresh that is late does nothing: between reading the clock and telling the kernel this
//! process may be stopped for any time, and a timeout would then begin too late. So a token is put
//! into the kernel first, which it keeps for a few ticks; only then the clock is read; and the
//! batch that has the timeouts must find the token. The token's time is taken off the timeouts, so
//! that they end before the term whenever the batch arrives. So is what the kernel's timers are
//! slow by while a time daemon slows down the clock.

mod change;
mod connection;
mod part;
mod rules;
mod standing;
mod table;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use kube_vip_core::address::LinkName;
pub use kube_vip_core::event::Voice;
use kube_vip_core::moment::Moment;
use rustix::time::{ClockId, clock_getres};
use thiserror::Error;

use super::netlink::NetlinkError;
use super::nf_tables::table as flags;
use crate::sys::timex::timer_rate;
use change::{in_timer_time, lost_race};
use connection::Connection;
pub use part::Part;
pub(super) use table::PREFIX;
use table::{Element, Family, Kind, Set, Table};

/// How many ticks of the kernel's clock a token is kept at first; with each batch that comes too
/// late, because other programs' batches take long, it is doubled.
const TOKEN_TICKS: u32 = 3;

/// An element is never given fewer ticks than this: the kernel rounds to whole ones.
const LEAST_TICKS: u32 = 2;

/// How often something is tried again that came too late, or lost a race with a timeout.
const TRIES: usize = 8;

/// So long after the term the rules no longer apply: the address's lifetime ends half a second
/// before the term, and they outlast that by two.
const GUARD_AFTER_TERM: Duration = Duration::from_millis(1500);

/// How long an address stays guarded that is silenced though nothing guarded it.
const GUARD_SILENCED: Duration = Duration::from_secs(10);

/// Why there is no fence, or why an address's voice is not as it should be.
#[derive(Debug, Error)]
pub enum FenceError {
    /// The kernel cannot do it.
    #[error("the kernel lacks {part}: {source}")]
    Missing {
        /// What it lacks.
        part: Part,
        /// What it said.
        source: io::Error,
    },
    /// There is no such interface.
    #[error("there is no interface {0}")]
    NoLink(LinkName),
    /// Another process owns the table.
    #[error("the nftables table {0} belongs to another process that is running")]
    Foreign(String),
    /// The kernel refused.
    #[error("the kernel refused {part}: {source}")]
    Refused {
        /// What it refused.
        part: Part,
        /// What it said.
        source: io::Error,
    },
    /// The term is over, or has too few milliseconds left for a timeout.
    #[error("the term ends too soon to give the address a voice within it")]
    Over,
    /// Every batch came too late, until the term's rest was too short for another.
    #[error("the kernel took too long to change nftables, each time anew")]
    Late,
    /// There is no connection to nf_tables, or it is of no use any more; or questions are refused.
    #[error("cannot talk to the kernel's nftables: {0}")]
    Unconnected(#[from] NetlinkError),
}

/// A voice for an address until a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The address.
    pub address: IpAddr,
    /// The node's own address of the same family on the interface: what the kernel asks the segment
    /// with the address as sender carries this one instead. None: the unspecified one, as in a
    /// probe (RFC 5227).
    pub own: Option<IpAddr>,
    /// The voice.
    pub voice: Voice,
    /// When the term ends. The voice ends up to a few ticks earlier, never later.
    pub until: Moment,
}

/// How the table is kept from other programs' `flush ruleset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// It belongs to this process while that lives, and stays when it dies (Linux 6.9).
    Owned,
    /// Not at all.
    None,
}

impl Protection {
    const fn flags(self) -> u32 {
        match self {
            Self::Owned => flags::OWNER | flags::PERSIST,
            Self::None => 0,
        }
    }
}

/// The fence of one election on one interface.
///
/// Every call may wait for other programs' changes of nftables (0.3 s were seen). After
/// [`FenceError::Unconnected`] a new one must be opened, when this one has been dropped: the table
/// belongs to it.
#[derive(Debug)]
pub struct Fence {
    connection: Connection,
    table: Table,
    protection: Protection,
    /// The kernel's clock goes in steps of this length.
    tick: Duration,
    tokens: u32,
}

impl Fence {
    /// Connects to the kernel, in the network namespace of this thread, and finds out whether it
    /// has all that is needed. What a predecessor left in this election's table goes on as it was.
    ///
    /// # Errors
    /// What the kernel lacks or refuses; if there is no such interface; if another process of this
    /// election is running.
    pub fn open(election: &str, link: &LinkName) -> Result<Self, FenceError> {
        match Self::open_with(election, link, Protection::Owned) {
            Err(FenceError::Missing { part: Part::Table, .. }) => {
                Self::open_with(election, link, Protection::None)
            }
            other => other,
        }
    }

    /// The same with a protection that is known to be there.
    ///
    /// # Errors
    /// As [`Fence::open`]; if the kernel lacks the protection.
    pub fn open_with(
        election: &str,
        link: &LinkName,
        protection: Protection,
    ) -> Result<Self, FenceError> {
        let resolution = clock_getres(ClockId::MonotonicCoarse);
        let tick = Duration::from_nanos(resolution.tv_nsec.unsigned_abs());
        let mut fence = Self {
            connection: Connection::open()?,
            table: Table::new(election, link),
            protection,
            tick,
            tokens: 0,
        };
        fence.build()?;
        fence.tidy()?;
        Ok(fence)
    }

    /// Whether other programs can remove the table.
    #[must_use]
    pub const fn protection(&self) -> Protection {
        self.protection
    }

    /// The table's name.
    #[must_use]
    pub fn table(&self) -> &str {
        self.table.name()
    }

    /// Has the rules apply to the address for at least so long from now: to be called before the
    /// address is there, with its lifetime and two seconds. Its voice stays as it is; a new one is
    /// silent.
    ///
    /// # Errors
    /// If the kernel refuses; [`FenceError::NoLink`].
    pub fn prepare(
        &mut self,
        address: IpAddr,
        own: Option<IpAddr>,
        guard_for: Duration,
    ) -> Result<(), FenceError> {
        self.change(|fence, batch| {
            let found = fence.find_guard(address)?;
            fence.guard(batch, address, (own, guard_for), &found);
            Ok(())
        })
    }

    /// Gives the address the voice until the end of the term, and guards it for a while longer.
    ///
    /// `now` is called between two steps of the kernel's: what it returns must have been read
    /// after it was called.
    ///
    /// # Errors
    /// [`FenceError::Over`] and [`FenceError::Late`]: nothing was changed, and what was granted
    /// before ends when it was to end. If the kernel refuses; [`FenceError::NoLink`].
    pub fn set(&mut self, grant: Grant, now: impl Fn() -> Moment) -> Result<(), FenceError> {
        if grant.voice == Voice::Silent {
            return self.silence(grant.address);
        }
        let shortest = self.tick * TOKEN_TICKS;
        let mut keep = shortest;
        for _ in 0..TRIES {
            self.stand()?;
            let found = self.find(grant.address)?;
            let token = match self.token(keep) {
                Err(undone) if lost_race(&undone) => continue,
                other => other.map_err(|undone| self.explain(undone))?,
            };
            let left = grant.until.since(now());
            let rest = in_timer_time(left, timer_rate()).saturating_sub(keep);
            if rest < self.tick * LEAST_TICKS {
                return Err(if keep == shortest { FenceError::Over } else { FenceError::Late });
            }
            let batch = self.voice(grant, rest, token, &found);
            match self.connection.commit(batch) {
                Err(undone) if lost_race(&undone) => keep *= 2,
                other => return other.map_err(|undone| self.explain(undone)),
            }
        }
        Err(FenceError::Late)
    }

    /// Takes the address's voice at once. What was not guarded is from now on.
    ///
    /// # Errors
    /// If the kernel refuses; [`FenceError::NoLink`].
    pub fn silence(&mut self, address: IpAddr) -> Result<(), FenceError> {
        self.change(|fence, batch| {
            let found = fence.find(address)?;
            if found.guard.is_none() {
                fence.guard(batch, address, (None, GUARD_SILENCED), &found);
            }
            fence.drop_voice(batch, &found);
            Ok(())
        })
    }

    /// Has the rules apply to the address no longer: to be called when it is gone. The table goes
    /// with the last one.
    ///
    /// # Errors
    /// If the kernel refuses; the rules then end by themselves.
    pub fn release(&mut self, address: IpAddr) -> Result<(), FenceError> {
        if self.standing()? {
            self.change(|fence, batch| {
                let found = fence.find(address)?;
                fence.drop_voice(batch, &found);
                fence.drop_guard(batch, &found);
                Ok(())
            })?;
        }
        self.tidy()
    }

    /// Releases all addresses but these: to be called at the start with those that are configured
    /// on this host.
    ///
    /// # Errors
    /// As [`Fence::release`].
    pub fn sweep(&mut self, configured: &[IpAddr]) -> Result<(), FenceError> {
        for guarded in self.guarded()? {
            if !configured.contains(&guarded.key) {
                self.release(guarded.key)?;
            }
        }
        self.tidy()
    }

    /// The voice of every address that is guarded now, as the kernel has it. What is not in here
    /// nothing fences.
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub fn voices(&mut self) -> Result<BTreeMap<IpAddr, Voice>, FenceError> {
        if !self.standing()? {
            return Ok(BTreeMap::new());
        }
        let silent = |element: Element| (element.key, Voice::Silent);
        let mut voices: BTreeMap<_, _> = self.guarded()?.into_iter().map(silent).collect();
        for family in Family::ALL {
            if !voices.keys().any(|address| Family::of(*address) == family) {
                continue;
            }
            for (kind, voice) in
                [(Kind::Accepting, Voice::Accepting), (Kind::Answering, Voice::Answering)]
            {
                for element in self.elements(Set::Of(kind, family))? {
                    voices.entry(element.key).and_modify(|found| *found = voice);
                }
            }
        }
        Ok(voices)
    }
}
