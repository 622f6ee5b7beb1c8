//! What was seen of a test, as plain values: everything that is judged and drawn later.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::How;

/// A test from the first look to the last. Times are since its start.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    /// What was done.
    pub(super) how: How,
    /// Who held when it began.
    pub(super) holder: String,
    /// It says of itself that it takes part; else it may be the original.
    pub(super) ours: bool,
    /// The nodes that take part, by name.
    pub(super) nodes: Vec<String>,
    /// When the act was begun; none: it never was.
    pub(super) acted: Option<Duration>,
    /// What was done when, for people.
    pub(super) marks: Vec<(Duration, String)>,
    /// Whom the Lease named from when on (empty: nobody); only changes, the first look first.
    pub(super) holders: Vec<(Duration, String)>,
    /// Who was found at the address.
    pub(super) claims: Vec<Claim>,
    /// Why an evidence is not there.
    pub(super) missing: BTreeMap<Evidence, String>,
    /// The connections to each address.
    pub(super) addresses: Vec<Address>,
    /// The requests over a connection that is kept.
    pub(super) requests: Requests,
    /// The longest time in which this host itself had no time for it.
    pub(super) paused: Duration,
    /// Of a drain: what became of the Pods.
    pub(super) evictions: Evictions,
    /// How everything was put back.
    pub(super) put_back: PutBack,
    /// When it ended.
    pub(super) ended: Duration,
}

/// Somebody was found at the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) at: Duration,
    pub(super) evidence: Evidence,
    /// The node, or the MAC of somebody who is none.
    pub(super) who: String,
}

/// How it is known who is at the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    /// Its ARP on the segment of an address of IPv4.
    Arp,
    /// Its neighbour discovery on the segment of an address of IPv6.
    Ndp,
    /// What its `/status` says at the address.
    Status,
    /// The certificate of its API server.
    Certificate,
}

impl Evidence {
    pub(super) const ALL: [Self; 4] = [Self::Arp, Self::Ndp, Self::Status, Self::Certificate];

    /// In a word, for people and programs.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Arp => "ARP",
            Self::Ndp => "NDP",
            Self::Status => "/status",
            Self::Certificate => "certificate",
        }
    }

    /// It says something about that address.
    pub(super) const fn is_about(self, address: IpAddr) -> bool {
        match self {
            Self::Arp => address.is_ipv4(),
            Self::Ndp => address.is_ipv6(),
            Self::Status | Self::Certificate => true,
        }
    }
}

/// What the connections to one address came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) ip: IpAddr,
    pub(super) tried: u64,
    pub(super) failed: u64,
    pub(super) refused: u64,
    pub(super) slow: u64,
    /// Before the act: the time that half of the connections took, and the longest gap.
    pub(super) median: Duration,
    pub(super) calm: Duration,
    /// The longest gap after the act.
    pub(super) longest: Duration,
    /// From when, and how long: each noticeable gap.
    pub(super) gaps: Vec<(Duration, Duration)>,
}

/// What the requests came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Requests {
    pub(super) tried: u64,
    pub(super) answered: u64,
    /// Answers with a status of 500 or above.
    pub(super) unwell: u64,
    /// Connections that were reset under a request.
    pub(super) resets: u64,
    /// Requests that a reset hit and that failed once more when repeated, and all that failed
    /// otherwise.
    pub(super) failed: u64,
    /// The longest time between two answers, after the act.
    pub(super) longest: Duration,
    /// The last failure, for people.
    pub(super) error: Option<String>,
}

/// What became of the Pods of a drain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Evictions {
    pub(super) evicted: usize,
    pub(super) left: usize,
    /// Why some are still there.
    pub(super) failures: Vec<String>,
}

impl Evictions {
    /// How many were refused for good.
    pub(super) const fn failed(&self) -> usize {
        self.failures.len()
    }
}

/// How everything was put back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum PutBack {
    /// Nothing was to be.
    #[default]
    Nothing,
    /// As it was.
    Done(String),
    /// Not; the text says what to do.
    Failed(String),
}

impl Record {
    /// Whom the Lease names at the end.
    pub(super) fn last_holder(&self) -> &str {
        self.holders.last().map_or("", |(_, holder)| holder)
    }

    /// When the Lease first named another node after the act, and which.
    pub(super) fn moved(&self) -> Option<(Duration, &str)> {
        let acted = self.acted?;
        let later = self.holders.iter().filter(|(at, _)| *at >= acted);
        let mut others = later.filter(|(_, who)| !who.is_empty() && *who != self.holder);
        others.next().map(|(at, who)| (*at, who.as_str()))
    }

    /// How often it named somebody else than before, nobody left out.
    pub(super) fn moves(&self) -> usize {
        let named: Vec<_> = self.holders.iter().map(|(_, who)| who).collect();
        let mut named: Vec<_> = named.into_iter().filter(|who| !who.is_empty()).collect();
        named.dedup();
        named.len().saturating_sub(1)
    }

    /// The evidences that there may be of these addresses.
    pub(super) fn evidences(&self) -> impl Iterator<Item = Evidence> {
        let about = |evidence: &Evidence| {
            let mut addresses = self.addresses.iter();
            addresses.any(|address| evidence.is_about(address.ip))
        };
        Evidence::ALL.into_iter().filter(about)
    }

    /// Stretches in which one after the other was found, by that evidence.
    pub(super) fn runs(&self, evidence: Evidence) -> Vec<(&str, Duration, Duration)> {
        let mut runs: Vec<(&str, Duration, Duration)> = Vec::new();
        for claim in self.claims.iter().filter(|claim| claim.evidence == evidence) {
            match runs.last_mut() {
                Some((who, _, to)) if *who == claim.who => *to = claim.at,
                _ => runs.push((&claim.who, claim.at, claim.at)),
            }
        }
        runs
    }

    /// For how long somebody was still found after another one had been found, by that evidence:
    /// two were there. None: never. Whoever came back because the Lease did is not counted: then
    /// the Lease has moved as often.
    pub(super) fn two(&self, evidence: Evidence) -> Option<(String, Duration)> {
        let runs = self.runs(evidence);
        if runs.len() <= self.moves() + 1 {
            return None;
        }
        let again = runs.iter().enumerate().skip(2).filter_map(|(index, (who, _, to))| {
            let other = runs.get(index - 1)?;
            runs[..index - 1]
                .iter()
                .any(|(earlier, ..)| earlier == who)
                .then(|| (format!("{who} and {}", other.0), to.saturating_sub(other.1)))
        });
        let stranger = || {
            let (who, from, to) = runs.last()?;
            Some(((*who).to_owned(), to.saturating_sub(*from)))
        };
        again.max_by_key(|(_, span)| *span).or_else(stranger)
    }
}

#[cfg(test)]
mod tests;
