//! Timelines as one SVG, one below the other.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Lane, Panel, Shade};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 110.0;
const RIGHT: f64 = 24.0;
const LANE: f64 = 26.0;
const HEAD: f64 = 56.0;
const FOOT: f64 = 40.0;

/// Plain colours first, for viewers that know nothing of dark pages.
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1f2430}.title{font-weight:600;font-size:14px}\
.soft{fill:#6b7280}.page{fill:#ffffff}.rule{stroke:#d8dce3}.has{fill:#b9cdea}\
.answers{fill:#2f6fc4}.both{fill:#d1242f}.gone{fill:#e07b00}.fault{stroke:#d1242f;\
stroke-dasharray:3 3}.mark{fill:#d1242f;font-size:11px}\
@media(prefers-color-scheme:dark){text{fill:#e6e8ec}.soft{fill:#9aa3b2}.page{fill:#171a21}\
.rule{stroke:#3a4150}.has{fill:#3b5374}.mark{fill:#ff7b72}}";

/// All timelines, one below the other, under a heading and what the colours mean.
#[must_use]
pub fn svg(heading: &str, legend: &[(Shade, &str)], panels: &[Panel]) -> String {
    let total = 76.0 + panels.iter().map(height).sum::<f64>();
    let mut out = String::new();
    // Writing to a text cannot fail, here and below.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {total}\" \
         width=\"{WIDTH}\" height=\"{total}\" role=\"img\"><title>{0}</title><style>{STYLE}</style>\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{total}\"/>\
         <text class=\"title\" x=\"16\" y=\"28\">{0}</text>",
        escape(heading)
    );
    explain(&mut out, legend);
    let mut top = 76.0;
    for panel in panels {
        draw(&mut out, panel, top);
        top += height(panel);
    }
    out.push_str("</svg>\n");
    out
}

fn height(panel: &Panel) -> f64 {
    HEAD + number(panel.lanes.len()) * LANE + FOOT
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or_default())
}

const fn class(shade: Shade) -> &'static str {
    match shade {
        Shade::Has => "has",
        Shade::Answers => "answers",
        Shade::Both => "both",
        Shade::Gone => "gone",
    }
}

fn explain(out: &mut String, legend: &[(Shade, &str)]) {
    let mut x = 16.0;
    for (shade, text) in legend {
        let _ = writeln!(
            out,
            "<rect class=\"{}\" x=\"{x}\" y=\"44\" width=\"14\" height=\"12\"/>\
             <text class=\"soft\" x=\"{}\" y=\"54\">{}</text>",
            class(*shade),
            x + 20.0,
            escape(text)
        );
        x += 210.0;
    }
}

fn draw(out: &mut String, panel: &Panel, top: f64) {
    let _ = writeln!(
        out,
        "<text class=\"title\" x=\"16\" y=\"{}\">{}</text>\
         <text class=\"soft\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        top + 18.0,
        escape(&panel.title),
        WIDTH - RIGHT,
        top + 18.0,
        escape(&panel.note)
    );
    let first = top + HEAD;
    for (index, lane) in panel.lanes.iter().enumerate() {
        draw_lane(out, lane, (first + LANE * number(index), panel.ended));
    }
    let foot = first + LANE * number(panel.lanes.len());
    marks(out, panel, first, foot);
    axis(out, panel.ended, foot);
}

/// A lane at this height.
fn draw_lane(out: &mut String, lane: &Lane, (y, ended): (f64, Duration)) {
    let foot = y + LANE - 4.0;
    let _ = writeln!(
        out,
        "<text x=\"16\" y=\"{}\">{}</text>\
         <line class=\"rule\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{foot}\" y2=\"{foot}\"/>",
        y + 17.0,
        escape(&lane.name),
        WIDTH - RIGHT
    );
    for bar in &lane.bars {
        let (from, to) = (x(bar.span.from, ended), x(bar.span.to, ended));
        let _ = writeln!(
            out,
            "<rect class=\"{}\" x=\"{from:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\"/>",
            class(bar.shade),
            y + 5.0,
            (to - from).max(1.5),
            LANE - 10.0
        );
    }
}

/// Their texts in two rows so that neighbours do not cover each other.
fn marks(out: &mut String, panel: &Panel, top: f64, bottom: f64) {
    for (index, mark) in panel.marks.iter().enumerate() {
        let x = x(mark.at, panel.ended);
        let row = top - 6.0 - if index % 2 == 0 { 0.0 } else { 13.0 };
        let anchor = if x > WIDTH * 0.7 { "end" } else { "start" };
        let _ = writeln!(
            out,
            "<line class=\"fault\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{row:.1}\" y2=\"{bottom:.1}\"/>\
             <text class=\"mark\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            row - 2.0,
            escape(&mark.text)
        );
    }
}

fn axis(out: &mut String, ended: Duration, y: f64) {
    let step =
        [1_u32, 2, 5, 10, 20, 60].into_iter().find(|s| ended.as_secs() / u64::from(*s) <= 12);
    let step = step.unwrap_or(300);
    let mut second = 0;
    while Duration::from_secs(u64::from(second)) <= ended {
        let x = x(Duration::from_secs(u64::from(second)), ended);
        let _ = writeln!(
            out,
            "<line class=\"rule\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{y}\" y2=\"{}\"/>\
             <text class=\"soft\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{second} s</text>",
            y + 4.0,
            y + 17.0
        );
        second += step;
    }
}

fn x(at: Duration, ended: Duration) -> f64 {
    let part = at.as_secs_f64() / ended.as_secs_f64().max(0.001);
    LEFT + part.min(1.0) * (WIDTH - LEFT - RIGHT)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
