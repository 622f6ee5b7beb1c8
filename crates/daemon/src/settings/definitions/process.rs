//! Settings of the process: the way to the API server, logs, metrics, health.

use super::definitions;
use crate::settings::config::{LogFormat, LogLevel};
use crate::settings::definition::Target::{Nothing, Values};
use crate::settings::definition::{Definition, Flag, Group, Kind};
use crate::settings::parse;

/// The default of `k8s_config_file`: where kubeadm has the administrator's kubeconfig.
pub(crate) const ADMIN_CONF: &str = "/etc/kubernetes/admin.conf";

const DETECTED: &str = "this node's API server is found without it";

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
              `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` say where the API server is; \
              this node's own, if it has one at `port`, is asked before that. \
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
        kind: Kind::Switch(Nothing(DETECTED)),
        default: "false",
        group: Group::Api,
        help: "Has no effect: this node's API server is found in any case",
        doc: "The original asks the certificate at 127.0.0.1:6443 for the server's names. Here the \
              kubeconfig's server is asked; where that is an address of the plan, or does not \
              answer, this node's own is, and then the others of the cluster.",
        ..Definition::BASE
    };
    KUBERNETES_ADDR = Definition {
        env: &["kubernetes_addr"],
        kind: Kind::Text("address", Values(|values, text| values.kubernetes_addr = text)),
        group: Group::Api,
        help: "The API server to ask, instead of the kubeconfigs' own",
        doc: "A URL, or a host with or without a port. The kubeconfig's authority and credentials \
              are used there. It does not count for a pod's service account.",
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
              number meant more lines; now it means fewer. The words `debug`, `info`, `warn` and \
              `error` are accepted too.",
        mistaken: &["log_level"],
    };
    VERBOSITY = Definition {
        flag: Some(Flag { long: "v", short: Some('v') }),
        kind: Kind::Form("number", |values, text| {
            values.verbosity = parse::verbosity(text)?;
            Ok(())
        }),
        default: "0",
        group: Group::Observing,
        help: "The same as klog has it: from 4 on debug, less is info",
        doc: "For command lines that were written for programs with klog. `vip_loglevel` wins. \
              kube-vip itself has no such flag.",
        ..Definition::BASE
    };
    LOG_FORMAT = Definition {
        env: &["log_format"],
        flag: Flag::long("logFormat"),
        kind: Kind::Choice(&["text", "json"], Values(|values, text| {
            values.log_format = if text == "json" { LogFormat::Json } else { LogFormat::Text };
        })),
        default: "text",
        group: Group::Observing,
        help: "The form of log lines: text as kube-vip's, or one JSON object each",
        doc: "In JSON, with the keys of Go's `slog.JSONHandler`: `time`, `level`, `msg`. kube-vip \
              itself has no such setting.",
        ..Definition::BASE
    };
    CONFIG_FILE = Definition {
        env: &["config_file"],
        flag: Flag::long("config-file"),
        kind: Kind::Text("path", Values(|values, text| values.config_file = text)),
        group: Group::Other,
        help: "A file with settings, JSON or YAML; environment and flags win over it",
        doc: "Its name ends in `.json`, `.yaml` or `.yml`. Its keys are environment names, flags, \
              or the original's own (`enableARP`, `vipSubnet`, `leaseName`, \
              `controlPlaneHealthCheck.address`, ...), in upper or lower case, with or without \
              underscores. A key that is none gets a warning. In the original, keys whose flag has \
              a default have no effect, nor has the environment variable.",
        ..Definition::BASE
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
