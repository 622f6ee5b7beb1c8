//! What all answers come to, by election: one picture, and what is wrong in it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::daemons::Said;
use super::gather::{Evidence, NotAsked, Written};
use crate::cli::VERSION;
use crate::cli::cluster::{CandidateLease, ElectionLease};
use crate::cli::place::LeaseName;

mod problems;
#[cfg(test)]
pub(super) mod tests;

/// So many of the last Events are shown.
const EVENTS: usize = 8;

/// All elections, and what could not be asked.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) at: Timestamp,
    pub(super) elections: Vec<Election>,
    pub(super) not_asked: Vec<NotAsked>,
}

/// One election.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Election {
    pub(super) namespace: String,
    pub(super) name: String,
    /// None: nobody, or it could not be told.
    pub(super) holder: Option<Holder>,
    /// `leaseTransitions`; none: not told.
    pub(super) transitions: Option<u32>,
    pub(super) addresses: Vec<Address>,
    /// The holder first, then by name.
    pub(super) nodes: Vec<Node>,
    /// The oldest first.
    pub(super) events: Vec<Event>,
    pub(super) rivals: Vec<Rival>,
    /// What is wrong, for people.
    pub(super) problems: Vec<String>,
    /// The API said so.
    #[serde(skip)]
    pub(super) lease_read: bool,
    /// The Lease's time was over when it was read, by this host's clock.
    #[serde(skip)]
    pub(super) over_for: Option<f64>,
}

/// Who holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Holder {
    pub(super) node: String,
    /// One word; none: its daemon could not be asked.
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    pub(super) since: Option<String>,
    /// Unless it renews.
    pub(super) until: Option<String>,
    /// It says so itself; otherwise the Lease does, by the clock of whoever wrote it.
    pub(super) own_words: bool,
}

/// An address, as a daemon sees its own kernel.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address {
    pub(super) node: String,
    pub(super) address: String,
    pub(super) prefix: u8,
    pub(super) interface: String,
    pub(super) voice: Option<String>,
}

/// A node of the election.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    pub(super) node: String,
    pub(super) holds: bool,
    /// None: not told.
    pub(super) fit: Option<bool>,
    pub(super) cordoned: Option<bool>,
    pub(super) priority: Option<u32>,
    /// When it last renewed its candidate Lease.
    pub(super) renewed: Option<String>,
    /// It has not renewed for long, while another one has.
    pub(super) gone: bool,
    pub(super) version: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    /// Its whole `/status`; none: it could not be asked.
    pub(super) status: Option<Value>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    pub(super) at: Option<String>,
    pub(super) node: String,
    pub(super) reason: String,
    pub(super) warning: bool,
    pub(super) message: String,
    pub(super) count: i64,
}

/// Somebody who was heard speaking for an address.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rival {
    /// Who heard it.
    pub(super) heard_by: String,
    pub(super) address: String,
    pub(super) mac: String,
    /// None: it is no node of the election.
    pub(super) node: Option<String>,
    pub(super) heard_at: String,
}

impl Picture {
    /// What the answers come to.
    pub(super) fn of(evidence: Evidence) -> Self {
        let Evidence { at, elections, daemons, not_asked } = evidence;
        let one = |(name, written): (LeaseName, Option<Written>)| {
            let said: Vec<_> = daemons.iter().filter(|said| said.election() == name).collect();
            let mut election = Election::of(name, written.as_ref(), &said, at);
            election.problems = problems::of(&election, &said, at);
            election
        };
        Self { at, elections: elections.into_iter().map(one).collect(), not_asked }
    }

    /// Nothing is wrong.
    pub(super) fn is_well(&self) -> bool {
        self.elections.iter().all(|election| election.problems.is_empty())
    }

    /// The document for programs.
    pub(super) fn json(&self) -> String {
        let asked = |one: &NotAsked| json!({ "what": one.what, "why": one.why });
        let document = json!({
            "command": "status",
            "version": VERSION,
            "at": time(self.at),
            "result": if self.elections.is_empty() {
                "unknown"
            } else if self.is_well() {
                "ok"
            } else {
                "failed"
            },
            "elections": self.elections,
            "notAsked": self.not_asked.iter().map(asked).collect::<Vec<_>>(),
        });
        format!("{document:#}\n")
    }
}

/// RFC 3339, to the second.
fn time(at: Timestamp) -> String {
    format!("{at:.0}")
}

impl Election {
    fn of(name: LeaseName, written: Option<&Written>, said: &[&Said], at: Timestamp) -> Self {
        let lease = written.and_then(|written| written.lease.as_ref());
        let candidates = written.map_or(&[][..], |written| &written.candidates);
        let holder = holder(lease, said);
        let transitions = lease
            .map(|lease| lease.record.transitions)
            .or_else(|| said.iter().map(|said| said.seen.lease.transitions).max());
        let happened = written.map_or(&[][..], |written| &written.events);
        let event = |one: &crate::cli::cluster::Happened| Event {
            at: one.last.map(time),
            node: one.source.clone(),
            reason: one.reason.clone(),
            warning: one.warning,
            message: one.message.clone(),
            count: one.count,
        };
        Self {
            nodes: nodes(holder.as_ref(), candidates, said),
            addresses: said.iter().flat_map(|said| addresses(said)).collect(),
            rivals: said.iter().filter_map(|said| rival(said)).collect(),
            events: happened[happened.len().saturating_sub(EVENTS)..].iter().map(event).collect(),
            namespace: name.namespace,
            name: name.name,
            lease_read: written.is_some(),
            over_for: lease.and_then(|lease| over_for(lease, at)),
            holder,
            transitions,
            problems: Vec::new(),
        }
    }
}

/// Since when its time has been over, in seconds, by this host's clock; none: it is not.
fn over_for(lease: &ElectionLease, at: Timestamp) -> Option<f64> {
    let age = at.duration_since(lease.renewed()?).as_secs_f64();
    let over = age - lease.record.duration.as_secs_f64();
    (over > 0.0).then_some(over)
}

/// Who holds: whoever says so of itself, or else whom the Lease names, or else whom a daemon saw.
fn holder(lease: Option<&ElectionLease>, said: &[&Said]) -> Option<Holder> {
    let named = lease.map(|lease| lease.record.holder.as_str()).filter(|name| !name.is_empty());
    let holding = said
        .iter()
        .find(|said| said.seen.holding && named.is_none_or(|name| said.seen.node == name))
        .or_else(|| said.iter().find(|said| said.seen.holding));
    if let Some(Said { seen, .. }) = holding {
        let since = seen.holder.as_ref().filter(|holder| holder.node == seen.node);
        return Some(Holder {
            node: seen.node.clone(),
            reason: Some(seen.reason.clone()),
            message: Some(seen.message.clone()),
            since: since
                .and_then(|holder| holder.since.clone())
                .or_else(|| seen.term.as_ref().map(|term| term.since.clone())),
            until: seen.term.as_ref().map(|term| term.until.clone()),
            own_words: true,
        });
    }
    if let Some((lease, node)) = lease.zip(named) {
        let until = lease.renewed().and_then(|at| at.checked_add(lease.record.duration).ok());
        return Some(Holder {
            node: node.to_owned(),
            reason: None,
            message: None,
            since: lease.acquired().map(time),
            until: until.map(time),
            own_words: false,
        });
    }
    // What a daemon saw last may be old, but is all there is where the API cannot be asked.
    let seen =
        said.iter().filter(|_| lease.is_none()).find_map(|said| said.seen.holder.as_ref())?;
    Some(Holder {
        node: seen.node.clone(),
        reason: None,
        message: None,
        since: seen.since.clone(),
        until: None,
        own_words: false,
    })
}

fn addresses(said: &Said) -> Vec<Address> {
    let present = said.seen.addresses.iter().filter(|address| address.present);
    let one = |address: &super::daemons::AddressSeen| Address {
        node: said.seen.node.clone(),
        address: address.address.clone(),
        prefix: address.prefix,
        interface: address.interface.clone(),
        voice: address.voice.clone(),
    };
    present.map(one).collect()
}

fn rival(said: &Said) -> Option<Rival> {
    let rival = said.seen.rival.as_ref()?;
    Some(Rival {
        heard_by: said.seen.node.clone(),
        address: rival.address.clone(),
        mac: rival.mac.clone(),
        node: rival.node.clone(),
        heard_at: rival.heard_at.clone(),
    })
}

/// All nodes that somebody knows of: what they say of themselves, or what others saw.
fn nodes(holder: Option<&Holder>, candidates: &[CandidateLease], said: &[&Said]) -> Vec<Node> {
    let mut names: BTreeSet<&str> = holder.iter().map(|holder| holder.node.as_str()).collect();
    names.extend(candidates.iter().map(|one| one.candidate.node.as_str()));
    names.extend(said.iter().map(|said| said.seen.node.as_str()));
    names.extend(said.iter().flat_map(|said| &said.seen.candidates).map(|one| one.node.as_str()));
    let mut all: Vec<_> = names
        .into_iter()
        .map(|name| {
            let candidate = candidates.iter().find(|one| one.candidate.node.as_str() == name);
            let own = said.iter().find(|said| said.seen.node == name);
            node(name, holder, candidate, own.copied(), said)
        })
        .collect();
    all.sort_by(|one, other| (!one.holds, &one.node).cmp(&(!other.holds, &other.node)));
    all
}

fn node(
    name: &str,
    holder: Option<&Holder>,
    candidate: Option<&CandidateLease>,
    own: Option<&Said>,
    said: &[&Said],
) -> Node {
    let others = || said.iter().flat_map(|said| &said.seen.candidates);
    let seen = others().find(|one| one.node == name);
    let told = candidate.map(|one| &one.candidate.candidacy);
    let own_seen = own.map(|said| &said.seen);
    let fit = own_seen.map(|seen| seen.fitness.fit);
    let cordoned = own_seen.map(|seen| seen.fitness.cordoned);
    Node {
        node: name.to_owned(),
        holds: holder.is_some_and(|holder| holder.node == name),
        fit: fit.or(told.map(|told| told.fit)).or(seen.map(|seen| seen.fit)),
        cordoned: cordoned.or(told.map(|told| told.cordoned)).or(seen.map(|seen| seen.cordoned)),
        priority: told.map(|told| told.priority),
        renewed: candidate.and_then(|one| one.renewed).map(time),
        gone: candidate.is_some_and(|one| one.gone.is_some()),
        version: own_seen.map(|seen| seen.version.clone()),
        reason: own_seen.map(|seen| seen.reason.clone()),
        message: own_seen.map(|seen| match &seen.fitness.api_server {
            Some(cause) => format!("{}; its API server: {cause}", seen.message),
            None => seen.message.clone(),
        }),
        status: own.map(|said| said.whole.clone()),
    }
}
