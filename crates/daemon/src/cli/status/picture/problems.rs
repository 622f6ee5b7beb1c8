//! What is wrong in an election, for people: each with what was seen and what follows from it.

use jiff::Timestamp;

use super::Election;
use crate::cli::status::daemons::{Said, Seen};

/// A daemon that has not reported for so long hangs: it does so at least every 2 s.
const HANGS: f64 = 10.0;

/// All that is wrong; empty: all is well, as far as could be asked.
pub(super) fn of(election: &Election, said: &[&Said], at: Timestamp) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(holding(election, said));
    found.extend(candidates(election));
    for said in said {
        found.extend(own(&said.seen, at));
    }
    for rival in &election.rivals {
        let who = rival.node.as_deref().unwrap_or("no node of the election");
        found.push(format!(
            "{} heard {} ({who}) speak for {}",
            rival.heard_by, rival.mac, rival.address
        ));
    }
    found
}

fn holding(election: &Election, said: &[&Said]) -> Vec<String> {
    let mut found = Vec::new();
    let says: Vec<_> =
        said.iter().filter(|said| said.seen.holding).map(|said| said.seen.node.as_str()).collect();
    if says.len() > 1 {
        found.push(format!("more than one node says that it holds: {}", says.join(", ")));
    }
    let Some(holder) = &election.holder else {
        found.push("nobody holds the addresses".to_owned());
        return found;
    };
    let denies = said.iter().find(|said| said.seen.node == holder.node && !said.seen.holding);
    if let Some(denies) = denies {
        found.push(format!(
            "the Lease names {}, which says that it does not hold: {}",
            holder.node, denies.seen.message
        ));
    }
    if let Some(over) = election.over_for.filter(|_| !holder.own_words) {
        found.push(format!(
            "{} has not renewed the Lease in time: it has been over for {over:.0}s by this \
             host's clock",
            holder.node
        ));
    }
    found
}

fn candidates(election: &Election) -> Vec<String> {
    let mut found = Vec::new();
    let others: Vec<_> = election.nodes.iter().filter(|node| !node.holds).collect();
    let ready =
        |node: &&&super::Node| node.fit == Some(true) && node.cordoned != Some(true) && !node.gone;
    if !others.is_empty() && !others.iter().any(|node| ready(&node)) {
        found.push("no other node could take over: none is fit and not cordoned".to_owned());
    }
    for node in &election.nodes {
        if node.gone {
            found.push(format!("{} no longer renews its candidate Lease", node.node));
        } else if node.fit == Some(false) {
            let why = node.message.as_deref().unwrap_or("its daemon could not be asked why");
            found.push(format!("{} is not fit: {why}", node.node));
        }
    }
    found
}

/// What a daemon says of itself.
fn own(seen: &Seen, now: Timestamp) -> Vec<String> {
    let mut found = Vec::new();
    let node = &seen.node;
    if let Some(on) = &seen.holding_on {
        found.push(format!("{node} holds on without a term since {}: {}", on.since, seen.message));
    }
    if matches!(seen.reason.as_str(), "Twin" | "Stranger" | "KernelRefuses" | "LinkDown") {
        found.push(format!("{node}: {}", seen.message));
    }
    if !seen.api.answering {
        let why = seen.api.error.as_deref().unwrap_or("it has not answered yet");
        found.push(format!("the API does not answer {node}: {why}"));
    }
    if seen.holding && seen.addresses.iter().any(|address| !address.present) {
        found.push(format!("{node} holds, and its kernel lacks an address"));
    }
    let reported: Option<Timestamp> = seen.reported_at.parse().ok();
    let age = reported.map(|at| now.duration_since(at).as_secs_f64());
    if let Some(age) = age.filter(|age| *age > HANGS) {
        found.push(format!("the control loop of {node} has not reported for {age:.0}s: it hangs"));
    }
    found
}
