//! The table of all settings. A setting that is not here does not exist; one that is here has its
//! flag, environment names, default, bounds, help and reference from here and nowhere else.

use super::definition::{Definition, Flag, Group, Kind};

mod bgp;
pub(super) mod conduct;
pub(super) mod control_plane;
mod other;
pub(super) mod process;
mod services;

/// Gives definitions names of their own, for the checks that concern several settings, and makes a
/// table of them.
macro_rules! definitions {
    ($($name:ident = $definition:expr;)*) => {
        $(pub(in crate::settings) const $name: Definition = $definition;)*
        pub(super) static TABLE: &[Definition] = &[$($name),*];
    };
}
use definitions;

/// Every setting, in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Definition> {
    let own = [control_plane::TABLE, process::TABLE, conduct::TABLE];
    own.into_iter().chain([services::TABLE, bgp::TABLE, other::TABLE]).flatten()
}

/// The setting with this environment name, or this flag where it has no such name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Definition> {
    all().find(|definition| definition.name() == name || definition.env.contains(&name))
}

/// Where a setting stands among [`all`], counted from 0.
pub(super) fn place(definition: &Definition) -> usize {
    all().take_while(|other| other.name() != definition.name()).count()
}

/// A setting that this version knows and does not need: names, kind and default. An empty flag is
/// none.
const fn known(
    env: &'static [&'static str],
    flag: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> Definition {
    Definition {
        env,
        flag: if flag.is_empty() { None } else { Flag::long(flag) },
        kind,
        default,
        group: Group::Other,
        help,
        ..Definition::BASE
    }
}

#[cfg(test)]
mod tests;
