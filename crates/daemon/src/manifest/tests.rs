//! Whatever is written into a manifest is read back by the daemon that it starts.

use std::collections::BTreeMap;
use std::ffi::OsString;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{Container, Pod};
use proptest::prelude::*;

use super::*;
use crate::cli::{self, Outcome};
use crate::settings::Inputs;
use crate::settings::definition::Taken;
use crate::settings::values::Values;

/// Values of all forms, and texts that YAML readers stumble over. Each setting gets those that it
/// takes: one that is added is tried with no further change.
const TEXTS: &[&str] = &[
    "true",
    "false",
    "T",
    "0",
    "1",
    "5",
    "12",
    "24",
    "/32",
    "600",
    "3000",
    "9442",
    "+7",
    "-4",
    "8",
    "lock",
    "infra/lock",
    "kube-vip",
    ":2113",
    "127.0.0.1:2114",
    "0.0.0.0:2115",
    "[::1]:2116",
    "kubernetes",
    "eth1",
    "10.0.0.9",
    "10.0.0.9,10.0.0.10",
    "fd00::9",
    "example.org",
    "/a/b.pem",
    "https://127.0.0.1:6443/readyz",
    "yes",
    "on",
    "null",
    "~",
    "1e3",
    "0x10",
    "1:30",
    "2026-11-22",
    "a: b",
    "a #b",
    " a ",
    "'a'",
    "\"a\"",
    "a\\n",
    "a\nb",
    "- a",
    "{a}",
    "[a]",
    "&a",
    "*a",
    "!a",
    "%a",
    "@a",
    "`a`",
    "?",
    "ü",
    "192.168.20.1:65000:secret:false",
    "unix:/var/run/zserv.api",
];

/// A setting, one of [`TEXTS`], and whether it stands in the environment.
type Choice = (usize, usize, bool);

fn inputs(choices: &[Choice]) -> Inputs {
    let definitions: Vec<_> = definitions::all().collect();
    let mut inputs = Inputs::default();
    for (which, text, in_environment) in choices {
        let definition = definitions[which % definitions.len()];
        let fits = |text: &&&str| {
            let taken = definition.take(&mut Values::default(), text);
            matches!(taken, Ok(Taken::Yes | Taken::Silent))
        };
        let fitting: Vec<_> = TEXTS.iter().filter(fits).collect();
        let Some(text) = fitting.get(text % fitting.len().max(1)) else { continue };
        match (definition.env.first(), definition.flag) {
            (Some(env), flag) if *in_environment || flag.is_none() => {
                inputs.environment.insert((*env).to_owned(), (**text).to_string());
            }
            (_, Some(flag)) => {
                inputs.flags.insert(flag.long.to_owned(), (**text).to_string());
            }
            (_, None) => {}
        }
    }
    inputs
}

/// What the daemon in the container reads.
fn read_back(container: &Container, namespace: Option<String>) -> Settings {
    let mut environment = BTreeMap::new();
    for variable in container.env.iter().flatten() {
        if let Some(value) = &variable.value {
            let before = environment.insert(variable.name.clone(), value.clone());
            assert_eq!(before, None, "{} is written once", variable.name);
        }
    }
    let args =
        std::iter::once("kube-vip").chain(container.args.iter().flatten().map(String::as_str));
    match cli::decide(args.map(OsString::from), environment, namespace) {
        Outcome::Manager(settings) => *settings,
        other => panic!("the arguments run no daemon: {other:?}"),
    }
}

/// Every setting that a manifest can hold, as another process would write it.
fn told(settings: &Settings) -> BTreeMap<&'static str, String> {
    let written = |definition: &'static Definition| {
        let text = settings.written(definition).unwrap_or_else(|| definition.default.to_owned());
        (definition.name(), text)
    };
    definitions::all().filter(|one| !OWN.contains(&one.name())).map(written).collect()
}

/// The values that count, but for what belongs to another process.
fn values(settings: &Settings) -> Values {
    let values = settings.values().clone();
    let [k8s_config_file, kubeconfig, home, config_file] = [const { String::new() }; 4];
    Values { k8s_config_file, kubeconfig, home, config_file, ..values }
}

fn layout(access: Access) -> Layout {
    let [image, priority_class, cpu, memory] =
        ["kube-vip:v0.1.0", "system-node-critical", "100m", "32Mi"].map(str::to_owned);
    Layout { access, image, priority_class, cpu, memory }
}

fn kubeconfig() -> Access {
    let [host, mount] = ["/etc/rancher/k3s/k3s.yaml", "/.kube/config"].map(str::to_owned);
    Access::Kubeconfig { host, mount }
}

fn same(before: &Settings, container: &Container, namespace: Option<String>) {
    let after = read_back(container, namespace);
    assert_eq!(told(before), told(&after));
    assert_eq!(values(before), values(&after));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_written_is_read_back(
        choices in prop::collection::vec((any::<usize>(), any::<usize>(), any::<bool>()), 0..40),
    ) {
        let settings = Settings::read(&inputs(&choices));
        let pod: Pod = serde_saphyr::from_str(&pod(&settings, &layout(kubeconfig()))).unwrap();
        let spec = pod.spec.unwrap();
        same(&settings, &spec.containers[0], None);

        let account = layout(Access::Account);
        let set = daemon_set(&settings, &account, Nodes::ControlPlane);
        let set: DaemonSet = serde_saphyr::from_str(&set).unwrap();
        let namespace = set.metadata.namespace.unwrap();
        let spec = set.spec.unwrap().template.spec.unwrap();
        same(&settings, &spec.containers[0], Some(namespace));
        prop_assert_eq!(spec.service_account_name.as_deref(), Some("kube-vip"));
        prop_assert!(spec.volumes.iter().flatten().all(|volume| volume.name != "kubeconfig"));
    }
}

/// So often that every setting has had every text that fits it, in the environment and as a flag.
#[test]
fn every_text_of_every_setting_is_read_back() {
    let number = definitions::all().count();
    for (text, in_environment) in (0..TEXTS.len()).flat_map(|text| [(text, false), (text, true)]) {
        let choices: Vec<_> = (0..number).map(|which| (which, text, in_environment)).collect();
        let settings = Settings::read(&inputs(&choices));
        let pod: Pod =
            serde_saphyr::from_str(&pod(&settings, &layout(kubeconfig()))).expect("a Pod");
        same(&settings, &pod.spec.expect("a spec").containers[0], None);
    }
}

#[test]
fn an_old_name_does_not_win_over_a_default_that_was_written() {
    let given = [("vip_subnet", "32"), ("vip_cidr", "24")];
    let environment = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let settings = Settings::read(&Inputs { environment, ..Inputs::default() });
    let text = pod(&settings, &layout(kubeconfig()));
    assert!(text.contains("name: vip_subnet\n      value: \"32\"\n"), "{text}");
}

#[test]
fn the_order_names_settings_that_there_are() {
    for name in environment::ORDER {
        assert!(definitions::named(name).is_some_and(|one| one.name() == *name), "{name}");
    }
}

#[test]
fn a_tag_is_a_label() {
    for (image, label) in [
        ("ghcr.io/a/kube-vip:v0.1.0", "v0.1.0"),
        ("localhost:5000/kube-vip", ""),
        ("kube-vip:v1@sha256:abc", "v1"),
        ("kube-vip@sha256:abc", ""),
    ] {
        assert_eq!(version(image), label);
    }
}
