//! What is done to the nodes of a world, and its end.

use serde::{Deserialize, Serialize};

/// A fault, or its end. Nodes are indices into the timeline's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fault {
    /// The daemon got SIGTERM.
    Terminated(usize),
    /// The daemon got SIGKILL; its host lives on.
    Killed(usize),
    /// The daemon runs (again).
    Started(usize),
    /// The daemon got SIGSTOP.
    Frozen(usize),
    /// The daemon got SIGCONT.
    Thawed(usize),
    /// The daemon gets the processor late, and in short slices.
    Starved(usize),
    /// The daemon gets the processor when it asks for it.
    Relieved(usize),
    /// The host lost its power.
    PoweredOff(usize),
    /// The host is booting.
    PoweredOn(usize),
    /// The node's switch port passes nothing any more; the link stays up.
    Cut(usize),
    /// The switch port passes frames again.
    Healed(usize),
    /// The cable was pulled: the node has no carrier.
    Unplugged(usize),
    /// The cable is back.
    Plugged(usize),
    /// The node's API server is dead.
    ApiKilled(usize),
    /// The node's API server is back.
    ApiStarted(usize),
    /// The node's API server accepts connections and answers nothing.
    ApiFrozen(usize),
    /// The node's API server answers again.
    ApiThawed(usize),
    /// The node's API server is slow, loses requests and answers, and answers twice.
    ApiSlowed(usize),
    /// The node's API server is as fast as before.
    ApiPaced(usize),
    /// The node's watch shows nothing new, although requests are answered.
    WatchBroken(usize),
    /// The node's watch is up to date again.
    WatchMended(usize),
    /// The node's kernel refuses to change addresses.
    KernelRefused(usize),
    /// The node's kernel does as it is told.
    KernelObeyed(usize),
    /// The store behind all API servers answers nobody.
    StoreAway,
    /// The store answers again.
    StoreBack,
    /// The host's wall clock was set. Over in an instant.
    WallStepped(usize),
    /// Somebody deleted the address on this host. Over in an instant.
    AddressDeleted(usize),
    /// Somebody changed an annotation of the Lease. Over in an instant.
    LeaseTouched,
    /// The switch port passes what the node sends, and nothing to it; the link stays up.
    Deafened(usize),
    /// The node hears again.
    Hears(usize),
    /// The switch port passes everything to the node, and nothing that it sends.
    Muted(usize),
    /// What the node sends is passed again.
    Heard(usize),
    /// The segment fell in two: the node is on the far side, with others who can be heard.
    Split(usize),
    /// The segment is whole again.
    Joined(usize),
    /// A host that is no node has the address and announces it.
    StrangerCame,
    /// That host has it no more.
    StrangerLeft,
    /// Somebody deleted packet filter tables on this host. Over in an instant.
    TablesDeleted(usize),
    /// Somebody gave this host the address for ever. Over in an instant.
    AddressLeft(usize),
    /// Somebody deleted the Lease. Over in an instant.
    LeaseDeleted,
    /// The Lease is as it was some time ago. Over in an instant.
    LeaseRestored,
    /// The Node was cordoned.
    Cordoned(usize),
    /// The Node was uncordoned.
    Uncordoned(usize),
    /// Somebody asked for the address to move to this node. Over in an instant.
    MoveAsked(usize),
    /// Frames to and from the node are lost, late and doubled.
    Garbled(usize),
    /// Frames to and from the node pass as they should.
    Ungarbled(usize),
    /// The node's API server says that it is not ready, and works on.
    ApiUnready(usize),
    /// The node's API server says that it is ready.
    ApiReady(usize),
    /// The original runs on this node, in the daemon's place, until the daemon is started again.
    Reverted(usize),
}

/// The part of a node that a fault takes away, or gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The daemon's process exists.
    Process,
    /// The daemon's process may run.
    Schedule,
    /// The daemon's process runs when it wants to.
    Processor,
    /// The host runs.
    Power,
    /// The switch port passes frames.
    Port,
    /// The cable is plugged in.
    Cable,
    /// The API server's process exists.
    ApiProcess,
    /// The API server's process may run.
    ApiSchedule,
    /// The API server is fast and loses nothing.
    ApiPace,
    /// The watch is up to date.
    Watch,
    /// The kernel does as it is told.
    Kernel,
    /// The switch port passes what is sent to the node.
    Hearing,
    /// The switch port passes what the node sends.
    Voice,
    /// The segment is whole, as seen from the near side.
    Segment,
    /// Frames pass once, soon and in order.
    Frames,
    /// The API server says that it is ready.
    ApiHealth,
    /// The Node may be given work.
    Schedulable,
}

impl Fault {
    /// The node that it concerns; none: all of them.
    #[must_use]
    pub const fn node(self) -> Option<usize> {
        match self {
            Self::StoreAway
            | Self::StoreBack
            | Self::LeaseTouched
            | Self::LeaseDeleted
            | Self::LeaseRestored
            | Self::StrangerCame
            | Self::StrangerLeft => None,
            Self::Terminated(node)
            | Self::Killed(node)
            | Self::Started(node)
            | Self::Frozen(node)
            | Self::Thawed(node)
            | Self::Starved(node)
            | Self::Relieved(node)
            | Self::PoweredOff(node)
            | Self::PoweredOn(node)
            | Self::Cut(node)
            | Self::Healed(node)
            | Self::Unplugged(node)
            | Self::Plugged(node)
            | Self::ApiKilled(node)
            | Self::ApiStarted(node)
            | Self::ApiFrozen(node)
            | Self::ApiThawed(node)
            | Self::ApiSlowed(node)
            | Self::ApiPaced(node)
            | Self::WatchBroken(node)
            | Self::WatchMended(node)
            | Self::KernelRefused(node)
            | Self::KernelObeyed(node)
            | Self::WallStepped(node)
            | Self::AddressDeleted(node)
            | Self::Deafened(node)
            | Self::Hears(node)
            | Self::Muted(node)
            | Self::Heard(node)
            | Self::Split(node)
            | Self::Joined(node)
            | Self::TablesDeleted(node)
            | Self::AddressLeft(node)
            | Self::Cordoned(node)
            | Self::Uncordoned(node)
            | Self::MoveAsked(node)
            | Self::Garbled(node)
            | Self::Ungarbled(node)
            | Self::ApiUnready(node)
            | Self::ApiReady(node)
            | Self::Reverted(node) => Some(node),
        }
    }

    /// The part of the node that it takes away.
    #[must_use]
    pub const fn takes(self) -> Option<Part> {
        Some(match self {
            Self::Terminated(_) | Self::Killed(_) | Self::Reverted(_) => Part::Process,
            Self::Frozen(_) => Part::Schedule,
            Self::Starved(_) => Part::Processor,
            Self::PoweredOff(_) => Part::Power,
            Self::Cut(_) => Part::Port,
            Self::Unplugged(_) => Part::Cable,
            Self::ApiKilled(_) => Part::ApiProcess,
            Self::ApiFrozen(_) => Part::ApiSchedule,
            Self::ApiSlowed(_) => Part::ApiPace,
            Self::WatchBroken(_) => Part::Watch,
            Self::KernelRefused(_) => Part::Kernel,
            Self::Deafened(_) => Part::Hearing,
            Self::Muted(_) => Part::Voice,
            Self::Split(_) => Part::Segment,
            Self::Garbled(_) => Part::Frames,
            Self::ApiUnready(_) => Part::ApiHealth,
            Self::Cordoned(_) => Part::Schedulable,
            _ => return None,
        })
    }

    /// The part of the node that it gives back.
    #[must_use]
    pub const fn gives(self) -> Option<Part> {
        Some(match self {
            Self::Started(_) => Part::Process,
            Self::Thawed(_) => Part::Schedule,
            Self::Relieved(_) => Part::Processor,
            Self::PoweredOn(_) => Part::Power,
            Self::Healed(_) => Part::Port,
            Self::Plugged(_) => Part::Cable,
            Self::ApiStarted(_) => Part::ApiProcess,
            Self::ApiThawed(_) => Part::ApiSchedule,
            Self::ApiPaced(_) => Part::ApiPace,
            Self::WatchMended(_) => Part::Watch,
            Self::KernelObeyed(_) => Part::Kernel,
            Self::Hears(_) => Part::Hearing,
            Self::Heard(_) => Part::Voice,
            Self::Joined(_) => Part::Segment,
            Self::Ungarbled(_) => Part::Frames,
            Self::ApiReady(_) => Part::ApiHealth,
            Self::Uncordoned(_) => Part::Schedulable,
            _ => return None,
        })
    }

    /// What happened, as a clause without the node's name.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Terminated(_) => "daemon terminated",
            Self::Killed(_) => "daemon killed",
            Self::Started(_) => "daemon started",
            Self::Frozen(_) => "daemon frozen",
            Self::Thawed(_) => "daemon thawed",
            Self::Starved(_) => "daemon starved of processor time",
            Self::Relieved(_) => "daemon has processor time again",
            Self::PoweredOff(_) => "power lost",
            Self::PoweredOn(_) => "power back",
            Self::Cut(_) => "port cut",
            Self::Healed(_) => "port healed",
            Self::Unplugged(_) => "cable pulled",
            Self::Plugged(_) => "cable back",
            Self::ApiKilled(_) => "API server killed",
            Self::ApiStarted(_) => "API server started",
            Self::ApiFrozen(_) => "API server frozen",
            Self::ApiThawed(_) => "API server thawed",
            Self::ApiSlowed(_) => "API server slow and lossy",
            Self::ApiPaced(_) => "API server fast again",
            Self::WatchBroken(_) => "watch broken",
            Self::WatchMended(_) => "watch mended",
            Self::KernelRefused(_) => "kernel refuses",
            Self::KernelObeyed(_) => "kernel obeys",
            Self::StoreAway => "store away",
            Self::StoreBack => "store back",
            Self::WallStepped(_) => "wall clock stepped",
            Self::AddressDeleted(_) => "address deleted by somebody",
            Self::LeaseTouched => "Lease annotated by somebody",
            Self::Deafened(_) => "deaf: the port passes nothing to it",
            Self::Hears(_) => "hears again",
            Self::Muted(_) => "mute: the port passes nothing of it",
            Self::Heard(_) => "is heard again",
            Self::Split(_) => "segment split",
            Self::Joined(_) => "segment joined",
            Self::StrangerCame => "a stranger has the address",
            Self::StrangerLeft => "the stranger is gone",
            Self::TablesDeleted(_) => "packet filter tables deleted by somebody",
            Self::AddressLeft(_) => "address left behind by somebody",
            Self::LeaseDeleted => "Lease deleted by somebody",
            Self::LeaseRestored => "Lease restored from an old state",
            Self::Cordoned(_) => "cordoned",
            Self::Uncordoned(_) => "uncordoned",
            Self::MoveAsked(_) => "asked to take the address",
            Self::Garbled(_) => "frames lost, late and doubled",
            Self::Ungarbled(_) => "frames pass again",
            Self::ApiUnready(_) => "API server not ready",
            Self::ApiReady(_) => "API server ready",
            Self::Reverted(_) => "the original runs instead",
        }
    }
}
