//! Pools of addresses that other controllers hand out or hold: MetalLB's and Cilium's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use crate::cli::cluster::Cluster;
use crate::cli::report::Row;
use crate::drivers::lease::caller::CallerError;

#[cfg(test)]
mod tests;

/// Where pools are, and who hands them out. In newer clusters the later version is not there or
/// shows the same objects.
const POOLS: [(&str, &str, &str); 3] = [
    ("MetalLB", "IPAddressPool", "/apis/metallb.io/v1beta1/ipaddresspools"),
    ("Cilium", "CiliumLoadBalancerIPPool", "/apis/cilium.io/v2/ciliumloadbalancerippools"),
    ("Cilium", "CiliumLoadBalancerIPPool", "/apis/cilium.io/v2alpha1/ciliumloadbalancerippools"),
];

/// A row for each pool that has one of the addresses; one row if none has.
pub(in crate::cli) async fn rows(cluster: &Cluster, vips: &[IpAddr]) -> Vec<Row> {
    let (mut rows, mut looked) = (Vec::new(), Vec::new());
    for (program, kind, path) in POOLS {
        match cluster.get(path).await {
            Ok(answer) if answer.status.is_success() => {
                looked.push(program);
                rows.extend(judge(program, kind, &answer.body, vips));
            }
            // There is no such kind.
            Ok(answer) if answer.status.as_u16() == 404 => {}
            Ok(answer) => rows.push(unknown(&format!("{kind}: {}", answer.words))),
            Err(CallerError::Refused(text)) => rows.push(unknown(&format!("{kind}: {text}"))),
            Err(error) => {
                let remedy = "see the row api";
                return vec![Row::unknown("address-pools", error.to_string(), remedy)];
            }
        }
    }
    rows.dedup();
    if rows.is_empty() {
        let evidence = match looked.first() {
            None => "there are no pools of MetalLB or Cilium".to_owned(),
            Some(program) => format!("no pool of {program} has the address"),
        };
        rows.push(Row::ok("address-pools", evidence));
    }
    rows
}

fn unknown(evidence: &str) -> Row {
    // The daemon's own rights do not reach there, and need not.
    let remedy = "look with an administrator's --kubeconfig";
    Row::warning("address-pools", evidence, remedy)
}

fn judge(program: &str, kind: &str, list: &Value, vips: &[IpAddr]) -> Vec<Row> {
    let mut rows = Vec::new();
    for pool in list["items"].as_array().into_iter().flatten() {
        let name = pool["metadata"]["name"].as_str().unwrap_or_default();
        let ranges = ranges(&pool["spec"]);
        for vip in vips {
            let within = ranges.iter().find(|(first, last, _)| (first..=last).contains(&vip));
            if let Some((_, _, text)) = within {
                rows.push(
                    Row::failed(
                        "address-pools",
                        format!("{program}'s {kind} {name} has {vip} in {text}"),
                        format!("take {vip} out of the pool: {program} may give it to a Service"),
                    )
                    .of(vip.to_string()),
                );
            }
        }
    }
    rows
}

/// The ranges, each with its text.
fn ranges(spec: &Value) -> Vec<(IpAddr, IpAddr, String)> {
    let mut ranges = Vec::new();
    for text in spec["addresses"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        ranges.extend(range(text).map(|(first, last)| (first, last, text.to_owned())));
    }
    for block in spec["blocks"].as_array().into_iter().flatten() {
        let text = match (block["cidr"].as_str(), block["start"].as_str()) {
            (Some(cidr), _) => cidr.to_owned(),
            (None, Some(start)) => {
                format!("{start}-{}", block["stop"].as_str().unwrap_or(start))
            }
            (None, None) => continue,
        };
        ranges.extend(range(&text).map(|(first, last)| (first, last, text.clone())));
    }
    ranges
}

/// `first-last` or `address/length`.
fn range(text: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((first, last)) = text.split_once('-') {
        return Some((first.trim().parse().ok()?, last.trim().parse().ok()?));
    }
    let (address, length) = text.split_once('/')?;
    let (address, length): (IpAddr, u32) = (address.trim().parse().ok()?, length.parse().ok()?);
    Some(match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(length).unwrap_or(0);
            let bits = address.to_bits();
            (Ipv4Addr::from(bits & !host).into(), Ipv4Addr::from(bits | host).into())
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(length).unwrap_or(0);
            let bits = address.to_bits();
            (Ipv6Addr::from(bits & !host).into(), Ipv6Addr::from(bits | host).into())
        }
    })
}
