//! A test as a timeline: in the terminal and as an SVG.

use std::time::Duration;

use kube_vip_measure::drawing::{self, Bar, Lane, Mark, Panel, Party, Shade, Span, human};

use super::record::{Evidence, Record};
use crate::cli::report::Style;

/// What the shades mean.
const LEGEND: [(Shade, &str); 4] = [
    (Shade::Has, "the Lease names it"),
    (Shade::Answers, "is found at the address"),
    (Shade::Both, "two are found at once"),
    (Shade::Gone, "no connection comes about"),
];

/// The columns of a strip where nothing is known of the terminal, and where the names stand.
const COLUMNS: usize = 100;
const NAMES: usize = 24;

/// In the terminal.
pub(super) fn strip(panel: &Panel, style: Style) -> String {
    let columns = style.width.unwrap_or(COLUMNS).min(COLUMNS);
    let strip = drawing::strip(panel, columns.saturating_sub(NAMES));
    let marks: Vec<_> =
        panel.marks.iter().map(|mark| format!("▼ {} {}", human(mark.at), mark.text)).collect();
    format!(
        "{strip}{}\n█ found at the address  ▒ named by the Lease  ! two at once  × no connection\n",
        marks.join("\n")
    )
}

/// As an SVG.
pub(super) fn svg(panel: &Panel, record: &Record) -> String {
    let heading = format!("kube-vip failover-test: {} of {}", record.how.word(), record.holder);
    drawing::svg(&heading, &LEGEND, std::slice::from_ref(panel))
}

/// The lanes: each node, and the connections to each address.
pub(super) fn panel(record: &Record) -> Panel {
    let evidence = Evidence::best(record);
    let nodes = lanes(record).into_iter().map(|name| {
        let has = Bar::all(Shade::Has, tenures(record, name));
        let found = evidence.iter().flat_map(|evidence| found(record, *evidence, name));
        let two = evidence.iter().flat_map(|evidence| two(record, *evidence, name));
        let bars = has.chain(Bar::all(Shade::Answers, found)).chain(Bar::all(Shade::Both, two));
        Lane { name: name.to_owned(), party: Party::Node, bars: bars.collect() }
    });
    let clients = record.addresses.iter().map(|address| {
        let gaps =
            address.gaps.iter().map(|(from, length)| Span { from: *from, to: *from + *length });
        let bars = Bar::all(Shade::Gone, gaps).collect();
        Lane { name: address.ip.to_string(), party: Party::Client, bars }
    });
    let marks = record.marks.iter().map(|(at, text)| Mark { at: *at, text: text.clone() });
    let outage = record.addresses.iter().map(|address| address.longest).max().unwrap_or_default();
    let moved = record
        .moved()
        .map_or_else(|| "nothing moved".to_owned(), |(_, to)| format!("moved to {to}"));
    Panel {
        title: format!("{} {}", record.how.word(), record.holder),
        note: format!("{moved}, longest gap {}", human(outage)),
        lanes: nodes.chain(clients).collect(),
        marks: marks.collect(),
        ended: record.ended,
    }
}

impl Evidence {
    /// What is drawn: what is there of it.
    fn best(record: &Record) -> Option<Self> {
        let there = |evidence: &Self| !record.runs(*evidence).is_empty();
        [Self::Status, Self::Arp, Self::Ndp, Self::Certificate].into_iter().find(there)
    }
}

/// The nodes, and whoever else was found.
fn lanes(record: &Record) -> Vec<&str> {
    let mut names: Vec<&str> = record.nodes.iter().map(String::as_str).collect();
    for claim in &record.claims {
        if !names.contains(&claim.who.as_str()) {
            names.push(&claim.who);
        }
    }
    names
}

/// When the Lease named it.
fn tenures(record: &Record, name: &str) -> Vec<Span> {
    let ends = record.holders.iter().skip(1).map(|(at, _)| *at).chain([record.ended]);
    let all = record.holders.iter().zip(ends);
    all.filter(|((_, who), _)| who == name)
        .map(|((from, _), to)| Span { from: *from, to })
        .collect()
}

/// When it was found at the address.
fn found(record: &Record, evidence: Evidence, name: &str) -> Vec<Span> {
    let runs = record.runs(evidence);
    let runs = runs.iter().filter(|(who, ..)| *who == name);
    runs.map(|(_, from, to)| Span { from: *from, to: *to }).collect()
}

/// When it was found there although another one was.
fn two(record: &Record, evidence: Evidence, name: &str) -> Option<Span> {
    record.two(evidence)?;
    let runs = record.runs(evidence);
    let from = runs.get(1).map_or(Duration::ZERO, |(_, from, _)| *from);
    let last = runs.iter().rfind(|(who, ..)| *who == name)?;
    Some(Span { from, to: last.2 }).filter(|span| span.from < span.to)
}

#[cfg(test)]
mod tests;
