//! The reference of all settings, for people and programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::definition::{Definition, Effect, Group};
use super::text::fold;
use super::{definitions, unknown};

/// The setting with this name, environment name or flag, with or without dashes.
///
/// # Errors
/// If there is none; then the name that is nearest, if one is near.
pub fn find(name: &str) -> Result<&'static Definition, Option<&'static str>> {
    let bare = name.trim_start_matches('-');
    let by_flag = || {
        definitions::all().find(|definition| definition.flag.is_some_and(|flag| flag.long == bare))
    };
    definitions::named(name).or_else(by_flag).ok_or_else(|| unknown::nearest(bare))
}

/// One setting, for programs.
#[derive(Serialize)]
struct Entry {
    name: &'static str,
    environment: &'static [&'static str],
    flag: Option<&'static str>,
    short: Option<char>,
    #[serde(rename = "type")]
    kind: &'static str,
    value: String,
    default: &'static str,
    group: &'static str,
    effect: Effect,
    missing: Option<&'static str>,
    help: &'static str,
    description: &'static str,
}

/// As JSON, an array.
#[must_use]
pub fn json(definitions: &[&'static Definition]) -> String {
    let entries: Vec<_> = definitions
        .iter()
        .map(|definition| Entry {
            name: definition.name(),
            environment: definition.env,
            flag: definition.flag.map(|flag| flag.long),
            short: definition.flag.and_then(|flag| flag.short),
            kind: definition.kind.type_name(),
            value: definition.kind.describe(),
            default: definition.default,
            group: definition.group.title(),
            effect: definition.effect(),
            missing: definition.missing().map(super::Feature::title),
            help: definition.help,
            description: definition.doc,
        })
        .collect();
    // Texts, lists and enums are all that is in it: serde_json has no reason to fail.
    let text = serde_json::to_string_pretty(&entries).unwrap_or_default();
    text + "\n"
}

/// A line for each setting, under the headings of the groups.
#[must_use]
pub fn table(definitions: &[&'static Definition]) -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let rows: Vec<[String; 5]> = definitions
            .iter()
            .filter(|definition| definition.group == group)
            .map(|definition| row(definition))
            .collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let (name, flag, default, effect) = (width(0), width(1), width(2), width(3));
        let between = if text.is_empty() { "" } else { "\n" };
        // Writing to a text cannot fail, here and below.
        let _ = writeln!(text, "{between}{}", group.title());
        for [a, b, c, d, e] in &rows {
            let _ = writeln!(text, "  {a:name$}  {b:flag$}  {c:default$}  {d:effect$}  {e}");
        }
    }
    text.push_str(
        "\nrefused: switches on a feature that is not in this version\n\
         accepted: says more about such a feature, and means nothing while it is off\n",
    );
    text
}

fn row(definition: &Definition) -> [String; 5] {
    let or_dash = |text: &str| if text.is_empty() { "-" } else { text }.to_owned();
    [
        or_dash(definition.env.first().copied().unwrap_or_default()),
        or_dash(&flag(definition)),
        or_dash(definition.default),
        effect(definition).to_owned(),
        definition.help.to_owned(),
    ]
}

fn flag(definition: &Definition) -> String {
    definition.flag.map_or_else(String::new, |flag| format!("--{}", flag.long))
}

const fn effect(definition: &Definition) -> &'static str {
    match definition.effect() {
        Effect::Counts => "counts",
        Effect::Refused => "refused",
        Effect::Accepted => "accepted",
        Effect::None => "no effect",
    }
}

/// Everything about some settings.
#[must_use]
pub fn details(definitions: &[&'static Definition]) -> String {
    let texts: Vec<_> = definitions.iter().map(|definition| detail(definition)).collect();
    texts.join("\n")
}

fn detail(definition: &Definition) -> String {
    let default = match definition.default {
        "" => "none",
        default => default,
    };
    let mut text = format!(
        "{}\n  {}\n\n  value    {}\n  default  {default}\n",
        definition.label(),
        definition.help,
        definition.kind.describe(),
    );
    if let Some(feature) = definition.missing() {
        let title = feature.title();
        let _ = writeln!(text, "\n  Not in this version of kube-vip: {title}.");
    }
    if !definition.doc.is_empty() {
        let _ = writeln!(text, "\n  {}", fold(definition.doc, 2));
    }
    text
}

const INTRODUCTION: &str = "\
# Settings

<!-- Made from the definitions in crates/daemon/src/settings/definitions: do not edit.
     `UPDATE=1 cargo test -p kube-vip --test settings_reference` writes it anew. -->

Every setting is an environment variable, a flag, or both; their names are those of kube-vip
v1.2.3. The same list: `kube-vip settings`; one setting: `kube-vip settings NAME`; for programs:
`kube-vip settings -o json`.

- The environment wins over flags, these over the file of `--config-file`, and that over defaults.
  (Most programs let flags win; kube-vip does it so.)
- An environment variable that is empty counts as not set, and so does an empty value in the file.
- Flags are accepted before and behind the command. A switch stands alone or has its value behind
  an equals sign: `--arp`, `--arp=false`.
- Switches are `true` or `false`; `1`, `t`, `T`, `TRUE`, `True`, `0`, `f`, `F`, `FALSE` and
  `False` are accepted too. Numbers are decimal.
- White space around a value is taken off, and quotation marks are too, with a warning. `$(NAME)`
  stands for that variable, also where no kubelet has replaced it.
- All that is wrong is reported at once, on stderr; the exit code is then 1.
- A name that begins like those of kube-vip's settings and is none gets a warning, with the name
  that is nearest.
- Settings of kube-vip's features that are not in this version are known: what would switch such a
  feature on is refused, what only says more about it is accepted.
";

/// The reference page of these settings.
#[must_use]
pub fn markdown(definitions: &[&'static Definition]) -> String {
    let mut text = INTRODUCTION.to_owned();
    for group in Group::ALL {
        let of_group = || definitions.iter().filter(|definition| definition.group == group);
        if of_group().next().is_none() {
            continue;
        }
        let _ = write!(text, "\n## {}\n", group.title());
        for definition in of_group().filter(|definition| definition.effect() == Effect::Counts) {
            text.push_str(&section(definition));
        }
        let others: Vec<_> =
            of_group().filter(|definition| definition.effect() != Effect::Counts).collect();
        if others.is_empty() {
            continue;
        }
        text.push_str("\n| name | flag | value | default | what it is | in this version |\n");
        text.push_str("|---|---|---|---|---|---|\n");
        for definition in others {
            text.push_str(&table_row(definition));
        }
    }
    text
}

fn section(definition: &Definition) -> String {
    let mut names: Vec<_> = definition.env.iter().map(|env| format!("`{env}`")).collect();
    if let Some(flag) = definition.flag {
        names.push(format!("`--{}`", flag.long));
        names.extend(flag.short.map(|letter| format!("`-{letter}`")));
    }
    let default = match definition.default {
        "" => "none".to_owned(),
        default => format!("`{default}`"),
    };
    let mut text = format!(
        "\n### {}\n\n{}.\n\nNames: {}. Value: {}. Default: {default}.\n",
        definition.name(),
        definition.help,
        names.join(", "),
        definition.kind.describe(),
    );
    if !definition.doc.is_empty() {
        let _ = write!(text, "\n{}\n", definition.doc);
    }
    text
}

fn table_row(definition: &Definition) -> String {
    let env: Vec<_> = definition.env.iter().map(|env| format!("`{env}`")).collect();
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    format!(
        "| {} | {} | {} | {} | {} | {} |\n",
        env.join(", "),
        code(&flag(definition)),
        definition.kind.describe().replace('|', "\\|"),
        code(definition.default),
        definition.help,
        effect(definition),
    )
}
