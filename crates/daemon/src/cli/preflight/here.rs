//! What the settings come to on this host, and whether it is a node at all.

use std::net::IpAddr;

use kube_vip_core::address::LinkName;

use super::{summary, warnings};
use crate::cli::checks::list;
use crate::cli::cluster::{ClusterError, Node};
use crate::cli::report::Row;
use crate::settings::config::Config;
use crate::settings::definition::Definition;
use crate::settings::host::{Host, in_one_subnet};
use crate::settings::{Problem, Settings, reference};

#[cfg(test)]
mod tests;

/// Where the command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Here {
    /// On a node of the cluster, or where there is no reason to doubt it.
    Node,
    /// Elsewhere, and why rows that need a node are not told.
    Elsewhere(&'static str),
}

impl Here {
    /// A host is no node if the cluster has nodes and it is none of them. Who reads a node's
    /// manifest means a node.
    pub(super) fn of(host: &Host, nodes: &Result<Vec<Node>, ClusterError>, manifest: bool) -> Self {
        let Ok(nodes) = nodes else { return Self::Node };
        let has = |address: &IpAddr| {
            let mut own = host.links.iter().flat_map(|link| &link.addresses);
            own.any(|(own, _)| own == address)
        };
        let is = |node: &Node| {
            node.name.eq_ignore_ascii_case(&host.host_name) || node.addresses.iter().any(has)
        };
        if manifest || nodes.is_empty() || nodes.iter().any(is) {
            return Self::Node;
        }
        Self::Elsewhere("run it on a node: this host is none of the cluster's")
    }
}

/// The rows about the settings and the interface, and what they come to.
pub(super) fn settings(
    settings: &Settings,
    host: &Host,
    here: &Here,
) -> (Vec<Row>, Option<Config>) {
    let refusal = match settings.config(host) {
        Ok(config) => {
            let mut rows = vec![Row::ok("settings", summary(&config))];
            rows.extend(warnings(&config));
            rows.push(interface(&config));
            return (rows, Some(config));
        }
        Err(refusal) => refusal,
    };
    let label = reference::find("vip_interface").map(Definition::label).unwrap_or_default();
    let (links, others): (Vec<_>, Vec<_>) =
        refusal.problems.iter().partition(|problem| problem.label == label);
    let mut rows: Vec<_> = others.into_iter().map(|one| refused("settings", one)).collect();
    if rows.is_empty() {
        rows.push(Row::ok("settings", "what does not depend on the host is right"));
    }
    for problem in links {
        rows.push(match here {
            Here::Node => refused("interface", problem),
            Here::Elsewhere(why) => Row::skipped("interface", *why),
        });
    }
    (rows, None)
}

fn refused(check: &'static str, problem: &Problem) -> Row {
    let given = match &problem.given {
        None => "not set".to_owned(),
        Some(given) => given.to_string(),
    };
    let mut remedy = problem.wrong.right.clone();
    if !problem.choices.is_empty() {
        let choices = problem.choices.iter().map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            words.join(" ")
        });
        remedy = format!("{remedy}: {}", list(choices));
    }
    let row = Row::failed(check, format!("{given}: {}", problem.wrong.wrong), remedy);
    row.of(problem.label.clone())
}

fn interface(config: &Config) -> Row {
    Row::ok("interface", format!("{} is there, and has ARP", config.plan.link))
}

/// The row about whether the address is one of the interface's subnet.
pub(super) fn subnet(host: &Host, link: Option<&LinkName>, vip: IpAddr, here: &Here) -> Row {
    const CHECK: &str = "subnet";
    let Some(link) = link else {
        return match here {
            Here::Elsewhere(why) => Row::skipped(CHECK, *why),
            Here::Node => Row::skipped(CHECK, "which interface is meant is not known: see above"),
        }
        .of(vip.to_string());
    };
    let own: Vec<_> = host
        .links
        .iter()
        .filter(|one| one.name == *link)
        .flat_map(|one| &one.addresses)
        .filter(|(address, _)| *address != vip)
        .collect();
    let around = own.iter().find(|(address, prefix)| in_one_subnet(*address, *prefix, vip));
    let texts = || list(own.iter().map(|(address, prefix)| format!("{address}/{prefix}")));
    match around {
        Some((address, prefix)) if *prefix < 31 && edge(*address, *prefix, vip) => Row::failed(
            CHECK,
            format!("it is the first or last of {address}/{prefix}, which no host can have"),
            "choose a free address between them",
        ),
        Some((address, prefix)) => Row::ok(CHECK, format!("{link} has {address}/{prefix}")),
        None if own.is_empty() => Row::failed(
            CHECK,
            format!("{link} has no address of its own"),
            "give the interface the node's address first, or name another in vip_interface",
        ),
        None => Row::failed(
            CHECK,
            format!("{link} has {}, and this address is in none of these subnets", texts()),
            "choose a free address of the nodes' subnet, or set vip_interface to the interface \
             that is in the address's: ARP reaches no further",
        ),
    }
    .of(vip.to_string())
}

/// The IPv4 network's own address, or its broadcast address.
fn edge(own: IpAddr, prefix: u8, vip: IpAddr) -> bool {
    let (IpAddr::V4(own), IpAddr::V4(vip)) = (own, vip) else { return false };
    let host = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
    let (network, bits) = (own.to_bits() & !host, vip.to_bits());
    bits == network || bits == network | host
}
