//! How API servers look to a daemon that only looks.

use std::time::Duration;

use kube_vip_core::event::{Check, Event, Health};

use crate::timeline::Part;

use super::world::{Item, World};

impl World {
    /// The daemon looks at the API servers.
    pub(super) fn check(&mut self, index: usize, id: u64, timeout: Duration) {
        let timeout = match self.hosts[index].daemon(id) {
            Some(daemon) => daemon.clock.span(timeout),
            None => return,
        };
        let (local, takes) = self.look_at(index, timeout);
        let asks = matches!(local, Health::Accepts(_) | Health::Refuses(_));
        let elsewhere = if asks { self.elsewhere(index, id) } else { None };
        let event = Event::Checked(Check { local, elsewhere });
        self.after(takes, Item::Show { host: index, daemon: id, event });
    }

    /// How the host's own one is, and how long it takes to see that.
    fn look_at(&mut self, index: usize, timeout: Duration) -> (Health, Duration) {
        let soon = self.micros(200, 5000);
        let host = &self.hosts[index];
        if !host.has(Part::ApiProcess) {
            return (Health::Refuses("connection refused".to_owned()), soon);
        }
        let late = || (Health::Accepts("no answer in time".to_owned()), timeout);
        if !host.has(Part::ApiSchedule) {
            return late();
        }
        let (paced, ready, serves) =
            (host.has(Part::ApiPace), host.has(Part::ApiHealth), self.serves(index));
        let takes = if paced { soon } else { self.slow_leg() };
        // Without its store it cannot say that it is ready; perhaps it cannot say anything.
        if takes > timeout || !serves && self.rng.percent(50) {
            return late();
        }
        if ready && serves {
            (Health::Ready, takes)
        } else {
            (Health::Live("etcd failed".to_owned()), takes)
        }
    }

    /// Whether another host's accepts connections; none: no other one is known.
    fn elsewhere(&mut self, index: usize, id: u64) -> Option<bool> {
        let known = self.hosts[index].daemon(id).is_some_and(|daemon| daemon.knows_others);
        let there = |(other, host): (usize, &super::host::Host)| {
            other != index && host.is_connected() && host.has(Part::ApiProcess)
        };
        let any = self.hosts.iter().enumerate().any(there);
        known.then_some(any && self.hosts[index].is_connected())
    }
}
