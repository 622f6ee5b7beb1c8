//! The page for browsers: the status as a table, and links. No scripts; every text that comes from
//! elsewhere is escaped.

use std::fmt::Write;
use std::time::Duration;

use kube_vip_core::event::Voice;

use super::view::{AddressView, ApiView, CandidateView, FenceView, FitnessView, RivalView, View};
use crate::logging::span;

const STYLE: &str = "body{font-family:system-ui,sans-serif;margin:2rem auto;max-width:52rem;\
padding:0 1rem;line-height:1.5}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;\
border-bottom:1px solid #8884}th{font-weight:600;white-space:nowrap}";

const LINKS: [(&str, &str); 5] = [
    ("/status", "this status as JSON"),
    ("/metrics", "metrics for Prometheus"),
    ("/healthz", "OK while the control loop runs"),
    ("/livez", "the same"),
    ("/readyz", "OK while this node holds, or could"),
];

/// The whole page.
#[must_use]
pub fn page(view: &View) -> String {
    let title = format!("kube-vip on {}: {}", view.node, headline(view));
    let title = escape(&title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n<table>\n"
    );
    for (name, value) in rows(view) {
        let value = escape(&value);
        add(&mut page, &format!("<tr><th>{name}</th><td>{value}</td></tr>"));
    }
    add(&mut page, "</table>\n<ul>");
    for (path, what) in LINKS {
        let item = format!("<li><a href=\"{path}\">{path}</a>: {what}</li>");
        add(&mut page, &item);
    }
    add(&mut page, "</ul>\n</body>\n</html>");
    page
}

fn headline(view: &View) -> String {
    if view.holding {
        let addresses: Vec<_> = view.addresses.iter().map(|at| at.address.to_string()).collect();
        format!("holds {}", addresses.join(", "))
    } else {
        "does not hold".to_owned()
    }
}

fn rows(view: &View) -> Vec<(&'static str, String)> {
    let uptime = span(Duration::try_from_secs_f64(view.uptime_seconds).unwrap_or_default());
    let mut rows = vec![("Why", format!("{} ({})", view.message, view.reason))];
    rows.push(("Holder of the Lease", holder(view)));
    if let Some(term) = &view.term {
        let left = term.seconds_left;
        let text = format!("since {}, until {} ({left:.1} s left)", term.since, term.until);
        rows.push(("Term of this node", text));
    }
    if let Some(held) = &view.holding_on {
        let text = format!("since {}, because the API is away for all", held.since);
        rows.push(("Holding on", text));
    }
    if let Some(to) = &view.handing_over {
        rows.push(("Handing over to", to.clone()));
    }
    rows.extend(view.addresses.iter().map(|at| ("Address", address(at))));
    rows.extend(view.rival.iter().map(|other| ("Rival", rival(other))));
    rows.push(("Fence", fence(&view.fence)));
    rows.push(("This node", fitness(&view.fitness)));
    rows.extend(view.candidates.iter().map(|other| ("Candidate", candidate(other))));
    let lease = &view.lease;
    let seen = lease.seen_at.as_deref().unwrap_or("never");
    let text = format!(
        "{}/{}, {} transitions, last change seen: {seen}",
        lease.namespace, lease.name, lease.transitions
    );
    rows.push(("Lease", text));
    rows.push(("API server", api(&view.api)));
    rows.push(("As of", view.reported_at.clone()));
    let text = format!(
        "{} (build {}), started {}, up {uptime}",
        view.version, view.build, view.started_at
    );
    rows.push(("Version", text));
    rows
}

fn holder(view: &View) -> String {
    match &view.holder {
        None => "nobody".to_owned(),
        Some(holder) => match &holder.since {
            None => holder.node.clone(),
            Some(since) => format!("{} since {since}", holder.node),
        },
    }
}

fn address(at: &AddressView) -> String {
    let place = if at.present { "is configured" } else { "is not configured" };
    let voice = match at.voice {
        None => "",
        Some(Voice::Silent) => ", silenced by the kernel",
        Some(Voice::Accepting) => ", accepts packets and answers nobody who asks for it",
        Some(Voice::Answering) => ", answers",
    };
    format!("{}/{} {place} on {} here{voice}", at.address, at.prefix, at.interface)
}

fn fence(fence: &FenceView) -> String {
    match &fence.missing {
        Some(what) => format!("{}: {what}", fence.state),
        None => fence.state.to_owned(),
    }
}

fn fitness(fitness: &FitnessView) -> String {
    let fit = if fitness.fit { "fit" } else { "not fit" };
    let cordoned = if fitness.cordoned { ", cordoned" } else { "" };
    match &fitness.api_server {
        Some(what) => format!("{fit}{cordoned}, API server: {what}"),
        None => format!("{fit}{cordoned}"),
    }
}

fn candidate(other: &CandidateView) -> String {
    let fit = if other.fit { "fit" } else { "not fit" };
    let cordoned = if other.cordoned { ", cordoned" } else { "" };
    format!("{}: {fit}{cordoned}, last seen {}", other.node, other.seen_at)
}

fn rival(rival: &RivalView) -> String {
    let who = rival.node.as_deref().unwrap_or("an unknown station");
    format!("{who} ({}) spoke for {}, last at {}", rival.mac, rival.address, rival.heard_at)
}

fn api(api: &ApiView) -> String {
    let answered = api.answered_at.as_deref();
    match (&api.failing_since, answered) {
        (None, None) => "has not answered yet".to_owned(),
        (None, Some(answered)) => format!("answers, last at {answered}"),
        (Some(since), _) => {
            let error = api.error.as_deref().unwrap_or("no answer in time");
            let last = answered.unwrap_or("never");
            format!("fails since {since}: {error} (last good answer: {last})")
        }
    }
}

fn add(page: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{line}");
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
        safe
    })
}

#[cfg(test)]
mod tests;
