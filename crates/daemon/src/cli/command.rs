//! The commands and their flags; those of the settings come from the definitions.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::failover::{self, guard};
use super::generator::{self, Printed};
use super::moving::Order;
use super::place::Place;
use super::{Task, VERSION, cleanup, help, shell, status};
use crate::settings::Inputs;
use crate::settings::definition::{Definition, Flag};
use crate::settings::definitions;

/// The words behind `manager`.
pub(super) const WORDS: &str = "words";
/// The names behind `settings`.
pub(super) const NAMES: &str = "name";
/// The flag `-o`.
pub(super) const OUTPUT: &str = "output";
/// The flag `--to` of `move`.
pub(super) const TO: &str = "to";
/// The flag `--namespace`, which is a setting's too.
pub(super) const NAMESPACE: &str = "namespace";
/// The flag `--lease`.
pub(super) const LEASE: &str = "lease";
/// The flag `--kubeconfig`.
pub(super) const KUBECONFIG: &str = "kubeconfig";
/// The flag `--timeout` of `move`.
pub(super) const TIMEOUT: &str = "timeout";
/// What stands behind a command that is not there.
const REST: &str = "rest";

/// A command line that was read; the error is for people.
pub(super) type Read = Result<Box<dyn Task>, String>;

/// A command that is a [`Task`].
pub(super) struct Entry {
    pub(super) name: &'static str,
    /// Its command line.
    pub(super) command: fn() -> Command,
    /// The task that stands on the command line.
    pub(super) read: fn(&ArgMatches, Inputs) -> Read,
}

/// All of them, in the order of the help.
pub(super) const TASKS: &[Entry] = &[
    super::preflight::ENTRY,
    super::verify::ENTRY,
    Entry {
        name: "move",
        command: moving,
        read: |matches, inputs| Ok(Box::new(Order::read(matches, inputs)?)),
    },
    Entry {
        name: "status",
        command: status::command,
        read: |matches, inputs| Ok(Box::new(status::Order::read(matches, inputs)?)),
    },
    Entry {
        name: "watch",
        command: status::watch::command,
        read: |matches, inputs| Ok(Box::new(status::watch::Order::read(matches, inputs)?)),
    },
    Entry {
        name: "cleanup",
        command: cleanup::command,
        read: |matches, inputs| Ok(Box::new(cleanup::Order::read(matches, inputs)?)),
    },
    Entry {
        name: "manifest",
        command: generator::manifest,
        read: |matches, inputs| Ok(Box::new(Printed::read(generator::manifest, matches, inputs)?)),
    },
    Entry {
        name: "kubeadm",
        command: generator::kubeadm,
        read: |matches, inputs| Ok(Box::new(Printed::read(generator::kubeadm, matches, inputs)?)),
    },
    Entry {
        name: "completion",
        command: shell::completion,
        read: |matches, _| Ok(Box::new(shell::read_completion(matches)?)),
    },
    Entry {
        name: "man",
        command: shell::man,
        read: |matches, _| Ok(Box::new(shell::read_man(matches)?)),
    },
    Entry { name: failover::NAME, command: failover::command, read: failover::read },
    Entry { name: guard::NAME, command: guard::command, read: guard::read },
];

/// Commands of kube-vip that are not here, and what to do instead.
const ABSENT: [(&str, &str); 3] = [
    ("sample", "it only ever printed its help; see kube-vip settings"),
    (
        "start",
        "kube-vip has no such command since v0.8.0; write kube-vip manager, and the settings as \
         environment variables or flags",
    ),
    (
        "service",
        "write kube-vip manager, which does the same with all checks; Services of type \
         LoadBalancer are not in this version of kube-vip",
    ),
];

/// The whole command line.
pub(super) fn kube_vip() -> Command {
    let root = commands().args(definitions::all().filter_map(arg));
    ABSENT.iter().fold(root, |root, (name, _)| {
        let rest = Arg::new(REST).num_args(0..).trailing_var_arg(true).allow_hyphen_values(true);
        let command = Command::new(*name).hide(true).disable_help_flag(true).arg(rest);
        root.subcommand(command)
    })
}

/// The commands that there are, without the flags of settings.
pub(super) fn commands() -> Command {
    Command::new("kube-vip")
        .about("Keeps the API endpoint of a Kubernetes cluster reachable at one address")
        .version(VERSION)
        .args_override_self(true)
        .disable_help_subcommand(false)
        .subcommand(manager())
        .subcommands(TASKS.iter().map(|entry| (entry.command)()))
        .subcommand(Command::new("version").about("Say which version this is"))
        .subcommand(settings())
        .after_help(
            "Settings are environment variables or flags: kube-vip manager --help\n\
             Exit codes: 0 done; 1 refused or failed, and stderr says why; 2 see its help",
        )
}

fn manager() -> Command {
    Command::new("manager")
        .about("Run the daemon")
        .override_help(help::manager())
        .arg(Arg::new(WORDS).num_args(0..).hide(true))
}

fn moving() -> Command {
    let flag = |name: &'static str, value: &'static str| {
        Arg::new(name).long(name).value_name(value).num_args(1)
    };
    let command = Command::new("move")
        .about("Ask the node that holds the address to hand it over to another one")
        .arg(
            flag(TO, "NODE").required(true).help("The node that is to take over, as in the Lease"),
        );
    Place::flags(command)
        .arg(
            flag(TIMEOUT, "TIME")
                .default_value("30s")
                .help("How long to wait for that: 30s, 500ms, 2m"),
        )
        .after_help(
            "It writes the annotation kube-vip.io/move-to on the Lease, which takes the rights to\n\
             get and patch that Lease and to list Leases in its namespace; the holder does the \
             rest.\n\
             \n\
             Exit codes: 0 the node has taken over, or had already; 1 refused or failed, and\n\
             stderr says why; 2 it did not take over in time, and the request is withdrawn",
        )
}

fn settings() -> Command {
    Command::new("settings")
        .about("Show all settings, or some of them in full")
        .arg(
            Arg::new(NAMES)
                .value_name("NAME")
                .num_args(0..)
                .help("Names of settings, as in the environment or as flag"),
        )
        .arg(
            Arg::new(OUTPUT)
                .short('o')
                .long("output")
                .value_parser(["table", "json", "markdown"])
                .default_value("table")
                .help("How to show them"),
        )
}

/// A setting's flag. It is accepted before and behind the command; a switch may stand alone, and
/// has its value behind `=` otherwise.
pub(super) fn arg(definition: &'static Definition) -> Option<Arg> {
    let Flag { long, short } = definition.flag?;
    let arg = Arg::new(long)
        .long(long)
        .global(true)
        .hide(true)
        .action(ArgAction::Set)
        .value_name(definition.kind.noun())
        .allow_negative_numbers(true);
    let arg = if definition.kind.is_switch() {
        arg.num_args(0..=1)
            .require_equals(true)
            .value_name("true|false")
            .default_missing_value("true")
    } else {
        arg.num_args(1)
    };
    Some(match short {
        Some(letter) => arg.short(letter),
        None => arg,
    })
}

/// The settings on the command line: flag and value.
pub(super) fn flags(matches: &ArgMatches) -> BTreeMap<String, String> {
    definitions::all()
        .filter_map(|definition| definition.flag)
        .filter_map(|flag| {
            let value: &String = matches.get_one(flag.long)?;
            Some((flag.long.to_owned(), value.clone()))
        })
        .collect()
}

/// The settings in the arguments of a container, of which the first is `manager`.
///
/// # Errors
/// If the command line would be refused; the text is for people.
pub(super) fn manager_flags(args: &[String]) -> Result<BTreeMap<String, String>, String> {
    let line = std::iter::once("kube-vip").chain(args.iter().map(String::as_str));
    let matches = kube_vip().try_get_matches_from(line).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })?;
    Ok(matches.subcommand().map(|(_, matches)| flags(matches)).unwrap_or_default())
}

/// The values of an argument that is not a setting.
pub(super) fn words(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.get_many::<String>(name).map(|words| words.cloned().collect()).unwrap_or_default()
}

/// Why a command of kube-vip does nothing here.
pub(super) fn absent(name: &str) -> String {
    let why = ABSENT.iter().find(|(absent, _)| *absent == name);
    let why = why.map_or("there is no such command", |(_, why)| why);
    format!("kube-vip {name}: {why}\n")
}
