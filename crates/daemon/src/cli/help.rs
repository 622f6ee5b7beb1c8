//! The help of `kube-vip manager`, made from the definitions.

use std::fmt::Write as _;

use crate::settings::definition::{Definition, Effect, Group};
use crate::settings::definitions;
use crate::settings::text::fold;

/// Where the defaults stand, and how long a line may be.
const COLUMN: usize = 54;
const WIDTH: usize = 100;

const INTRODUCTION: &str = "\
Run the daemon: it elects one node, and keeps the address there

Usage: kube-vip manager [flags]

Every setting is an environment variable, a flag, or both. The environment wins over flags. An
empty variable counts as not set. A switch stands alone or with its value: --arp, --arp=false
";

/// Everything that counts, by groups; the rest by name.
pub(super) fn manager() -> String {
    let mut text = INTRODUCTION.to_owned();
    for group in Group::ALL {
        let settings: Vec<_> = definitions::all()
            .filter(|definition| definition.group == group && definition.effect() == Effect::Counts)
            .collect();
        if settings.is_empty() {
            continue;
        }
        // Writing to a text cannot fail, here and below.
        let _ = write!(text, "\n{}:\n", group.title());
        for definition in settings {
            let _ = writeln!(text, "{}", line(definition).trim_end());
            let _ = writeln!(text, "      {}", definition.help);
        }
    }
    text.push_str("\nFeatures of kube-vip that are not in this version; refused if switched on:\n");
    let missing: Vec<_> = definitions::all()
        .filter(|definition| definition.effect() == Effect::Refused)
        .map(Definition::plain_name)
        .collect();
    let _ = writeln!(text, "  {}", fold(&missing.join(", "), 2));
    text.push_str(
        "\nWhat only says more about them is accepted. All settings: kube-vip settings\n",
    );
    text
}

fn line(definition: &Definition) -> String {
    let mut names: Vec<String> = definition.env.iter().map(|&env| env.to_owned()).collect();
    if let Some(flag) = definition.flag {
        names.push(format!("--{}", flag.long));
        names.extend(flag.short.map(|letter| format!("-{letter}")));
    }
    let mut left = format!("  {}", names.join(", "));
    if !definition.kind.is_switch() {
        let _ = write!(left, " <{}>", definition.kind.noun());
    }
    if definition.default.is_empty() {
        return left;
    }
    // Where one line is not enough, the flag has one of its own.
    if left.len() + definition.default.len() > WIDTH - "  default ".len()
        && let Some(at) = left.rfind(", -")
    {
        left.replace_range(at..at + 2, ",\n  ");
        let last = left.rfind('\n').map_or(0, |at| at + 1);
        return format!("{left:0$}  default {1}", last + COLUMN, definition.default);
    }
    format!("{left:COLUMN$}  default {}", definition.default)
}
