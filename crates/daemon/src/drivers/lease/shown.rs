//! What the watch of the election's Lease shows.

use std::sync::Arc;
use std::time::Duration;

use kube_vip_core::event::{Event, Version};
use serde_json::Value;

use super::asks::Asks;
use super::watch::{Ended, View, Watch};
use super::{Shared, convert};

#[cfg(test)]
mod tests;

/// The watch of the plan's Lease.
pub(super) fn watch(shared: &Arc<Shared>) -> Watch<Shown> {
    Watch {
        client: Arc::clone(&shared.client),
        asks: Asks::lease(&shared.plan),
        silence: silence(shared.plan.timings.duration()),
        patience: shared.patience(),
        answered: Arc::clone(&shared.answered),
        view: Shown(Arc::clone(shared)),
    }
}

/// A watch on which nothing is heard for so long is looked at anew. A living holder renews several
/// times within the lease duration.
fn silence(lease_duration: Duration) -> Duration {
    lease_duration.clamp(Duration::from_secs(5), Duration::from_secs(60))
}

/// The Lease, as the core is to know it.
pub(super) struct Shown(Arc<Shared>);

impl View for Shown {
    fn listed(&mut self, items: Vec<Value>, version: &Version) -> Result<(), Ended> {
        match items.into_iter().find(|item| self.is_ours(item)) {
            Some(object) => self.changed(object),
            None => {
                self.vanished(version);
                Ok(())
            }
        }
    }

    fn changed(&mut self, object: Value) -> Result<(), Ended> {
        if !self.is_ours(&object) {
            return Ok(());
        }
        let observation = convert::observation(&object)?;
        if self.0.kept.watched(&observation.version, object) {
            self.0.tell(Event::Watched(Some(observation)));
        }
        Ok(())
    }

    fn deleted(&mut self, object: &Value, version: &Version) -> Result<(), Ended> {
        if self.is_ours(object) {
            self.vanished(version);
        }
        Ok(())
    }

    fn needed(&self) -> bool {
        true
    }

    /// All else is told by the requests of the core.
    fn refused(&self, cause: &Ended) {
        tracing::warn!(%cause, "cannot watch the Lease; asking for it instead");
    }
}

impl Shown {
    fn is_ours(&self, object: &Value) -> bool {
        object["metadata"]["name"] == *self.0.plan.name
    }

    fn vanished(&self, version: &Version) {
        if self.0.kept.vanished(version) {
            self.0.tell(Event::Watched(None));
        }
    }
}
