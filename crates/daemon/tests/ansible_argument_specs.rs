//! The arguments of the Ansible role `kube-vip` are made from the definitions of the settings.

#[path = "support/golden_file.rs"]
mod golden_file;

use std::fmt::Write as _;

use kube_vip::settings::definition::{Definition, Kind};
use kube_vip::settings::definitions;

/// A variable of the role: the setting that it is, if it is one.
struct Variable {
    name: &'static str,
    kind: &'static str,
    setting: Option<&'static str>,
    choices: &'static [&'static str],
    /// What it is; behind what the setting is, if it is one.
    about: &'static str,
}

const fn own(name: &'static str, kind: &'static str, about: &'static str) -> Variable {
    Variable { name, kind, setting: None, choices: &[], about }
}

const fn choice(
    name: &'static str,
    choices: &'static [&'static str],
    about: &'static str,
) -> Variable {
    Variable { name, kind: "str", setting: None, choices, about }
}

const fn setting(name: &'static str, setting: &'static str, about: &'static str) -> Variable {
    Variable { name, kind: "", setting: Some(setting), choices: &[], about }
}

const STATES: &[&str] = &["present", "absent"];
const DISTRIBUTIONS: &[&str] = &["k3s", "rke2", "kubeadm"];

/// In the order of `defaults/main.yml`.
const VARIABLES: &[Variable] = &[
    choice(
        "kube_vip_state",
        STATES,
        "Whether kube-vip runs on the nodes, or nothing is left of it",
    ),
    own("kube_vip_version", "str", "The release, as in the image's tag"),
    own("kube_vip_image", "str", "The image"),
    own(
        "kube_vip_image_archive",
        "str",
        "A tar of the image on the control node, for nodes without registry; empty: none",
    ),
    own(
        "kube_vip_binary",
        "str",
        "The program on the control node, if it cannot be taken from the image; empty: it is",
    ),
    setting("kube_vip_address", "address", ""),
    setting("kube_vip_interface", "vip_interface", ""),
    setting("kube_vip_port", "port", ""),
    setting("kube_vip_subnet", "vip_subnet", ""),
    choice("kube_vip_distribution", DISTRIBUTIONS, "Where paths and programs are on the nodes"),
    own("kube_vip_manifest_dir", "path", "Where the kubelet finds static pods"),
    own(
        "kube_vip_image_dir",
        "path",
        "Where the image's tar is kept; k3s and RKE2 load it when they start",
    ),
    own("kube_vip_kubeconfig", "path", "The kubeconfig on the node"),
    own("kube_vip_container_kubeconfig", "path", "Where it is in the container"),
    own("kube_vip_kubectl", "list", "How kubectl is called on the node"),
    own("kube_vip_ctr", "list", "How containerd's ctr is called on the node"),
    own("kube_vip_crictl", "list", "How crictl is called on the node"),
    own("kube_vip_group", "str", "The group of the control-plane nodes"),
    own(
        "kube_vip_nodes",
        "list",
        "All nodes of the election, also beyond --limit: asked for their Lease",
    ),
    setting("kube_vip_lease_name", "vip_leasename", "empty: the one in use, or kube-vip-cp"),
    setting("kube_vip_namespace", "cp_namespace", ""),
    setting("kube_vip_lease_duration", "vip_leaseduration", ""),
    setting("kube_vip_renew_deadline", "vip_renewdeadline", ""),
    setting("kube_vip_retry_period", "vip_retryperiod", ""),
    setting("kube_vip_metrics", "prometheus_server", "empty: nowhere"),
    setting("kube_vip_log_level", "vip_loglevel", ""),
    own("kube_vip_priority_class", "str", "The pod's priority class; empty: none"),
    own("kube_vip_cpu_request", "str", "The CPU time that is asked for; empty: none"),
    own("kube_vip_memory_request", "str", "The memory that is asked for; empty: none"),
    own(
        "kube_vip_settings",
        "dict",
        "Every other setting: its name in the environment, and its value",
    ),
    own(
        "kube_vip_wait_seconds",
        "int",
        "How long each node may take, before the next one is touched; 0: do not wait",
    ),
];

/// Settings that the role gives its own values, and older names of such.
const FIXED: [&str; 9] = [
    "vip_arp",
    "cp_enable",
    "vip_leaderelection",
    "vip_address",
    "vip_cidr",
    "k8s_config_file",
    "KUBECONFIG",
    "HOME",
    "config_file",
];

/// Those that the free dictionary takes.
fn others() -> impl Iterator<Item = &'static Definition> {
    definitions::all().filter(|definition| {
        let name = definition.name();
        !definition.env.is_empty()
            && !FIXED.contains(&name)
            && !VARIABLES.iter().any(|variable| variable.setting == Some(name))
    })
}

fn about(definition: &Definition) -> String {
    let missing = definition.missing().map_or("", |_| "; not in this version");
    format!("{} ({}){missing}", definition.help, definition.kind.describe())
}

fn choices(definition: &Definition) -> &'static [&'static str] {
    match definition.kind {
        Kind::Choice(words, _) => words,
        _ => &[],
    }
}

struct Entry<'a> {
    name: &'a str,
    kind: &'a str,
    choices: &'a [&'a str],
    about: &'a str,
}

/// One option. A text in JSON is one in YAML.
fn write(text: &mut String, indent: usize, entry: &Entry<'_>) {
    let about = serde_json::to_string(entry.about).expect("a text is JSON");
    let (pad, inner) = (" ".repeat(indent), " ".repeat(indent + 2));
    // Writing to a text cannot fail, here and below.
    let _ = writeln!(text, "{pad}{}:\n{inner}type: {}", entry.name, entry.kind);
    if entry.kind == "list" {
        let _ = writeln!(text, "{inner}elements: str");
    }
    if !entry.choices.is_empty() {
        let _ = writeln!(text, "{inner}choices: [{}]", entry.choices.join(", "));
    }
    if about.len() + indent < 140 {
        let _ = writeln!(text, "{inner}description: {about}");
    } else {
        let _ = writeln!(text, "{inner}description: >-\n{inner}  {}", entry.about);
    }
}

const HEAD: &str = "\
---
# Made from the definitions of the settings: do not edit.
# UPDATE=1 cargo test -p kube-vip --test ansible_argument_specs
argument_specs:
  main:
    short_description: Keeps the Kubernetes API endpoint at one address
    options:
";

fn specs() -> String {
    let mut text = HEAD.to_owned();
    for variable in VARIABLES {
        let found = variable.setting.map(|name| definitions::named(name).expect("a setting"));
        let (kind, choices, of) = found.map_or((variable.kind, variable.choices, None), |of| {
            (of.kind.type_name(), choices(of), Some(about(of)))
        });
        let parts = of.iter().map(String::as_str).chain([variable.about]);
        let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
        let entry = Entry { name: variable.name, kind, choices, about: &parts.join("; ") };
        write(&mut text, 6, &entry);
        if variable.kind == "dict" {
            text += "        options:\n";
            write_others(&mut text);
        }
    }
    text
}

fn write_others(text: &mut String) {
    for definition in others() {
        let entry = Entry {
            name: definition.name(),
            kind: definition.kind.type_name(),
            choices: choices(definition),
            about: &about(definition),
        };
        write(text, 10, &entry);
    }
}

#[test]
fn the_roles_arguments_are_the_definitions() {
    golden_file::check("ansible/roles/kube-vip/meta/argument_specs.yml", &specs());
}

#[test]
fn every_variable_with_a_default_is_an_argument() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    let defaults =
        std::fs::read_to_string(format!("{root}ansible/roles/kube-vip/defaults/main.yml"))
            .expect("the role has defaults");
    let names: Vec<&str> = defaults
        .lines()
        .filter(|line| line.starts_with("kube_vip_"))
        .filter_map(|line| line.split(':').next())
        .collect();
    let expected: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
    assert_eq!(names, expected);
    let release = concat!("kube_vip_version: \"v", env!("CARGO_PKG_VERSION"), "\"\n");
    assert!(defaults.contains(release), "the default is this release: {release}");
}
