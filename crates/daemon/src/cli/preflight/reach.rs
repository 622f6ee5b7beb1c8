//! The kubeconfig, and the certificates that API servers show.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use jiff::Timestamp;

use super::Scene;
use super::here::Here;
use crate::cli::checks::certificate::{self, Certificate};
use crate::cli::checks::listening::listening;
use crate::cli::checks::{list, resolve};
use crate::cli::cluster::{Cluster, ClusterError};
use crate::cli::report::Row;
use crate::drivers::lease::caller::{CallerError, Usable};

#[cfg(test)]
mod tests;

/// The row about the kubeconfig that would be used.
pub(super) fn kubeconfig(all: &[Result<Usable, String>]) -> Row {
    match all.iter().flatten().next() {
        Some(used) => {
            Row::ok("kubeconfig", format!("{} is valid; its server is {}", used.name, used.server))
        }
        None => Row::failed(
            "kubeconfig",
            format!("none can be used: {}", list(all.iter().flat_map(|one| one.as_ref().err()))),
            "name one with KUBECONFIG or k8s_config_file, and mount it; k3s writes \
             /etc/rancher/k3s/k3s.yaml at its first start, for which kube-vip waits",
        ),
    }
}

/// The row about the kubeconfig's server, which must not be an address of the plan.
pub(super) async fn server(cluster: &Cluster, here: &Here, vips: &[IpAddr], port: u16) -> Row {
    const CHECK: &str = "kubeconfig-server";
    if let Here::Elsewhere(why) = here {
        return Row::skipped(CHECK, *why);
    }
    let all = cluster.kubeconfigs();
    let Some(used) = all.iter().flatten().next() else {
        return Row::skipped(CHECK, "see the row kubeconfig");
    };
    let addresses = resolve(&used.host, used.port).await.unwrap_or_default();
    let near = !listening(Path::new("/"), port).is_empty();
    judge_server(used, &addresses, vips, near)
}

/// `near`: an API server listens on this node.
fn judge_server(used: &Usable, addresses: &[IpAddr], vips: &[IpAddr], near: bool) -> Row {
    const CHECK: &str = "kubeconfig-server";
    const REMEDY: &str = "write https://127.0.0.1 with the API server's port as the server of the \
                          nodes' own kubeconfig; people's may name the address";
    let vip = vips.iter().find(|vip| addresses.contains(vip));
    match vip {
        None => Row::ok(CHECK, format!("{} is not the address", used.server)),
        Some(vip) if near => Row::warning(
            CHECK,
            format!(
                "{} is {vip} itself: this kube-vip asks the node's own API server instead, but \
                 the original would depend on the address that it is to hold",
                used.server
            ),
            REMEDY,
        ),
        Some(vip) => Row::failed(
            CHECK,
            format!(
                "{} is {vip} itself, and no API server listens on this node: nobody could ever \
                 be elected",
                used.server
            ),
            REMEDY,
        ),
    }
}

/// A row for each API server's certificate: those of the control plane's Nodes, or else this
/// node's own, or the kubeconfig's.
pub(super) async fn certificates(scene: Scene<'_>, wanted: &[String], port: u16) -> Vec<Row> {
    let Scene { cluster, api, here, .. } = scene;
    let mut servers: Vec<(String, SocketAddr)> = Vec::new();
    for node in api.control_plane() {
        let address = node.addresses.first().map(|address| SocketAddr::new(*address, port));
        servers.extend(address.map(|socket| (node.name.clone(), socket)));
    }
    if servers.is_empty() {
        match here {
            Here::Node => {
                let socket = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                servers.push((socket.to_string(), socket));
            }
            Here::Elsewhere(_) => {
                let all = cluster.kubeconfigs();
                let used = all.iter().flatten().next();
                if let Some(used) = used
                    && let Ok(found) = resolve(&used.host, used.port).await
                    && let Some(address) = found.first()
                {
                    servers.push((used.host.clone(), SocketAddr::new(*address, used.port)));
                }
            }
        }
    }
    let silent = "start the API server there; before its first start this cannot be told";
    let mut rows = Vec::new();
    for (name, socket) in servers {
        let row = certificate::shown("certificate", socket, wanted, api.now(), silent).await;
        rows.push(row.of(name));
    }
    rows
}

/// The row about k3s' Secret with the certificate that its servers share.
pub(super) async fn secret(cluster: &Cluster, wanted: &[String], now: Timestamp) -> Row {
    judge_secret(cluster.secret("kube-system", "k3s-serving").await, wanted, now)
}

type Secret = Option<std::collections::BTreeMap<String, Vec<u8>>>;

fn judge_secret(secret: Result<Secret, ClusterError>, wanted: &[String], now: Timestamp) -> Row {
    const CHECK: &str = "serving-secret";
    match secret {
        Ok(None) => Row::skipped(CHECK, "there is no Secret kube-system/k3s-serving: no k3s"),
        Ok(Some(data)) => {
            let pem = data.get("tls.crt").map(Vec::as_slice).unwrap_or_default();
            match Certificate::from_pem(pem) {
                Some(kept) => {
                    let whose = "the certificate in the Secret kube-system/k3s-serving";
                    certificate::judge(CHECK, whose, &kept, wanted, now)
                }
                None => Row::unknown(
                    CHECK,
                    "the Secret kube-system/k3s-serving has no certificate in tls.crt",
                    "k3s writes it anew after kubectl -n kube-system delete secret k3s-serving \
                     and a restart",
                ),
            }
        }
        Err(ClusterError::Call(CallerError::Refused(_))) => {
            Row::skipped(CHECK, "these credentials may not read Secrets; an administrator's may")
        }
        Err(error) => Row::unknown(CHECK, error.to_string(), "see the row api"),
    }
}
