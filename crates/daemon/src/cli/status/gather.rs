//! Asks everybody: this host's daemon, the API server, the other nodes' daemons.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::daemons::{Said, ask};
use crate::cli::checks::elections::NAMES;
use crate::cli::cluster::{CandidateLease, Cluster, ClusterError, ElectionLease, Happened};
use crate::cli::place::{LeaseName, Place};
use crate::drivers::lease::caller::CallerError;
use crate::drivers::lease::naming::ELECTION_LABEL;
use crate::settings::config::Listen;

/// What every annotation and label of ours begins with.
const OURS: &str = "kube-vip.io/";

/// Whom to ask.
#[derive(Clone, Debug)]
pub(super) struct Whom {
    /// Where this host's daemon listens by the settings; none: nowhere.
    pub(super) listen: Option<Listen>,
    /// Where else daemons are.
    pub(super) daemons: Vec<SocketAddr>,
    /// The API server and other nodes too.
    pub(super) everybody: bool,
    /// Only about the election of the command line.
    pub(super) only: bool,
}

/// What the API says of one election.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    /// None: there is no such Lease.
    pub(super) lease: Option<ElectionLease>,
    pub(super) candidates: Vec<CandidateLease>,
    /// The oldest first.
    pub(super) events: Vec<Happened>,
}

/// Something that could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NotAsked {
    pub(super) what: String,
    pub(super) why: String,
}

/// All answers.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// When, by this host's clock.
    pub(super) at: Timestamp,
    /// By election; none: the API said nothing of it.
    pub(super) elections: Vec<(LeaseName, Option<Written>)>,
    pub(super) daemons: Vec<Said>,
    pub(super) not_asked: Vec<NotAsked>,
}

/// Somebody who asks.
pub(super) struct Gatherer<'a> {
    place: &'a Place,
    whom: &'a Whom,
}

impl<'a> Gatherer<'a> {
    pub(super) const fn new(place: &'a Place, whom: &'a Whom) -> Self {
        Self { place, whom }
    }

    /// Asks them all.
    pub(super) async fn gather(&self) -> Evidence {
        let mut evidence = Evidence {
            at: Timestamp::now(),
            elections: Vec::new(),
            daemons: Vec::new(),
            not_asked: Vec::new(),
        };
        let (near, known) = tokio::join!(self.near(), self.known());
        for (what, answer) in near {
            evidence.take(what, answer);
        }
        let mut names: BTreeSet<_> = evidence.daemons.iter().map(Said::election).collect();
        match known {
            Ok(known) => {
                names.extend(known);
                self.read(&mut evidence, names).await;
                self.ask_others(&mut evidence).await;
            }
            Err(why) => {
                if self.whom.everybody {
                    let what = "the API server (Leases, Events)".to_owned();
                    evidence.not_asked.push(NotAsked { what, why });
                }
                evidence.elections = names.into_iter().map(|name| (name, None)).collect();
            }
        }
        if self.whom.only {
            let only = LeaseName::of(&self.place.election);
            evidence.elections.retain(|(name, _)| *name == only);
        }
        evidence
    }

    /// This host's daemon, and those of the command line.
    async fn near(&self) -> Vec<(String, Result<Said, String>)> {
        let mut all = Vec::new();
        if let Some(listen) = self.whom.listen.filter(|_| self.whom.daemons.is_empty()) {
            let here = listen.address.filter(|address| !address.is_unspecified());
            let at = SocketAddr::new(here.unwrap_or(Ipv4Addr::LOCALHOST.into()), listen.port);
            all.push(("this host's daemon".to_owned(), at));
        }
        all.extend(self.whom.daemons.iter().map(|at| ("the daemon".to_owned(), *at)));
        let asked = all.into_iter().map(async |(what, at)| {
            let answer = ask(at).await;
            (format!("{what} at {at}"), answer)
        });
        join_all(asked).await
    }

    /// The elections that the API knows of; the error is for people.
    async fn known(&self) -> Result<Vec<LeaseName>, String> {
        if !self.whom.everybody {
            return Err(String::new());
        }
        let own = LeaseName::of(&self.place.election);
        let cluster = Cluster::new(self.place);
        if self.whom.only {
            return Ok(vec![own]);
        }
        let leases = match cluster.all_leases().await {
            Ok(leases) => leases,
            // Whoever may not list may still read the one that is named.
            Err(ClusterError::Call(CallerError::Refused(_)) | ClusterError::Answer { .. }) => {
                return Ok(vec![own]);
            }
            Err(error) => return Err(error.to_string()),
        };
        let mut found = elections(leases.values().map(|lease| &lease.object));
        if found.is_empty() {
            found.insert(own.name.clone());
        }
        let named = |name| LeaseName { namespace: own.namespace.clone(), name };
        Ok(found.into_iter().map(named).collect())
    }

    /// Reads what the API says of each.
    async fn read(&self, evidence: &mut Evidence, names: BTreeSet<LeaseName>) {
        for name in names {
            let mut place = self.place.clone();
            place.election.namespace.clone_from(&name.namespace);
            place.election.name.clone_from(&name.name);
            let cluster = Cluster::new(&place);
            let (lease, candidates, events) =
                tokio::join!(cluster.lease(), cluster.candidates(), cluster.events());
            let mut refused = |what: &str, why: String| {
                let what = format!("{what} of {name}");
                evidence.not_asked.push(NotAsked { what, why });
            };
            let written = match lease {
                Ok(lease) => Some(Written {
                    lease,
                    candidates: candidates.unwrap_or_else(|error| {
                        refused("the candidate Leases", error.to_string());
                        Vec::new()
                    }),
                    events: events.unwrap_or_else(|error| {
                        refused("the Events", error.to_string());
                        Vec::new()
                    }),
                }),
                Err(error) => {
                    refused("the Lease", error.to_string());
                    None
                }
            };
            evidence.elections.push((name, written));
        }
    }

    /// Asks the daemons of the candidates that were not asked yet.
    async fn ask_others(&self, evidence: &mut Evidence) {
        let Some(listen) = self.whom.listen else { return };
        let cluster = Cluster::new(self.place);
        let mut others = Vec::new();
        for (name, written) in &evidence.elections {
            for candidate in written.iter().flat_map(|written| &written.candidates) {
                let node = candidate.candidate.node.as_str();
                let asked = evidence
                    .daemons
                    .iter()
                    .any(|said| said.seen.node == node && said.election() == *name);
                if asked || candidate.gone.is_some() {
                    continue;
                }
                let address = cluster.address_of(&candidate.candidate).await;
                let at = address.map(|address| SocketAddr::new(address, listen.port));
                others.push((node.to_owned(), at));
            }
        }
        let asked = others.into_iter().map(async |(node, at)| match at {
            Some(at) => (format!("the daemon of {node} at {at}"), ask(at).await),
            None => {
                let why =
                    "its candidate Lease tells no address that is reached from here".to_owned();
                (format!("the daemon of {node}"), Err(why))
            }
        });
        for (what, answer) in join_all(asked).await {
            evidence.take(what, answer);
        }
    }
}

impl Said {
    /// The election that it takes part in.
    pub(super) fn election(&self) -> LeaseName {
        let lease = &self.seen.lease;
        LeaseName { namespace: lease.namespace.clone(), name: lease.name.clone() }
    }
}

impl Evidence {
    fn take(&mut self, what: String, answer: Result<Said, String>) {
        match answer {
            Ok(said) => self.daemons.push(said),
            Err(why) => self.not_asked.push(NotAsked { what, why }),
        }
    }
}

/// The names of the Leases that elect, among all of a namespace.
fn elections<'a>(leases: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for lease in leases {
        let metadata = &lease["metadata"];
        if let Some(election) = metadata["labels"][ELECTION_LABEL].as_str() {
            found.insert(election.to_owned());
            continue;
        }
        let Some(name) = metadata["name"].as_str() else { continue };
        let annotations = metadata["annotations"].as_object();
        let marked = annotations.is_some_and(|all| all.keys().any(|key| key.starts_with(OURS)));
        if marked || NAMES.contains(&name) {
            found.insert(name.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leases_that_elect_are_told_from_others() {
        let leases = [
            json!({ "metadata": { "name": "kube-scheduler" } }),
            json!({ "metadata": { "name": "plndr-cp-lock" } }),
            json!({ "metadata": { "name": "mine", "annotations": { "kube-vip.io/write": "n" } } }),
            json!({ "metadata": {
                "name": "mine-cp-1", "labels": { ELECTION_LABEL: "mine" },
                "annotations": { "kube-vip.io/fit": "true" },
            } }),
        ];
        let found: Vec<_> = elections(&leases).into_iter().collect();
        assert_eq!(found, ["mine", "plndr-cp-lock"]);
    }
}
