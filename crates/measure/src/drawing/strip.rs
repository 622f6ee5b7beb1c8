//! A timeline in the terminal: one line for each lane.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Bar, Panel, Party, Shade, Span};

/// A timeline, `width` columns wide (at least 20; names come on top); for the signs see [`Shade`].
#[must_use]
pub fn strip(panel: &Panel, width: usize) -> String {
    let width = width.max(20);
    let label = panel.lanes.iter().map(|lane| lane.name.len()).max().unwrap_or_default().max(6);
    let cell = |index: usize| {
        let columns = u32::try_from(width).unwrap_or(u32::MAX);
        let column = u32::try_from(index).unwrap_or(u32::MAX);
        let from = panel.ended * column / columns;
        Span { from, to: panel.ended * (column + 1) / columns }
    };
    let mut text = String::new();
    let marks = marks(panel, width);
    // Writing to a text cannot fail, here and below.
    let _ = writeln!(text, "{:label$}  {}", "", marks.trim_end());
    for lane in &panel.lanes {
        let ground = match lane.party {
            Party::Node => '·',
            Party::Client => '─',
        };
        let signs = (0..width).map(cell).map(|at| sign(&lane.bars, at).unwrap_or(ground));
        let _ = writeln!(text, "{:label$}  {}", lane.name, signs.collect::<String>());
    }
    let _ = writeln!(text, "{:label$}  {}", "", axis(panel.ended, width));
    text
}

/// The sign of the topmost bar there.
fn sign(bars: &[Bar], at: Span) -> Option<char> {
    let bar = bars.iter().rev().find(|bar| bar.span.overlap(at).is_some())?;
    Some(match bar.shade {
        Shade::Has => '▒',
        Shade::Answers => '█',
        Shade::Both => '!',
        Shade::Gone => '×',
    })
}

/// A `▼` where something was done.
fn marks(panel: &Panel, width: usize) -> String {
    let mut line = vec![' '; width];
    for mark in &panel.marks {
        if let Some(cell) = line.get_mut(column(mark.at, panel.ended, width)) {
            *cell = '▼';
        }
    }
    line.into_iter().collect()
}

fn axis(ended: Duration, width: usize) -> String {
    let end = format!("{:.1} s", ended.as_secs_f64());
    let pad = width.saturating_sub(1 + end.len());
    format!("0{:pad$}{end}", "")
}

fn column(at: Duration, ended: Duration, width: usize) -> usize {
    let micros = |span: Duration| usize::try_from(span.as_micros()).unwrap_or(usize::MAX);
    let ended = micros(ended).max(1);
    (micros(at).min(ended).saturating_mul(width) / ended).min(width - 1)
}
