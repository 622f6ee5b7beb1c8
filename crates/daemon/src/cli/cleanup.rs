//! `kube-vip cleanup`: removes what a kube-vip, ours or the original, has left on this host; shows
//! it first.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Serialize;
use serde_json::json;

use super::columns::columns;
use super::place::Place;
use super::question::agreed;
use super::report::{Console, Format};
use super::{Task, VERSION, command};
use crate::drivers::kernel::leftovers::{Found, Kernel, Leftover};
use crate::drivers::lease::caller::Caller;
use crate::instance::running;
use crate::settings::Inputs;
use entries::Entry;
use known::Known;

mod beyond;
mod entries;
mod known;
#[cfg(test)]
mod tests;

const MANIFEST: &str = "manifest";
const YES: &str = "yes";

/// The exit code where nothing is left.
const CLEAN: u8 = 0;
/// The exit code where something failed or could not be looked at, or a kube-vip runs here.
const FAILED: u8 = 1;
/// The exit code where something is left.
const LEFT: u8 = 2;

/// What a command line asks for.
#[derive(Debug)]
pub(super) struct Order {
    place: Place,
    known: Known,
    yes: bool,
}

/// The command line.
pub(super) fn command() -> Command {
    let command = Command::new("cleanup")
        .about("Remove what a kube-vip, this or the original one, has left on this host")
        .arg(Arg::new(MANIFEST).long(MANIFEST).value_name("FILE").action(ArgAction::Append).help(
            "A manifest of kube-vip whose settings count [default: those in the usual \
                       directories of static pods]",
        ))
        .arg(
            Arg::new(YES)
                .long(YES)
                .short('y')
                .action(ArgAction::SetTrue)
                .help("Remove it; without this it is only shown, and asked for on a terminal"),
        );
    let command = Place::output(Place::flags(command)).mut_arg(command::KUBECONFIG, |flag| {
        flag.help("Look for this node's entries in the API too, with this kubeconfig")
    });
    command.after_help(
        "It looks for the virtual addresses (--address, the environment, manifests) on every\n\
         interface and in the neighbour table, for addresses with proto 248, for nftables tables\n\
         of both, and for routes, rules and interfaces that the original leaves. With\n\
         --kubeconfig it looks for this node (--nodeName) in the Lease and for its candidate\n\
         Lease as well. It needs root, on the host's own network.\n\
         \n\
         Exit codes: 0 nothing is left; 1 refused, failed, or something could not be looked at;\n\
         2 something is left and was not removed",
    )
}

impl Order {
    /// The order that stands on the command line, with the environment's settings where it says
    /// nothing.
    pub(super) fn read(matches: &ArgMatches, inputs: Inputs) -> Result<Self, String> {
        let manifests = command::words(matches, MANIFEST);
        let known = if manifests.is_empty() {
            Known::found(&Place::inputs(matches, inputs.clone()), Path::new("/"))
        } else {
            let files: Vec<_> = manifests.iter().map(PathBuf::from).collect();
            Known::given(&Place::inputs(matches, inputs.clone()), &files)?
        };
        Ok(Self { place: Place::read(matches, inputs)?, known, yes: matches.get_flag(YES) })
    }
}

impl Task for Order {
    fn run(&self, console: &mut Console<'_>) -> ExitCode {
        let refused = |console: &mut Console<'_>, text: &str| {
            drop(writeln!(console.err, "cleanup: {text}"));
            ExitCode::from(FAILED)
        };
        let running = match running::running() {
            Ok(running) => running,
            Err(error) => return refused(console, &format!("cannot tell what runs here: {error}")),
        };
        if let Some(text) = in_the_way(&running) {
            return refused(console, &text);
        }
        let runtime = match super::runtime() {
            Ok(runtime) => runtime,
            Err(error) => return refused(console, &error),
        };
        match self.look(&runtime) {
            Ok(scene) => self.carry_out(scene, &runtime, console),
            Err(error) => refused(console, &error),
        }
    }
}

/// Why nothing may be removed now.
fn in_the_way(running: &[running::Running]) -> Option<String> {
    if running.is_empty() {
        return None;
    }
    let who: Vec<_> = running.iter().map(ToString::to_string).collect();
    Some(format!(
        "a kube-vip runs on this host ({}); what is here is in use. End it first: move its \
         manifest out of the directory of static pods, or delete its DaemonSet",
        who.join("; ")
    ))
}

/// Something that is left, in the kernel or in the API.
#[derive(Debug)]
enum Thing {
    Kernel(Leftover),
    Entry(Entry),
    /// It is seen, and cannot be removed from here; what can is beside it.
    Beyond(beyond::Beyond),
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Found,
    Removed,
    Failed(String),
}

/// One line of what is shown.
#[derive(Clone, Debug, Serialize)]
struct Line {
    result: &'static str,
    kind: String,
    what: String,
    why: String,
    error: Option<String>,
}

/// What was found, and what was not looked at.
struct Scene {
    kernel: Kernel,
    caller: Option<Caller>,
    things: Vec<(Thing, Fate)>,
    /// What could not be looked at, and why.
    unseen: Vec<(String, String)>,
    /// What was not looked at, as nobody asked for it.
    notes: Vec<String>,
}

impl Order {
    fn look(&self, runtime: &tokio::runtime::Runtime) -> Result<Scene, String> {
        let opened = Kernel::open();
        let mut kernel = opened.map_err(|error| format!("no connection to the kernel: {error}"))?;
        let Found { leftovers, unseen } =
            kernel.find(&self.known.wanted).map_err(|error| format!("cannot look: {error}"))?;
        let mut things: Vec<_> = leftovers.into_iter().map(Thing::Kernel).collect();
        let mut unseen: Vec<_> =
            unseen.into_iter().map(|(what, why)| (what.to_owned(), why)).collect();
        let mut notes = self.known.notes.clone();
        let beyond = beyond::find(&self.known.wanted.addresses);
        things.extend(beyond.things.into_iter().map(Thing::Beyond));
        notes.extend(beyond.notes);
        if !running::sees_all_processes() {
            notes.push(
                "whether the original kube-vip runs here: the processes of this host are not \
                 visible from this container"
                    .to_owned(),
            );
        }
        let caller = self
            .place
            .kubeconfig
            .is_some()
            .then(|| Caller::new(&self.place.election, &self.place.places()));
        match (&caller, &self.known.node) {
            (None, _) => notes.push("the Leases: no kubeconfig is given (--kubeconfig)".to_owned()),
            (_, None) => {
                let why = "this node's name is none that a node can have (--nodeName)";
                unseen.push(("the Leases".to_owned(), why.to_owned()));
            }
            (Some(caller), Some(node)) => {
                for election in &self.known.elections {
                    let found = runtime.block_on(entries::find(caller, election, node));
                    match found {
                        Ok(entries) => things.extend(entries.into_iter().map(Thing::Entry)),
                        Err(error) => unseen.push((format!("Lease {election}"), error)),
                    }
                }
            }
        }
        let things = things.into_iter().map(|thing| (thing, Fate::Found)).collect();
        Ok(Scene { kernel, caller, things, unseen, notes })
    }

    fn carry_out(
        &self,
        mut scene: Scene,
        runtime: &tokio::runtime::Runtime,
        console: &mut Console<'_>,
    ) -> ExitCode {
        if self.wanted(&scene, console) {
            scene.remove(runtime);
            // One that was started meanwhile makes its own anew.
            if let Some(text) = running::running().ok().as_deref().and_then(in_the_way) {
                scene.unseen.push(("what is left now".to_owned(), text));
            }
        }
        let text = match self.place.format {
            Format::Table => scene.table(),
            Format::Json => scene.json(),
        };
        super::finish(console.out, &text, ExitCode::from(scene.code()))
    }

    /// Whether it is to be removed: by the flag, or by whoever sits there.
    fn wanted(&self, scene: &Scene, console: &mut Console<'_>) -> bool {
        if self.yes || scene.removable() == 0 {
            return self.yes;
        }
        let table = self.place.format == Format::Table;
        if !(table && io::stdin().is_terminal() && io::stdout().is_terminal()) {
            return false;
        }
        let _ = console.out.write_all(scene.table().as_bytes());
        agreed(console.out, "\nRemove this?").unwrap_or(false)
    }
}

impl Scene {
    fn removable(&self) -> usize {
        let can = |(thing, _): &&(Thing, Fate)| !matches!(thing, Thing::Beyond(_));
        self.things.iter().filter(can).count()
    }

    /// First the kernel, then the Lease: whoever takes it next must find nobody who answers.
    fn remove(&mut self, runtime: &tokio::runtime::Runtime) {
        let mut answers = false;
        for (thing, fate) in &mut self.things {
            let done = match thing {
                Thing::Kernel(leftover) => {
                    let done = self.kernel.remove(leftover);
                    answers |= done.is_err() && leftover.is_address();
                    done
                }
                Thing::Entry(entry) if answers && entry.is_the_lease() => {
                    Err("the address is still on this host".to_owned())
                }
                Thing::Entry(entry) => match &self.caller {
                    Some(caller) => runtime.block_on(entry.remove(caller)),
                    None => continue,
                },
                Thing::Beyond(_) => continue,
            };
            *fate = done.map_or_else(Fate::Failed, |()| Fate::Removed);
        }
    }

    fn lines(&self) -> Vec<Line> {
        let line = |(thing, fate): &(Thing, Fate)| {
            let (kind, what, why) = match thing {
                Thing::Kernel(one) => (one.kind.to_string(), one.what.clone(), one.why.clone()),
                Thing::Entry(one) => (one.kind.to_owned(), one.what.clone(), one.why.clone()),
                Thing::Beyond(one) => (one.kind.to_owned(), one.what.clone(), one.why.clone()),
            };
            let (result, error) = match fate {
                Fate::Found => ("found", None),
                Fate::Removed => ("removed", None),
                Fate::Failed(error) => ("failed", Some(error.clone())),
            };
            Line { result, kind, what, why, error }
        };
        self.things.iter().map(line).collect()
    }

    fn code(&self) -> u8 {
        let failed = |(_, fate): &(Thing, Fate)| matches!(fate, Fate::Failed(_));
        let left = |(_, fate): &(Thing, Fate)| *fate == Fate::Found;
        if !self.unseen.is_empty() || self.things.iter().any(failed) {
            FAILED
        } else if self.things.iter().any(left) {
            LEFT
        } else {
            CLEAN
        }
    }

    fn result(&self) -> &'static str {
        match self.code() {
            CLEAN => "clean",
            LEFT => "left",
            _ => "failed",
        }
    }

    fn table(&self) -> String {
        let lines = self.lines();
        let row = |line: &Line| {
            let why = line.error.as_ref().map_or_else(|| line.why.clone(), Clone::clone);
            [line.result.to_owned(), line.kind.clone(), line.what.clone(), why]
        };
        let mut text = columns(&lines.iter().map(row).collect::<Vec<_>>());
        // Writing to a text cannot fail, here and below.
        for (what, why) in &self.unseen {
            let _ = writeln!(text, "cannot look at {what}: {why}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "not looked at: {note}");
        }
        let removed = lines.iter().filter(|line| line.result == "removed").count();
        let left = lines.len() - removed;
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = match (self.code(), removed, left) {
            (CLEAN, 0, _) => writeln!(text, "{gap}cleanup: nothing is left"),
            (CLEAN, removed, _) => {
                writeln!(text, "{gap}cleanup: {removed} removed, nothing is left")
            }
            (LEFT, 0, left) if self.removable() > 0 => writeln!(
                text,
                "{gap}cleanup: {left} left; with --yes it removes {}",
                if left == self.removable() { "them" } else { "what it can" }
            ),
            (_, removed, left) => writeln!(text, "{gap}cleanup: {removed} removed, {left} left"),
        };
        text
    }

    fn json(&self) -> String {
        let unseen: Vec<_> =
            self.unseen.iter().map(|(what, why)| json!({ "what": what, "why": why })).collect();
        let document = json!({
            "command": "cleanup",
            "version": VERSION,
            "result": self.result(),
            "leftovers": self.lines(),
            "unseen": unseen,
            "notLookedAt": self.notes,
        });
        format!("{document:#}\n")
    }
}
