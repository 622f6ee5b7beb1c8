//! The original on a host: client-go's elector (tools/leaderelection/leaderelection.go, v0.36.3)
//! about the same Lease, and an address for ever while it leads.
//!
//! This one is better than it is: it drops the address when it loses the Lease, it never leads on
//! after it saw another leader, and it waits for the duration that the Lease says. What is tested
//! is how our nodes get along with its rules.

use std::time::Duration;

use kube_vip_core::event::LeaseRecord;
use kube_vip_core::plan::Timings;
use kube_vip_core::segment::{self, Claim, Said};

use super::segment::{EVERYBODY, Station};
use super::store::Store;
use super::world::{Item, World};

/// The original's process.
#[derive(Debug)]
pub(super) struct Original {
    /// Distinguishes it from those before and after it, on any host.
    pub(super) id: u64,
    /// What it saw last, and when it saw that change.
    observed: Option<(LeaseRecord, Duration)>,
    leads: bool,
    /// Since when renewing has failed.
    failing: Option<Duration>,
}

impl World {
    /// The daemon is killed; the original is started soon.
    pub(super) fn revert(&mut self, host: usize) {
        self.end_daemon(host);
        self.daemons += 1;
        let id = self.daemons;
        self.hosts[host].original =
            Some(Original { id, observed: None, leads: false, failing: None });
        let wait = self.millis(5, 1000);
        self.after(wait, Item::Poll { host, id });
    }

    /// The original ends: by SIGTERM, when it releases first and drops the address then, or by
    /// SIGKILL, when it leaves the address; the daemon is started.
    pub(super) fn unrevert(&mut self, host: usize) {
        let Some(original) = self.hosts[host].original.take() else { return };
        let wait = self.millis(5, 500);
        if self.rng.percent(70) {
            if original.leads {
                self.give_back(host);
                self.after(wait, Item::Strip { host });
            }
            let pause = self.millis(500, 1500);
            return self.after(pause, Item::Boot { host });
        }
        self.after(wait, Item::Boot { host });
    }

    fn give_back(&mut self, host: usize) {
        let seen = self.store.read().filter(|seen| seen.record.holder == self.hosts[host].name);
        let Some(seen) = seen.filter(|_| self.serves(host)) else { return };
        let record = LeaseRecord {
            holder: String::new(),
            duration: Duration::from_secs(1),
            nonce: None,
            ..seen.record
        };
        if self.store.replace(Some(&seen.version), record) {
            self.record_lease();
            self.show_lease();
        }
    }

    /// It has lost the Lease: the address goes.
    pub(super) fn strip(&mut self, host: usize) {
        if self.hosts[host].daemon.is_none() {
            for vip in self.vips.clone() {
                self.hosts[host].kernel.remove(vip);
            }
            self.record_addresses(host);
        }
    }

    /// It looks at the Lease, and renews or claims it.
    pub(super) fn poll_original(&mut self, host: usize, id: u64) {
        let (now, serves) = (self.now, self.serves(host));
        let timings = self.hosts[host].plan.lease.timings;
        let name = self.hosts[host].name.clone();
        let wall = self.wall(host);
        let Some(mut original) = self.hosts[host].original.take_if(|o| o.id == id) else { return };
        let led = original.leads;
        let before = self.store.read();
        let done =
            serves && original.try_acquire_or_renew(&mut self.store, &name, timings, (now, wall));
        original.conclude(done, now, timings);
        let leads = original.leads;
        self.hosts[host].original = Some(original);
        if self.store.read() != before {
            self.record_lease();
            self.show_lease();
        }
        if leads {
            self.lead(host);
        } else if led {
            self.strip(host);
        }
        // client-go's jitter factor.
        let jitter = if leads { Duration::ZERO } else { timings.retry() * 6 / 5 };
        let pause = timings.retry() + self.rng.span(Duration::ZERO, jitter);
        self.after(pause, Item::Poll { host, id });
    }

    /// It has the address, and announces it.
    fn lead(&mut self, host: usize) {
        let mac = self.hosts[host].nic.mac;
        for vip in self.vips.clone() {
            self.hosts[host].kernel.hold(vip, None);
            let station = segment::Station { mac, address: vip.address() };
            let said = Said::Claim(Claim { station, to: EVERYBODY });
            self.send(Station::Host(host), said, EVERYBODY);
        }
        self.record_addresses(host);
    }
}

impl Original {
    /// What `renew` makes of an attempt.
    fn conclude(&mut self, done: bool, now: Duration, timings: Timings) {
        if done {
            (self.leads, self.failing) = (true, None);
            return;
        }
        let since = *self.failing.get_or_insert(now);
        if self.leads && now + timings.retry() >= since + timings.renew_deadline() {
            // The process ends and starts anew.
            *self = Self { id: self.id, observed: None, leads: false, failing: None };
        }
    }

    /// `tryAcquireOrRenew`; whether it leads.
    fn try_acquire_or_renew(
        &mut self,
        store: &mut Store,
        name: &str,
        timings: Timings,
        (now, wall): (Duration, i64),
    ) -> bool {
        let mut record = LeaseRecord {
            holder: name.to_owned(),
            duration: timings.duration(),
            acquired: Some(wall),
            renewed: Some(wall),
            ..LeaseRecord::default()
        };
        let Some(seen) = store.read() else {
            self.observed = Some((record.clone(), now));
            return store.replace(None, record);
        };
        let found = seen.record;
        if self.observed.as_ref().is_none_or(|(known, _)| *known != found) {
            self.observed = Some((found.clone(), now));
        }
        let since = self.observed.as_ref().map_or(now, |(_, since)| *since);
        let valid = now < since + timings.duration().max(found.duration);
        if !found.holder.is_empty() && found.holder != name && valid {
            self.leads = false;
            return false;
        }
        if found.holder == name {
            (record.acquired, record.transitions) = (found.acquired, found.transitions);
        } else {
            record.transitions = found.transitions + 1;
        }
        // An update keeps the annotations that it read.
        (record.nonce, record.marks) = (found.nonce, found.marks);
        let written = store.replace(Some(&seen.version), record.clone());
        self.observed = Some((record, now));
        written
    }
}
