//! The file of `--config-file`: keys and values, and which settings they are for.
//!
//! A key is a setting's environment name or flag, or what the original calls it in such a file
//! (the fields of its `Config`, which it matches without regard to case). Parts of a nested key are
//! joined. Upper and lower case, `_`, `-` and `.` make no difference.

use std::path::Path;

use serde_json::Value;

use super::config::Warning;
use super::definition::{Definition, Wrong};
use super::definitions;
use super::refusal::{Given, Origin};
use super::unknown;

#[cfg(test)]
mod tests;

/// More than this is no file with settings.
const LONGEST: u64 = 1 << 20;

/// Keys of the original's file that are neither environment name nor flag, in plain form; and the
/// setting.
const KEYS: &[(&str, &str)] = &[
    ("logging", "vip_loglevel"),
    ("enablearp", "vip_arp"),
    ("gratuitousarp", "vip_arp"),
    ("enablebgp", "bgp_enable"),
    ("enablewireguard", "vip_wireguard"),
    ("enableroutingtable", "vip_routingtable"),
    ("enablecontrolplane", "cp_enable"),
    ("detectcontrolplane", "cp_detect"),
    ("enableservices", "svc_enable"),
    ("enableserviceselection", "svc_election"),
    ("loadbalancerclassonly", "lb_class_only"),
    ("loadbalancerclassname", "lb_class_name"),
    ("loadbalancerclasslegacyhandling", "lb_class_legacy_handling"),
    ("arpbroadcastrate", "vip_arpRate"),
    ("enableleaderelection", "vip_leaderelection"),
    ("renewdeadline", "vip_renewdeadline"),
    ("retryperiod", "vip_retryperiod"),
    ("leaseannotations", "vip_leaseannotations"),
    ("servicenamespace", "svc_namespace"),
    ("leasenodename", "vip_nodename"),
    ("singlenode", "vip_singlenode"),
    ("startasleader", "vip_startleader"),
    ("servicesinterface", "vip_servicesinterface"),
    ("loadbalancerport", "lb_port"),
    ("loadbalancerforwardingmethod", "lb_fwdmethod"),
    ("routingtableid", "vip_routingtableid"),
    ("routingtabletype", "vip_routingtabletype"),
    ("dnsdualstackmode", "dns_mode"),
    ("dhcpdualstackmode", "dhcp_mode"),
    ("skipdad", "vip_skipdad"),
    ("loseleadershiptimeoutseconds", "vip_loseleadership_timeout_seconds"),
    ("preservevip", "vip_preserve_on_leadership_loss"),
    ("etcdcafile", "etcdCACert"),
    ("etcdclientcertfile", "etcdCert"),
    ("etcdclientkeyfile", "etcdKey"),
    ("bgpconfigas", "bgp_as"),
    ("bgpconfigrouterid", "bgp_routerid"),
    ("bgpconfigsourceif", "bgp_sourceif"),
    ("bgpconfigsourceip", "bgp_sourceip"),
    ("bgpconfigholdtime", "bgp_hold_time"),
    ("bgpconfigkeepaliveinterval", "bgp_keepalive_interval"),
    ("bgpconfigpeers", "bgp_peers"),
    ("bgppeerconfigaddress", "bgp_peeraddress"),
    ("bgppeerconfigas", "bgp_peeras"),
    ("bgppeerconfigpassword", "bgp_peerpass"),
    ("bgppeerconfigmultihop", "bgp_multihop"),
];

/// One file with settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    pairs: Result<Vec<Pair>, Wrong>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The key as written.
    key: String,
    /// The name of the setting that it is for; none: it is for none.
    setting: Option<&'static str>,
    /// The value as text.
    text: String,
}

impl ConfigFile {
    /// Reads a file; what is wrong with it is told where settings are checked.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let text = match std::fs::metadata(path) {
            Ok(known) if known.len() > LONGEST => Err("it is longer than 1 MiB".to_owned()),
            Ok(_) => std::fs::read_to_string(path).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let unreadable = |error| Wrong::new(error, "a file with settings that can be read");
        Self { pairs: text.map_err(unreadable).and_then(|text| parse(path, &text)) }
    }

    /// What stands in it, in order; or what is wrong with it.
    pub(super) fn pairs(&self) -> Result<&[Pair], &Wrong> {
        self.pairs.as_deref()
    }

    /// What it says about a setting; the last word counts.
    pub(super) fn value(&self, definition: &Definition) -> Option<Given> {
        let name = definition.name();
        let mut pairs = self.pairs().ok()?.iter().rev();
        let pair = pairs.find(|pair| pair.setting == Some(name) && !pair.text.is_empty())?;
        Some(Given { origin: Origin::File(name), text: pair.text.clone() })
    }

    /// One warning for each key that is for no setting.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let strange = self.pairs().unwrap_or_default().iter().filter(|pair| pair.setting.is_none());
        let warning = |pair: &Pair| Warning {
            setting: format!("{} in the file of --config-file", pair.key),
            text: unknown::ignored(&pair.key, unknown::nearest(&pair.key)),
        };
        strange.map(warning).collect()
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<Pair>, Wrong> {
    const RIGHT: &str = "keys and values, as in vip_arp: true";
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let value: Value = match ending.to_ascii_lowercase().as_str() {
        "json" => serde_json::from_str(text)
            .map_err(|error| Wrong::new(format!("this is no JSON: {error}"), RIGHT))?,
        // Without the parser's own words, which quote the file: a password may stand in it.
        "yaml" | "yml" => serde_saphyr::from_str(text).map_err(|error| {
            let place = error.location().map_or_else(String::new, |at| {
                format!(" (line {}, column {})", at.line(), at.column())
            });
            Wrong::new(format!("this is no YAML{place}"), RIGHT)
        })?,
        _ => {
            let wrong = "the name of this file tells no format";
            return Err(Wrong::new(wrong, "a name that ends in .json, .yaml or .yml"));
        }
    };
    match value {
        Value::Object(_) | Value::Null => {
            let mut pairs = Vec::new();
            flatten("", &value, &mut pairs);
            Ok(pairs)
        }
        _ => Err(Wrong::new("this is no list of keys and values", RIGHT)),
    }
}

fn flatten(key: &str, value: &Value, pairs: &mut Vec<Pair>) {
    let setting = known(key);
    let text = match value {
        // Of what is known, only texts can be objects: `leaseAnnotations`.
        Value::Object(fields) if setting.is_none_or(|known| known.kind.type_name() != "str") => {
            for (name, value) in fields {
                let dot = if key.is_empty() { "" } else { "." };
                flatten(&format!("{key}{dot}{name}"), value, pairs);
            }
            return;
        }
        Value::Null => return,
        Value::Array(items) => items.iter().map(scalar).collect::<Vec<_>>().join(","),
        other => scalar(other),
    };
    pairs.push(Pair { key: key.to_owned(), setting: setting.map(Definition::name), text });
}

fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The setting that a key is for.
fn known(key: &str) -> Option<&'static Definition> {
    let key = plain(key);
    // The original embeds this struct, and its fields are found without its name.
    let key = key.strip_prefix("kubernetesleaderelection").unwrap_or(&key);
    let named = KEYS.iter().find(|(name, _)| *name == key).map(|(_, setting)| *setting);
    definitions::all().find(|definition| match named {
        Some(setting) => definition.name() == setting,
        None => {
            let flag = definition.flag.map(|flag| flag.long);
            definition.env.iter().chain(flag.as_ref()).any(|name| plain(name) == key)
        }
    })
}

fn plain(key: &str) -> String {
    let letters = key.chars().filter(|c| !matches!(c, '_' | '-' | '.'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}
