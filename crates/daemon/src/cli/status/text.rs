//! The picture as text for people.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::picture::{Election, Holder, Node, Picture};
use crate::cli::columns::columns;
use crate::cli::report::Style;

#[cfg(test)]
mod tests;

/// ECMA-48, SGR.
const RED: u8 = 31;
const GREEN: u8 = 32;

/// All elections, one below the other, and what could not be asked.
pub(super) fn table(picture: &Picture, style: Style) -> String {
    let mut text = String::new();
    for election in &picture.elections {
        show(&mut text, election, picture.at, style);
        text.push('\n');
    }
    if picture.elections.is_empty() {
        text.push_str("nothing is known of any election\n\n");
    }
    // Writing to a text cannot fail, here and below.
    if !picture.not_asked.is_empty() {
        text.push_str("Not asked:\n");
        for one in &picture.not_asked {
            let _ = writeln!(text, "  {}: {}", one.what, one.why);
        }
    } else if text.ends_with("\n\n") {
        text.pop();
    }
    text
}

fn show(text: &mut String, election: &Election, at: Timestamp, style: Style) {
    let _ = writeln!(text, "{}/{}\n", election.namespace, election.name);
    text.push_str(&columns(&head(election, at)));
    text.push('\n');
    text.push_str(&columns(&nodes(&election.nodes, at)));
    if !election.events.is_empty() {
        text.push_str("\nLast Events:\n");
        let rows: Vec<_> = election
            .events
            .iter()
            .map(|event| {
                let ago = event.at.as_deref().and_then(|then| since(then, at));
                let times = if event.count > 1 {
                    format!(" ({} times)", event.count)
                } else {
                    String::new()
                };
                let when = ago.map_or_else(|| "?".to_owned(), |ago| format!("{ago} ago"));
                [format!("  {when}"), event.reason.clone(), format!("{}{times}", event.message)]
            })
            .collect();
        text.push_str(&columns(&rows));
    }
    text.push('\n');
    if election.problems.is_empty() {
        let well = "all is well, as far as could be asked";
        let _ = writeln!(text, "{}", style.paint(well, GREEN));
        return;
    }
    let _ = writeln!(text, "{}", style.paint("Wrong:", RED));
    for problem in &election.problems {
        let _ = writeln!(text, "  {problem}");
    }
}

fn head(election: &Election, at: Timestamp) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push([name.to_owned(), value]);
    match &election.holder {
        None if election.lease_read => row("Holder", "nobody".to_owned()),
        None => row("Holder", "could not be asked".to_owned()),
        Some(holder) => {
            row("Holder", holder.node.clone());
            row("Why", why(holder));
            if let Some(then) = &holder.since {
                let ago = since(then, at).map(|ago| format!(" ({ago} ago)"));
                row("Since", format!("{then}{}", ago.unwrap_or_default()));
            }
            if let Some(then) = &holder.until {
                row("Until", format!("{then}{}, unless it renews", until(then, at)));
            }
        }
    }
    for address in &election.addresses {
        let voice = address.voice.as_deref().unwrap_or("not fenced");
        let (number, prefix) = (&address.address, address.prefix);
        let place = format!("{number}/{prefix} on {} of {}", address.interface, address.node);
        row("Address", format!("{place}: {voice}"));
    }
    if let Some(transitions) = election.transitions {
        row("Moves", format!("{transitions} (leaseTransitions)"));
    }
    rows
}

fn why(holder: &Holder) -> String {
    match (&holder.message, &holder.reason) {
        (Some(message), Some(reason)) => format!("{message} ({reason})"),
        _ => "the Lease names it; its own daemon could not be asked".to_owned(),
    }
}

fn nodes(nodes: &[Node], at: Timestamp) -> Vec<[String; 8]> {
    let names = ["NODE", "ROLE", "FIT", "CORDONED", "PRIORITY", "RENEWED", "VERSION", "SAYS"];
    let mut rows = vec![names.map(ToOwned::to_owned)];
    let told = |truth: Option<bool>| match truth {
        Some(true) => "yes",
        Some(false) => "no",
        None => "?",
    };
    for node in nodes {
        let role = match (node.holds, node.gone) {
            (true, _) => "holder",
            (false, true) => "gone",
            (false, false) => "candidate",
        };
        let renewed = node.renewed.as_deref().and_then(|then| since(then, at));
        let unknown = || "?".to_owned();
        rows.push([
            node.node.clone(),
            role.to_owned(),
            told(node.fit).to_owned(),
            told(node.cordoned).to_owned(),
            node.priority.map_or_else(unknown, |priority| priority.to_string()),
            renewed.map_or_else(unknown, |ago| format!("{ago} ago")),
            node.version.clone().unwrap_or_else(unknown),
            node.message.clone().unwrap_or_else(|| "(not asked)".to_owned()),
        ]);
    }
    rows
}

/// How long ago a time was; none: it is no time.
fn since(then: &str, at: Timestamp) -> Option<String> {
    let then: Timestamp = then.parse().ok()?;
    Some(span(at.duration_since(then).as_secs()))
}

/// In how long a time will be, or since when it is over.
fn until(then: &str, at: Timestamp) -> String {
    let Ok(then) = then.parse::<Timestamp>() else { return String::new() };
    let left = then.duration_since(at).as_secs();
    if left < 0 { format!(" ({} ago)", span(-left)) } else { format!(" (in {})", span(left)) }
}

/// Two units at most: `45s`, `2m 3s`, `3h 12m`, `5d 2h`. Clocks that differ make no negative ones.
fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}
