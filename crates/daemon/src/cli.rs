//! Subcommands and their help.
//!
//! Exit codes: 0, done; 1, refused or failed; 2, not in time, or what is asked for cannot be told.
//! Nothing is written to stdout but what a command is for.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::metrics::Release;
use crate::settings::file::ConfigFile;
use crate::settings::{Inputs, Settings, reference};

mod checks;
mod cleanup;
pub mod cluster;
mod columns;
mod command;
mod failover;
mod generator;
mod help;
mod moving;
pub mod place;
mod preflight;
mod question;
pub mod report;
mod shell;
mod status;
mod verify;

use report::{Console, Style};

/// What this version is called: `v` and the number.
pub const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// The file with the namespace of a pod's service account.
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// What a command line asks for.
#[derive(Debug)]
pub enum Outcome {
    /// Run the daemon with these settings.
    Manager(Box<Settings>),
    /// Do this.
    Do(Box<dyn Task>),
    /// Write this to stdout; done.
    Out(String),
    /// Write this to stderr; failed.
    Err(String),
}

/// A command that does more than print: its command line, read.
///
/// To add one: a module with a type that is a `Task`, and one line in `command::TASKS` with its
/// clap command and the function that reads the matches.
pub trait Task: fmt::Debug {
    /// Does it, says what came of it, and tells the exit code.
    fn run(&self, console: &mut Console<'_>) -> ExitCode;
}

/// A runtime of one thread for a [`Task`]; the error is for people.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime: {error}"))
}

/// Does what the process was started for: its own command line, its own environment.
pub fn run(manager: impl FnOnce(Settings) -> ExitCode) -> ExitCode {
    let environment = std::env::vars_os().map(|(name, value)| {
        let text = |text: OsString| text.to_string_lossy().into_owned();
        (text(name), text(value))
    });
    match decide(std::env::args_os(), environment.collect(), pod_namespace()) {
        Outcome::Manager(settings) => manager(*settings),
        Outcome::Do(task) => task.run(&mut Console {
            out: &mut std::io::stdout(),
            err: &mut std::io::stderr(),
            style: Style::of_stdout(),
        }),
        Outcome::Out(text) => finish(&mut std::io::stdout(), &text, ExitCode::SUCCESS),
        Outcome::Err(text) => finish(&mut std::io::stderr(), &text, ExitCode::FAILURE),
    }
}

fn pod_namespace() -> Option<String> {
    let text = std::fs::read_to_string(POD_NAMESPACE).ok()?;
    let name = text.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// A reader who has gone, as in `kube-vip settings | head`, is no failure.
fn finish(to: &mut dyn std::io::Write, text: &str, code: ExitCode) -> ExitCode {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => code,
    }
}

/// What a command line asks for, in an environment.
#[must_use]
pub fn decide(
    args: impl IntoIterator<Item = OsString>,
    environment: BTreeMap<String, String>,
    pod_namespace: Option<String>,
) -> Outcome {
    let matches = match command::kube_vip().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            let text = error.to_string();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Outcome::Out(text),
                _ => Outcome::Err(text),
            };
        }
    };
    match matches.subcommand() {
        None => Outcome::Out(command::kube_vip().render_help().to_string()),
        Some(("manager", matches)) => {
            let words = command::words(matches, command::WORDS);
            let inputs = inputs(matches, environment, pod_namespace);
            Outcome::Manager(Box::new(Settings::read(&Inputs { words, ..inputs })))
        }
        Some(("version", _)) => Outcome::Out(version()),
        Some(("settings", matches)) => settings(matches),
        Some((name, matches)) => match command::TASKS.iter().find(|entry| entry.name == name) {
            None => Outcome::Err(command::absent(name)),
            Some(entry) => {
                let inputs = inputs(matches, environment, pod_namespace);
                (entry.read)(matches, inputs).map_or_else(Outcome::Err, Outcome::Do)
            }
        },
    }
}

/// What somebody wrote, with what stands in the file that it names.
fn inputs(
    matches: &clap::ArgMatches,
    environment: BTreeMap<String, String>,
    pod_namespace: Option<String>,
) -> Inputs {
    let flags = command::flags(matches);
    let inputs = Inputs { environment, flags, pod_namespace, ..Inputs::default() };
    let path = Settings::read(&inputs).values().config_file.clone();
    let file = (!path.is_empty()).then(|| ConfigFile::read(Path::new(&path)));
    Inputs { file, ..inputs }
}

/// Three lines, the first of which people's scripts skip.
fn version() -> String {
    let Release { version, build } = Release::this();
    format!("Kube-VIP Release Information\nVersion:  {version}\nBuild:    {build}\n")
}

fn settings(matches: &clap::ArgMatches) -> Outcome {
    let names = command::words(matches, command::NAMES);
    let mut chosen = Vec::new();
    let mut strange = String::new();
    for name in &names {
        match reference::find(name) {
            Ok(definition) => chosen.push(definition),
            Err(nearest) => {
                let hint = nearest.map_or_else(String::new, |known| format!("; is {known} meant?"));
                // Writing to a text cannot fail.
                let _ = writeln!(strange, "no setting has the name {name:?}{hint}");
            }
        }
    }
    if !strange.is_empty() {
        return Outcome::Err(strange);
    }
    if names.is_empty() {
        chosen = crate::settings::definitions::all().collect();
    }
    let format = matches.get_one::<String>(command::OUTPUT).map(String::as_str);
    Outcome::Out(match format {
        Some("json") => reference::json(&chosen),
        Some("markdown") => reference::markdown(&chosen),
        _ if names.is_empty() => reference::table(&chosen),
        _ => reference::details(&chosen),
    })
}
