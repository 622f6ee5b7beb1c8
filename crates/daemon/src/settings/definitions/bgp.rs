//! Settings of BGP, which is not in this version.

use super::known;
use crate::settings::definition::Target::{Missing, Part};
use crate::settings::definition::{Bounds, Definition, Feature, Group, Kind};

const PART: Kind = Kind::Switch(Part(Feature::Bgp));

const fn text(noun: &'static str) -> Kind {
    Kind::Text(noun, Part(Feature::Bgp))
}

const fn number(unit: &'static str) -> Kind {
    let bounds = Bounds { least: 0, most: u32::MAX as i64, unit };
    Kind::Number(bounds, Part(Feature::Bgp))
}

const fn bgp(
    env: &'static [&'static str],
    flag: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> Definition {
    Definition { group: Group::Bgp, ..known(env, flag, kind, default, help) }
}

pub(super) static TABLE: &[Definition] = &[
    bgp(
        &["bgp_enable"],
        "bgp",
        Kind::Switch(Missing(Feature::Bgp)),
        "false",
        "Announce the address by BGP",
    ),
    bgp(&["bgp_as"], "localAS", number("number"), "65000", "This node's AS"),
    bgp(&["bgp_routerid"], "bgpRouterID", text("address"), "", "This node's router id"),
    bgp(
        &["bgp_routerinterface"],
        "",
        text("name"),
        "",
        "The interface whose address is the router id",
    ),
    Definition {
        mistaken: &["bgppeers"],
        ..bgp(
            &["bgp_peers"],
            "bgppeers",
            text("peers"),
            "",
            "Peers, each address:AS:password:multihop, separated by commas",
        )
    },
    bgp(&["bgp_peeraddress"], "peerAddress", text("address"), "", "One more peer"),
    bgp(&["bgp_peeras"], "peerAS", number("number"), "65000", "That peer's AS"),
    bgp(&["bgp_peerpass"], "peerPass", text("password"), "", "That peer's password"),
    bgp(&["bgp_multihop"], "multihop", PART, "false", "That peer is more than one hop away"),
    Definition {
        mistaken: &["bgp_source_if"],
        ..bgp(
            &["bgp_sourceif"],
            "sourceIF",
            text("name"),
            "",
            "The interface that sessions start from",
        )
    },
    Definition {
        mistaken: &["bgp_source_ip"],
        ..bgp(
            &["bgp_sourceip"],
            "sourceIP",
            text("address"),
            "",
            "The address that sessions start from",
        )
    },
    bgp(&["bgp_hold_time"], "bgpHoldTimer", number("seconds"), "30", "The hold time"),
    bgp(
        &["bgp_keepalive_interval"],
        "bgpKeepAliveInterval",
        number("seconds"),
        "10",
        "Pause between two keepalives",
    ),
    bgp(
        &["bgp_attach_ip_to_interface"],
        "bgpAttachIPToInterface",
        PART,
        "false",
        "Put addresses of Services on the interface too",
    ),
    Definition {
        mistaken: &["annotations"],
        ..bgp(
            &["annotation"],
            "annotations",
            text("prefix"),
            "",
            "Prefix of the node's annotations that hold a BGP configuration",
        )
    },
    bgp(&["mpbgp_nexthop"], "", text("way"), "", "How the next hop of the other family is found"),
    bgp(&["mpbgp_ipv4"], "", text("address"), "", "The fixed IPv4 next hop"),
    bgp(&["mpbgp_ipv6"], "", text("address"), "", "The fixed IPv6 next hop"),
    bgp(&["zebra_enable"], "zebra", PART, "false", "Hand routes to FRR's zebra"),
    bgp(
        &["zebra_url"],
        "zebraUrl",
        text("url"),
        "unix:/var/run/frr/zserv.api",
        "Where zebra listens",
    ),
    bgp(&["zebra_version"], "zebraVersion", number("number"), "6", "Version of zebra's protocol"),
    bgp(
        &["zebra_software_name"],
        "zebraSoftwareName",
        text("name"),
        "frr8.3",
        "Release that zebra belongs to",
    ),
];
