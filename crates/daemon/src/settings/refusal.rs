//! All that is wrong with the settings, told at once.

use std::fmt;

use super::config::Warning;
use super::definition::{Definition, Wrong};
use super::definitions;
use super::text::fold;

/// How the text of a refusal begins.
const HERE: &str = "kube-vip does not start";

/// Where a value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In this environment variable.
    Environment(&'static str),
    /// Behind this flag.
    Flag(&'static str),
    /// In the file of `--config-file`, for the setting of this name.
    File(&'static str),
}

/// A value that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Where.
    pub origin: Origin,
    /// What.
    pub text: String,
}

impl Given {
    /// A warning about it.
    pub(super) fn warning(&self, text: impl Into<String>) -> Warning {
        Warning { setting: self.to_string(), text: text.into() }
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin {
            Origin::Environment(name) | Origin::File(name) => write!(f, "{name}={}", self.text),
            Origin::Flag(name) => write!(f, "--{name}={}", self.text),
        }
    }
}

/// One setting that keeps the daemon from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The names of the setting.
    pub label: String,
    /// Where the setting stands in the reference.
    place: usize,
    /// What was written, and where; none: nothing was.
    pub given: Option<Given>,
    /// What is wrong, and what would be right.
    pub wrong: Wrong,
    /// Lines of a table to choose from; may be empty.
    pub choices: Vec<String>,
}

impl Problem {
    /// A problem without a table.
    pub(super) fn new(definition: &Definition, given: Option<&Given>, wrong: Wrong) -> Self {
        Self {
            label: definition.label(),
            place: definitions::place(definition),
            given: given.cloned(),
            wrong,
            choices: Vec::new(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.label)?;
        match &self.given {
            None => writeln!(f, "  given  nothing")?,
            Some(given) => {
                let place = match given.origin {
                    Origin::Environment(name) => format!("the environment variable {name}"),
                    Origin::Flag(name) => format!("the flag --{name}"),
                    Origin::File(_) => "the file of --config-file".to_owned(),
                };
                writeln!(f, "  given  {:?}, by {place}", given.text)?;
            }
        }
        writeln!(f, "  wrong  {}", fold(&self.wrong.wrong, 9))?;
        write!(f, "  right  {}", fold(&self.wrong.right, 9))?;
        for line in &self.choices {
            write!(f, "\n           {line}")?;
        }
        Ok(())
    }
}

/// Why the daemon does not start, and what else is odd about its settings. Its text is what people
/// are to read: several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What has to be put right.
    pub problems: Vec<Problem>,
    /// What may be the cause of it, such as a name that is no setting.
    pub warnings: Vec<Warning>,
}

impl Refusal {
    /// The problems, in the order of the reference.
    pub(super) fn new(mut problems: Vec<Problem>, warnings: Vec<Warning>) -> Self {
        problems.sort_by_key(|problem| problem.place);
        Self { problems, warnings }
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// The text for people, for whoever asked about a daemon that is to run elsewhere.
    #[must_use]
    pub fn elsewhere(&self) -> String {
        self.to_string().replacen(HERE, "kube-vip would not start", 1)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = match self.problems.len() {
            1 => "one setting is wrong".to_owned(),
            several => format!("{several} settings are wrong"),
        };
        writeln!(f, "{HERE}: {number}")?;
        for problem in &self.problems {
            writeln!(f, "\n{problem}")?;
        }
        if !self.warnings.is_empty() {
            writeln!(f, "\nAlso noticed:")?;
        }
        for warning in &self.warnings {
            writeln!(f, "  {}", fold(&warning.to_string(), 4))?;
        }
        writeln!(f, "\nAll settings: kube-vip settings")
    }
}
