//! The settings in a container: its environment, and its arguments.
//!
//! Every setting that has another value than its default is written; and those that kube-vip's
//! generator writes in any case, which installers look for.

use serde_json::{Value, json};

use super::{Access, Layout, by_names};
use crate::settings::definition::Definition;
use crate::settings::{ADMIN_CONF, Origin, Settings, definitions};

/// Settings of the process that asks for a manifest rather than of the one that it is for; and the
/// kubeconfig, which is a volume.
pub const OWN: [&str; 4] = ["HOME", "KUBECONFIG", "k8s_config_file", "config_file"];

/// The order of kube-vip's generator. Any other setting comes behind these, in the order of the
/// reference.
pub(super) const ORDER: &[&str] = &[
    "vip_arp",
    "port",
    "vip_nodename",
    "instance_name",
    "vip_interface",
    "vip_interfaceloglobal",
    "vip_servicesinterface",
    "vip_allow_interface_not_up",
    "vip_subnet",
    "dns_mode",
    "dhcp_mode",
    "dhcp_backoff_attempts",
    "cp_enable",
    "cp_namespace",
    "vip_ddns",
    "cp_detect",
    "svc_enable",
    "svc_leasename",
    "svc_election",
    "lb_class_only",
    "enable_service_security",
    "vip_leaderelection",
    "vip_leasename",
    "vip_leaseduration",
    "vip_renewdeadline",
    "vip_retryperiod",
    "vip_loseleadership",
    "vip_loseleadership_timeout_seconds",
    "enable_node_labeling",
    "annotation",
    "vip_wireguard",
    "vip_routingtable",
    "bgp_enable",
    "bgp_attach_ip_to_interface",
    "bgp_routerid",
    "bgp_as",
    "bgp_peeraddress",
    "bgp_peerpass",
    "bgp_peeras",
    "bgp_sourceif",
    "bgp_sourceip",
    "bgp_peers",
    "control_plane_health_check_address",
    "control_plane_health_check_period_seconds",
    "control_plane_health_check_timeout_seconds",
    "control_plane_health_check_failure_threshold",
    "control_plane_health_check_ca_path",
    "lb_enable",
    "lb_port",
    "lb_fwdmethod",
    "address",
    "vip_address",
    "prometheus_server",
    "enable_endpoints",
    "disable_service_updates",
    "mirror_dest_interface",
    "health_check_port",
    "vip_preserve_on_leadership_loss",
    "debounce_time",
];

/// Written with their defaults too, because kube-vip's generator does.
const ALWAYS: &[&str] = &["vip_arp", "port", "dns_mode", "prometheus_server"];

/// Written with their defaults too where the control plane is switched on.
const WITH_CONTROL_PLANE: &[&str] = &["cp_namespace"];

/// Written with their defaults too where the election is switched on.
const WITH_ELECTION: &[&str] =
    &["vip_leasename", "vip_leaseduration", "vip_renewdeadline", "vip_retryperiod"];

/// Written where they are given, with their defaults too: an older name counts where they are not.
const WHERE_GIVEN: &[&str] = &["vip_subnet"];

/// All settings that a manifest can hold, in its order.
fn in_order() -> impl Iterator<Item = &'static Definition> {
    let named = |definition: &Definition, names: &[&str]| names.contains(&definition.name());
    let others =
        move |definition: &&Definition| !named(definition, ORDER) && !named(definition, &OWN);
    by_names(ORDER).chain(definitions::all().filter(others))
}

/// The variables of the container.
pub(super) fn variables(settings: &Settings, layout: &Layout) -> Vec<Value> {
    let mut all: Vec<_> =
        in_order().filter_map(|definition| variable(settings, definition)).collect();
    if let Access::Kubeconfig { mount, .. } = &layout.access
        && mount != ADMIN_CONF
    {
        all.push(json!({ "name": "k8s_config_file", "value": mount }));
    }
    all
}

fn variable(settings: &Settings, definition: &Definition) -> Option<Value> {
    let name = definition.env.first()?;
    let written = settings.written(definition);
    match written {
        // An empty variable counts as not set: it would be another value than the one given.
        Some(text) if text.is_empty() => None,
        Some(text)
            if text != definition.default
                || WHERE_GIVEN.contains(name)
                || always(settings, name) =>
        {
            Some(json!({ "name": name, "value": text }))
        }
        _ if *name == "vip_nodename" => Some(json!({
            "name": name,
            "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } },
        })),
        None if always(settings, name) => {
            Some(json!({ "name": name, "value": definition.default }))
        }
        _ => None,
    }
}

fn always(settings: &Settings, name: &str) -> bool {
    let values = settings.values();
    ALWAYS.contains(&name)
        || (values.control_plane && WITH_CONTROL_PLANE.contains(&name))
        || (values.leader_election && WITH_ELECTION.contains(&name))
}

/// What stands behind the image's program: the command, and what the environment cannot say.
pub(super) fn arguments(settings: &Settings) -> Vec<String> {
    let flags = in_order().filter_map(|definition| {
        let (text, flag) = (settings.written(definition)?, definition.flag?);
        let only = definition.env.is_empty() || text.is_empty();
        (only && text != definition.default).then(|| format!("--{}={text}", flag.long))
    });
    std::iter::once("manager".to_owned()).chain(flags).collect()
}

/// The names of the variables in this process's environment that are in its manifest.
#[must_use]
pub fn taken_from_environment(settings: &Settings) -> Vec<&'static str> {
    let origin = |definition| match settings.given(definition)?.origin {
        Origin::Environment(name) => Some(name),
        Origin::Flag(_) | Origin::File(_) => None,
    };
    in_order().filter_map(origin).collect()
}
