//! An API server of our own for one process: Leases, Nodes and Events over TLS, and where the API
//! servers are, with the semantics of a real one (list, watch, resourceVersion, conflicts,
//! credentials; `tests/contract.rs` holds both to the same), and with faults on demand. Several
//! servers share one [`Store`], as several real ones share etcd; each has its own life.

mod access;
mod answer;
mod failure;
mod front;
mod kind;
mod published;
mod route;
mod store;
#[cfg(test)]
mod tests;
mod watching;

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::pki::{ClusterPki, Credential, PkiError, User};
use access::Access;
use front::{Front, Stalling};

pub use published::server_list;
pub use store::Store;

/// Why an API server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Something that should be PEM is not.
    #[error("the {what} is not PEM")]
    Pem {
        /// Which part.
        what: &'static str,
        /// What the reader says.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key are refused by TLS.
    #[error("the certificates cannot be used")]
    Tls(#[source] rustls::Error),
    /// The client authority is refused by TLS.
    #[error("the client authority cannot be used")]
    Authority(#[source] rustls::server::VerifierBuilderError),
    /// The listening socket cannot be used.
    #[error("the listening socket cannot be used")]
    Listener(#[source] io::Error),
}

/// What a request without credentials gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anonymous {
    /// Health and version (kubeadm); 403 for the rest.
    Allowed,
    /// 401, for health as well (k3s).
    Refused,
}

/// How long an API server waits for a store that is away. The defaults were measured at
/// kube-apiserver 1.34 whose etcd 3.4 had lost its quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For reads, which then fail with 504.
    pub read: Duration,
    /// For writes, which then fail with 504.
    pub write: Duration,
    /// For watches that run, which then end.
    pub watch: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            read: Duration::from_secs(60),
            write: Duration::from_secs(34),
            watch: Duration::from_secs(35),
        }
    }
}

/// How an API server is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// What it shows to its clients.
    pub certificate: Credential,
    /// Whose client certificates it trusts, PEM.
    pub client_authority: String,
    /// What requests without credentials get.
    pub anonymous: Anonymous,
    /// Bearer tokens and whom they stand for.
    pub tokens: BTreeMap<String, User>,
    /// How it bears the absence of its store.
    pub patience: Patience,
}

impl Options {
    /// A server of this cluster under these names and addresses, besides those that every API
    /// server has (see [`ClusterPki::api_server`]); anonymous requests as the distribution has it.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn new(pki: &ClusterPki, names: &[String]) -> Result<Self, PkiError> {
        let anonymous = match pki.distribution() {
            crate::pki::Distribution::K3s => Anonymous::Refused,
            crate::pki::Distribution::Kubeadm => Anonymous::Allowed,
        };
        Ok(Self {
            certificate: pki.api_server(names)?,
            client_authority: pki.client_authority().certificate(),
            anonymous,
            tokens: BTreeMap::new(),
            patience: Patience::default(),
        })
    }
}

/// A running API server. Dropping it kills it.
#[derive(Debug)]
pub struct ApiServer {
    front: Arc<Front>,
    tls: Arc<ServerConfig>,
    address: SocketAddr,
    life: Option<Life>,
}

#[derive(Debug)]
struct Life {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl ApiServer {
    /// Starts an API server over this store on a socket that listens already, wherever (in
    /// whichever network namespace) it was made. Needs a tokio runtime around it, whose tasks
    /// then serve.
    ///
    /// # Errors
    /// When the certificates or the socket are refused.
    pub fn start(store: &Store, listener: TcpListener, options: Options) -> Result<Self, ApiError> {
        let Options { certificate, client_authority, anonymous, tokens, patience } = options;
        let access = Access::new(&client_authority, tokens, anonymous)?;
        let tls = tls(&certificate, &access)?;
        let front = Arc::new(Front::new(store.clone(), access, patience));
        let address = listener.local_addr().map_err(ApiError::Listener)?;
        let mut server = Self { front, tls, address, life: None };
        server.serve(listener)?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills the server, as SIGKILL does: when this returns, its socket refuses connections and
    /// those that were open are closed without a word of TLS. Does nothing when it is dead.
    pub async fn kill(&mut self) {
        if let Some(Life { stop, task }) = self.life.take() {
            // Both fail only if the task has ended already.
            let _ = stop.send(());
            let _ = task.await;
        }
    }

    /// Starts a killed server again, healthy, on a new listening socket. A server that is alive
    /// is killed without waiting for it.
    ///
    /// # Errors
    /// When the socket is refused.
    pub fn restart(&mut self, listener: TcpListener) -> Result<(), ApiError> {
        self.thaw();
        self.delay(Duration::ZERO);
        self.reconnect_store();
        self.serve(listener)
    }

    /// Whether it serves (frozen or not).
    pub fn is_alive(&self) -> bool {
        self.life.is_some()
    }

    /// Freezes the server, as SIGSTOP does: connections are accepted and nothing is answered;
    /// those that are open stall.
    pub fn freeze(&self) {
        self.front.set_frozen(true);
    }

    /// Lets a frozen server go on where it was.
    pub fn thaw(&self) {
        self.front.set_frozen(false);
    }

    /// Makes every request from now on wait this long before anything is done about it. Watches
    /// that run are not delayed. Zero ends it.
    pub fn delay(&self, delay: Duration) {
        self.front.set_delay(delay);
    }

    /// Cuts the server off its store, as if etcd had no quorum: requests fail with 504 and watches
    /// end in their [`Patience`], new watches get 429, health checks fail after 2 s. (A real server
    /// has new watches and reads of version 0 go on for as long as the old watches.)
    pub fn disconnect_store(&self) {
        self.front.set_cut_off(true);
    }

    /// Gives the server its store back.
    pub fn reconnect_store(&self) {
        self.front.set_cut_off(false);
    }

    fn serve(&mut self, listener: TcpListener) -> Result<(), ApiError> {
        listener.set_nonblocking(true).map_err(ApiError::Listener)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(ApiError::Listener)?;
        self.address = listener.local_addr().map_err(ApiError::Listener)?;
        let (stop, stopped) = oneshot::channel();
        let tls = TlsAcceptor::from(Arc::clone(&self.tls));
        let task = tokio::spawn(accept(listener, tls, Arc::clone(&self.front), stopped));
        if let Some(life) = self.life.replace(Life { stop, task }) {
            life.task.abort();
        }
        Ok(())
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        if let Some(life) = self.life.take() {
            // The connections' tasks are owned by this one and end with it.
            life.task.abort();
        }
    }
}

fn tls(credential: &Credential, access: &Access) -> Result<Arc<ServerConfig>, ApiError> {
    let pem = |what| move |source| ApiError::Pem { what, source };
    let chain = CertificateDer::pem_slice_iter(credential.certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(pem("certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(credential.key.as_bytes()).map_err(pem("key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ApiError::Tls)?
        .with_client_cert_verifier(access.verifier())
        .with_single_cert(chain, key)
        .map_err(ApiError::Tls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Accepts connections until told to stop; then closes the socket first and the connections next.
async fn accept(
    listener: tokio::net::TcpListener,
    tls: TlsAcceptor,
    front: Arc<Front>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = &mut stopped => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, tls.clone(), Arc::clone(&front)));
            }
            // Out of descriptors, or the peer was faster: the next one may do better.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, front: Arc<Front>) {
    // A refusal costs at most some delay.
    let _ = stream.set_nodelay(true);
    // Whoever fails at TLS, or goes away, hears about it from TLS; nobody else needs to.
    let Ok(stream) = tls.accept(Stalling::new(stream, Arc::clone(&front))).await else { return };
    let peer = Arc::new(front.access.peer(stream.get_ref().1.peer_certificates()));
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let response =
            answer::answer(Arc::clone(&front), Arc::clone(&peer), request.map(Body::new));
        async { Ok::<_, std::convert::Infallible>(response.await) }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
