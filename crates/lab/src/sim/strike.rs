//! Faults strike, if they find something to hit, and end.

use std::time::Duration;

use kube_vip_core::event::Event;

use crate::timeline::{Fault, Part};

use super::host::Host;
use super::scenario::{Cue, Kind, Planned, Target};
use super::world::{Item, World};

impl World {
    /// A fault's time has come: it strikes, or waits for its cue.
    pub(super) fn prepare(&mut self, index: usize) {
        match self.faults[index].cue {
            Cue::None => self.strike(index),
            _ => self.waiting.push((index, self.now + self.patience)),
        }
    }

    /// Something happened that faults may wait for; at a certain host, if it is known which.
    pub(super) fn cue(&mut self, cue: Cue, host: Option<usize>) {
        let now = self.now;
        let mut called = Vec::new();
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|(fault, until)| {
            let Planned { cue: wanted, target, .. } = self.faults[*fault];
            let here = host.is_none_or(|host| self.aim(target) == host);
            let calls = now <= *until && wanted == cue && here;
            if calls {
                called.push(*fault);
            }
            !calls && now <= *until
        });
        self.waiting = waiting;
        for fault in called {
            // In the middle of a call: before the kernel acts.
            if cue == Cue::Calls {
                self.strike(fault);
                continue;
            }
            let wait = self.rng.skewed(Duration::from_micros(10), Duration::from_millis(40));
            self.after(wait, Item::Strike(fault));
        }
    }

    /// A fault strikes. One that finds nothing to hit is none.
    pub(super) fn strike(&mut self, index: usize) {
        let Planned { span, kind, target, .. } = self.faults[index];
        let host = self.aim(target);
        let fault = kind.begins(host);
        if !self.hits(kind, host) {
            return;
        }
        self.record_fault(fault);
        self.cue(Cue::Fault, None);
        *self.tally.0.entry(kind).or_default() += 1;
        self.struck[index] = Some((host, self.hosts[host].daemon_id()));
        if let Some(part) = fault.takes().filter(|_| kind != Kind::Terminate) {
            self.hosts[host].missing.insert(part);
        }
        self.apply(kind, host);
        self.aftermath(host);
        if kind.ends(host).is_some() {
            self.after(span, Item::Lift(index));
        }
    }

    fn aim(&self, target: Target) -> usize {
        match target {
            Target::Host(host) => host,
            Target::Holder => {
                let answers = self.hosts.iter().position(|host| host.answers.contains(&true));
                answers.or(self.holder()).unwrap_or_default()
            }
        }
    }

    fn hits(&self, kind: Kind, index: usize) -> bool {
        let host: &Host = &self.hosts[index];
        let there = match kind.begins(index).takes() {
            Some(part) => host.has(Part::Power) && host.has(part),
            None => true,
        };
        there
            && match kind {
                Kind::Kill
                | Kind::Terminate
                | Kind::Freeze
                | Kind::FreezeInCall
                | Kind::WatchBreak
                | Kind::Revert => host.daemon.is_some(),
                Kind::ApiFreeze | Kind::ApiSlow | Kind::ApiUnready => host.has(Part::ApiProcess),
                Kind::AddressDelete => host.configured.contains(&true),
                Kind::AddressLeave => {
                    let can = host.has(Part::Power) && host.has(Part::Kernel);
                    can && !host.configured.contains(&true)
                }
                Kind::TablesDelete => host.has(Part::Power) && host.nic.fence,
                Kind::StoreAway => !self.store_away,
                Kind::Stranger => !self.stranger,
                Kind::LeaseTouch | Kind::LeaseDelete | Kind::LeaseRestore | Kind::MoveAsk => {
                    self.store.read().is_some()
                }
                Kind::WallStep => host.has(Part::Power),
                _ => true,
            }
    }

    fn apply(&mut self, kind: Kind, host: usize) {
        match kind {
            Kind::Kill => self.end_daemon(host),
            Kind::Terminate => {
                if let Some(daemon) = self.hosts[host].daemon_id() {
                    self.deliver(host, daemon, Event::Shutdown);
                }
            }
            Kind::PowerOff => {
                self.end_daemon(host);
                self.hosts[host].original = None;
                self.hosts[host].kernel.clear();
                self.reset(host);
            }
            Kind::ApiKill => self.reset(host),
            Kind::StoreAway => self.store_away = true,
            Kind::WallStep => {
                let micros = i64::try_from(self.rng.below(7_200_000_000)).unwrap_or_default();
                self.hosts[host].wall = micros - 3_600_000_000;
            }
            Kind::AddressDelete => {
                let vip = *self.rng.pick(&self.vips);
                self.hosts[host].kernel.remove(vip);
                self.show_kernel(host);
            }
            Kind::AddressLeave => {
                let vip = *self.rng.pick(&self.vips);
                self.hosts[host].kernel.hold(vip, None);
                self.show_kernel(host);
            }
            Kind::TablesDelete => self.lose_fence(host),
            Kind::LeaseTouch | Kind::LeaseDelete | Kind::LeaseRestore | Kind::MoveAsk => {
                self.meddle(kind, host);
            }
            Kind::Cordon => self.show_node(host),
            Kind::Stranger => self.strange(),
            Kind::Revert => self.revert(host),
            _ => {}
        }
    }

    /// Somebody changes the Lease who takes no part in the election.
    fn meddle(&mut self, kind: Kind, host: usize) {
        let node = self.hosts[host].plan.node.clone();
        let ago = self.rng.index(12);
        match kind {
            Kind::LeaseDelete => self.store.delete(),
            Kind::LeaseRestore => drop(self.store.restore(ago)),
            Kind::MoveAsk => drop(self.store.ask_to_move(node)),
            _ => drop(self.store.touch()),
        }
        self.record_holder();
        self.show_lease();
    }

    /// A fault ends.
    pub(super) fn lift(&mut self, index: usize) {
        let Some((host, daemon)) = self.struck[index] else { return };
        let kind = self.faults[index].kind;
        match kind {
            Kind::Kill => return self.start_if_dead(host),
            Kind::Terminate => return self.restart(host, daemon),
            Kind::Revert => return self.unrevert(host),
            // Another process than the one that was frozen.
            Kind::Freeze | Kind::FreezeInCall
                if self.hosts[host].daemon_id() != daemon || daemon.is_none() =>
            {
                return;
            }
            _ => {}
        }
        let Some(fault) = kind.ends(host) else { return };
        self.record_fault(fault);
        self.cue(Cue::Fault, None);
        if let Some(part) = fault.gives() {
            self.hosts[host].missing.remove(part);
        }
        match kind {
            Kind::Freeze | Kind::FreezeInCall => self.thaw(host),
            Kind::PowerOff => self.start_if_dead(host),
            Kind::ApiSlow => {
                self.hurry(host);
                self.reconnect_watch(host);
            }
            Kind::WatchBreak => self.reconnect_watch(host),
            Kind::StoreAway => self.store_away = false,
            Kind::Stranger => self.stranger = false,
            Kind::Cordon => self.show_node(host),
            _ => {}
        }
        self.aftermath(host);
    }

    /// What was told to end is started again; if it has not ended yet, it is killed first.
    fn restart(&mut self, host: usize, daemon: Option<u64>) {
        if self.hosts[host].daemon_id() == daemon && daemon.is_some() {
            self.record_fault(Fault::Killed(host));
            self.end_daemon(host);
        }
        self.start_if_dead(host);
    }

    /// What follows for the host's link, the address and everybody's way to the store.
    fn aftermath(&mut self, index: usize) {
        let host = &mut self.hosts[index];
        let up = host.has(Part::Cable);
        if std::mem::replace(&mut host.nic.up, up) != up {
            self.show_kernel(index);
        }
        self.record_addresses(index);
        self.settle_paths();
    }
}
