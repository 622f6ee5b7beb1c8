//! Settings of the control plane's address: mode, address, node, election.

use std::time::Duration;

use super::definitions;
use crate::settings::definition::Target::Values;
use crate::settings::definition::{Bounds, Definition, Flag, Group, Kind};
use crate::settings::parse;

/// Times of the election. A day is far more than makes sense, and far less than overflows.
const SECONDS: Bounds = Bounds { least: 1, most: 86_400, unit: "seconds" };

/// `vip_arpRate`; what is too small is raised with a warning rather than refused, as in kube-vip.
const MILLISECONDS: Bounds = Bounds { least: 0, most: 3_600_000, unit: "milliseconds" };

const fn seconds(number: i64) -> Duration {
    Duration::from_secs(number.unsigned_abs())
}

definitions! {
    VIP_ARP = Definition {
        env: &["vip_arp"],
        flag: Flag::long("arp"),
        kind: Kind::Switch(Values(|values, on| values.arp = on)),
        default: "false",
        group: Group::Mode,
        help: "Make the address reachable by ARP: the mode of this version, to be switched on",
        doc: "The node that holds the address answers for it on the local network and announces \
              it there. Exactly one mode is switched on; the others of kube-vip (BGP, routing \
              table, WireGuard) are not in this version.",
        ..Definition::BASE
    };
    CP_ENABLE = Definition {
        env: &["cp_enable"],
        flag: Flag::long("controlplane"),
        kind: Kind::Switch(Values(|values, on| values.control_plane = on)),
        default: "false",
        group: Group::Mode,
        help: "Keep an address for the control plane",
        doc: "Has to be switched on: it is what this version does.",
        ..Definition::BASE
    };
    VIP_LEADERELECTION = Definition {
        env: &["vip_leaderelection"],
        flag: Flag::long("leaderElection"),
        kind: Kind::Switch(Values(|values, on| values.leader_election = on)),
        default: "false",
        group: Group::Mode,
        help: "Elect one node by a Lease; in ARP mode always so",
        doc: "In ARP mode the nodes always elect, whatever is written here, as in kube-vip; \
              `false` gets a warning.",
        ..Definition::BASE
    };
    ADDRESS = Definition {
        env: &["address"],
        flag: Flag::long("address"),
        kind: Kind::Text("addresses", Values(|values, text| values.address = text)),
        group: Group::Address,
        help: "The virtual address; several are separated by commas",
        doc: "Addresses of the nodes' network that nothing else uses. All of them, IPv4 or \
              IPv6, go to the elected node. A DNS name stands for its addresses (`dns_mode`); it \
              is asked for again every 3 s, and while it cannot be resolved at the start, the \
              daemon waits. Addresses from DHCP are not in this version.",
        mistaken: &["vip", "vip_address_ipv6"],
        ..Definition::BASE
    };
    VIP_ADDRESS = Definition {
        env: &["vip_address"],
        flag: Flag::long("vip"),
        kind: Kind::Text("addresses", Values(|values, text| values.vip_address = text)),
        group: Group::Address,
        help: "Old name of address, used where that is not set",
        doc: "Deprecated in kube-vip: write `address`, which wins. kube-vip refuses it without \
              `vip_subnet`; here it does not matter.",
        ..Definition::BASE
    };
    DNS_MODE = Definition {
        env: &["dns_mode"],
        flag: Flag::long("dnsMode"),
        kind: Kind::Text("family", Values(|values, text| values.dns_mode = text)),
        default: "first",
        group: Group::Address,
        help: "Which addresses of a DNS name count: first, ipv4, ipv6 or dual",
        doc: "Of several answers the lowest address of the family, so that all nodes choose alike; \
              `first` is one of IPv4, or of IPv6 where there is none. Anything else counts as \
              `first`, with a warning.",
        ..Definition::BASE
    };
    VIP_SUBNET = Definition {
        env: &["vip_subnet"],
        flag: Flag::long("vipSubnet"),
        kind: Kind::Form("bits", |values, text| {
            // As a flag, it may be there and empty.
            if text.is_empty() {
                return Ok(());
            }
            parse::prefixes(text).map(|bits| values.prefixes = bits)
        }),
        default: "32,128",
        group: Group::Address,
        help: "Prefix length that the address is configured with",
        doc: "From 1 to 32 for IPv4 and to 128 for IPv6; a leading slash is accepted. Of two the \
              first is for IPv4 and the second for IPv6; one is for both. Not set, it is 32 or \
              128, as in kube-vip. With 32 or 128, the address brings no route with it, and none \
              is lost when it moves; nor does an IPv6 address in a subnet that the interface has.",
        ..Definition::BASE
    };
    VIP_CIDR = Definition {
        env: &["vip_cidr"],
        flag: Flag::long("cidr"),
        kind: Kind::Text("bits", Values(|values, text| values.vip_cidr = text)),
        group: Group::Address,
        help: "Old name of vip_subnet, used where that is not set",
        doc: "kube-vip itself has ignored it since v0.9.0. It is used here if `vip_subnet` is not \
              set and it is a prefix length, with a warning in any case.",
        ..Definition::BASE
    };
    PORT = Definition {
        env: &["port"],
        flag: Flag::long("port"),
        kind: Kind::Port(Values(|values, port| values.port = port)),
        default: "6443",
        group: Group::Address,
        help: "The port of the API server, at the address and on this node",
        ..Definition::BASE
    };
    VIP_ARP_RATE = Definition {
        env: &["vip_arpRate"],
        kind: Kind::Number(MILLISECONDS, Values(|values, number| values.arp_rate = number)),
        default: "3000",
        group: Group::Address,
        help: "Pause between two announcements of the address that a node holds",
        doc: "Less than 500 is taken as 3000, with a warning.",
        ..Definition::BASE
    };
    VIP_INTERFACE = Definition {
        env: &["vip_interface"],
        flag: Flag::long("interface"),
        kind: Kind::Text("name", Values(|values, text| values.interface = text)),
        group: Group::Node,
        help: "The interface that gets the address",
        doc: "If not set: the interface whose subnet contains the address, otherwise the one of \
              the default route. It has to exist, to be up and to be an Ethernet interface.",
        mistaken: &["interface"],
        ..Definition::BASE
    };
    VIP_ALLOW_INTERFACE_NOT_UP = Definition {
        env: &["vip_allow_interface_not_up"],
        flag: Flag::long("allowInterfaceNotUp"),
        kind: Kind::Switch(Values(|values, on| values.interface_may_be_down = on)),
        default: "false",
        group: Group::Node,
        help: "Start even if the interface is down",
        doc: "A node whose interface is down never holds the address; it can once the interface \
              is up.",
        ..Definition::BASE
    };
    VIP_NODENAME = Definition {
        env: &["vip_nodename"],
        flag: Flag::long("nodeName"),
        kind: Kind::Text("name", Values(|values, text| values.node_name = text)),
        group: Group::Node,
        help: "Name of this node, by which it is elected; if not set, the host name",
        doc: "Turned into lower case. Every node needs a name of its own: two nodes of one name \
              take each other's Lease for their own. In a manifest, take it from the field \
              `spec.nodeName`.",
        ..Definition::BASE
    };
    ENABLE_NODE_LABELING = Definition {
        env: &["enable_node_labeling"],
        flag: Flag::long("enableNodeLabeling"),
        kind: Kind::Switch(Values(|values, on| values.node_labels = on)),
        default: "false",
        group: Group::Node,
        help: "Label the Node that has the address: kube-vip.io/has-ip=ADDRESS",
        doc: "The value is the address; of several, the first. Of IPv6, it is the 32 digits \
              without colons. The label is removed when the address leaves. It takes the right to \
              patch nodes, and never delays a move.",
        ..Definition::BASE
    };
    VIP_LEASENAME = Definition {
        env: &["vip_leasename"],
        flag: Flag::long("leaseName"),
        kind: Kind::Form("name", |values, text| {
            let (namespace, name) = parse::lease(text)?;
            values.lease_namespace = namespace;
            values.lease_name = name;
            Ok(())
        }),
        default: "plndr-cp-lock",
        group: Group::Election,
        help: "The Lease by which the nodes elect; also namespace/name",
        doc: "All nodes of one address have to write the same, those that still run the original \
              too: two names are two elections, and two holders.",
        ..Definition::BASE
    };
    CP_NAMESPACE = Definition {
        env: &["cp_namespace"],
        flag: Some(Flag { long: "namespace", short: Some('n') }),
        kind: Kind::Form("name", |values, text| {
            values.namespace = parse::namespace(text)?;
            Ok(())
        }),
        default: "kube-system",
        group: Group::Election,
        help: "The namespace of the Lease",
        doc: "A namespace in `vip_leasename` wins. In a pod with a service account, that one's \
              namespace wins too, as in kube-vip.",
        ..Definition::BASE
    };
    VIP_LEASEDURATION = Definition {
        env: &["vip_leaseduration"],
        flag: Flag::long("leaseDuration"),
        kind: Kind::Number(SECONDS, Values(|values, number| {
            values.lease_duration = seconds(number);
        })),
        default: "15",
        group: Group::Election,
        help: "How long a node holds without renewing, and how long the others wait",
        doc: "When a node dies, the address is gone for about that long. Longer than \
              `vip_renewdeadline`.",
        mistaken: &["vip_leaseDuration", "vip_lease", "vip_leaderelectaliveduration"],
    };
    VIP_RENEWDEADLINE = Definition {
        env: &["vip_renewdeadline"],
        flag: Flag::long("leaseRenewDuration"),
        kind: Kind::Number(SECONDS, Values(|values, number| {
            values.renew_deadline = seconds(number);
        })),
        default: "10",
        group: Group::Election,
        help: "How long renewing may fail before that is worth a warning",
        doc: "Half of it is what one request may take. Shorter than `vip_leaseduration`, and \
              longer than 1.2 times `vip_retryperiod`. The original gives up after it; here the \
              node holds on until its term ends.",
        mistaken: &["vip_renewDeadline", "vip_leaderelectrenewduration"],
    };
    VIP_RETRYPERIOD = Definition {
        env: &["vip_retryperiod"],
        flag: Flag::long("leaseRetry"),
        kind: Kind::Number(SECONDS, Values(|values, number| {
            values.retry_period = seconds(number);
        })),
        default: "2",
        group: Group::Election,
        help: "Pause between two renewals, and between two attempts",
        mistaken: &["vip_retryPeriod", "vip_leaderelectretryduration"],
        ..Definition::BASE
    };
}
