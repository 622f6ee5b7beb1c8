//! A node of the original: client-go's elector (tools/leaderelection/leaderelection.go, v0.36.3)
//! about the same Lease, on a clock without a fault.
//!
//! Where client-go leads on although it has seen another leader, or releases a Lease that is no
//! longer its own, this one does not: what is tested is how our nodes get along with its rules.

use std::time::Duration;

use kube_vip_core::event::{LeaseRecord, Marks};

use crate::host::TIMES;
use crate::store::Store;

const NAME: &str = "original";

#[derive(Debug, Default)]
pub(crate) struct Original {
    /// What it saw last, and when it saw that change.
    observed: Option<(LeaseRecord, Duration)>,
    pub(crate) leads: bool,
    /// Since when renewing has failed.
    failing: Option<Duration>,
    pub(crate) api_away: bool,
}

impl Original {
    /// `tryAcquireOrRenew`, and what `renew` makes of it.
    pub(crate) fn poll(&mut self, store: &mut Store, now: Duration) {
        let succeeded = !self.api_away && self.try_acquire_or_renew(store, now);
        if succeeded {
            (self.leads, self.failing) = (true, None);
            return;
        }
        let since = *self.failing.get_or_insert(now);
        if self.leads && now >= since + TIMES[1] {
            // The process ends and starts anew.
            *self = Self { api_away: self.api_away, ..Self::default() };
        }
    }

    /// SIGTERM: it stops leading and releases.
    pub(crate) fn stop(&mut self, store: &mut Store, now: Duration) {
        let seen = store.read();
        let ours = seen.filter(|seen| self.leads && seen.record.holder == NAME);
        if let Some(seen) = ours.filter(|_| !self.api_away) {
            let record = LeaseRecord {
                duration: Duration::from_secs(1),
                transitions: seen.record.transitions,
                ..Self::record(now)
            };
            store.update(Some(&seen.version), LeaseRecord { holder: String::new(), ..record });
        }
        *self = Self { api_away: self.api_away, ..Self::default() };
    }

    fn record(now: Duration) -> LeaseRecord {
        let wall = i64::try_from(now.as_micros()).ok();
        LeaseRecord {
            holder: NAME.to_owned(),
            duration: TIMES[0],
            acquired: wall,
            renewed: wall,
            transitions: 0,
            nonce: None,
            marks: Marks::default(),
        }
    }

    fn try_acquire_or_renew(&mut self, store: &mut Store, now: Duration) -> bool {
        let mut record = Self::record(now);
        let Some(seen) = store.read() else {
            store.update(None, record.clone());
            self.observed = Some((record, now));
            return true;
        };
        let found = LeaseRecord { nonce: None, ..seen.record };
        if self.observed.as_ref().is_none_or(|(known, _)| *known != found) {
            self.observed = Some((found.clone(), now));
        }
        let since = self.observed.as_ref().map_or(now, |(_, since)| *since);
        let valid = now < since + found.duration;
        if !found.holder.is_empty() && found.holder != NAME && valid {
            self.leads = false;
            return false;
        }
        if found.holder == NAME {
            (record.acquired, record.transitions) = (found.acquired, found.transitions);
        } else {
            record.transitions = found.transitions + 1;
        }
        let updated = store.update(Some(&seen.version), record.clone());
        assert!(updated, "nobody comes between");
        self.observed = Some((record, now));
        true
    }
}
