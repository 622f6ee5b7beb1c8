//! The fence, if the kernel has one, and what becomes of the rest if it has none.

use std::net::IpAddr;
use std::time::Duration;

use kube_vip_core::address::LinkName;
use kube_vip_core::event::{self, Snapshot, Voice};
use kube_vip_core::moment::Moment;
use kube_vip_core::plan::Plan;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::fence::{Fence, FenceError, Grant, Protection};
use super::netlink::NetlinkError;

/// After the kernel refused a fence, how long until it is asked again of ourselves.
const PAUSE: Duration = Duration::from_secs(10);

/// So long after an address's lifetime its rules still apply: the kernel removes it late.
const GUARD_AFTER_LIFETIME: Duration = Duration::from_secs(2);

/// Which of the kernel's two layers silence an address that nobody renews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layers {
    /// Both, as far as the kernel has them: what is to be used.
    Both,
    /// Address lifetimes alone, as on a kernel without a fence: silent before the term ends, in
    /// whole seconds.
    Lifetimes,
    /// Both, with a fence that other programs can remove, as before Linux 6.9.
    Unprotected,
    /// The fence alone, and addresses without an end: silent before the term ends, to a few
    /// milliseconds. It shows that the fence needs no lifetimes.
    Fence,
}

/// Where a fence belongs, and what it is to be like.
#[derive(Debug)]
struct Place {
    election: String,
    link: LinkName,
    layers: Layers,
}

impl Place {
    fn open(&self) -> Result<Fence, FenceError> {
        match self.layers {
            Layers::Unprotected => Fence::open_with(&self.election, &self.link, Protection::None),
            _ => Fence::open(&self.election, &self.link),
        }
    }
}

/// The fence, or why there is none.
#[derive(Debug)]
pub(super) struct Fencing {
    place: Place,
    fence: Option<Fence>,
    state: event::Fence,
    /// Not tried again before, unless an address is to be held.
    again: Option<Instant>,
    /// What was seen last.
    voices: Vec<(IpAddr, Voice)>,
}

impl Fencing {
    /// For the election and the interface of this plan; no fence yet.
    pub(super) fn of(plan: &Plan, layers: Layers) -> Self {
        let state = match layers {
            Layers::Lifetimes => event::Fence::Missing("left out on purpose".to_owned()),
            Layers::Both | Layers::Unprotected | Layers::Fence => event::Fence::Unknown,
        };
        let election = format!("{}/{}", plan.lease.namespace, plan.lease.name);
        let place = Place { election, link: plan.link.clone(), layers };
        Self { place, fence: None, state, again: None, voices: Vec::new() }
    }

    /// There is no fence, and it may be time to try again.
    pub(super) fn is_due(&self) -> bool {
        self.fence.is_none() && self.again.is_none_or(|again| again <= Instant::now())
    }

    /// There is a fence.
    pub(super) const fn is_open(&self) -> bool {
        self.fence.is_some()
    }

    /// Opens the fence. What a predecessor left of it stays for the addresses that are configured
    /// here, and only for those. Failing is no failure: then there are lifetimes.
    pub(super) fn open(&mut self, configured: &[IpAddr]) {
        let opened = self.place.open().and_then(|mut fence| {
            fence.sweep(configured)?;
            Ok(fence)
        });
        match opened {
            Ok(fence) => {
                debug!(table = fence.table(), protection = ?fence.protection(), "fence opened");
                self.fence = Some(fence);
                self.state = event::Fence::Ready;
                self.again = None;
            }
            Err(error) => self.lose(&error),
        }
    }

    fn lose(&mut self, error: &FenceError) {
        self.fence = None;
        self.again = Some(Instant::now() + PAUSE);
        self.state = match error {
            // It is not known before there is an interface.
            FenceError::NoLink(_) => {
                self.again = None;
                event::Fence::Unknown
            }
            error => event::Fence::Missing(error.to_string()),
        };
    }

    /// Has the rules apply to the address for its lifetime and a while longer; without a fence
    /// does nothing.
    pub(super) fn prepare(
        &mut self,
        address: IpAddr,
        own: Option<IpAddr>,
        lifetime: Duration,
    ) -> Result<(), FenceError> {
        let guard_for = lifetime + GUARD_AFTER_LIFETIME;
        self.with(|fence| fence.prepare(address, own, guard_for))
    }

    /// Gives the address a voice; without a fence does nothing.
    pub(super) fn set(&mut self, grant: Grant, now: impl Fn() -> Moment) -> Result<(), FenceError> {
        self.with(|fence| fence.set(grant, &now))
    }

    /// Takes the address's voice; without a fence does nothing. That there is no interface is fine:
    /// nothing goes out of it.
    pub(super) fn silence(&mut self, address: IpAddr) -> Result<(), FenceError> {
        match self.with(|fence| fence.silence(address)) {
            Err(FenceError::NoLink(_)) => Ok(()),
            other => other,
        }
    }

    /// The address is gone: no rule is to apply to it. What stands in the way is only told to
    /// those who look for it: the rules end by themselves.
    pub(super) fn release(&mut self, address: IpAddr) {
        if let Err(error) = self.with(|fence| fence.release(address)) {
            info!(%address, %error, "the fence of an address that is gone stays until it ends");
        }
    }

    fn with(
        &mut self,
        act: impl Fn(&mut Fence) -> Result<(), FenceError>,
    ) -> Result<(), FenceError> {
        let Some(fence) = &mut self.fence else { return Ok(()) };
        let error = match act(fence) {
            Err(error) if is_lost(&error) => error,
            other => return other,
        };
        warn!(%error, "opening the fence anew");
        // The table belongs to the connection, so that must go first.
        self.fence = None;
        match self.place.open() {
            Ok(fence) => act(self.fence.insert(fence)),
            Err(error) => {
                self.lose(&error);
                Err(error)
            }
        }
    }

    /// Whether the voices are others than at the last look, for which nobody may have asked.
    pub(super) fn has_changed(&mut self) -> bool {
        let before = std::mem::take(&mut self.voices);
        self.look();
        before != self.voices
    }

    /// Says of each address what the fence lets it do.
    pub(super) fn describe(&mut self, snapshot: &mut Snapshot) {
        self.look();
        for held in &mut snapshot.held {
            // What comes in and goes out elsewhere does not pass the fence; the loopback interface
            // has no way of its own out of the host.
            let passes = held.link == self.place.link || held.link.as_str() == "lo";
            let voice = self.voices.iter().find(|(address, _)| *address == held.vip.address());
            held.voice = voice.filter(|_| passes).map(|(_, voice)| *voice);
        }
        snapshot.fence = self.state.clone();
    }

    fn look(&mut self) {
        let voices = match &mut self.fence {
            Some(fence) => fence.voices(),
            None => Ok(Default::default()),
        };
        match voices {
            Ok(voices) => self.voices = voices.into_iter().collect(),
            Err(error) if is_lost(&error) => {
                warn!(%error, "lost the fence");
                self.voices.clear();
                self.lose(&error);
            }
            // Others change nftables all the time: what was seen last is as good as anything.
            Err(error) => debug!(%error, "cannot look at the fence now"),
        }
    }
}

/// This fence is of no use any more.
const fn is_lost(error: &FenceError) -> bool {
    match error {
        FenceError::Unconnected(NetlinkError::Restless) => false,
        FenceError::Unconnected(_) | FenceError::Missing { .. } => true,
        _ => false,
    }
}
