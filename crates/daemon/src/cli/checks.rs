//! What `preflight` and `verify` look at: the manifest, certificates, the wire, this host.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

pub(super) mod aim;
pub(super) mod api;
pub(super) mod certificate;
pub(super) mod elections;
pub(super) mod image;
pub(super) mod listening;
pub(super) mod manifest;
pub(super) mod others;
pub(super) mod owner;
pub(super) mod pools;
mod registry;
pub(super) mod rights;
mod runtime;
pub(super) mod traps;
pub(super) mod wire;

/// How long a name server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Several things in one line.
pub(super) fn list<T: fmt::Display>(all: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<_> = all.into_iter().map(|one| one.to_string()).collect();
    texts.join(", ")
}

/// The addresses of a host, which may be one itself; the error is for people.
pub(in crate::cli) async fn resolve(host: &str, port: u16) -> Result<Vec<IpAddr>, String> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    match timeout(PATIENCE, lookup_host((host, port))).await {
        Ok(Ok(found)) => Ok(found.map(|socket| socket.ip()).collect()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {PATIENCE:?}")),
    }
}
