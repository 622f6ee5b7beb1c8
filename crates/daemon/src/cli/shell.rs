//! `kube-vip completion SHELL` and `kube-vip man [COMMAND]...`: what shells and man(1) are told.
//!
//! Both are made from the command line itself; the settings stand at the commands that take them.

use clap::builder::EnumValueParser;
use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::generator::Printed;
use super::{VERSION, command};
use crate::settings::definition::{Definition, Effect};
use crate::settings::definitions;

const SHELL: &str = "shell";
const COMMANDS: &str = "command";

/// Commands that run the daemon or write what it is to run with.
const WITH_SETTINGS: [&str; 6] = [
    "manager",
    "manifest pod",
    "manifest daemonset",
    "manifest rbac",
    "kubeadm init",
    "kubeadm join",
];

/// `kube-vip completion`.
pub(super) fn completion() -> Command {
    let shell = Arg::new(SHELL)
        .value_name("SHELL")
        .required(true)
        .value_parser(EnumValueParser::<Shell>::new())
        .help("The shell");
    Command::new("completion")
        .about("Print what a shell needs to complete the commands and flags of kube-vip")
        .arg(shell)
        .after_help(
            "bash: kube-vip completion bash > /usr/share/bash-completion/completions/kube-vip\n\
             zsh: kube-vip completion zsh > \"${fpath[1]}/_kube-vip\"\n\
             fish: kube-vip completion fish > ~/.config/fish/completions/kube-vip.fish",
        )
}

/// `kube-vip man`.
pub(super) fn man() -> Command {
    Command::new("man")
        .about("Print the manual page of kube-vip, or of one of its commands")
        .arg(
            Arg::new(COMMANDS)
                .value_name("COMMAND")
                .num_args(0..)
                .help("A command such as manager, or manifest pod"),
        )
        .after_help("To read it: kube-vip man manager | man -l -")
}

/// The script for a shell.
pub(super) fn read_completion(matches: &ArgMatches) -> Result<Printed, String> {
    let shell: Shell = *matches.get_one(SHELL).ok_or("no shell is named\n")?;
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut described(), "kube-vip", &mut text);
    let text = String::from_utf8_lossy(&text);
    // clap_complete 4.6 writes the name of a program with a dash in two ways into bash's script,
    // and finds no command of it then.
    Ok(Printed::of(text.replace("kube__subcmd__vip", "kube__vip")))
}

/// A page, in roff.
pub(super) fn read_man(matches: &ArgMatches) -> Result<Printed, String> {
    let names = command::words(matches, COMMANDS);
    let mut root = described();
    root.build();
    let mut page = &root;
    for name in &names {
        page = page
            .find_subcommand(name)
            .ok_or_else(|| format!("kube-vip has no command {:?}\n", names.join(" ")))?;
    }
    let mut text = Vec::new();
    let title = std::iter::once("kube-vip").chain(names.iter().map(String::as_str));
    let title = title.collect::<Vec<_>>().join("-");
    Man::new(page.clone())
        .title(title)
        .section("8")
        .manual("System administration")
        .render(&mut text)
        .map_err(|error| format!("{error}\n"))?;
    Ok(Printed::of(String::from_utf8_lossy(&text).into_owned()))
}

/// The command line with all that its help says elsewhere.
fn described() -> Command {
    let all = command::commands();
    let shown = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let root = Command::new("kube-vip")
        .about(all.get_about().cloned().unwrap_or_default())
        .after_help(all.get_after_help().cloned().unwrap_or_default())
        .version(VERSION)
        .subcommands(shown);
    WITH_SETTINGS.into_iter().fold(root, |root, path| match path.split_once(' ') {
        None => root.mut_subcommand(path, with_settings),
        Some((group, name)) => {
            root.mut_subcommand(group, |group| group.mut_subcommand(name, with_settings))
        }
    })
}

fn with_settings(command: Command) -> Command {
    let counts = |definition: &&Definition| definition.effect() == Effect::Counts;
    let flags = definitions::all().filter(counts).filter_map(|definition| {
        let arg = command::arg(definition)?;
        Some(arg.global(false).hide(false).help(described_setting(definition)))
    });
    let without: Vec<_> = definitions::all()
        .filter(counts)
        .filter(|definition| definition.flag.is_none())
        .map(|definition| format!("{}: {}\n", definition.name(), definition.help))
        .collect();
    command.args(flags).after_help(format!(
        "In the environment only:\n\n{}\nAll settings, also those without effect in this version: \
         kube-vip settings",
        without.join("\n")
    ))
}

fn described_setting(definition: &Definition) -> String {
    let names = match definition.env {
        [] => String::new(),
        names => format!(". In the environment: {}", names.join(", ")),
    };
    let default = match definition.default {
        "" => String::new(),
        default => format!(". Default: {default}"),
    };
    format!("{}{names}{default}", definition.help)
}
