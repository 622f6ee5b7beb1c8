//! What is different between two pictures, a line for each.

use std::collections::BTreeMap;

use super::picture::{Election, Picture};

#[cfg(test)]
mod tests;

/// What a picture says, by what it is about. Times that go on by themselves are left out.
type Facts = BTreeMap<String, String>;

/// What changed since the picture before, or all of a first one.
pub(super) fn between(before: Option<&Picture>, after: &Picture) -> Vec<String> {
    let (old, new) = (before.map(facts).unwrap_or_default(), facts(after));
    let mut lines = Vec::new();
    for (about, value) in &new {
        match old.get(about) {
            Some(same) if same == value => {}
            Some(other) => lines.push(format!("{about}: {other} -> {value}")),
            None => lines.push(format!("{about}: {value}")),
        }
    }
    let gone = old.keys().filter(|about| !new.contains_key(*about));
    lines.extend(gone.map(|about| format!("{about}: no longer")));
    lines
}

fn facts(picture: &Picture) -> Facts {
    let mut facts = Facts::new();
    for election in &picture.elections {
        add(&mut facts, election);
    }
    for one in &picture.not_asked {
        facts.insert(format!("{} cannot be asked", one.what), one.why.clone());
    }
    facts
}

fn add(facts: &mut Facts, election: &Election) {
    let lease = format!("{}/{}", election.namespace, election.name);
    let mut fact = |about: String, value: String| {
        facts.insert(format!("{lease} {about}"), value);
    };
    let holder = election.holder.as_ref().map(|holder| holder.node.clone());
    fact("holder".to_owned(), holder.unwrap_or_else(|| "nobody".to_owned()));
    for address in &election.addresses {
        let voice = address.voice.clone().unwrap_or_else(|| "not fenced".to_owned());
        fact(format!("{} on {}", address.address, address.node), voice);
    }
    for node in &election.nodes {
        let state = match (node.gone, node.fit, node.cordoned) {
            (true, _, _) => "gone".to_owned(),
            (false, fit, cordoned) => {
                let fit = match fit {
                    Some(true) => "fit",
                    Some(false) => "not fit",
                    None => "fitness unknown",
                };
                format!("{fit}{}", if cordoned == Some(true) { ", cordoned" } else { "" })
            }
        };
        let reason = node.reason.as_ref().map(|reason| format!(", {reason}"));
        fact(node.node.clone(), format!("{state}{}", reason.unwrap_or_default()));
    }
    for rival in &election.rivals {
        fact(format!("rival heard by {}", rival.heard_by), rival.mac.clone());
    }
    if let Some(event) = election.events.last() {
        fact("event".to_owned(), format!("{}: {}", event.reason, event.message));
    }
}
