//! The values of all settings that count, each of the right form; nothing is compared yet with
//! another setting or with this host.

use std::time::Duration;

use super::config::{Listen, LogFormat, LogLevel};

/// What was written, or its default. Empty texts stand for "none".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches that an operator sets one by one; no state machine hides in them"
)]
pub struct Values {
    /// `vip_arp`.
    pub arp: bool,
    /// `cp_enable`.
    pub control_plane: bool,
    /// `vip_leaderelection`.
    pub leader_election: bool,
    /// `address`, as written.
    pub address: String,
    /// `vip_address`, as written.
    pub vip_address: String,
    /// `dns_mode`, as written.
    pub dns_mode: String,
    /// `vip_subnet`.
    pub prefixes: Prefixes,
    /// `vip_cidr`, as written.
    pub vip_cidr: String,
    /// `port`.
    pub port: u16,
    /// `vip_interface`, as written.
    pub interface: String,
    /// `vip_allow_interface_not_up`.
    pub interface_may_be_down: bool,
    /// `vip_nodename`, as written.
    pub node_name: String,
    /// `enable_node_labeling`.
    pub node_labels: bool,
    /// `vip_leasename`, the part before the slash.
    pub lease_namespace: Option<String>,
    /// `vip_leasename`, the part behind the slash.
    pub lease_name: String,
    /// `cp_namespace`.
    pub namespace: String,
    /// `vip_leaseduration`.
    pub lease_duration: Duration,
    /// `vip_renewdeadline`.
    pub renew_deadline: Duration,
    /// `vip_retryperiod`.
    pub retry_period: Duration,
    /// `vip_arpRate`, in milliseconds.
    pub arp_rate: i64,
    /// `vip_priority`.
    pub priority: u32,
    /// `vip_fail_back`.
    pub fail_back: bool,
    /// `vip_hold_on_api_loss`.
    pub hold_on_api_loss: bool,
    /// `control_plane_health_check_address`, as written.
    pub health_url: String,
    /// `control_plane_health_check_period_seconds`.
    pub health_period: Duration,
    /// `control_plane_health_check_timeout_seconds`.
    pub health_timeout: Duration,
    /// `control_plane_health_check_failure_threshold`.
    pub health_fall: u32,
    /// `control_plane_health_check_ca_path`, as written.
    pub health_ca_path: String,
    /// `k8s_config_file`.
    pub k8s_config_file: String,
    /// `KUBECONFIG`.
    pub kubeconfig: String,
    /// `HOME`.
    pub home: String,
    /// `kubernetes_addr`, as written.
    pub kubernetes_addr: String,
    /// `config_file`.
    pub config_file: String,
    /// `vip_loglevel`.
    pub log_level: LogLevel,
    /// `--v`.
    pub verbosity: u8,
    /// `log_format`.
    pub log_format: LogFormat,
    /// `prometheus_server`.
    pub metrics: Option<Listen>,
    /// `health_check_port`.
    pub health_port: Option<u16>,
    /// `black_box_file`.
    pub black_box_file: String,
}

impl Values {
    /// `address`, or its old name where that is not set, as written.
    pub(super) const fn addresses(&self) -> &String {
        if self.address.is_empty() { &self.vip_address } else { &self.address }
    }
}

/// The prefix lengths of the two families, in bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// Of IPv4 addresses.
    pub ipv4: u8,
    /// Of IPv6 addresses.
    pub ipv6: u8,
}
