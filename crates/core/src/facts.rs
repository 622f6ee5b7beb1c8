//! What this node believes about its own host.

use std::collections::BTreeMap;
use std::mem::discriminant;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::{Mac, Vip};
use crate::event::{Effect, Fence, Held, Snapshot, Voice};
use crate::moment::Moment;
use crate::plan::Plan;
use crate::segment::Asker;

/// After the kernel refused something, how long until it is tried again.
const REFUSAL_PAUSE: Duration = Duration::from_secs(1);

/// Refusals that follow each other within this span are one trouble, told ever more rarely.
const SAME_TROUBLE: Duration = Duration::from_secs(10);

/// So often within [`SAME_TROUBLE`] an address that somebody removed is put back at once.
const FOUGHT_AT_ONCE: usize = 3;

/// After so many refusals without a break the kernel will not have the address here.
const ENOUGH: u32 = 3;

/// So long it is left to others then. Where nobody else will have it either, recovery must not
/// take longer than a lease duration and 2 s.
const STAND_BACK: Duration = Duration::from_secs(2);

/// What the kernel was last seen to have, and what it was told since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    snapshot: Option<Snapshot>,
    /// For which term's end an address was last given to the kernel, and until when that lasts.
    applied: BTreeMap<IpAddr, Applied>,
    /// What was told and is not in the snapshot yet.
    told: Vec<Told>,
    /// How much was told, ever.
    count: u64,
    refusals: Vec<Refusals>,
    /// When somebody else removed which address, lately.
    losses: Vec<(IpAddr, Moment)>,
}

/// Something that the kernel was told to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    effect: Effect,
    /// The first is number one.
    number: u64,
    /// It, or the like, was refused: it may be told again.
    refused: bool,
}

/// How often the kernel refused to do the same to the same address, without a break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Refusals {
    /// What it refused last.
    effect: Effect,
    count: u32,
    last: Moment,
}

/// An address as it was last given to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The end of the term that its lifetime was computed from.
    pub until: Moment,
    /// When the kernel may remove it by itself.
    pub expires: Moment,
}

impl Facts {
    /// A new snapshot. It may be older than what was told last.
    pub fn saw(&mut self, snapshot: Snapshot) {
        self.told.retain(|told| told.number > snapshot.carried_out);
        self.snapshot = Some(snapshot);
    }

    /// The kernel was told something.
    pub fn tell(&mut self, effect: &Effect) {
        self.count += 1;
        self.told.push(Told { effect: effect.clone(), number: self.count, refused: false });
    }

    /// The kernel was told to have an address.
    pub fn applied(&mut self, address: IpAddr, applied: Applied) {
        self.applied.insert(address, applied);
    }

    /// The kernel refused to change an address, which is tried again after a while, or to announce
    /// it. Whether people are to be told, which is so for the first, second, fourth … refusal
    /// without a break.
    pub fn refused(&mut self, effect: &Effect, now: Moment) -> bool {
        for told in self.told.iter_mut().filter(|told| is_alike(&told.effect, effect)) {
            told.refused = true;
        }
        if let Effect::Hold { vip, .. } = effect
            && let Some(applied) = self.applied.get_mut(&vip.address())
        {
            // What it was given before goes on, for nobody knows how long.
            *applied = Applied { until: Moment::START, expires: now };
        }
        let before = self.refusals(effect, now).map_or(0, |refusals| refusals.count);
        let count = before.saturating_add(1);
        self.refusals.retain(|refusals| !is_alike(&refusals.effect, effect));
        self.refusals.push(Refusals { effect: effect.clone(), count, last: now });
        count.is_power_of_two()
    }

    fn refusals(&self, effect: &Effect, now: Moment) -> Option<&Refusals> {
        let recent = |refusals: &&Refusals| now < refusals.last + SAME_TROUBLE;
        self.refusals.iter().filter(recent).find(|refusals| is_alike(&refusals.effect, effect))
    }

    /// Somebody else removed the address. It is put back at once; whoever goes on removing it is
    /// fought at a slower pace.
    pub fn lost(&mut self, address: IpAddr, now: Moment) {
        self.losses.retain(|(_, at)| now < *at + SAME_TROUBLE);
        self.losses.push((address, now));
    }

    fn lost_again(&self, effect: &Effect) -> Option<Moment> {
        let Effect::Hold { vip, .. } = effect else { return None };
        let its = self.losses.iter().filter(|(address, _)| *address == vip.address());
        let last = its.clone().map(|(_, at)| *at).max()?;
        (its.count() > FOUGHT_AT_ONCE).then_some(last + REFUSAL_PAUSE)
    }

    /// Addresses that are not wanted, not here and not coming: forget what they were given.
    pub fn forget_absent(&mut self) {
        let coming = self.told.iter().filter_map(|told| concerns(&told.effect));
        let held = self.held().map(|held| held.vip.address());
        let known: Vec<IpAddr> = held.chain(coming).collect();
        self.applied.retain(|address, _| known.contains(address));
    }

    /// The same was told already, and is neither done nor refused, as far as is known.
    #[must_use]
    pub fn is_told(&self, effect: &Effect) -> bool {
        self.told.iter().filter(|told| !told.refused).any(|told| match (&told.effect, effect) {
            // Its lifetime passes by.
            (Effect::Drop(told), Effect::Drop(held)) => {
                told.vip == held.vip && told.link == held.link
            }
            (told, effect) => told == effect,
        })
    }

    /// Something that the kernel was told is not in the snapshot yet: an address may be coming.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        !self.told.is_empty()
    }

    /// How an address was last given to the kernel.
    #[must_use]
    pub fn given(&self, address: IpAddr) -> Option<Applied> {
        self.applied.get(&address).copied()
    }

    /// The kernel refused the like a moment ago.
    #[must_use]
    pub fn is_paused(&self, effect: &Effect, now: Moment) -> bool {
        let refusals = self.refusals(effect, now);
        refusals.is_some_and(|refusals| now < refusals.last + REFUSAL_PAUSE)
            || self.lost_again(effect).is_some_and(|until| now < until)
    }

    /// The kernel refused the like, and has not been left alone for long since.
    #[must_use]
    pub fn was_refused(&self, effect: &Effect, now: Moment) -> bool {
        self.refusals(effect, now).is_some()
    }

    /// This host has no address of the plan, and the kernel keeps refusing one: another host may
    /// do better. After a break it is tried here again.
    #[must_use]
    pub fn has_given_up(&self, now: Moment) -> bool {
        self.given_up_until().is_some_and(|until| now < until) && self.held().next().is_none()
    }

    fn given_up_until(&self) -> Option<Moment> {
        let holds = self.refusals.iter().filter(|r| matches!(r.effect, Effect::Hold { .. }));
        holds.filter(|r| r.count >= ENOUGH).map(|r| r.last + STAND_BACK).max()
    }

    /// When next something that was refused may be tried again.
    #[must_use]
    pub fn pause_ends(&self, now: Moment) -> Option<Moment> {
        let refused = self.refusals.iter().map(|refusals| refusals.last);
        let lost = self.losses.iter().map(|(_, at)| *at);
        let pauses = refused.chain(lost).map(|last| last + REFUSAL_PAUSE);
        pauses.chain(self.given_up_until()).filter(|until| now < *until).min()
    }

    /// The kernel has been looked at.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.snapshot.is_some()
    }

    /// The plan's interface is there, up, with a carrier.
    #[must_use]
    pub fn link_is_up(&self) -> bool {
        self.link_mac().is_some()
    }

    /// The interface's own address, if it is up.
    #[must_use]
    pub fn link_mac(&self) -> Option<Mac> {
        let link = self.snapshot.as_ref()?.link.as_ref()?;
        link.up.then_some(link.mac)
    }

    /// Whether the kernel can fence addresses.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.snapshot.as_ref().map(|snapshot| snapshot.fence.clone()).unwrap_or_default()
    }

    /// The address has this voice, as far as the kernel can tell.
    #[must_use]
    pub fn speaks(&self, vip: Vip, voice: Voice) -> bool {
        self.fence() != Fence::Ready || self.voice(vip) == Some(voice)
    }

    /// What the fence lets the address do; none: nothing fences it, or it is not here.
    #[must_use]
    pub fn voice(&self, vip: Vip) -> Option<Voice> {
        self.held().find(|held| held.vip == vip)?.voice
    }

    /// Nothing of the plan speaks on the wire, and nothing is about to.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let quiet = |voice| matches!(voice, Some(Voice::Silent | Voice::Accepting));
        self.is_known() && !self.is_busy() && self.held().all(|held| quiet(held.voice))
    }

    /// The interface's own addresses, to ask in their name.
    #[must_use]
    pub fn asker(&self) -> Option<Asker> {
        let link = self.snapshot.as_ref()?.link.as_ref().filter(|link| link.up)?;
        Some(Asker { mac: link.mac, addresses: link.addresses.clone() })
    }

    /// The next hops of the default routes.
    #[must_use]
    pub fn gateways(&self) -> &[IpAddr] {
        let link = self.snapshot.as_ref().and_then(|snapshot| snapshot.link.as_ref());
        link.map_or(&[], |link| &link.gateways)
    }

    /// Every address of the plan that the host has, in whatever form.
    pub fn held(&self) -> impl Iterator<Item = &Held> {
        self.snapshot.iter().flat_map(|snapshot| &snapshot.held)
    }

    /// The host has the address as planned: with this prefix, on the plan's interface.
    #[must_use]
    pub fn has(&self, plan: &Plan, vip: Vip) -> bool {
        self.held().any(|held| held.vip == vip && held.link == plan.link)
    }
}

/// The address that the kernel was told to have, to remove or to announce.
pub const fn concerns(effect: &Effect) -> Option<IpAddr> {
    match effect {
        Effect::Hold { vip, .. } => Some(vip.address()),
        Effect::Drop(held) => Some(held.vip.address()),
        Effect::Announce { address, .. } => Some(*address),
        Effect::Ask(_)
        | Effect::Question { .. }
        | Effect::Check { .. }
        | Effect::Register(_)
        | Effect::Tell(_) => None,
    }
}

/// The same is done to the same address, if not in the same way.
fn is_alike(a: &Effect, b: &Effect) -> bool {
    discriminant(a) == discriminant(b) && concerns(a) == concerns(b)
}
