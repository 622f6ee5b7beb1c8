//! Questions to a cluster's API servers, each over a connection of its own.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Cluster;
use super::https::Answer;
use crate::net::Host;
use crate::stage::PORT;

/// How long one request may take, the connection included.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// On whose behalf a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Somebody who may do everything.
    Administrator,
    /// Somebody who shows no credentials.
    Nobody,
}

impl Cluster {
    /// What a node's own API server says to the administrator.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn ask(&self, node: usize, path: &str) -> io::Result<Answer> {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        self.get((self.world.node(node), local), Who::Administrator, path)
    }

    /// What the API server behind an address says to a host.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn get(
        &self,
        (from, address): (&Host, SocketAddr),
        who: Who,
        path: &str,
    ) -> io::Result<Answer> {
        let https = match who {
            Who::Administrator => &self.administrator,
            Who::Nobody => &self.nobody,
        };
        let stream = connect(from, address)?;
        self.timed(https.get(stream, path))
    }

    /// Creates an object at a node's own API server, in the administrator's name.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn create(&self, node: usize, path: &str, object: &Value) -> io::Result<Answer> {
        self.send(node, (Method::POST, path), object)
    }

    /// Gives kubeadm's administrators their rights, as `kubeadm init` does once the API answers.
    ///
    /// # Errors
    /// If there is no answer, or another one than that the binding was created.
    pub fn grant_administrators(&self) -> io::Result<()> {
        let group = "rbac.authorization.k8s.io";
        let name = "kubeadm:cluster-admins";
        let binding = json!({
            "apiVersion": format!("{group}/v1"),
            "kind": "ClusterRoleBinding",
            "metadata": { "name": name },
            "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin" },
            "subjects": [{ "apiGroup": group, "kind": "Group", "name": name }],
        });
        let answer = self.create(0, &format!("/apis/{group}/v1/clusterrolebindings"), &binding)?;
        match answer.status {
            StatusCode::CREATED => Ok(()),
            _ => Err(io::Error::other(answer.body)),
        }
    }

    fn timed(&self, answer: impl Future<Output = io::Result<Answer>>) -> io::Result<Answer> {
        // Inside of the runtime: the timer belongs to it.
        let timed = async { tokio::time::timeout(PATIENCE, answer).await };
        self.runtime.block_on(timed).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Merges `object` into what is at `path` of a node's own API server.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn patch(&self, node: usize, path: &str, object: &Value) -> io::Result<Answer> {
        self.send(node, (Method::PATCH, path), object)
    }

    /// Deletes what is at `path` of a node's own API server.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn delete(&self, node: usize, path: &str) -> io::Result<Answer> {
        self.send(node, (Method::DELETE, path), &json!({}))
    }

    fn send(&self, node: usize, request: (Method, &str), object: &Value) -> io::Result<Answer> {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        let stream = connect(self.world.node(node), local)?;
        self.timed(self.administrator.send(stream, request, object.to_string()))
    }

    /// The authority of the API servers' certificates, in PEM.
    #[must_use]
    pub fn authority(&self) -> String {
        self.pki.server_authority().certificate()
    }
}

fn connect(from: &Host, address: SocketAddr) -> io::Result<TcpStream> {
    from.run(|| TcpStream::connect_timeout(&address, PATIENCE)).map_err(io::Error::other)?
}
