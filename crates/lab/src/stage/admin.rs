//! What an administrator does to the cluster's objects, through one node's own API server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{LEASE, Stage, StageError};
use crate::api::server_list;
use crate::cluster::control_plane::Ports;
use crate::cluster::https::{Answer, Https};
use crate::net::Host;
use crate::pki::{ClusterPki, User};
use crate::timeline::Fault;

/// How long one request may take, the connection included.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where Nodes are.
pub(super) const NODES: &str = "/api/v1/nodes";

/// Where EndpointSlices of the namespace `default` are.
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

/// Somebody who may do everything.
#[derive(Clone, Debug)]
pub struct Administrator {
    https: Https,
    runtime: Arc<Runtime>,
}

impl Administrator {
    /// An administrator of this cluster.
    pub(super) fn new(pki: &ClusterPki) -> Result<Self, StageError> {
        let credential = pki.client(&User::new("lab", &["system:masters"]))?;
        let https = Https::new(&pki.server_authority().certificate(), Some(&credential))
            .map_err(|source| StageError::Request(source.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self { https, runtime: Arc::new(runtime.map_err(StageError::Runtime)?) })
    }

    /// What the API server behind `address` says to a host, which waits `at_most` so long.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn get(
        &self,
        (from, address): (&Host, SocketAddr),
        path: &str,
        at_most: Duration,
    ) -> Result<Answer, StageError> {
        self.send((from, address), (Method::GET, path), None, at_most)
    }

    fn send(
        &self,
        (from, address): (&Host, SocketAddr),
        (method, path): (Method, &str),
        body: Option<&Value>,
        at_most: Duration,
    ) -> Result<Answer, StageError> {
        let failed = |error: &dyn std::fmt::Display| {
            StageError::Request(format!("{method} {path} at {address}: {error}"))
        };
        let stream = from.run(|| TcpStream::connect_timeout(&address, at_most))?;
        let stream = stream.map_err(|error| failed(&error))?;
        let answer = async {
            tokio::time::timeout(at_most, async {
                match body {
                    None if method == Method::GET => self.https.get(stream, path).await,
                    body => {
                        let json = body.map_or_else(String::new, Value::to_string);
                        self.https.send(stream, (method.clone(), path), json).await
                    }
                }
            })
            .await
        };
        let answer = self.runtime.block_on(answer).map_err(|error| failed(&error))?;
        answer.map_err(|error| failed(&error))
    }
}

impl Stage {
    /// Somebody who may do everything.
    #[must_use]
    pub const fn administrator(&self) -> &Administrator {
        &self.administrator
    }

    /// Makes the objects that kubelets would have made: a Node for each node.
    pub(super) fn register(&self) -> Result<(), StageError> {
        for host in self.world.nodes() {
            let (name, address) = (host.name(), host.address());
            let labels = json!({ "kubernetes.io/hostname": name });
            let node = json!({ "metadata": { "name": name, "labels": labels } });
            self.request(0, (Method::POST, NODES), Some(&node))?;
            let address = json!([{ "type": "InternalIP", "address": address }]);
            let status = json!({ "status": { "addresses": address } });
            let path = format!("{NODES}/{name}/status");
            self.request(0, (Method::PATCH, &path), Some(&status))?;
        }
        Ok(())
    }

    /// Publishes the addresses of the API servers, as each of them does by itself otherwise.
    pub(super) fn publish(&self) -> Result<(), StageError> {
        let addresses: Vec<_> = self.world.nodes().iter().filter_map(Host::address).collect();
        let slice = json!(server_list(&addresses, super::PORT));
        self.request(0, (Method::POST, SLICES), Some(&slice)).map(drop)
    }

    /// Asks a node's own API server for something to be done.
    ///
    /// # Errors
    /// If it is not done.
    pub fn request(
        &self,
        node: usize,
        what: (Method, &str),
        body: Option<&Value>,
    ) -> Result<Value, StageError> {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, self.control_plane.port()));
        let text = format!("{} {}", what.0, what.1);
        let answer =
            self.administrator.send((self.world.node(node), local), what, body, PATIENCE)?;
        if answer.status.is_success() {
            return Ok(serde_json::from_str(&answer.body).unwrap_or_default());
        }
        Err(StageError::Request(format!("{text}: {}: {}", answer.status, answer.body)))
    }

    /// Cordons a Node, through its own API server.
    ///
    /// # Errors
    /// If it is refused; so also below.
    pub fn cordon(&self, node: usize) -> Result<(), StageError> {
        self.note(Fault::Cordoned(node));
        self.unschedulable(node, &json!(true))
    }

    /// Uncordons a Node, through its own API server.
    ///
    /// # Errors
    /// As above.
    pub fn uncordon(&self, node: usize) -> Result<(), StageError> {
        self.note(Fault::Uncordoned(node));
        self.unschedulable(node, &Value::Null)
    }

    fn unschedulable(&self, node: usize, value: &Value) -> Result<(), StageError> {
        let path = format!("{NODES}/{}", self.world.node(node).name());
        let patch = json!({ "spec": { "unschedulable": value } });
        self.request(node, (Method::PATCH, &path), Some(&patch)).map(drop)
    }

    /// The election's Lease, as a node's API server shows it.
    ///
    /// # Errors
    /// As above.
    pub fn lease(&self, node: usize) -> Result<Value, StageError> {
        self.request(node, (Method::GET, &lease_path()), None)
    }

    /// Annotates the election's Lease, through a node's API server.
    ///
    /// # Errors
    /// As above.
    pub fn annotate_lease(
        &self,
        node: usize,
        (key, value): (&str, &str),
    ) -> Result<(), StageError> {
        self.note(Fault::LeaseTouched);
        let patch = json!({ "metadata": { "annotations": { key: value } } });
        self.request(node, (Method::PATCH, &lease_path()), Some(&patch)).map(drop)
    }

    /// Deletes the election's Lease, through a node's API server.
    ///
    /// # Errors
    /// As above.
    pub fn delete_lease(&self, node: usize) -> Result<(), StageError> {
        self.note(Fault::LeaseDeleted);
        self.request(node, (Method::DELETE, &lease_path()), None).map(drop)
    }

    /// Writes over the election's Lease what it once was, whatever was written meanwhile.
    ///
    /// # Errors
    /// As above.
    pub fn restore_lease(&self, node: usize, old: &Value) -> Result<(), StageError> {
        self.note(Fault::LeaseRestored);
        let mut patch = json!({ "spec": old["spec"], "metadata": { "annotations": Value::Null } });
        if old["metadata"]["annotations"].is_object() {
            patch["metadata"]["annotations"] = old["metadata"]["annotations"].clone();
        }
        self.request(node, (Method::PATCH, &lease_path()), Some(&patch)).map(drop)
    }

    /// Whom the Lease names.
    ///
    /// # Errors
    /// As above.
    pub fn holder(&self, node: usize) -> Result<Option<usize>, StageError> {
        let lease = self.lease(node)?;
        let name = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
        Ok(self.world.nodes().iter().position(|host| host.name() == name))
    }

    /// Whether the node's member of etcd leads the others, as it says itself; where there is no
    /// etcd, it does not.
    #[must_use]
    pub fn leads_store(&self, node: usize) -> bool {
        let etcd = SocketAddr::from((Ipv4Addr::LOCALHOST, Ports::USUAL.etcd_client));
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect_timeout(&etcd, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = self.world.node(node).run(ask);
        answer.is_ok_and(|text| text.is_ok_and(|text| text.contains("etcd_server_is_leader 1")))
    }

    /// Whether an API server that is asked now answers.
    #[must_use]
    pub fn api_answers(&self, node: usize) -> bool {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, self.control_plane.port()));
        let asked = (self.world.node(node), local);
        let answer = self.administrator.get(asked, "/readyz", Duration::from_secs(1));
        answer.is_ok_and(|answer| answer.status == StatusCode::OK)
    }
}

fn lease_path() -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/{LEASE}")
}
