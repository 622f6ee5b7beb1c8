//! Where an API server is: the URL of a kubeconfig, and the addresses that it is dialled at.
//!
//! Never through an address of the plan: a holder that reached the API server through the address
//! that it holds itself would depend on itself, and a candidate on the holder. A URL that names one
//! of them, or a name that resolves to one, is dialled on this node; the TLS name stays the URL's.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::uri::{Scheme, Uri};
use thiserror::Error;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::timeout;

use super::near;
use crate::resolve::{Lookup, look_up};

#[cfg(test)]
mod tests;

/// How long a name may take to resolve. After that the last known addresses are used, and this
/// node; the look-up goes on beside.
const RESOLVE_TIME: Duration = Duration::from_secs(1);

/// This node, as far as reaching the API server is concerned.
#[derive(Clone, Debug)]
pub(super) struct Local {
    /// The plan's addresses.
    pub(super) vips: Arc<[IpAddr]>,
    /// The API server's port on this node.
    pub(super) port: u16,
}

impl Local {
    fn is_vip(&self, address: IpAddr) -> bool {
        self.vips.contains(&address.to_canonical())
    }

    /// This node's API server: at the URL's port, and at the plan's if that is another one (a load
    /// balancer may serve the address at a port of its own).
    fn sockets(&self, port: u16) -> Vec<SocketAddr> {
        let mut ports = vec![port];
        ports.extend(Some(self.port).filter(|own| *own != port));
        let at = |port| move |address| SocketAddr::new(address, port);
        ports.into_iter().flat_map(|port| self.loopbacks().map(at(port))).collect()
    }

    /// That of IPv4, and where there is an IPv6 address to keep that of IPv6.
    fn loopbacks(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let six = self.vips.iter().any(IpAddr::is_ipv6).then(|| Ipv6Addr::LOCALHOST.into());
        std::iter::once(Ipv4Addr::LOCALHOST.into()).chain(six)
    }

    /// Where this node's API server may be if nothing is known of it: on loopback, and at this
    /// node's `own` addresses.
    pub(super) fn near(&self, own: &[IpAddr]) -> Vec<SocketAddr> {
        let own = own.iter().copied().filter(|own| !self.is_vip(*own) && !own.is_loopback());
        let all = self.loopbacks().chain(own);
        all.map(|address| SocketAddr::new(address, self.port)).collect()
    }
}

/// Why a kubeconfig's `server` cannot be used. The URL itself is not repeated: it may hold a
/// password.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum UrlError {
    #[error("server is no URL")]
    Malformed,
    #[error("server begins neither with https:// nor with http://")]
    Scheme,
    #[error("server names no host")]
    Host,
}

/// Why there is no address to dial.
#[derive(Debug, Error)]
pub(super) enum ResolveError {
    #[error("cannot resolve {0}: {1}")]
    Failed(String, #[source] io::Error),
    #[error("cannot resolve {0}: no answer within a second")]
    Slow(String),
    #[error("{0} has no address")]
    Nothing(String),
}

/// An API server.
#[derive(Debug)]
pub(super) struct Server {
    /// Spoken to in TLS.
    pub(super) secure: bool,
    /// The host of the URL, without brackets.
    pub(super) host: String,
    /// The port of the URL.
    pub(super) port: u16,
    /// What stands before `/apis` in paths; often empty, never ending in a slash.
    pub(super) base: String,
    local: Local,
    near_first: bool,
    names: Names,
}

impl Server {
    /// The server that the URL names.
    pub(super) fn parse(url: &str, local: Local) -> Result<Self, UrlError> {
        let uri: Uri = url.trim().parse().map_err(|_| UrlError::Malformed)?;
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(UrlError::Scheme),
        };
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(UrlError::Host);
        }
        Ok(Self {
            secure,
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            base: uri.path().trim_end_matches('/').to_owned(),
            local,
            near_first: false,
            names: Names::default(),
        })
    }

    /// Dials this node's API server before what the URL names: a Service's address leads there only
    /// once something on this node forwards it, and to any server of the cluster. TLS tells whether
    /// what listens here is one of them, so that nothing changes where the URL is not of https.
    pub(super) const fn prefer_near(&mut self) {
        self.near_first = self.secure;
    }

    /// Host and port, as in a `Host` header.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether it is this node's, as far as is known without asking a name server.
    pub(super) fn is_near(&self) -> bool {
        self.near_first
            || self
                .literal()
                .iter()
                .any(|address| self.local.is_vip(*address) || near::is_here(*address))
    }

    /// Where this node's API server may be, in order: where the URL says, if that is this node or
    /// an address of the plan; on loopback; and at this node's `own` addresses.
    pub(super) fn near(&self, own: &[IpAddr]) -> Vec<SocketAddr> {
        let mut all = Vec::new();
        for address in self.literal() {
            if self.local.is_vip(address) {
                all.extend(self.local.sockets(self.port));
            } else if near::is_here(address) {
                all.push(SocketAddr::new(address, self.port));
            }
        }
        for socket in self.local.near(own) {
            if !all.contains(&socket) {
                all.push(socket);
            }
        }
        all
    }

    /// The URL's address, or what its name last resolved to.
    fn literal(&self) -> Vec<IpAddr> {
        match self.host.parse() {
            Ok(address) => vec![address],
            Err(_) if self.host == "localhost" => vec![Ipv4Addr::LOCALHOST.into()],
            Err(_) => self.names.known(),
        }
    }

    /// The addresses to dial, in order; takes at most [`RESOLVE_TIME`].
    pub(super) async fn sockets(&self) -> Result<Vec<SocketAddr>, ResolveError> {
        let (addresses, failure) = match self.host.parse::<IpAddr>() {
            Ok(address) => (vec![address], None),
            Err(_) => match self.names.resolve(&self.host).await {
                Ok(addresses) => (addresses, None),
                Err(failure) => (self.names.known(), Some(failure)),
            },
        };
        if addresses.iter().any(|address| self.local.is_vip(*address)) {
            return Ok(self.local.sockets(self.port));
        }
        let near = SocketAddr::from((Ipv4Addr::LOCALHOST, self.local.port));
        let mut all: Vec<_> =
            addresses.iter().map(|address| SocketAddr::new(*address, self.port)).collect();
        if self.near_first && !all.contains(&near) {
            all.insert(0, near);
        }
        match failure {
            None => Ok(all),
            // The name may be the address's own and the name server out of reach without it. TLS
            // tells whether this node's server is the one that is meant.
            Some(_) if self.secure => {
                all.extend(self.local.sockets(self.port));
                Ok(all)
            }
            Some(_) if !all.is_empty() => Ok(all),
            Some(failure) => Err(failure),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

/// One name's addresses. `getaddrinfo` blocks, for half a minute when no name server answers: it
/// runs in a thread of its own, one at a time.
#[derive(Debug, Default)]
struct Names {
    running: AsyncMutex<Option<Lookup>>,
    known: Mutex<Vec<IpAddr>>,
}

impl Names {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let slow = || ResolveError::Slow(name.to_owned());
        let failed = |error| ResolveError::Failed(name.to_owned(), error);
        let answer = timeout(RESOLVE_TIME, async {
            let mut running = self.running.lock().await;
            let lookup = match &mut *running {
                Some(lookup) => lookup,
                none => none.insert(look_up(name)?),
            };
            // If the time is over first, the look-up stays for the next caller.
            let answer = lookup.await;
            *running = None;
            answer.unwrap_or_else(|_| Err(io::Error::other("the look-up broke off")))
        });
        let addresses = answer.await.map_err(|_| slow())?.map_err(failed)?;
        if addresses.is_empty() {
            return Err(ResolveError::Nothing(name.to_owned()));
        }
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = addresses.clone();
        Ok(addresses)
    }

    /// What the name resolved to last.
    fn known(&self) -> Vec<IpAddr> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
