//! The watch: it shows each daemon the Lease, later than it changed, in order, not always; and the
//! other candidates, and its own Node.

use std::time::Duration;

use kube_vip_core::event::Event;

use crate::timeline::Part;

use super::world::{Item, World};

impl World {
    /// The Lease changed: every watch that lives will show it.
    pub(super) fn show_lease(&mut self) {
        let seen = self.store.read();
        for host in 0..self.hosts.len() {
            let Some(daemon) = self.watching(host) else { continue };
            let way = self.way(host);
            self.show(host, daemon, way, Event::Watched(seen.clone()));
            if self.rng.percent(2) {
                self.show(host, daemon, way, Event::Watched(seen.clone()));
            }
        }
    }

    /// A candidate Lease changed: every watch that lives will show them.
    pub(super) fn show_candidates(&mut self) {
        for host in 0..self.hosts.len() {
            let Some(daemon) = self.watching(host) else { continue };
            let way = self.way(host);
            let candidates = self.store.candidates(&self.hosts[host].plan.node);
            self.show(host, daemon, way, Event::Candidates(candidates));
        }
    }

    /// The host's Node changed.
    pub(super) fn show_node(&mut self, host: usize) {
        let Some(daemon) = self.watching(host) else { return };
        let way = self.way(host);
        let cordoned = !self.hosts[host].has(Part::Schedulable);
        self.show(host, daemon, way, Event::Cordoned(cordoned));
    }

    /// The daemon of the host, if its watch lives.
    fn watching(&self, host: usize) -> Option<u64> {
        let lives = self.server(host).is_some() && self.hosts[host].has(Part::Watch);
        self.hosts[host].daemon_id().filter(|_| lives)
    }

    /// How long something takes from the store to the daemon.
    fn way(&mut self, host: usize) -> Duration {
        if self.hosts[host].has(Part::ApiPace) {
            self.leg() + self.leg()
        } else {
            self.rng.skewed(Duration::from_millis(1), Duration::from_secs(5))
        }
    }

    fn show(&mut self, host: usize, daemon: u64, way: Duration, event: Event) {
        let at = self.now + way;
        let watch = &mut self.hosts[host].watch;
        let last = match event {
            Event::Watched(_) => &mut watch.last,
            _ => &mut watch.others,
        };
        *last = at.max(*last);
        let (at, connection) = (*last, watch.connection);
        self.queue.put(at, Item::Watched { host, daemon, connection, event });
    }

    pub(super) fn watched(&mut self, host: usize, daemon: u64, connection: u64, event: Event) {
        if self.hosts[host].watch.connection == connection {
            self.deliver(host, daemon, event);
        }
    }

    /// The watch is connected anew, as soon as the driver comes to it.
    pub(super) fn reconnect_watch(&mut self, host: usize) {
        let wait = self.millis(5, 1000);
        let Some(daemon) = self.hosts[host].daemon_id() else { return };
        let watch = &mut self.hosts[host].watch;
        watch.connection += 1;
        (watch.last, watch.others) = (Duration::ZERO, Duration::ZERO);
        let connection = watch.connection;
        self.after(wait, Item::Connect { host, daemon, connection });
    }

    /// The watch is connected: it shows what there is; from a cache that lags, what there was.
    pub(super) fn connect(&mut self, host: usize, id: u64, connection: u64) {
        let current = self.hosts[host].watch.connection == connection;
        if !current || self.server(host).is_none() || !self.hosts[host].has(Part::Watch) {
            return;
        }
        if let Some(daemon) = self.hosts[host].daemon(id) {
            daemon.knows_others = true;
        }
        let lags = !self.hosts[host].has(Part::ApiPace) && self.rng.percent(40);
        let seen = if lags {
            let ago = self.rng.index(4);
            self.store.read_former(ago)
        } else {
            self.store.read()
        };
        self.show(host, id, Duration::ZERO, Event::Watched(seen));
        let candidates = self.store.candidates(&self.hosts[host].plan.node);
        self.show(host, id, Duration::ZERO, Event::Candidates(candidates));
        let cordoned = !self.hosts[host].has(Part::Schedulable);
        self.show(host, id, Duration::ZERO, Event::Cordoned(cordoned));
    }
}
