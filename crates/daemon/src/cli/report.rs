//! What the checking commands (`preflight`, `verify`, `failover-test`, …) found: rows with result,
//! evidence and remedy; as a table for people, as JSON for programs, as an exit code for scripts.
//!
//! A command fills a [`Report`] with [`Row`]s and ends with [`Report::show`]:
//!
//! ```text
//! let mut report = Report::new("verify");
//! report.push(Row::ok("holder", "cp-1 holds it for 3 days"));
//! report.push(Row::failed("arp", "two answer", "end kube-vip on cp-2").of("192.168.20.140"));
//! report.show(place.format, console)
//! ```

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

use super::VERSION;
use table::table;

mod table;
#[cfg(test)]
mod tests;

/// The exit code where nothing failed: warnings and skipped rows count as well.
pub const EXIT_OK: u8 = 0;
/// The exit code where a row failed, or the command was refused.
pub const EXIT_FAILED: u8 = 1;
/// The exit code where no row failed, but one could not be told.
pub const EXIT_UNKNOWN: u8 = 2;

/// What a row says. The worst of a report is its own result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It does not apply, or not here: the evidence says where to ask. Of no account.
    Skipped,
    /// As it should be.
    Ok,
    /// It works, and will do harm some day.
    Warning,
    /// It should have been told here, and could not be.
    Unknown,
    /// Not as it should be.
    Failed,
}

impl Verdict {
    /// The word that stands in tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }

    /// The exit code of a command with that result.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Skipped | Self::Ok | Self::Warning => EXIT_OK,
            Self::Unknown => EXIT_UNKNOWN,
            Self::Failed => EXIT_FAILED,
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name: lower case, with hyphens; never renamed, as programs look for it.
    pub check: &'static str,
    /// The address, node or file that it is about, where there may be several.
    pub subject: Option<String>,
    /// What it says.
    pub result: Verdict,
    /// What was seen, and how, so that one can look again by hand.
    pub evidence: String,
    /// What to do about it; none: nothing is to be done.
    pub remedy: Option<String>,
}

impl Row {
    /// As it should be.
    #[must_use]
    pub fn ok(check: &'static str, evidence: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, evidence)
    }

    /// It works, and will do harm some day.
    #[must_use]
    pub fn warning(
        check: &'static str,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(check, Verdict::Warning, evidence) }
    }

    /// Not as it should be.
    #[must_use]
    pub fn failed(
        check: &'static str,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(check, Verdict::Failed, evidence) }
    }

    /// It should have been told here, and could not be.
    #[must_use]
    pub fn unknown(
        check: &'static str,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(check, Verdict::Unknown, evidence) }
    }

    /// It does not apply, or not here; `why` says where to ask, as in "run it on a node".
    #[must_use]
    pub fn skipped(check: &'static str, why: impl Into<String>) -> Self {
        Self::new(check, Verdict::Skipped, why)
    }

    /// The same about that address, node or file.
    #[must_use]
    pub fn of(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    fn new(check: &'static str, result: Verdict, evidence: impl Into<String>) -> Self {
        Self { check, subject: None, result, evidence: evidence.into(), remedy: None }
    }
}

/// How a command shows what it found: its flag `-o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs: one document in JSON on stdout.
    Json,
}

/// How text for people is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub colour: bool,
    /// Lines are broken at so many columns; none: never.
    pub width: Option<usize>,
}

impl Style {
    /// What suits stdout: colours only on a terminal, and not where `NO_COLOR` is set to anything
    /// (no-color.org) or `TERM` is `dumb`; lines of its width.
    #[must_use]
    pub fn of_stdout() -> Self {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Self::default();
        }
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let size = rustix::termios::tcgetwinsize(&stdout).ok();
        let width = size.map(|size| usize::from(size.ws_col)).filter(|width| *width >= 40);
        Self { colour: !set("NO_COLOR") && !dumb, width }
    }

    /// The text in that colour, if there are to be colours: a number of ECMA-48's SGR.
    pub(super) fn paint(self, text: &str, colour: u8) -> String {
        if self.colour { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Where a command writes to.
pub struct Console<'a> {
    /// What the command is for, and nothing else.
    pub out: &'a mut dyn Write,
    /// Refusals, questions and progress.
    pub err: &'a mut dyn Write,
    /// How text on `out` is set.
    pub style: Style,
}

/// What a command found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The command.
    pub command: &'static str,
    /// The version of kube-vip that looked.
    pub version: &'static str,
    /// What was looked at, in the order in which it is shown.
    pub rows: Vec<Row>,
    /// What a command has to say beside its rows, to programs only; an object, or nothing.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub detail: Value,
}

impl Report {
    /// Of that command, with nothing found so far.
    #[must_use]
    pub const fn new(command: &'static str) -> Self {
        Self { command, version: VERSION, rows: Vec::new(), detail: Value::Null }
    }

    /// One more thing was looked at.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Several more.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.rows.extend(rows);
    }

    /// The worst of all rows.
    #[must_use]
    pub fn result(&self) -> Verdict {
        self.rows.iter().map(|row| row.result).max().unwrap_or(Verdict::Skipped).max(Verdict::Ok)
    }

    /// The table for people, and a last line that counts.
    #[must_use]
    pub fn table(&self, style: Style) -> String {
        let mut text = table(&self.rows, style);
        let counts: Vec<_> =
            [Verdict::Failed, Verdict::Unknown, Verdict::Warning, Verdict::Ok, Verdict::Skipped]
                .into_iter()
                .filter_map(|verdict| {
                    let count = self.rows.iter().filter(|row| row.result == verdict).count();
                    (count > 0).then(|| format!("{count} {}", verdict.word()))
                })
                .collect();
        // Writing to a text cannot fail.
        let _ =
            writeln!(text, "\n{}: {} ({})", self.command, self.result().word(), counts.join(", "));
        text
    }

    /// The document for programs; docs/reference/commands.md describes it.
    #[must_use]
    pub fn json(&self) -> String {
        let mut document = serde_json::json!(self);
        document["result"] = self.result().word().into();
        format!("{document:#}\n")
    }

    /// Writes it, and tells the exit code. A reader who has gone is no failure.
    pub fn show(&self, format: Format, console: &mut Console<'_>) -> ExitCode {
        let text = match format {
            Format::Table => self.table(console.style),
            Format::Json => self.json(),
        };
        let code = ExitCode::from(self.result().code());
        super::finish(console.out, &text, code)
    }
}
