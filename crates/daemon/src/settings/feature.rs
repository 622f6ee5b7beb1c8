//! The groups of settings, and the features that are not in this version.

/// Where a setting stands in help and reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What this process does at all.
    Mode,
    /// The virtual address.
    Address,
    /// This node: its name and interface.
    Node,
    /// The Lease and its times.
    Election,
    /// The way to the API server.
    Api,
    /// Logs, metrics and health.
    Observing,
    /// Services of type `LoadBalancer`.
    Services,
    /// BGP.
    Bgp,
    /// Everything else that is known.
    Other,
}

impl Group {
    /// All, in the order of help and reference.
    pub const ALL: [Self; 9] = [
        Self::Mode,
        Self::Address,
        Self::Node,
        Self::Election,
        Self::Api,
        Self::Observing,
        Self::Services,
        Self::Bgp,
        Self::Other,
    ];

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Mode => "What it does",
            Self::Address => "The virtual address",
            Self::Node => "This node",
            Self::Election => "The election",
            Self::Api => "The API server",
            Self::Observing => "Logs, metrics, health",
            Self::Services => "Services of type LoadBalancer",
            Self::Bgp => "BGP",
            Self::Other => "Other modes and features",
        }
    }
}

/// A feature of kube-vip that this version does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// `bgp_enable`.
    Bgp,
    /// `vip_routingtable`.
    RoutingTable,
    /// `vip_wireguard`.
    WireGuard,
    /// `svc_enable`.
    Services,
    /// `lb_enable`.
    LoadBalancer,
    /// `vip_ddns`.
    Dhcp,
    /// `--leaderElectionType=etcd`.
    EtcdElection,
}

impl Feature {
    /// What it is called, to be followed by "is not in this version".
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Bgp => "BGP mode",
            Self::RoutingTable => "routing-table mode",
            Self::WireGuard => "WireGuard mode",
            Self::Services => "the handling of Services of type LoadBalancer",
            Self::LoadBalancer => "load-balancing of the control plane (IPVS)",
            Self::Dhcp => "an address from DHCP",
            Self::EtcdElection => "election by etcd",
        }
    }

    /// What there is in its place; may be empty.
    #[must_use]
    pub const fn instead(self) -> &'static str {
        match self {
            Self::Bgp | Self::RoutingTable | Self::WireGuard => {
                "vip_arp=true is the mode of this version"
            }
            Self::Services => "cp_enable=true is what this version does",
            Self::LoadBalancer => "the address leads to the API server of the node that holds it",
            Self::Dhcp => "an IP address in the setting address",
            Self::EtcdElection => "the nodes elect by a Lease",
        }
    }

    /// It is a way to make an address reachable; a process has exactly one.
    #[must_use]
    pub const fn is_mode(self) -> bool {
        matches!(self, Self::Bgp | Self::RoutingTable | Self::WireGuard)
    }
}
