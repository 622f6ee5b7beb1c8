//! Timelines for people: lanes of coloured stretches, as a strip in the terminal and as an SVG.

use std::time::Duration;

mod strip;
mod svg;
#[cfg(test)]
mod tests;

pub use strip::strip;
pub use svg::svg;

/// A stretch of time, since the start of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it begins.
    pub from: Duration,
    /// When it ends.
    pub to: Duration,
}

impl Span {
    /// How long it is.
    #[must_use]
    pub const fn length(self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    /// What both have in common.
    #[must_use]
    pub fn overlap(self, other: Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from < to).then_some(Self { from, to })
    }
}

/// What a stretch stands for, and with it its colour and its sign in a strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shade {
    /// A node has the address but is not heard; `▒`.
    Has,
    /// A node answers for the address; `█`.
    Answers,
    /// Two nodes answer at once; `!`.
    Both,
    /// The client gets no answer; `×`.
    Gone,
}

/// A stretch with its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What it stands for.
    pub shade: Shade,
    /// When.
    pub span: Span,
}

impl Bar {
    /// Those stretches, each with that meaning.
    pub fn all(shade: Shade, spans: impl IntoIterator<Item = Span>) -> impl Iterator<Item = Self> {
        spans.into_iter().map(move |span| Self { shade, span })
    }
}

/// Whose lane it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// A node's: nothing where it has no part.
    Node,
    /// The client's: a line where all is well.
    Client,
}

/// One line of a timeline. Later bars cover earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// What stands before it.
    pub name: String,
    /// Whose it is.
    pub party: Party,
    /// What is in it.
    pub bars: Vec<Bar>,
}

/// A moment at which something was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When, since the start of the recording.
    pub at: Duration,
    /// What.
    pub text: String,
}

/// One timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// What was done, in a few words.
    pub title: String,
    /// What it came to, in one line.
    pub note: String,
    /// From top to bottom.
    pub lanes: Vec<Lane>,
    /// In the order of time.
    pub marks: Vec<Mark>,
    /// When the recording ended, since its start.
    pub ended: Duration,
}

/// `1.23 s`, `12 ms`, `0`.
#[must_use]
pub fn human(span: Duration) -> String {
    match span.as_micros() {
        0 => "0".to_owned(),
        micros if micros < 10_000 => format!("{:.1} ms", span.as_secs_f64() * 1e3),
        micros if micros < 1_000_000 => format!("{:.0} ms", span.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", span.as_secs_f64()),
    }
}
