//! A daemon's life: it starts, gets the processor, does what the core says, and ends.

use std::time::Duration;

use kube_vip_core::event::{Effect, Event};
use kube_vip_core::node::Node;

use crate::timeline::{Fault, Part, What};

use super::Sabotage;
use super::clock::Clock;
use super::host::Daemon;
use super::world::{Item, World};

/// How often a driver looks at the kernel without occasion.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How often a daemon may be called at one instant before it is said to spin.
const SPINS: u32 = 200;

impl World {
    /// Starts the host's daemon, if it has power and none.
    pub(super) fn start_if_dead(&mut self, index: usize) {
        let taken = self.hosts[index].daemon.is_some() || self.hosts[index].original.is_some();
        if taken || !self.hosts[index].has(Part::Power) {
            return;
        }
        self.daemons += 1;
        let id = self.daemons;
        let seed = self.rng.next();
        let host = &mut self.hosts[index];
        let slow = self.sabotage == Sabotage::SlowClock && index.is_multiple_of(2);
        let ppm = if slow { -200_000 } else { host.ppm };
        let clock = Clock::new(self.now, host.first, ppm);
        host.daemon = Some(Daemon::new(id, Node::new(host.plan.clone(), seed), clock));
        host.missing.remove(Part::Process);
        host.missing.remove(Part::Schedule);
        self.record_fault(Fault::Started(index));
        self.record_fence(index, true);
        self.after(Duration::ZERO, Item::Look { host: index, daemon: id });
        self.reconnect_watch(index);
    }

    /// The daemon is no more; whatever it had asked for goes on.
    pub(super) fn end_daemon(&mut self, index: usize) {
        self.hosts[index].daemon = None;
    }

    /// A driver has something for the daemon.
    pub(super) fn deliver(&mut self, index: usize, id: u64, event: Event) {
        let event = self.tamper_with_event(index, event);
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        daemon.inbox.push_back(event);
        self.wake(index, id);
    }

    /// The daemon has something to do.
    pub(super) fn wake(&mut self, index: usize, id: u64) {
        let frozen = !self.hosts[index].has(Part::Schedule);
        let starved = !self.hosts[index].has(Part::Processor);
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        if frozen || std::mem::replace(&mut daemon.awake, true) {
            return;
        }
        let wait = if starved {
            self.rng.skewed(Duration::from_millis(1), Duration::from_millis(1500))
        } else {
            self.micros(1, 60)
        };
        self.after(wait, Item::Run { host: index, daemon: id });
    }

    /// The daemon gets the processor: one turn of its loop.
    pub(super) fn run_daemon(&mut self, index: usize, id: u64) {
        let (now, seed) = (self.now, self.seed);
        let frozen = !self.hosts[index].has(Part::Schedule);
        let coin = self.rng.percent(50);
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        daemon.awake = false;
        if frozen {
            return;
        }
        let reading = daemon.clock.reading(now);
        let due = daemon.node.deadline().is_some_and(|deadline| deadline <= reading);
        let event = match daemon.inbox.front() {
            // Whichever the loop's select looks at first.
            Some(_) if due && coin => Event::Tick,
            Some(_) => daemon.inbox.pop_front().unwrap_or(Event::Tick),
            None if due => Event::Tick,
            None => return,
        };
        daemon.spins = match daemon.spins {
            (at, spins) if now.saturating_sub(at) < Duration::from_millis(20) => (at, spins + 1),
            _ => (now, 0),
        };
        let spins = daemon.spins.1;
        assert!(spins < SPINS, "seed {seed}: the node on {index} spins at {now:?} ({event:?})");
        self.note(index, || format!("< {event:?} at {reading}"));
        if let Some(daemon) = self.hosts[index].daemon(id) {
            daemon.node.handle(event, reading);
        }
        while let Some(effect) = self.hosts[index].daemon(id).and_then(|d| d.node.poll()) {
            self.take_on(index, id, effect);
        }
        self.record_word(index, id);
        self.go_on(index, id);
    }

    /// Records what the daemon says, if it says something else than before.
    fn record_word(&mut self, node: usize, id: u64) {
        let Some(daemon) = self.hosts[node].daemon(id) else { return };
        let status = daemon.node.status();
        let holds = status.term.is_some() || status.holding_on.is_some();
        let named = status.lease.holder;
        let holder = named.and_then(|name| self.hosts.iter().position(|host| host.name == name));
        let Some(daemon) = self.hosts[node].daemon(id) else { return };
        if daemon.said.replace((holds, holder)) != Some((holds, holder)) {
            self.record(What::Says { node, holds, holder });
        }
    }

    /// Ends the daemon, or sets its alarm.
    fn go_on(&mut self, index: usize, id: u64) {
        let now = self.now;
        let slop = self.micros(0, 1500);
        let Some(daemon) = self.hosts[index].daemon(id) else { return };
        if daemon.node.finished() {
            return self.end_daemon(index);
        }
        if let Some(deadline) = daemon.node.deadline() {
            daemon.alarm += 1;
            let alarm = daemon.alarm;
            let at = daemon.clock.world(deadline).max(now);
            let late = if at > now { slop } else { Duration::ZERO };
            self.queue.put(at + late, Item::Alarm { host: index, daemon: id, alarm });
        }
        if self.hosts[index].daemon(id).is_some_and(|daemon| !daemon.inbox.is_empty()) {
            self.wake(index, id);
        }
    }

    pub(super) fn alarm(&mut self, index: usize, id: u64, alarm: u64) {
        if self.hosts[index].daemon(id).is_some_and(|daemon| daemon.alarm == alarm) {
            self.wake(index, id);
        }
    }

    /// The drivers start something.
    fn take_on(&mut self, index: usize, id: u64, effect: Effect) {
        self.note(index, || format!("> {effect:?}"));
        match self.tamper_with_effect(index, effect) {
            Effect::Ask(request) => self.ask(index, id, request),
            Effect::Register(candidacy) => self.register(index, id, candidacy),
            Effect::Check { timeout } => self.check(index, id, timeout),
            Effect::Tell(_) => {}
            effect @ (Effect::Hold { .. } | Effect::Drop(_)) => self.order(index, id, effect),
            effect @ (Effect::Announce { .. } | Effect::Question { .. }) => {
                self.send_soon(index, id, effect);
            }
        }
    }

    pub(super) fn evict(&mut self, index: usize, change: u64) {
        if self.hosts[index].kernel.evict(change) {
            self.record_addresses(index);
            self.show_kernel(index);
        }
    }

    /// The daemon's driver hears of a change in the kernel.
    pub(super) fn show_kernel(&mut self, index: usize) {
        let wait = self.micros(20, 2000);
        let now = self.now;
        let host = &mut self.hosts[index];
        let Some(daemon) = &mut host.daemon else { return };
        let snapshot = host.kernel.snapshot(now, &host.nic, daemon.carried_out);
        daemon.snapshot_at = daemon.snapshot_at.max(now + wait);
        let (at, id) = (daemon.snapshot_at, daemon.id);
        let event = Event::Kernel(snapshot);
        self.queue.put(at, Item::Show { host: index, daemon: id, event });
    }

    /// The driver looks at the kernel, now and from time to time.
    pub(super) fn look(&mut self, index: usize, id: u64) {
        if self.hosts[index].daemon(id).is_some() {
            self.show_kernel(index);
            self.after(LOOK_EVERY, Item::Look { host: index, daemon: id });
        }
    }

    /// SIGCONT: it does what it was about to do, and learns what happened meanwhile.
    pub(super) fn thaw(&mut self, index: usize) {
        let Some(daemon) = &mut self.hosts[index].daemon else { return };
        let id = daemon.id;
        daemon.awake = false;
        let overdue = std::mem::take(&mut daemon.overdue);
        let held_back = std::mem::take(&mut daemon.held_back);
        if let Some(call) = daemon.stuck.take() {
            self.after(Duration::ZERO, Item::Call { host: index, daemon: id, call });
        }
        for effect in held_back {
            let takes = self.micros(1, 300);
            self.after(takes, Item::Send { host: index, daemon: id, effect });
        }
        for flight in overdue {
            self.give_up(flight);
        }
        self.wake(index, id);
    }
}
