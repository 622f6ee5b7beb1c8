//! A proxy in front of an API server, which can be told to make trouble.
//!
//! It ends TLS on both sides, with a certificate of the cluster for its clients, and an
//! administrator's for the API server, whose own access control it so replaces.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::StageError;
use crate::cluster::https::Https;
use crate::net::Host;
use crate::pki::Credential;
use crate::sys::namespace::Namespaces;

/// What a Kubernetes client is told when something else went wrong.
const FAILURE: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure",
"message":"an error on the server","reason":"InternalError","code":500}"#;

/// What a proxy does to requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing but to pass them on.
    #[default]
    None,
    /// It passes each on after this time.
    Delays(Duration),
    /// It answers each with 500 and passes none on.
    Fails,
    /// It passes none on until the trouble is over: then all that wait.
    Hangs,
    /// It passes each on; of those that write, it drops the answer with the connection.
    LosesAnswers,
}

/// A running proxy. Dropping it closes its connections.
#[derive(Debug)]
pub(super) struct Proxy {
    trouble: watch::Sender<Trouble>,
    task: JoinHandle<()>,
}

/// Where a proxy passes requests on to, and as whom.
#[derive(Clone)]
pub(super) struct Behind {
    pub(super) https: Https,
    pub(super) port: u16,
}

impl Behind {
    /// Where the API servers listen, each on its own host.
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Connects to the API server of a host.
    pub(super) async fn connect(&self, network: &Namespaces) -> io::Result<TcpStream> {
        let (network, address) = (network.clone(), self.address());
        let connect = move || network.run(|| TcpStream::connect(address));
        let stream = tokio::task::spawn_blocking(connect).await.map_err(io::Error::other)?;
        stream.map_err(io::Error::other)?
    }
}

#[derive(Clone)]
struct Passage {
    trouble: watch::Receiver<Trouble>,
    network: Namespaces,
    behind: Behind,
}

impl Proxy {
    /// Starts a proxy on a host, on a socket that listens there. Needs a tokio runtime around it.
    pub(super) fn start(
        host: &Host,
        listener: std::net::TcpListener,
        certificate: &Credential,
        behind: Behind,
    ) -> Result<Self, StageError> {
        let tls = tls(certificate)?;
        listener.set_nonblocking(true).map_err(StageError::Runtime)?;
        let listener = TcpListener::from_std(listener).map_err(StageError::Runtime)?;
        let (trouble, told) = watch::channel(Trouble::None);
        let passage = Passage { trouble: told, network: host.namespaces().clone(), behind };
        let task = tokio::spawn(accept(listener, tls, passage));
        Ok(Self { trouble, task })
    }

    /// Makes it do this to every request from now on.
    pub(super) fn set(&self, trouble: Trouble) {
        self.trouble.send_replace(trouble);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The connections' tasks are owned by this one and end with it.
        self.task.abort();
    }
}

fn tls(credential: &Credential) -> Result<TlsAcceptor, StageError> {
    let failed = |error: &dyn std::fmt::Display| StageError::Request(format!("proxy: {error}"));
    let chain = CertificateDer::pem_slice_iter(credential.certificate.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| failed(&error))?;
    let key = PrivateKeyDer::from_pem_slice(credential.key.as_bytes());
    let key = key.map_err(|error| failed(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|error| failed(&error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, passage: Passage) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, tls.clone(), passage.clone()));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn connection(stream: tokio::net::TcpStream, tls: TlsAcceptor, passage: Passage) {
    // Whoever fails at TLS, or goes away, hears about it from TLS.
    let Ok(stream) = tls.accept(stream).await else { return };
    let service = service_fn(|request| passage.clone().pass(request));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Passage {
    /// Answers a request. An error closes the connection without an answer.
    async fn pass(mut self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let trouble = *self.trouble.borrow();
        match trouble {
            Trouble::None | Trouble::LosesAnswers => {}
            Trouble::Delays(span) => tokio::time::sleep(span).await,
            Trouble::Fails => return Ok(failure()),
            Trouble::Hangs => {
                let over = self.trouble.wait_for(|trouble| *trouble != Trouble::Hangs).await;
                over.map_err(io::Error::other)?;
            }
        }
        let writes = ![Method::GET, Method::HEAD].contains(request.method());
        let answer = self.forward(request.map(Body::new)).await?;
        if trouble == Trouble::LosesAnswers && writes {
            return Err(io::Error::other("the answer is lost"));
        }
        Ok(answer.map(Body::new))
    }

    async fn forward(&self, request: Request<Body>) -> io::Result<Response<Incoming>> {
        let stream = self.behind.connect(&self.network).await?;
        let (mut sender, connection) = self.behind.https.open(stream).await?;
        // Ends with the last byte of the answer, or when either side goes away.
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(io::Error::other)
    }
}

fn failure() -> Response<Body> {
    let mut response = Response::new(Body::from(FAILURE));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}
