//! `kube-vip-lab replay`: runs a daemon's black box through the same core, checks that the same
//! comes out, and tells people what happened.

mod dump;
mod tell;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use kube_vip_core::event::{Effect, Event};
use kube_vip_core::moment::Moment;
use kube_vip_core::node::Node;
use thiserror::Error;

pub use dump::{Dump, DumpError, Entry, Header, dumps};
use tell::Teller;

/// What to replay.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A file with what the daemon wrote on SIGUSR1, whatever else stands in it; - is stdin
    file: PathBuf,
    /// Leave out what changed nothing for people: reads, renewals, repeated announcements
    #[arg(long)]
    brief: bool,
}

/// Why there is nothing to replay.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// No such file.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No dump.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// Nobody takes the timeline.
    #[error("cannot write the timeline: {0}")]
    Write(#[from] io::Error),
}

/// Where a replay came to something else than the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// After this event, of so many before it in the dump.
    Effects {
        /// Which entry, counted from 0.
        entry: usize,
        /// When.
        at: Moment,
        /// What the daemon did.
        recorded: Vec<Effect>,
        /// What the core does here.
        replayed: Vec<Effect>,
    },
    /// The daemon's own state, written so many entries after the first, is not the one here.
    State {
        /// Before which entry.
        entry: usize,
        /// The first part that differs, as a JSON pointer, and what it is there and here.
        part: String,
    },
}

/// One dump, replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many events there were.
    pub events: usize,
    /// The first differences, one for each stretch between two states: what follows one is nothing
    /// but its consequences.
    pub differences: Vec<Difference>,
}

/// Replays every dump in a file and writes what happened; whether the same came out.
///
/// # Errors
/// If there is no dump, or `out` cannot be written to.
pub fn cli(args: &Args, out: &mut dyn Write) -> Result<bool, ReplayError> {
    let text = read(&args.file)?;
    let mut same = true;
    for dump in dumps(&text)? {
        let teller = Teller::new(&dump.header, args.brief);
        teller.header(&dump, out)?;
        let replayed = replay(&dump, &mut |step| teller.step(step, out))?;
        teller.outcome(&replayed, out)?;
        same &= replayed.differences.is_empty();
    }
    Ok(same)
}

fn read(path: &Path) -> Result<String, ReplayError> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    let path = || path.to_owned();
    let bytes = bytes.map_err(|source| ReplayError::Read { path: path(), source })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One event of a replay, with the node before and after it.
#[derive(Debug)]
pub struct Step<'a> {
    /// When.
    pub at: Moment,
    /// What happened.
    pub event: &'a Event,
    /// What the core did here.
    pub effects: &'a [Effect],
    /// Before.
    pub before: &'a Node,
    /// After.
    pub after: &'a Node,
}

/// Runs a dump through the core, and shows each step.
///
/// # Errors
/// What `see` says.
pub fn replay(
    dump: &Dump,
    see: &mut dyn FnMut(&Step<'_>) -> io::Result<()>,
) -> io::Result<Replayed> {
    let mut replayed = Replayed::default();
    let mut node: Option<Node> = None;
    // After a difference, or a gap, until the next state: nothing to compare.
    let mut lost = false;
    for entry in &dump.entries {
        match entry {
            Entry::Checkpoint(state) => {
                let known = node.as_ref().filter(|_| !lost);
                if let Some(part) = known.and_then(|node| dump::first_difference(state, node)) {
                    let entry = replayed.events;
                    replayed.differences.push(Difference::State { entry, part });
                }
                node = Some(Node::clone(state));
                lost = false;
            }
            Entry::Gap(_) => lost = true,
            Entry::Event { at, event, effects } => {
                // A dump begins with a state.
                let Some(node) = &mut node else { continue };
                let before = node.clone();
                node.handle(Event::clone(event), *at);
                let done: Vec<Effect> = std::iter::from_fn(|| node.poll()).collect();
                see(&Step { at: *at, event, effects: &done, before: &before, after: node })?;
                if !lost && done != *effects {
                    lost = true;
                    replayed.differences.push(Difference::Effects {
                        entry: replayed.events,
                        at: *at,
                        recorded: effects.clone(),
                        replayed: done,
                    });
                }
                replayed.events += 1;
            }
        }
    }
    Ok(replayed)
}
