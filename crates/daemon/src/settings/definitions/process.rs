//! Settings of the process: the way to the API server, logs, metrics, health.

use super::definitions;
use crate::settings::config::LogLevel;
use crate::settings::definition::Target::{Missing, Values};
use crate::settings::definition::{Definition, Feature, Flag, Group, Kind};
use crate::settings::parse;

/// The default of `k8s_config_file`.
pub(in crate::settings) const ADMIN_CONF: &str = "/etc/kubernetes/admin.conf";

definitions! {
    K8S_CONFIG_FILE = Definition {
        env: &["k8s_config_file"],
        flag: Flag::long("k8sConfigPath"),
        kind: Kind::Text("path", Values(|values, text| values.k8s_config_file = text)),
        default: ADMIN_CONF,
        group: Group::Api,
        help: "The kubeconfig, looked for before all others",
        doc: "Then come, in this order, `KUBECONFIG`, `/etc/kubernetes/admin.conf`, \
              `/etc/kubernetes/super-admin.conf`, \
              `$HOME/.kube/config`, `/.kube/config` and the pod's service account, for which \
              `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` say where the API server is. \
              A file that is not there yet, or unfinished, is waited for; one that changes is read \
              again.",
        mistaken: &["kubeconfigPath", "kubeconfig"],
    };
    KUBECONFIG = Definition {
        env: &["KUBECONFIG"],
        kind: Kind::Text("paths", Values(|values, text| values.kubeconfig = text)),
        group: Group::Api,
        help: "Kubeconfigs, as for kubectl: one path, or several separated by colons",
        doc: "kube-vip itself does not read it.",
        ..Definition::BASE
    };
    HOME = Definition {
        env: &["HOME"],
        kind: Kind::Text("path", Values(|values, text| values.home = text)),
        group: Group::Api,
        help: "The directory in which .kube/config is looked for",
        ..Definition::BASE
    };
    CP_DETECT = Definition {
        env: &["cp_detect"],
        flag: Flag::long("autodetectcp"),
        kind: Kind::Switch(Missing(Feature::ApiDetection)),
        default: "false",
        group: Group::Api,
        help: "Find the API server by the names in the certificate at 127.0.0.1:6443",
        ..Definition::BASE
    };
    KUBERNETES_ADDR = Definition {
        env: &["kubernetes_addr"],
        kind: Kind::Text("address", Missing(Feature::ApiAddress)),
        group: Group::Api,
        help: "The API server to ask, instead of the kubeconfig's",
        ..Definition::BASE
    };
    VIP_LOGLEVEL = Definition {
        env: &["vip_loglevel"],
        flag: Flag::long("log"),
        kind: Kind::Form("level", |values, text| {
            values.log_level = LogLevel(parse::level(text)?);
            Ok(())
        }),
        default: "0",
        group: Group::Observing,
        help: "Lowest level that is logged: -4 debug, 0 info, 4 warnings, 8 errors",
        doc: "The numbers of Go's `log/slog`, as in kube-vip since v0.9.0. Until then, a greater \
              number meant more lines; now it means fewer.",
        mistaken: &["log_level"],
    };
    PROMETHEUS_SERVER = Definition {
        env: &["prometheus_server"],
        flag: Flag::long("prometheusHTTPServer"),
        kind: Kind::Form("address:port", |values, text| {
            values.metrics = parse::listen(text)?;
            Ok(())
        }),
        default: ":2112",
        group: Group::Observing,
        help: "Where /metrics, /status and /healthz listen; without an address, on all",
        doc: "`--prometheusHTTPServer=` switches it off. An empty environment variable does not: \
              it counts as not set, as everywhere.",
        mistaken: &["prometheusHTTPServer"],
    };
    HEALTH_CHECK_PORT = Definition {
        env: &["health_check_port"],
        flag: Flag::long("healthCheckPort"),
        kind: Kind::Form("port", |values, text| {
            values.health_port = parse::health_port(text)?;
            Ok(())
        }),
        default: "0",
        group: Group::Observing,
        help: "A port for /healthz, /livez and /readyz alone, 1024 or above; 0 is none",
        ..Definition::BASE
    };
    BLACK_BOX_FILE = Definition {
        env: &["black_box_file"],
        flag: Flag::long("blackBoxFile"),
        kind: Kind::Text("path", Values(|values, text| values.black_box_file = text)),
        group: Group::Observing,
        help: "A file for the black box, beside stdout",
        doc: "The last thousands of events are written on SIGUSR1, and when the daemon notices \
              that something is wrong with itself. Each time the file is written anew. kube-vip \
              itself has no such setting.",
        ..Definition::BASE
    };
}
