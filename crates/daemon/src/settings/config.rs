//! What all settings together come to: the product of flags, environment and host.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use kube_vip_core::plan::Plan;
use tracing::level_filters::LevelFilter;

/// Everything the manager needs to know before it starts; nothing in it is still in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What the core is to do.
    pub plan: Plan,
    /// Where to look for the rights to use the API server.
    pub credentials: Credentials,
    /// The port of the API server, on the virtual address and on this node; never 0.
    pub port: u16,
    /// The value of the label `kube-vip.io/has-ip` on this host's Node while it has the addresses;
    /// none: no label.
    pub node_label: Option<String>,
    /// How that API server is asked for its health.
    pub health: HealthCheck,
    /// Where `/metrics` listens; none: nowhere.
    pub metrics: Option<Listen>,
    /// The port of `/healthz`, on all addresses, 1024 or above; none: no such server.
    pub health_port: Option<u16>,
    /// Which log lines are written.
    pub log_level: LogLevel,
    /// In which form.
    pub log_format: LogFormat,
    /// Where the black box is written to, beside stdout.
    pub black_box_file: Option<PathBuf>,
    /// What is odd about the settings, but no reason to refuse them: one log line each.
    pub warnings: Vec<Warning>,
}

/// Where a kubeconfig may lie. Nothing here is checked for existence: a file may come later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// `k8s_config_file`, if it was given and is not the default `/etc/kubernetes/admin.conf`.
    pub k8s_config_file: Option<PathBuf>,
    /// The environment's `KUBECONFIG`, as it stands there: one path, or several with `:` between.
    pub kubeconfig_env: Option<String>,
    /// The environment's `HOME`, for `.kube/config` in it.
    pub home: Option<PathBuf>,
    /// `kubernetes_addr`: a URL that stands in the place of every kubeconfig's own.
    pub server: Option<String>,
}

/// What is asked for the health of this node's API server, if not its `/readyz`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthCheck {
    /// `control_plane_health_check_address`: an `http` or `https` URL that answers 200 if all is
    /// well. Without a path, an API server is asked there as this node's would be.
    pub url: Option<String>,
    /// `control_plane_health_check_ca_path`: who signed the certificate that is shown there, a file
    /// in PEM; none: the kubeconfig's authority, and then its credentials are shown too.
    pub authority: Option<PathBuf>,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address to bind; none: all of them, IPv6 too where the kernel has it.
    pub address: Option<IpAddr>,
    /// The port; 0: the kernel chooses one.
    pub port: u16,
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            None => write!(f, ":{}", self.port),
            Some(IpAddr::V4(address)) => write!(f, "{address}:{}", self.port),
            Some(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

/// The lowest level that is logged, as a number of Go's `log/slog`: -4 debug, 0 info, 4 warn,
/// 8 error; numbers between count as the next level above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogLevel(pub i64);

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As Go's `log/slog` writes by default, and kube-vip.
    #[default]
    Text,
    /// One JSON object each.
    Json,
}

impl LogLevel {
    /// What klog's verbosity comes to: from 4 on debug, below information.
    #[must_use]
    pub const fn of_klog(verbosity: u8) -> Self {
        Self(if verbosity >= 4 { -4 } else { 0 })
    }

    /// The same for `tracing`.
    #[must_use]
    pub const fn filter(self) -> LevelFilter {
        match self.0 {
            ..=-5 => LevelFilter::TRACE,
            -4 => LevelFilter::DEBUG,
            -3..=0 => LevelFilter::INFO,
            1..=4 => LevelFilter::WARN,
            5..=8 => LevelFilter::ERROR,
            9.. => LevelFilter::OFF,
        }
    }
}

/// Something odd about a setting that does not keep the daemon from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The setting as it was given: its environment name or its flag.
    pub setting: String,
    /// What is odd, and what happens instead.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.text)
    }
}
