//! Reads black boxes out of whatever they stand in: a container's log, a file, a terminal's copy.

use kube_vip_core::event::{Effect, Event};
use kube_vip_core::moment::Moment;
use kube_vip_core::node::Node;
use kube_vip_core::plan::Plan;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// The form of the lines that is read here.
const FORM: u32 = 1;

/// Where a line of a black box begins; a log's own time stamps may stand before it.
const MARKS: [&str; 4] = ["{\"blackBox\":", "{\"checkpoint\":", "{\"at\":", "{\"gap\":"];

/// Why a text has no black box, or none that can be read.
#[derive(Debug, Error)]
pub enum DumpError {
    /// None.
    #[error(
        "there is no black box in it; a daemon writes one to its stdout on SIGUSR1 (on the node: \
         kill -USR1 $(pidof kube-vip), then kubectl logs)"
    )]
    None,
    /// The daemon is newer.
    #[error("line {line}: the black box has form {form}, and this program reads form {FORM}")]
    Form {
        /// Which.
        form: u32,
        /// Which line, from 1.
        line: usize,
    },
    /// A line that makes no sense: cut, or of another version.
    #[error("line {line} is cut, or of a version with another core: {cause}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong.
        cause: serde_json::Error,
    },
}

/// The first line of a black box.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The daemon's version.
    pub version: String,
    /// The daemon's build.
    pub build: String,
    /// The node.
    pub node: String,
    /// Why it was written.
    pub cause: String,
    /// The wall clock when the node's clock was at zero.
    pub started_at: String,
    /// The node's clock when it was written.
    pub dumped: Moment,
    /// What the node's random numbers come from.
    pub seed: u64,
    /// What the node was told to do.
    pub plan: Plan,
}

/// One black box.
#[derive(Clone, Debug)]
pub struct Dump {
    /// Whose.
    pub header: Header,
    /// What happened, in order.
    pub entries: Vec<Entry>,
}

/// One line after the header.
#[derive(Clone, Debug)]
pub enum Entry {
    /// The node as it was.
    Checkpoint(Box<Node>),
    /// Something was left out: the state is not known until the next checkpoint.
    Gap(String),
    /// Something happened.
    Event {
        /// When.
        at: Moment,
        /// What.
        event: Box<Event>,
        /// What followed.
        effects: Vec<Effect>,
    },
}

/// All black boxes in a text, in order; other lines are passed over.
///
/// # Errors
/// If there is none, or one cannot be read.
pub fn dumps(text: &str) -> Result<Vec<Dump>, DumpError> {
    let mut dumps: Vec<Dump> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(start) = MARKS.iter().filter_map(|mark| line.find(mark)).min() else { continue };
        let (line, number) = (&line[start..], index + 1);
        let wrong = |cause| DumpError::Line { line: number, cause };
        if line.starts_with(MARKS[0]) {
            let header = header(line, number)?;
            dumps.push(Dump { header, entries: Vec::new() });
        } else if let Some(dump) = dumps.last_mut() {
            dump.entries.push(entry(line).map_err(wrong)?);
        }
    }
    if dumps.is_empty() { Err(DumpError::None) } else { Ok(dumps) }
}

fn header(line: &str, number: usize) -> Result<Header, DumpError> {
    let wrong = |cause| DumpError::Line { line: number, cause };
    let value: Value = serde_json::from_str(line).map_err(wrong)?;
    let form = value["blackBox"].as_u64().and_then(|form| u32::try_from(form).ok());
    match form {
        Some(FORM) | None => serde_json::from_value(value).map_err(wrong),
        Some(form) => Err(DumpError::Form { form, line: number }),
    }
}

fn entry(line: &str) -> Result<Entry, serde_json::Error> {
    #[derive(Deserialize)]
    struct Checkpoint {
        checkpoint: Box<Node>,
    }
    #[derive(Deserialize)]
    struct Gap {
        gap: String,
    }
    #[derive(Deserialize)]
    struct Happened {
        at: Moment,
        event: Box<Event>,
        effects: Vec<Effect>,
    }
    Ok(if line.starts_with(MARKS[1]) {
        let Checkpoint { checkpoint } = serde_json::from_str(line)?;
        Entry::Checkpoint(checkpoint)
    } else if line.starts_with(MARKS[3]) {
        let Gap { gap } = serde_json::from_str(line)?;
        Entry::Gap(gap)
    } else {
        let Happened { at, event, effects } = serde_json::from_str(line)?;
        Entry::Event { at, event, effects }
    })
}

/// The first part in which two states differ, for people; none: they are the same.
pub(super) fn first_difference(recorded: &Node, replayed: &Node) -> Option<String> {
    let [recorded, replayed] = [recorded, replayed].map(serde_json::to_value);
    match (recorded, replayed) {
        (Ok(recorded), Ok(replayed)) => differing("", &recorded, &replayed),
        (Err(error), _) | (_, Err(error)) => Some(format!("a state has no form: {error}")),
    }
}

fn differing(path: &str, recorded: &Value, replayed: &Value) -> Option<String> {
    if recorded == replayed {
        return None;
    }
    let below = match (recorded, replayed) {
        (Value::Object(recorded), Value::Object(replayed)) => {
            recorded.iter().find_map(|(key, value)| {
                let other = replayed.get(key).unwrap_or(&Value::Null);
                differing(&format!("{path}/{key}"), value, other)
            })
        }
        (Value::Array(recorded), Value::Array(replayed)) if recorded.len() == replayed.len() => {
            let both = recorded.iter().zip(replayed).enumerate();
            both.into_iter().find_map(|(index, (value, other))| {
                differing(&format!("{path}/{index}"), value, other)
            })
        }
        _ => None,
    };
    Some(below.unwrap_or_else(|| format!("{path}: {recorded} there, {replayed} here")))
}
