//! How far the way from another front to the address has been gone: certificate, name, kubeconfig,
//! and the old front.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::checks::api::Api;
use crate::cli::checks::{certificate, list, resolve};
use crate::cli::cluster::Cluster;
use crate::cli::report::Row;
use crate::drivers::lease::caller::Usable;

#[cfg(test)]
mod tests;

const CERTIFICATE: &str = "phase-1-certificate";
const DNS: &str = "phase-2-dns";
const KUBECONFIG: &str = "phase-3-kubeconfig";
const FRONT: &str = "phase-4-front";

/// How long a front may take to accept.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the phases are about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phases<'a> {
    pub(super) vips: &'a [IpAddr],
    pub(super) port: u16,
    /// The name by which people reach the API server.
    pub(super) dns_name: Option<&'a str>,
    /// The old way in: a host, or a host and a port.
    pub(super) front: Option<&'a str>,
}

impl Phases<'_> {
    /// A row for each phase, the first for each API server.
    pub(super) async fn rows(self, cluster: &Cluster, api: &Api) -> Vec<Row> {
        let mut rows = Vec::new();
        for (name, socket) in self.servers(api) {
            rows.push(self.certificate(socket, api.now()).await.of(name));
        }
        if rows.is_empty() {
            rows.push(Row::skipped(CERTIFICATE, "which API servers there are is not known"));
        }
        rows.push(match self.dns_name {
            None => Row::skipped(DNS, "no name is given: --dns-name"),
            Some(name) => dns(self.vips, &resolve(name, self.port).await).of(name),
        });
        let all = cluster.kubeconfigs();
        rows.push(match all.iter().flatten().next() {
            None => Row::skipped(KUBECONFIG, "no kubeconfig can be used: see the row api"),
            Some(used) => {
                let found = resolve(&used.host, used.port).await.unwrap_or_default();
                self.kubeconfig(used, &found).of(used.name.clone())
            }
        });
        rows.push(match self.front {
            None => Row::skipped(FRONT, "no old front is given: --front"),
            Some(text) => self.front(text).await.of(text),
        });
        rows
    }

    /// The API servers of the control plane, each by its own address; the addresses themselves
    /// where these are not known.
    fn servers(self, api: &Api) -> Vec<(String, SocketAddr)> {
        let of_node = |node: &&crate::cli::cluster::Node| {
            let address = node.addresses.first()?;
            Some((node.name.clone(), SocketAddr::new(*address, self.port)))
        };
        let nodes: Vec<_> = api.control_plane().iter().filter_map(of_node).collect();
        if !nodes.is_empty() {
            return nodes;
        }
        let sockets = self.vips.iter().map(|vip| SocketAddr::from((*vip, self.port)));
        sockets.map(|socket| (socket.to_string(), socket)).collect()
    }

    async fn certificate(self, socket: SocketAddr, now: Timestamp) -> Row {
        let mut wanted: Vec<_> = self.vips.iter().map(IpAddr::to_string).collect();
        wanted.extend(self.dns_name.map(str::to_owned));
        let silent = "make sure that the API server runs there and is reachable from here";
        certificate::shown(CERTIFICATE, socket, &wanted, now, silent).await
    }

    fn kubeconfig(self, used: &Usable, found: &[IpAddr]) -> Row {
        if !found.is_empty() && found.iter().all(IpAddr::is_loopback) {
            let why = format!(
                "{} is a node's own way in: run it with the kubeconfig that people use",
                used.server
            );
            return Row::skipped(KUBECONFIG, why);
        }
        let to_vip = |address: &IpAddr| self.vips.contains(address);
        if self.dns_name == Some(used.host.as_str()) || found.iter().any(to_vip) {
            return Row::ok(KUBECONFIG, format!("its server is {}", used.server));
        }
        Row::warning(
            KUBECONFIG,
            format!("its server is {}, which is not the address", used.server),
            format!(
                "kubectl config set-cluster NAME --server=https://{}:{}",
                self.dns_name.map_or_else(|| list(self.vips.first()), str::to_owned),
                self.port
            ),
        )
    }

    async fn front(self, text: &str) -> Row {
        let (host, port) = host_and_port(text, self.port);
        let Ok(found) = resolve(host, port).await else {
            return Row::ok(FRONT, "its name does not resolve any more");
        };
        for address in &found {
            let connect = TcpStream::connect(SocketAddr::new(*address, port));
            if matches!(timeout(PATIENCE, connect).await, Ok(Ok(_))) {
                return Row::warning(
                    FRONT,
                    format!("{address} still accepts at port {port}"),
                    "while it does, DNS can be pointed back to it; remove it when nobody uses it \
                     any more (its own connection count says so)",
                );
            }
        }
        Row::ok(FRONT, format!("nothing accepts at port {port} there"))
    }
}

/// A host with a port behind a colon, if there is one; an address of IPv6 with one has brackets.
fn host_and_port(text: &str, usual: u16) -> (&str, u16) {
    if let Ok(socket) = text.parse::<SocketAddr>() {
        let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
        return (host.trim_matches(['[', ']']), socket.port());
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, port.parse().unwrap_or(usual)),
        _ => (text, usual),
    }
}

fn dns(vips: &[IpAddr], found: &Result<Vec<IpAddr>, String>) -> Row {
    let wanted = list(vips);
    let remedy = format!("point its A record to {wanted}, and wait for the old record's TTL");
    let found = match found {
        Ok(found) => found,
        Err(error) => return Row::failed(DNS, format!("it does not resolve: {error}"), remedy),
    };
    let is_vip = |address: &&IpAddr| vips.contains(address);
    let (good, other): (Vec<&IpAddr>, Vec<&IpAddr>) = found.iter().partition(is_vip);
    if good.is_empty() {
        return Row::warning(DNS, format!("it points to {}, not to {wanted}", list(other)), remedy);
    }
    if !other.is_empty() {
        return Row::warning(DNS, format!("it points to {} as well", list(other)), remedy);
    }
    Row::ok(DNS, format!("it points to {}", list(good)))
}
