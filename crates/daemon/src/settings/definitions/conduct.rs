//! Settings of what the election leaves open: health, preference, holding on.

use std::time::Duration;

use super::definitions;
use crate::settings::definition::Target::Values;
use crate::settings::definition::{Bounds, Definition, Flag, Group, Kind};

/// Times of the health check.
const SECONDS: Bounds = Bounds { least: 1, most: 3_600, unit: "seconds" };

const LOOKS: Bounds = Bounds { least: 1, most: 1_000, unit: "number" };

/// One byte, as VRRP's.
const PRIORITY: Bounds = Bounds { least: 0, most: 255, unit: "number" };

/// A number within [`LOOKS`] or [`PRIORITY`].
fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

const fn seconds(number: i64) -> Duration {
    Duration::from_secs(number.unsigned_abs())
}

definitions! {
    VIP_PRIORITY = Definition {
        env: &["vip_priority"],
        flag: Flag::long("priority"),
        kind: Kind::Number(PRIORITY, Values(|values, number| values.priority = small(number))),
        default: "0",
        group: Group::Election,
        help: "Nodes with a greater number are preferred in every election",
        doc: "Counts among the nodes whose API server is well and that are not cordoned. By itself \
              it moves no address: see `vip_fail_back`. Nodes that run the original take no \
              notice.",
        ..Definition::BASE
    };
    VIP_FAIL_BACK = Definition {
        env: &["vip_fail_back"],
        flag: Flag::long("failBack"),
        kind: Kind::Switch(Values(|values, on| values.fail_back = on)),
        default: "false",
        group: Group::Election,
        help: "A holder gives the address to a fit node of greater priority",
        doc: "If not, the address stays where it is until its holder gives it up or fails. Each \
              move resets the connections that are open at that moment.",
        ..Definition::BASE
    };
    VIP_HOLD_ON_API_LOSS = Definition {
        env: &["vip_hold_on_api_loss"],
        flag: Flag::long("holdOnApiLoss"),
        kind: Kind::Switch(Values(|values, on| values.hold_on_api_loss = on)),
        default: "true",
        group: Group::Election,
        help: "A holder keeps the address while the API is away for all alike",
        doc: "It holds on past its term only while no other node is seen to have the address, its \
              own API server accepts connections (or none that it knows of does), and it hears \
              others on its network. If that network is itself cut in two, each half may then have \
              a holder until they meet again; with `false` there is none rather than two.",
        ..Definition::BASE
    };
    HEALTH_ADDRESS = Definition {
        env: &["control_plane_health_check_address"],
        flag: Flag::long("controlPlaneHealthCheckAddress"),
        kind: Kind::Text("url", Values(|values, text| values.health_url = text)),
        group: Group::Api,
        help: "What is asked for the health of this node's API server; 200 is well",
        doc: "If not set: `/readyz` of this node's API server at `port`, on loopback or the node's \
              own address, with the kubeconfig's authority and credentials; where that fails, \
              `/livez` tells whether the process lives. The same is asked where the URL has no \
              path; any other path has to answer 200. An address of `address` in it is replaced \
              by this node. A node that is not well gives the address to one that is; never to \
              none. In the original, this is for BGP only, and nothing is asked if it is not set.",
        ..Definition::BASE
    };
    HEALTH_PERIOD = Definition {
        env: &["control_plane_health_check_period_seconds"],
        flag: Flag::long("controlPlaneHealthCheckPeriodSeconds"),
        kind: Kind::Number(SECONDS, Values(|values, number| {
            values.health_period = seconds(number);
        })),
        default: "1",
        group: Group::Api,
        help: "From one such question to the next",
        doc: "The original's default is 5.",
        ..Definition::BASE
    };
    HEALTH_TIMEOUT = Definition {
        env: &["control_plane_health_check_timeout_seconds"],
        flag: Flag::long("controlPlaneHealthCheckTimeoutSeconds"),
        kind: Kind::Number(SECONDS, Values(|values, number| {
            values.health_timeout = seconds(number);
        })),
        default: "1",
        group: Group::Api,
        help: "How long an answer may take; at most the time to the next question",
        doc: "The original's default is 3.",
        ..Definition::BASE
    };
    HEALTH_FALL = Definition {
        env: &["control_plane_health_check_failure_threshold"],
        flag: Flag::long("controlPlaneHealthCheckFailureThreshold"),
        kind: Kind::Number(LOOKS, Values(|values, number| values.health_fall = small(number))),
        default: "3",
        group: Group::Api,
        help: "After so many failures in a row the node is not well",
        doc: "Two good answers in a row make it well again.",
        ..Definition::BASE
    };
    HEALTH_CA_PATH = Definition {
        env: &["control_plane_health_check_ca_path"],
        flag: Flag::long("controlPlaneHealthCheckCAPath"),
        kind: Kind::Text("path", Values(|values, text| values.health_ca_path = text)),
        group: Group::Api,
        help: "Who signed the certificate at that URL; if not set, the kubeconfig's authority",
        doc: "A file in PEM, read again when it changes. With it, no credentials are sent to the \
              URL.",
        ..Definition::BASE
    };
}
