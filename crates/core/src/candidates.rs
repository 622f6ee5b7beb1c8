//! The other nodes of the election, as they describe themselves in their candidate Leases.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::{Mac, NodeName};
use crate::event::{Candidacy, Candidate, Nonce, Version};
use crate::moment::Moment;
use crate::status::CandidateStatus;

/// A candidate renews every ten seconds; after so long without it is not counted on.
const FRESH: Duration = Duration::from_secs(25);

/// What is known of the other candidates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidates(BTreeMap<NodeName, Known>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    version: Version,
    candidacy: Candidacy,
    /// When this node saw it change: another's clock tells nothing.
    seen: Moment,
}

impl Candidates {
    /// All candidate Leases as they are now.
    pub fn saw(&mut self, all: Vec<Candidate>, now: Moment) {
        let mut before = std::mem::take(&mut self.0);
        for Candidate { node, version, candidacy } in all {
            let seen = match before.remove(&node) {
                Some(known) if known.version == version => known.seen,
                _ => now,
            };
            self.0.insert(node, Known { version, candidacy, seen });
        }
    }

    /// Those that could take the address over now, the best first: not cordoned, of the highest
    /// priority, and then by name.
    pub fn fit(&self, now: Moment) -> impl Iterator<Item = (&NodeName, &Candidacy)> {
        let fit = |(_, known): &(&NodeName, &Known)| known.candidacy.fit && known.is_fresh(now);
        let mut fit: Vec<_> = self.0.iter().filter(fit).collect();
        fit.sort_by_key(|(_, known)| (known.candidacy.cordoned, !known.candidacy.priority));
        fit.into_iter().map(|(node, known)| (node, &known.candidacy))
    }

    /// The node says yes to this offer.
    #[must_use]
    pub fn consents(&self, node: &NodeName, offer: &Nonce) -> bool {
        let known = self.0.get(node);
        known.is_some_and(|known| known.candidacy.consent.as_ref() == Some(offer))
    }

    /// Whose Ethernet address this is.
    #[must_use]
    pub fn with_mac(&self, mac: Mac) -> Option<&NodeName> {
        self.0.iter().find(|(_, known)| known.candidacy.mac == Some(mac)).map(|(node, _)| node)
    }

    /// The node's Ethernet address; none: it has not told it.
    #[must_use]
    pub fn mac(&self, node: &str) -> Option<Mac> {
        self.named(node)?.candidacy.mac
    }

    /// The node keeps a candidate Lease, and renewed it lately.
    #[must_use]
    pub fn has(&self, node: &str, now: Moment) -> bool {
        self.named(node).is_some_and(|known| known.is_fresh(now))
    }

    fn named(&self, node: &str) -> Option<&Known> {
        self.0.iter().find(|(known, _)| known.as_str() == node).map(|(_, known)| known)
    }

    /// There is another one that renewed lately.
    #[must_use]
    pub fn has_any(&self, now: Moment) -> bool {
        self.0.values().any(|known| known.is_fresh(now))
    }

    /// The nodes' own addresses, whether they renewed lately or not: while the API is away nobody
    /// can.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.0.values().filter_map(|known| known.candidacy.address)
    }

    /// What to show of them.
    #[must_use]
    pub fn status(&self, now: Moment) -> Vec<CandidateStatus> {
        let shown = |(node, known): (&NodeName, &Known)| CandidateStatus {
            node: node.clone(),
            fit: known.candidacy.fit && known.is_fresh(now),
            cordoned: known.candidacy.cordoned,
            seen: known.seen,
        };
        self.0.iter().map(shown).collect()
    }
}

impl Known {
    fn is_fresh(&self, now: Moment) -> bool {
        now < self.seen + FRESH
    }
}
