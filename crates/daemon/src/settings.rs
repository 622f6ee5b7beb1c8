//! Every setting, defined once; and what the settings mean on this host.
//!
//! Three steps, each a type of its own: [`Inputs`] are what somebody wrote; [`Settings`] are the
//! values of the right form; a [`config::Config`] is what they come to on this [`host::Host`].
//! Errors of all three are reported together, as a [`Refusal`].

use std::collections::BTreeMap;

pub mod config;
pub mod definition;
pub mod definitions;
pub mod feature;
pub mod file;
pub mod host;
pub mod names;
mod parse;
mod plan;
pub mod reference;
mod refusal;
mod spelled;
pub mod text;
mod unknown;
pub mod values;
mod written;

use config::Warning;
use definition::{Definition, Feature, Taken, Wrong};
pub(crate) use definitions::process::ADMIN_CONF;
use definitions::process::CONFIG_FILE;
use file::ConfigFile;
pub use plan::Election;
pub use refusal::{Given, Origin, Problem, Refusal};
use values::Values;

/// What somebody wrote, as text.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The environment. An empty value counts as not set.
    pub environment: BTreeMap<String, String>,
    /// What stood on the command line: the flag without `--`, and its value.
    pub flags: BTreeMap<String, String>,
    /// Words behind the command that belong to no flag.
    pub words: Vec<String>,
    /// What stands in the file of `--config-file`, if one is named.
    pub file: Option<ConfigFile>,
    /// The namespace of the pod's service account, if there is one.
    pub pod_namespace: Option<String>,
}

/// The settings, read; and what is wrong with them so far.
#[derive(Clone, Debug)]
pub struct Settings {
    values: Values,
    given: BTreeMap<&'static str, Given>,
    pod_namespace: Option<String>,
    /// `vip_nodename` is there, and empty: a field reference that came to nothing.
    node_name_is_empty: bool,
    missing: Vec<(Feature, &'static Definition)>,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Settings {
    /// Reads all settings: the environment wins over flags, these over the file, and that over
    /// defaults.
    #[must_use]
    pub fn read(inputs: &Inputs) -> Self {
        let mut settings = Self {
            values: Values::default(),
            given: BTreeMap::new(),
            pod_namespace: inputs.pod_namespace.clone(),
            node_name_is_empty: inputs
                .environment
                .get("vip_nodename")
                .is_some_and(String::is_empty),
            missing: Vec::new(),
            problems: Vec::new(),
            warnings: unknown::warnings(inputs),
        };
        for definition in definitions::all() {
            settings.read_one(definition, inputs);
        }
        if let Some(Err(wrong)) = inputs.file.as_ref().map(ConfigFile::pairs) {
            let given = settings.given(&CONFIG_FILE).cloned();
            let problem = Problem::new(&CONFIG_FILE, given.as_ref(), wrong.clone());
            settings.problems.push(problem);
        }
        settings
    }

    /// The values of the right form; where something else was written, the default.
    #[must_use]
    pub const fn values(&self) -> &Values {
        &self.values
    }

    fn read_one(&mut self, definition: &'static Definition, inputs: &Inputs) {
        let name = definition.name();
        if !definition.default.is_empty() {
            let taken = definition.take(&mut self.values, definition.default);
            debug_assert!(taken.is_ok(), "the default of {name} is no value of it");
        }
        let (environment, flag) =
            (from_environment(definition, inputs), from_flag(definition, inputs));
        if let (Some(environment), Some(flag)) = (&environment, &flag)
            && environment.text != flag.text
        {
            // Without the values: one of them may be a password.
            self.warnings.push(Warning {
                setting: definition.label(),
                text: "both are set, and the environment wins over the flag".to_owned(),
            });
        }
        let file = || inputs.file.as_ref().and_then(|file| file.value(definition));
        let Some(mut given) = environment.or(flag).or_else(file) else {
            return;
        };
        match written::plain(&given.text, &inputs.environment) {
            Ok(plain) => {
                if plain.quoted {
                    self.warn(&given, "the quotation marks are no part of it; taken without them");
                }
                given.text = plain.text;
            }
            Err(wrong) => {
                self.problems.push(Problem::new(definition, Some(&given), wrong));
                self.given.insert(name, given);
                return;
            }
        }
        match definition.take(&mut self.values, &given.text) {
            Ok(Taken::Yes | Taken::Silent) => {}
            Ok(Taken::Missing(feature)) => {
                let off = match definition.default {
                    "" => "leave it out",
                    default => default,
                };
                let right = [off, feature.instead()].join("; ");
                let wrong = format!("{} is not in this version of kube-vip", feature.title());
                let wrong = Wrong::new(wrong, right.trim_end_matches("; "));
                self.problems.push(Problem::new(definition, Some(&given), wrong));
                self.missing.push((feature, definition));
            }
            Ok(Taken::Nothing(why)) => self.warn(&given, format!("it has no effect: {why}")),
            Err(wrong) => self.problems.push(Problem::new(definition, Some(&given), wrong)),
        }
        self.given.insert(name, given);
    }

    fn warn(&mut self, given: &Given, text: impl Into<String>) {
        self.warnings.push(given.warning(text));
    }

    /// Nothing was wrong with the form of these settings, so that comparing them makes sense.
    fn sound(&self, definitions: &[&Definition]) -> bool {
        let wrong = |definition: &&Definition| {
            let label = definition.label();
            self.problems.iter().any(|problem| problem.label == label)
        };
        !definitions.iter().any(wrong)
    }
}

fn from_environment(definition: &Definition, inputs: &Inputs) -> Option<Given> {
    definition.env.iter().find_map(|name| {
        let text = inputs.environment.get(*name).filter(|text| !text.is_empty())?;
        Some(Given { origin: Origin::Environment(name), text: text.clone() })
    })
}

fn from_flag(definition: &Definition, inputs: &Inputs) -> Option<Given> {
    let flag = definition.flag?;
    Some(Given { origin: Origin::Flag(flag.long), text: inputs.flags.get(flag.long)?.clone() })
}

#[cfg(test)]
mod tests;
