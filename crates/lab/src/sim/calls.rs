//! The driver of the kernel: it does what it was told in order, one call after the other. Between
//! reading the clock and the kernel's doing it, time passes: the process may be frozen there.

use std::time::Duration;

use kube_vip_core::address::Vip;
use kube_vip_core::event::{Effect, Event, Held, Voice};
use kube_vip_core::moment::Moment;
use kube_vip_core::reconcile::address_lifetime;

use crate::timeline::{Part, What};

use super::Sabotage;
use super::kernel::Ward;
use super::scenario::Cue;
use super::world::{Item, World};

/// So long what a batch relies on may be ago: three jiffies at 250 Hz.
const TOKEN: Duration = Duration::from_millis(12);

/// After the address, its guard lasts so long.
const GUARD: Duration = Duration::from_secs(2);

/// What the driver is at.
#[derive(Clone, Debug)]
pub(super) enum Call {
    /// The next order.
    Next,
    /// The clock was read, and what is to be done computed from it.
    Hold {
        vip: Vip,
        until: Moment,
        voice: Voice,
        lifetime: Option<Duration>,
        /// What was left of the term, and when that was.
        rest: Duration,
        read: Duration,
    },
    /// The address is silent; now it is deleted.
    Drop(Held),
}

impl World {
    /// The driver is told something.
    pub(super) fn order(&mut self, index: usize, id: u64, effect: Effect) {
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        daemon.orders.push_back(effect);
        if !std::mem::replace(&mut daemon.busy, true) {
            self.next_order(index, id);
        }
    }

    fn next_order(&mut self, index: usize, id: u64) {
        // A busy kernel, now and then.
        let longest = if self.rng.percent(3) { 30_000 } else { 800 };
        let takes = self.micros(20, longest);
        self.after(takes, Item::Call { host: index, daemon: id, call: Call::Next });
    }

    /// The driver goes on, unless its process is frozen.
    pub(super) fn call(&mut self, index: usize, id: u64, call: Call) {
        let frozen = !self.hosts[index].has(Part::Schedule);
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        if frozen {
            daemon.stuck = Some(call);
            return;
        }
        match call {
            Call::Next => self.begin(index, id),
            Call::Hold { .. } => self.hold(index, id, call),
            Call::Drop(held) => self.remove(index, id, &held),
        }
    }

    /// The first half of an order.
    fn begin(&mut self, index: usize, id: u64) {
        let now = self.now;
        let obeys = self.hosts[index].has(Part::Kernel);
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        let Some(effect) = daemon.orders.front().cloned() else {
            daemon.busy = false;
            return;
        };
        if !obeys {
            return self.refuse(index, id, "no buffer space available");
        }
        let reading = daemon.clock.reading(now);
        let call = match effect {
            Effect::Hold { vip, until, voice } => {
                let lifetime = address_lifetime(until, reading);
                Call::Hold { vip, until, voice, lifetime, rest: until.since(reading), read: now }
            }
            Effect::Drop(held) => {
                self.silence(index, id, held.vip);
                Call::Drop(held)
            }
            _ => return,
        };
        if !self.hosts[index].nic.fence {
            // What is late here stands until its lifetime ends: nothing holds against that.
            return self.call(index, id, call);
        }
        self.cue(Cue::Calls, Some(index));
        let longest = if self.rng.percent(5) { 10_000 } else { 200 };
        let takes = self.micros(20, longest);
        self.after(takes, Item::Call { host: index, daemon: id, call });
    }

    /// The second half of giving an address.
    fn hold(&mut self, index: usize, id: u64, call: Call) {
        let Call::Hold { vip, until, voice, lifetime, rest, read } = call else { return };
        let late = self.now.saturating_sub(read);
        let fenced = self.hosts[index].nic.fence;
        let Some(lifetime) = lifetime else { return self.too_late(index, id, vip, (rest, voice)) };
        self.give(index, id, vip, lifetime);
        if fenced && late > TOKEN && self.sabotage != Sabotage::NoToken {
            // Again, with what is left by now.
            return self.next_order(index, id);
        }
        if fenced {
            self.set(index, id, vip, (voice, rest));
        }
        if let Some(daemon) = self.hosts[index].daemon(id) {
            daemon.voices.insert(vip, (until, voice));
        }
        self.done(index, id);
    }

    /// What is left is too short for an address lifetime: there is the fence alone, or nothing.
    fn too_late(&mut self, index: usize, id: u64, vip: Vip, (rest, voice): (Duration, Voice)) {
        let there = self.hosts[index].kernel.has(vip);
        if there && rest > Duration::ZERO && self.hosts[index].nic.fence {
            self.set(index, id, vip, (voice, rest));
            return self.done(index, id);
        }
        if there && !self.hosts[index].nic.fence {
            self.hosts[index].kernel.remove(vip);
            self.record_addresses(index);
        }
        self.refuse(index, id, "the term ends too soon");
    }

    fn give(&mut self, index: usize, id: u64, vip: Vip, lifetime: Duration) {
        let now = self.now;
        let fenced = self.hosts[index].nic.fence;
        let eternal = matches!(self.sabotage, Sabotage::EternalAddress | Sabotage::EternalLifetime);
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        let ends = now + daemon.clock.span(lifetime);
        if fenced {
            let guard = if eternal { FOREVER } else { ends + GUARD };
            self.hosts[index].kernel.guard(vip, guard);
            self.queue.put(ends + GUARD, Item::Fade { host: index });
        }
        let change = self.hosts[index].kernel.hold(vip, (!eternal).then_some(ends));
        if !eternal {
            let late = self.millis(10, 400);
            self.queue.put(ends + late, Item::Evict { host: index, change });
        }
        self.record_addresses(index);
    }

    /// The fence's batch: what is left of the term, from now on. Its timers are early by up to a
    /// tick and a half.
    fn set(&mut self, index: usize, id: u64, vip: Vip, (voice, rest): (Voice, Duration)) {
        let now = self.now;
        let early = self.micros(600, 6400);
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        let span = daemon.clock.span(rest).saturating_sub(early);
        let ends = match self.sabotage {
            Sabotage::EternalAddress | Sabotage::EternalFence => FOREVER,
            _ => now + span,
        };
        let answering = if voice == Voice::Answering { ends } else { Duration::ZERO };
        let guard = ends + GUARD;
        self.hosts[index].kernel.ward(vip, Ward { guard, accepting: ends, answering });
        for at in [ends, guard] {
            self.queue.put(at, Item::Fade { host: index });
        }
        self.record_addresses(index);
    }

    /// Out of the sets: the first half of dropping an address.
    fn silence(&mut self, index: usize, id: u64, vip: Vip) {
        if let Some(daemon) = self.hosts[index].daemon(id) {
            daemon.voices.remove(&vip);
        }
        if self.hosts[index].nic.fence && self.sabotage != Sabotage::DeafDriver {
            let guard = self.now + GUARD;
            self.hosts[index].kernel.silence(vip, guard);
            self.record_addresses(index);
        }
    }

    /// The second half.
    fn remove(&mut self, index: usize, id: u64, held: &Held) {
        if self.sabotage != Sabotage::DeafDriver {
            self.hosts[index].kernel.remove(held.vip);
            self.hosts[index].kernel.release(held.vip);
        }
        self.record_addresses(index);
        self.done(index, id);
    }

    fn refuse(&mut self, index: usize, id: u64, cause: &str) {
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        if let Some(effect) = daemon.orders.front().cloned() {
            let cause = cause.to_owned();
            self.deliver(index, id, Event::Refused { effect, cause });
        }
        self.done(index, id);
    }

    /// The first order is done, or refused.
    fn done(&mut self, index: usize, id: u64) {
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        daemon.orders.pop_front();
        daemon.carried_out += 1;
        daemon.busy = !daemon.orders.is_empty();
        let more = daemon.busy;
        self.show_kernel(index);
        if more {
            self.next_order(index, id);
        }
    }

    /// Somebody deleted the fence: the driver notices, soon, if it can.
    pub(super) fn lose_fence(&mut self, index: usize) {
        self.hosts[index].kernel.unfence();
        self.record_fence(index, false);
        self.record_addresses(index);
        let wait = self.millis(1, 50);
        if let Some(daemon) = self.hosts[index].daemon_id() {
            self.after(wait, Item::Mend { host: index, daemon });
        }
    }

    /// The driver puts the fence back as it last set it.
    pub(super) fn mend(&mut self, index: usize, id: u64) {
        let now = self.now;
        if !self.hosts[index].has(Part::Schedule) || !self.hosts[index].has(Part::Kernel) {
            let wait = self.millis(1, 50);
            return self.after(wait, Item::Mend { host: index, daemon: id });
        }
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        let reading = daemon.clock.reading(now);
        let voices: Vec<_> = daemon.voices.iter().map(|(vip, set)| (*vip, *set)).collect();
        for (vip, (until, voice)) in voices {
            self.set(index, id, vip, (voice, until.since(reading)));
        }
        self.record_fence(index, true);
        self.show_kernel(index);
    }

    /// Records whether the host's kernel ends what nobody renews on time.
    pub(super) fn record_fence(&mut self, node: usize, on: bool) {
        if self.hosts[node].nic.fence {
            self.record(What::Fenced { node, on });
        }
    }
}

/// Longer than any run.
const FOREVER: Duration = Duration::from_secs(1 << 32);
