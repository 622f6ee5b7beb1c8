//! What can be done to a host, or to all.

use std::fmt;

use crate::sim::rng::Rng;
use crate::timeline::Fault;

/// What can be done to a host, or to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SIGKILL, and a restart.
    Kill,
    /// SIGTERM, and a restart.
    Terminate,
    /// SIGSTOP, and SIGCONT.
    Freeze,
    /// The same in the middle of a call to the kernel: after the clock was read, before it acts.
    FreezeInCall,
    /// The processor comes late.
    Starve,
    /// Power loss, and a boot.
    PowerOff,
    /// A switch port that passes nothing.
    Cut,
    /// A switch port that passes nothing to the host.
    Deafen,
    /// A switch port that passes nothing of the host.
    Mute,
    /// Frames to and from the host are lost, late and doubled.
    Garble,
    /// A pulled cable.
    Unplug,
    /// The API server is dead.
    ApiKill,
    /// The API server is frozen.
    ApiFreeze,
    /// The API server is slow, loses requests and answers, and answers twice.
    ApiSlow,
    /// The API server says that it is not ready, and works on.
    ApiUnready,
    /// The watch shows nothing new.
    WatchBreak,
    /// The kernel refuses to change addresses.
    KernelRefuse,
    /// The store answers nobody.
    StoreAway,
    /// The wall clock is set.
    WallStep,
    /// Somebody deletes the address.
    AddressDelete,
    /// Somebody leaves the address on a host, for ever.
    AddressLeave,
    /// Somebody deletes all tables of the packet filter.
    TablesDelete,
    /// Somebody annotates the Lease.
    LeaseTouch,
    /// Somebody deletes the Lease.
    LeaseDelete,
    /// The Lease is put back to an older state.
    LeaseRestore,
    /// The Node is cordoned, and uncordoned.
    Cordon,
    /// Somebody asks for the address to move to this host.
    MoveAsk,
    /// A host that is no node answers for the address.
    Stranger,
    /// The original runs in the daemon's place.
    Revert,
}

impl Kind {
    /// Every kind, with how often it is drawn.
    const WEIGHTS: [(Self, u64); 29] = [
        (Self::Kill, 12),
        (Self::Terminate, 10),
        (Self::Freeze, 10),
        (Self::FreezeInCall, 8),
        (Self::Starve, 8),
        (Self::PowerOff, 6),
        (Self::Cut, 10),
        (Self::Deafen, 4),
        (Self::Mute, 4),
        (Self::Garble, 6),
        (Self::Unplug, 6),
        (Self::ApiKill, 6),
        (Self::ApiFreeze, 8),
        (Self::ApiSlow, 12),
        (Self::ApiUnready, 4),
        (Self::WatchBreak, 6),
        (Self::KernelRefuse, 4),
        (Self::StoreAway, 6),
        (Self::WallStep, 4),
        (Self::AddressDelete, 4),
        (Self::AddressLeave, 2),
        (Self::TablesDelete, 4),
        (Self::LeaseTouch, 4),
        (Self::LeaseDelete, 3),
        (Self::LeaseRestore, 3),
        (Self::Cordon, 6),
        (Self::MoveAsk, 6),
        (Self::Stranger, 2),
        (Self::Revert, 2),
    ];

    /// Those that concern the way to the API, and what cannot move an address either.
    const WEATHER: [(Self, u64); 8] = [
        (Self::ApiKill, 6),
        (Self::ApiFreeze, 8),
        (Self::ApiSlow, 8),
        (Self::WatchBreak, 4),
        (Self::StoreAway, 16),
        (Self::WallStep, 2),
        (Self::LeaseTouch, 2),
        (Self::Kill, 1),
    ];

    /// One of all kinds.
    pub(super) fn draw(rng: &mut Rng) -> Self {
        Self::one_of(&Self::WEIGHTS, rng)
    }

    /// One of those that make the API's weather.
    pub(super) fn weather(rng: &mut Rng) -> Self {
        Self::one_of(&Self::WEATHER, rng)
    }

    fn one_of(weights: &[(Self, u64)], rng: &mut Rng) -> Self {
        let total = weights.iter().map(|(_, weight)| weight).sum();
        let mut place = rng.below(total);
        for (kind, weight) in weights {
            if place < *weight {
                return *kind;
            }
            place -= weight;
        }
        Self::Kill
    }

    /// The fault's entry in a timeline.
    #[must_use]
    pub const fn begins(self, host: usize) -> Fault {
        match self {
            Self::Kill => Fault::Killed(host),
            Self::Terminate => Fault::Terminated(host),
            Self::Freeze | Self::FreezeInCall => Fault::Frozen(host),
            Self::Starve => Fault::Starved(host),
            Self::PowerOff => Fault::PoweredOff(host),
            Self::Cut => Fault::Cut(host),
            Self::Deafen => Fault::Deafened(host),
            Self::Mute => Fault::Muted(host),
            Self::Garble => Fault::Garbled(host),
            Self::Unplug => Fault::Unplugged(host),
            Self::ApiKill => Fault::ApiKilled(host),
            Self::ApiFreeze => Fault::ApiFrozen(host),
            Self::ApiSlow => Fault::ApiSlowed(host),
            Self::ApiUnready => Fault::ApiUnready(host),
            Self::WatchBreak => Fault::WatchBroken(host),
            Self::KernelRefuse => Fault::KernelRefused(host),
            Self::StoreAway => Fault::StoreAway,
            Self::WallStep => Fault::WallStepped(host),
            Self::AddressDelete => Fault::AddressDeleted(host),
            Self::AddressLeave => Fault::AddressLeft(host),
            Self::TablesDelete => Fault::TablesDeleted(host),
            Self::LeaseTouch => Fault::LeaseTouched,
            Self::LeaseDelete => Fault::LeaseDeleted,
            Self::LeaseRestore => Fault::LeaseRestored,
            Self::Cordon => Fault::Cordoned(host),
            Self::MoveAsk => Fault::MoveAsked(host),
            Self::Stranger => Fault::StrangerCame,
            Self::Revert => Fault::Reverted(host),
        }
    }

    /// The entry of its end; none: it is over in an instant.
    #[must_use]
    pub const fn ends(self, host: usize) -> Option<Fault> {
        Some(match self {
            Self::Kill | Self::Terminate | Self::Revert => Fault::Started(host),
            Self::Freeze | Self::FreezeInCall => Fault::Thawed(host),
            Self::Starve => Fault::Relieved(host),
            Self::PowerOff => Fault::PoweredOn(host),
            Self::Cut => Fault::Healed(host),
            Self::Deafen => Fault::Hears(host),
            Self::Mute => Fault::Heard(host),
            Self::Garble => Fault::Ungarbled(host),
            Self::Unplug => Fault::Plugged(host),
            Self::ApiKill => Fault::ApiStarted(host),
            Self::ApiFreeze => Fault::ApiThawed(host),
            Self::ApiSlow => Fault::ApiPaced(host),
            Self::ApiUnready => Fault::ApiReady(host),
            Self::WatchBreak => Fault::WatchMended(host),
            Self::KernelRefuse => Fault::KernelObeyed(host),
            Self::StoreAway => Fault::StoreBack,
            Self::Cordon => Fault::Uncordoned(host),
            Self::Stranger => Fault::StrangerLeft,
            Self::WallStep
            | Self::AddressDelete
            | Self::AddressLeave
            | Self::TablesDelete
            | Self::LeaseTouch
            | Self::LeaseDelete
            | Self::LeaseRestore
            | Self::MoveAsk => return None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FreezeInCall => f.pad("daemon frozen in a call to the kernel"),
            kind => f.pad(kind.begins(0).text()),
        }
    }
}
