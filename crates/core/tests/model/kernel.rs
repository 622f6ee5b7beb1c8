//! One host's kernel: an address that ends by itself, and the fence before it.

use std::time::Duration;

use kube_vip_core::address::{LinkName, Vip};
use kube_vip_core::event::{Fence, Held, Voice};
use serde::Serialize;

use crate::clock::Instant;

/// What the kernel may be late with when it removes an address.
const KERNEL_IS_LATE: Duration = Duration::from_millis(400);

/// What silences an address that nobody renews. Each layer must be enough without the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) enum Layer {
    /// The fence, to the millisecond; addresses stay for ever.
    Fence,
    /// The addresses' lifetimes, late by as much as kernels are; there is no fence.
    Lifetime,
    /// Neither: the daemon alone, which nothing stops then.
    Process,
    /// All of them, and holders may go on past their term while the API is away for all; one that
    /// meets its successor must let go within [`MEETING`].
    HoldingOn,
}

/// How long a holder that held on and its successor may both answer.
pub(crate) const MEETING: Duration = Duration::from_millis(250);

impl Layer {
    /// As the kernel driver says it.
    pub(crate) fn fence(self) -> Fence {
        match self {
            Self::Fence | Self::HoldingOn => Fence::Ready,
            Self::Lifetime | Self::Process => Fence::Missing("netdev egress".into()),
        }
    }

    /// Daemons may be stopped: something else silences the address in time.
    pub(crate) const fn bears_stops(self) -> bool {
        matches!(self, Self::Fence | Self::Lifetime)
    }

    /// When the kernel removes an address whose lifetime ends then.
    pub(crate) fn removes(self, ends: Instant) -> Instant {
        match self {
            Self::Lifetime | Self::HoldingOn => ends.after(KERNEL_IS_LATE),
            Self::Fence | Self::Process => Instant(u64::MAX),
        }
    }
}

/// The address as one kernel has it; it outlives the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Address {
    pub(crate) vip: Vip,
    pub(crate) layer: Layer,
    /// When its lifetime is over.
    pub(crate) ends: Instant,
    /// When the kernel removes it.
    pub(crate) goes: Instant,
    /// The voice that the fence gives it, and until when.
    pub(crate) voice: Voice,
    pub(crate) until: Instant,
}

impl Address {
    /// What it does now.
    pub(crate) fn voice(&self, now: Instant) -> Voice {
        match self.layer {
            Layer::Fence | Layer::HoldingOn if now < self.until => self.voice,
            Layer::Fence | Layer::HoldingOn => Voice::Silent,
            Layer::Lifetime | Layer::Process => Voice::Answering,
        }
    }

    /// As the kernel driver shows it.
    pub(crate) fn held(&self, now: Instant, link: LinkName) -> Held {
        let rest = Duration::from_nanos(self.ends.0.saturating_sub(now.0));
        Held {
            vip: self.vip,
            link,
            lifetime: Some(Duration::from_secs(rest.as_secs())),
            voice: (self.layer.fence() == Fence::Ready).then(|| self.voice(now)),
        }
    }
}
