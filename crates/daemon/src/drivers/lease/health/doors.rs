//! The ways to ask how this node's API server is.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::door::{Access, Door, Paths};
use crate::drivers::lease::client::Client;
use crate::drivers::lease::files::Files;
use crate::drivers::lease::identity::{Identity, cluster_name};
use crate::drivers::lease::server::{Local, Server};
use crate::drivers::lease::tls::{self, Trust};
use crate::settings::config::HealthCheck;

/// Makes the ways.
#[derive(Debug)]
pub(super) struct Doors {
    check: HealthCheck,
    local: Local,
    /// What was made of the authority's file when it last changed.
    roots: Mutex<Option<(Vec<u8>, Arc<ClientConfig>)>>,
}

impl Doors {
    /// A check of an address of the plan is asked on this node.
    pub(super) fn new(check: HealthCheck, local: Local) -> Self {
        Self { check, local, roots: Mutex::default() }
    }

    /// It is this node's API server that is asked.
    pub(super) const fn are_near(&self) -> bool {
        self.check.url.is_none()
    }

    /// The ways to ask, in the order in which they are to be tried; at least one.
    pub(super) async fn open(&self, client: &Client) -> Vec<Door> {
        match &self.check.url {
            None => self.near(client),
            Some(url) => match Server::parse(url, self.local.clone()) {
                Ok(server) => self.there(url, &server, client).await,
                Err(error) => vec![Door::closed(Vec::new(), error.to_string())],
            },
        }
    }

    /// This node's API server, with each of the credentials.
    fn near(&self, client: &Client) -> Vec<Door> {
        let own = client.servers.own();
        let door = |identity: &Arc<Identity>| Door {
            sockets: identity.server.near(&own),
            access: match &identity.tls {
                None => Access::Plain,
                // Where the URL is another server's, this one cannot prove its name.
                Some((config, name)) => Access::tls(config, [name.clone(), cluster_name()]),
            },
            host: identity.server.authority(),
            authorization: identity.authorization.clone(),
            paths: Paths::usual(&identity.server.base),
        };
        each(client, || self.local.near(&own), door)
    }

    /// What the URL says.
    async fn there(&self, url: &str, server: &Server, client: &Client) -> Vec<Door> {
        let sockets = match server.sockets().await {
            Ok(sockets) => sockets,
            Err(error) => return vec![Door::closed(Vec::new(), error.to_string())],
        };
        let door = |access, authorization| Door {
            sockets: sockets.clone(),
            access,
            host: server.authority(),
            authorization,
            paths: Paths::of(url),
        };
        if !server.secure {
            return vec![door(Access::Plain, None)];
        }
        let Ok(name) = ServerName::try_from(server.host.clone()) else {
            let cause = format!("{:?} is no name that a certificate can prove", server.host);
            return vec![Door::closed(sockets.clone(), cause)];
        };
        let Some(path) = &self.check.authority else {
            return each(
                client,
                || sockets.clone(),
                |identity| match &identity.tls {
                    None => door(Access::Plain, None),
                    Some((config, _)) => {
                        let access = Access::tls(config, [name.clone(), cluster_name()]);
                        door(access, identity.authorization.clone())
                    }
                },
            );
        };
        match self.roots(path) {
            Ok(config) => vec![door(Access::tls(&config, [name]), None)],
            Err(cause) => vec![Door::closed(sockets.clone(), cause)],
        }
    }

    fn roots(&self, path: &Path) -> Result<Arc<ClientConfig>, String> {
        let failed = |cause: &dyn std::fmt::Display| format!("{}: {cause}", path.display());
        let pem = Files::default().read(path).map_err(|error| failed(&error))?;
        let mut roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, config)) = &*roots
            && *before == pem
        {
            return Ok(Arc::clone(config));
        }
        let config = tls::client(&Trust::Roots(&pem), None).map_err(|error| failed(&error))?;
        let config = Arc::new(config);
        *roots = Some((pem, Arc::clone(&config)));
        Ok(config)
    }
}

/// One way for each of the credentials; without any, nobody can be trusted, and what is left is to
/// see whether there is a server at `sockets`.
fn each(
    client: &Client,
    sockets: impl FnOnce() -> Vec<std::net::SocketAddr>,
    door: impl Fn(&Arc<Identity>) -> Door,
) -> Vec<Door> {
    let mut doors = Vec::new();
    let mut unusable = Vec::new();
    for identity in (0..).map_while(|number| client.identity(number)) {
        match identity {
            Ok(identity) => doors.push(door(&identity)),
            Err(cause) => unusable.push(cause),
        }
    }
    if doors.is_empty() {
        let cause = format!("no usable kubeconfig: {}", unusable.join("; "));
        doors.push(Door::closed(sockets(), cause));
    }
    doors
}
