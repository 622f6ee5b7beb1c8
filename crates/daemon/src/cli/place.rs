//! Which election a command is about, and with which rights it asks: `-n`, `--lease`,
//! `--kubeconfig`, `-o`, and the environment where these say nothing.

use std::fmt;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};

use super::command;
use super::report::Format;
use crate::drivers::lease::Places;
use crate::settings::{Election, Inputs, Settings};

/// Namespace and name of a Lease that elects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LeaseName {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl LeaseName {
    /// That of an election.
    pub(super) fn of(election: &Election) -> Self {
        Self { namespace: election.namespace.clone(), name: election.name.clone() }
    }
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What the common flags of a command say.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where the election is.
    pub election: Election,
    /// The only kubeconfig to use; none: wherever the daemon looks.
    pub kubeconfig: Option<PathBuf>,
    /// How results are shown.
    pub format: Format,
}

impl Place {
    /// Adds the flags about the election and the kubeconfig to a command.
    pub(super) fn flags(command: Command) -> Command {
        let flag = |name: &'static str, value: &'static str| {
            Arg::new(name).long(name).value_name(value).num_args(1)
        };
        command
            .arg(
                flag(command::NAMESPACE, "NAMESPACE")
                    .short('n')
                    .help("The namespace of the Lease [default: cp_namespace, kube-system]"),
            )
            .arg(
                flag(command::LEASE, "LEASE")
                    .help("The Lease, or namespace/name [default: vip_leasename, plndr-cp-lock]"),
            )
            .arg(
                flag(command::KUBECONFIG, "FILE")
                    .help("The only kubeconfig to use [default: where the daemon looks]"),
            )
    }

    /// Adds `-o`.
    #[must_use]
    pub fn output(command: Command) -> Command {
        command.arg(
            Arg::new(command::OUTPUT)
                .short('o')
                .long("output")
                .value_parser(["table", "json"])
                .default_value("table")
                .help("A table for people, or JSON for programs"),
        )
    }

    /// What stands on the command line, with the environment's settings where it says nothing.
    ///
    /// # Errors
    /// If a setting that says where the election is has a wrong value; the text is for people.
    pub(super) fn read(matches: &ArgMatches, inputs: Inputs) -> Result<Self, String> {
        let inputs = Self::inputs(matches, inputs);
        Ok(Self {
            election: Settings::read(&inputs).election().map_err(|refusal| refusal.to_string())?,
            kubeconfig: text(matches, command::KUBECONFIG).map(PathBuf::from),
            format: match text(matches, command::OUTPUT).as_deref() {
                Some("json") => Format::Json,
                _ => Format::Table,
            },
        })
    }

    /// The inputs of the settings, with what the common flags say in them.
    pub(super) fn inputs(matches: &ArgMatches, mut inputs: Inputs) -> Inputs {
        // What is typed counts for more here than what the pod of a daemon has in its environment.
        if inputs.flags.contains_key(command::NAMESPACE) {
            inputs.environment.remove("cp_namespace");
            inputs.pod_namespace = None;
        }
        if let Some(lease) = text(matches, command::LEASE) {
            inputs.environment.remove("vip_leasename");
            inputs.flags.insert("leaseName".to_owned(), lease);
        }
        inputs
    }

    /// Where to look for credentials.
    #[must_use]
    pub fn places(&self) -> Places {
        let places = Places::from(self.election.credentials.clone());
        Places { only: self.kubeconfig.clone(), ..places }
    }
}

/// The value of a flag of text; none: the command has none such, or it is not given.
pub(super) fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.try_get_one::<String>(name).ok().flatten().cloned()
}
