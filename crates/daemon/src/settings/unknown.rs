//! Names that look like settings and are none. kube-vip ignores them; people lose days by that.

use super::config::Warning;
use super::file::ConfigFile;
use super::{Inputs, definitions};

/// What names of kube-vip's settings begin with. Other programs' variables do not.
const PREFIXES: &[&str] = &[
    "vip_",
    "cp_",
    "svc_",
    "bgp_",
    "mpbgp_",
    "lb_",
    "dns_",
    "dhcp_",
    "egress_",
    "enable_",
    "zebra_",
    "control_plane_",
    "health_check_",
];

/// Names that the original once had and that nothing took the place of; and what they were.
const GONE: &[(&[&str], &str)] = &[
    (
        &[
            "vip_addpeerstolb",
            "vip_localpeer",
            "vip_remotepeers",
            "vip_peers",
            "vip_bindtovip",
            "localPeer",
            "remotePeers",
        ],
        "a leftover of kube-vip's time with raft; the nodes elect by a Lease",
    ),
    (
        &["lb_backends", "lb_backendport", "lb_name", "lb_type", "lb_bindtovip", "loadBalancers"],
        "a leftover of kube-vip's time with raft; there is no list of load balancers any more",
    ),
    (
        &["vip_packet", "vip_packetproject", "vip_packettoken", "provider_config"],
        "kube-vip has no settings for Equinix Metal since v0.9.0",
    ),
];

/// Why a name means nothing any more; of a nested key in a file, the first part tells.
fn gone(name: &str) -> Option<&'static str> {
    let name = name.split('.').next().unwrap_or_default();
    GONE.iter().find(|(names, _)| names.contains(&name)).map(|(_, why)| *why)
}

/// What is said of a name that is none, and of the one that may be meant.
pub(super) fn ignored(name: &str, meant: Option<&str>) -> String {
    match (gone(name), meant) {
        (Some(why), _) => format!("ignored: {why}"),
        (None, Some(known)) => format!("ignored, no setting has this name; is {known} meant?"),
        (None, None) => "ignored, no setting has this name".to_owned(),
    }
}

/// One warning for each name in the environment that looks like a setting and is none, and for
/// each word on the command line that belongs to no flag.
pub(super) fn warnings(inputs: &Inputs) -> Vec<Warning> {
    let names = inputs.environment.iter().filter_map(|(name, value)| {
        let meant = if gone(name).is_some() { None } else { meant(name)? };
        let warning = || Warning { setting: name.clone(), text: ignored(name, meant) };
        (!value.is_empty()).then(warning)
    });
    let words = inputs.words.iter().map(|word| Warning {
        setting: word.clone(),
        text: "ignored, it belongs to no flag; the value of a switch is written behind '=', as \
               in --arp=false"
            .to_owned(),
    });
    let file = inputs.file.iter().flat_map(ConfigFile::warnings);
    names.chain(words).chain(file).collect()
}

/// What may be meant by a name; the outer none: it is a setting, or nothing of ours.
fn meant(name: &str) -> Option<Option<&'static str>> {
    let all = || definitions::all().filter(|definition| !definition.env.is_empty());
    if all().any(|definition| definition.env.contains(&name)) {
        return None;
    }
    let named = all().find(|definition| definition.mistaken.contains(&name));
    let spelled =
        || all().find(|definition| definition.env.iter().any(|env| env.eq_ignore_ascii_case(name)));
    if let Some(definition) = named.or_else(spelled) {
        return Some(Some(definition.name()));
    }
    let ours = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    ours.then(|| nearest(name))
}

/// The setting whose name needs the fewest changes to become this one; none: half of it is
/// different.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    definitions::all()
        .flat_map(|definition| definition.env)
        .map(|known| (strsim::damerau_levenshtein(known, name), *known))
        .min()
        .filter(|(changes, _)| changes * 2 <= name.len())
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests;
