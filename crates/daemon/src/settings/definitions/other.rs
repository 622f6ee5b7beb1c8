//! Settings of other modes and features that are not in this version, and of those that have no
//! effect.

use super::known;
use crate::settings::definition::Target::{Missing, Nothing, Part};
use crate::settings::definition::{Bounds, Definition, Feature, Kind};

const LINK_DOWN: &str = "a node whose interface is down lets go at once, and takes part again \
                         when it is up";

const PRESERVED: &str = "while the API is away for all alike, the holder keeps the address anyway \
                         (vip_hold_on_api_loss); whoever may hold it no longer lets go, or two \
                         would answer for it";

const fn missing(feature: Feature) -> Kind {
    Kind::Switch(Missing(feature))
}

const fn part(feature: Feature) -> Kind {
    Kind::Switch(Part(feature))
}

const fn number(unit: &'static str, feature: Feature) -> Kind {
    let bounds = Bounds { least: 0, most: u32::MAX as i64, unit };
    Kind::Number(bounds, Part(feature))
}

const fn text(noun: &'static str, feature: Feature) -> Kind {
    Kind::Text(noun, Part(feature))
}

pub(super) static TABLE: &[Definition] = &[
    known(
        &["vip_routingtable"],
        "table",
        missing(Feature::RoutingTable),
        "false",
        "Put the address into a routing table",
    ),
    known(
        &["vip_routingtableid"],
        "tableID",
        number("number", Feature::RoutingTable),
        "198",
        "That table's number",
    ),
    known(
        &["vip_routingtabletype"],
        "tableType",
        number("number", Feature::RoutingTable),
        "1",
        "Type of the routes in it",
    ),
    Definition {
        mistaken: &["vip_routingtableprotocol"],
        ..known(
            &["vip_routingprotocol"],
            "routingProtocol",
            number("number", Feature::RoutingTable),
            "248",
            "Protocol number of the routes in it",
        )
    },
    known(
        &["vip_cleanroutingtable"],
        "cleanRoutingTable",
        part(Feature::RoutingTable),
        "false",
        "Remove routes that an earlier process left",
    ),
    known(
        &["vip_wireguard"],
        "wireguard",
        missing(Feature::WireGuard),
        "false",
        "Make the address reachable through WireGuard",
    ),
    Definition {
        mistaken: &["lb_enabled"],
        ..known(
            &["lb_enable"],
            "enableLoadBalancer",
            missing(Feature::LoadBalancer),
            "false",
            "Spread connections over all API servers (IPVS)",
        )
    },
    known(
        &["lb_port"],
        "lbPort",
        Kind::Port(Part(Feature::LoadBalancer)),
        "6443",
        "The port that is spread",
    ),
    known(
        &["lb_fwdmethod"],
        "lbForwardingMethod",
        text("method", Feature::LoadBalancer),
        "local",
        "How: local, masquerade, tunnel, directroute or bypass",
    ),
    known(
        &["backend_health_check_interval"],
        "",
        number("seconds", Feature::LoadBalancer),
        "5",
        "Pause between two checks of an API server",
    ),
    known(
        &["vip_ddns"],
        "ddns",
        missing(Feature::Dhcp),
        "false",
        "Take the address from DHCP, with its name",
    ),
    known(
        &["dhcp_mode"],
        "dhcpMode",
        text("family", Feature::Dhcp),
        "",
        "Address family to ask DHCP for",
    ),
    known(
        &["dhcp_backoff_attempts"],
        "dhcpBackoffAttempts",
        Kind::Number(
            Bounds { least: i32::MIN as i64, most: u32::MAX as i64, unit: "number" },
            Part(Feature::Dhcp),
        ),
        "3",
        "How often DHCP is asked; 0: for ever",
    ),
    known(
        &["vip_skipdad"],
        "",
        Kind::Switch(Nothing("no address waits: the Lease says whose it is")),
        "false",
        "Do not wait for duplicate address detection",
    ),
    known(
        &[],
        "leaderElectionType",
        Kind::Choice(&["kubernetes", "etcd"], Missing(Feature::EtcdElection)),
        "kubernetes",
        "What elects",
    ),
    known(
        &[],
        "etcdEndpoints",
        text("addresses", Feature::EtcdElection),
        "",
        "The members of etcd",
    ),
    known(
        &[],
        "etcdCACert",
        text("path", Feature::EtcdElection),
        "",
        "Certificate authority of etcd",
    ),
    known(&[], "etcdCert", text("path", Feature::EtcdElection), "", "Certificate for etcd"),
    known(&[], "etcdKey", text("path", Feature::EtcdElection), "", "Key for etcd"),
    known(
        &["vip_preserve_on_leadership_loss"],
        "preserveVipOnLeadershipLoss",
        Kind::Switch(Nothing(PRESERVED)),
        "false",
        "Has no effect: the address stays where that is safe, and nowhere else",
    ),
    known(
        &["vip_loseleadership"],
        "loseLeadership",
        Kind::Switch(Nothing(LINK_DOWN)),
        "false",
        "Has no effect: a node whose interface is down always lets go",
    ),
    known(
        &["vip_loseleadership_timeout_seconds"],
        "loseLeadershiptTimeoutSeconds",
        Kind::Number(
            Bounds { least: 0, most: u32::MAX as i64, unit: "seconds" },
            Nothing(LINK_DOWN),
        ),
        "30",
        "Has no effect: a node whose interface is down lets go at once",
    ),
    known(
        &["vip_interfaceloglobal"],
        "loInterfaceGlobalScope",
        part(Feature::RoutingTable),
        "false",
        "Give addresses on the interface lo global scope",
    ),
    known(
        &["vip_leaseannotations"],
        "",
        Kind::Text("json", Nothing("kube-vip reads it and never writes it to the Lease")),
        "",
        "Has no effect, in kube-vip neither",
    ),
    known(
        &["vip_singlenode"],
        "",
        Kind::Switch(Nothing("a leftover of kube-vip's time with raft")),
        "false",
        "Has no effect, in kube-vip neither",
    ),
    known(
        &["vip_startleader"],
        "",
        Kind::Switch(Nothing("a leftover of kube-vip's time with raft")),
        "false",
        "Has no effect, in kube-vip neither",
    ),
    known(
        &["vip_configmap"],
        "",
        Kind::Text("name", Nothing("kube-vip reads it and does not use it")),
        "plndr",
        "Has no effect, in kube-vip neither",
    ),
];
