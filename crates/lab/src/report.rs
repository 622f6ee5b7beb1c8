//! Timelines for people: a strip in the terminal, a table, an SVG.

use std::time::Duration;

use kube_vip_measure::drawing::{self, Bar, Lane, Mark, Panel, Party, Shade};

use crate::client::ClientReport;
use crate::timeline::{Fault, Timeline, What};

mod table;
#[cfg(test)]
mod tests;

pub use kube_vip_measure::drawing::{Span, human};
pub use table::table;

/// One fault, from its beginning to the recovery, and what it cost.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was done, in a few words.
    pub title: String,
    /// What happened.
    pub timeline: Timeline,
    /// What the client saw.
    pub client: ClientReport,
}

/// What the shades of a drawing mean here.
const LEGEND: [(Shade, &str); 4] = [
    (Shade::Answers, "answers for the address"),
    (Shade::Has, "has it, but is not heard"),
    (Shade::Both, "two answer at once"),
    (Shade::Gone, "the client gets no answer"),
];

/// A timeline in the terminal, `width` columns wide: a line for each node and one for the client.
#[must_use]
pub fn strip(timeline: &Timeline, width: usize) -> String {
    drawing::strip(&panel(timeline), width)
}

/// All runs as one SVG.
#[must_use]
pub fn svg(heading: &str, runs: &[Run]) -> String {
    let panels: Vec<Panel> = runs.iter().map(Run::panel).collect();
    drawing::svg(heading, &LEGEND, &panels)
}

/// The lanes and marks of a timeline; it has no title.
fn panel(timeline: &Timeline) -> Panel {
    let both = two_owners(timeline);
    let nodes = timeline.nodes.iter().enumerate().map(|(node, name)| {
        let answers = answering(timeline, node);
        let here = answers.iter().flat_map(|a| both.iter().filter_map(|b| a.overlap(*b)));
        let here: Vec<Span> = here.collect();
        let has = Bar::all(Shade::Has, configured(timeline, node));
        let bars = has.chain(Bar::all(Shade::Answers, answers)).chain(Bar::all(Shade::Both, here));
        Lane { name: name.clone(), party: Party::Node, bars: bars.collect() }
    });
    let gone = Bar::all(Shade::Gone, outages(timeline)).collect();
    let client = Lane { name: "client".to_owned(), party: Party::Client, bars: gone };
    let marks = faults(timeline).map(|(at, fault)| {
        let who = fault.node().map(|node| timeline.name(node) + " ").unwrap_or_default();
        Mark { at, text: format!("{who}{}", fault.text()) }
    });
    Panel {
        title: String::new(),
        note: String::new(),
        lanes: nodes.chain([client]).collect(),
        marks: marks.collect(),
        ended: timeline.ended,
    }
}

/// When the node answered.
#[must_use]
pub fn answering(timeline: &Timeline, node: usize) -> Vec<Span> {
    spans(timeline, |what| match what {
        What::Answers { node: who, on } if *who == node => Some(*on),
        _ => None,
    })
}

/// When the node's kernel had the address.
#[must_use]
pub fn configured(timeline: &Timeline, node: usize) -> Vec<Span> {
    spans(timeline, |what| match what {
        What::Configured { node: who, on } if *who == node => Some(*on),
        _ => None,
    })
}

/// When two nodes or more answered at once.
#[must_use]
pub fn two_owners(timeline: &Timeline) -> Vec<Span> {
    let lanes: Vec<Vec<Span>> = (0..timeline.nodes.len()).map(|n| answering(timeline, n)).collect();
    let mut both = Vec::new();
    for (index, lane) in lanes.iter().enumerate() {
        for other in lanes.iter().skip(index + 1) {
            let pairs = lane.iter().flat_map(|a| other.iter().map(move |b| a.overlap(*b)));
            both.extend(pairs.flatten());
        }
    }
    both
}

/// For how long two nodes or more answered at once.
#[must_use]
pub fn time_with_two_owners(timeline: &Timeline) -> Duration {
    two_owners(timeline).into_iter().map(Span::length).sum()
}

/// When the client got no answer.
fn outages(timeline: &Timeline) -> Vec<Span> {
    let outage = |entry: &crate::timeline::Entry| match entry.what {
        What::Outage(length) => Some(Span { from: entry.at, to: entry.at + length }),
        _ => None,
    };
    timeline.entries.iter().filter_map(outage).collect()
}

/// Faults, and when they struck.
fn faults(timeline: &Timeline) -> impl Iterator<Item = (Duration, Fault)> {
    timeline.entries.iter().filter_map(|entry| match entry.what {
        What::Fault(fault) => Some((entry.at, fault)),
        _ => None,
    })
}

fn spans(timeline: &Timeline, state: impl Fn(&What) -> Option<bool>) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut since = None;
    for entry in &timeline.entries {
        match (state(&entry.what), since) {
            (Some(true), None) => since = Some(entry.at),
            (Some(false), Some(from)) => {
                spans.push(Span { from, to: entry.at });
                since = None;
            }
            _ => {}
        }
    }
    spans.extend(since.map(|from| Span { from, to: timeline.ended }));
    spans
}

impl Run {
    fn panel(&self) -> Panel {
        let connects = &self.client.service.connects;
        let note = format!(
            "outage {}, {} of {} connects failed, {} slow",
            human(self.outage()),
            self.failed(),
            connects.tried,
            connects.slow
        );
        Panel { title: self.title.clone(), note, ..panel(&self.timeline) }
    }

    /// The longest time without an answer; the period of the probes at least.
    #[must_use]
    pub const fn outage(&self) -> Duration {
        self.client.service.probes.longest
    }

    /// Connections that came to nothing, refused ones included.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        let connects = &self.client.service.connects;
        connects.failed + connects.refused
    }
}
