//! The other nodes' candidate Leases: one watch for all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube_vip_core::event::{Candidate, Event, Version};
use serde_json::Value;

use super::asks::Asks;
use super::candidate;
use super::client::Client;
use super::watch::{Ended, View, Watch};
use super::{Shared, naming};

/// Every node of ours renews every ten seconds, and the watch shows its own renewals too.
const SILENCE: Duration = Duration::from_secs(35);

/// The watch of this election's candidate Leases.
pub(super) fn watch(shared: &Arc<Shared>, client: &Arc<Client>) -> Watch<Candidates> {
    Watch {
        client: Arc::clone(client),
        asks: Asks::candidates(&shared.plan, &shared.node),
        silence: SILENCE,
        patience: shared.patience(),
        answered: Arc::clone(&shared.answered),
        view: Candidates {
            ours: naming::candidate_lease(&shared.plan.name, shared.node.as_str()),
            shared: Arc::clone(shared),
            known: BTreeMap::new(),
            told: None,
        },
    }
}

/// What is known of the others.
pub(super) struct Candidates {
    shared: Arc<Shared>,
    /// The name of our own candidate Lease.
    ours: String,
    /// By the names of their Leases.
    known: BTreeMap<String, Candidate>,
    /// What the core was told last.
    told: Option<Vec<Candidate>>,
}

impl View for Candidates {
    fn listed(&mut self, items: Vec<Value>, _: &Version) -> Result<(), Ended> {
        self.known.clear();
        for item in &items {
            self.put(item)?;
        }
        self.tell();
        Ok(())
    }

    fn changed(&mut self, object: Value) -> Result<(), Ended> {
        self.put(&object)?;
        self.tell();
        Ok(())
    }

    fn deleted(&mut self, object: &Value, _: &Version) -> Result<(), Ended> {
        self.known.remove(name(object));
        self.tell();
        Ok(())
    }

    fn needed(&self) -> bool {
        false
    }

    fn refused(&self, cause: &Ended) {
        tracing::warn!(
            %cause,
            "cannot watch the candidates' Leases; this node hands the addresses over to nobody in \
             particular"
        );
    }
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

impl Candidates {
    fn put(&mut self, object: &Value) -> Result<(), Ended> {
        let name = name(object);
        if name == self.ours {
            return Ok(());
        }
        match candidate::candidate(object, &self.shared.plan.name)? {
            Some(candidate) => self.known.insert(name.to_owned(), candidate),
            None => self.known.remove(name),
        };
        Ok(())
    }

    /// Tells the core, if there is anything new.
    fn tell(&mut self) {
        let all: Vec<Candidate> = self.known.values().cloned().collect();
        if self.told.as_ref() != Some(&all) {
            self.told = Some(all.clone());
            self.shared.tell(Event::Candidates(all));
        }
    }
}
