//! Single HTTPS requests to API servers, over connections that were made on a host of the lab.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::pki::Credential;

/// An answer may have this many bytes.
const MOST_BYTES: usize = 1 << 24;

/// Somebody who asks API servers.
#[derive(Clone)]
pub struct Https {
    tls: TlsConnector,
}

impl std::fmt::Debug for Https {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Https").finish_non_exhaustive()
    }
}

/// What an API server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The body; what is not UTF-8 is replaced.
    pub body: String,
}

impl Https {
    /// Trusts this authority (PEM) and shows this certificate, or none.
    ///
    /// # Errors
    /// If the certificates cannot be used.
    pub fn new(authority: &str, user: Option<&Credential>) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(authority)? {
            roots.add(certificate)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match user {
            Some(user) => {
                let key = PrivateKeyDer::from_pem_slice(user.key.as_bytes()).map_err(wrong)?;
                config.with_client_auth_cert(certificates(&user.certificate)?, key)?
            }
            None => config.with_no_client_auth(),
        };
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Asks for `path`. The server's certificate must be for the address that `stream` is connected
    /// to. There is no time limit: set one around it.
    ///
    /// # Errors
    /// If there is no whole answer.
    pub async fn get(&self, stream: TcpStream, path: &str) -> io::Result<Answer> {
        self.exchange(stream, Request::get(path).body(Body::empty())).await
    }

    /// Sends JSON to `path`: a merge patch (RFC 7396) with PATCH, else an object. Otherwise as
    /// [`Self::get`].
    ///
    /// # Errors
    /// If there is no whole answer.
    pub async fn send(
        &self,
        stream: TcpStream,
        (method, path): (Method, &str),
        json: String,
    ) -> io::Result<Answer> {
        let request = Request::builder().method(&method).uri(path);
        let kind = if method == Method::PATCH { "merge-patch+json" } else { "json" };
        let kind = format!("application/{kind}");
        let request = request.header("content-type", kind).body(Body::from(json));
        self.exchange(stream, request).await
    }

    /// Makes a connection fit for requests; it lives while the second part is polled.
    pub(crate) async fn open(
        &self,
        stream: TcpStream,
    ) -> io::Result<(SendRequest<Body>, impl Future<Output = hyper::Result<()>> + use<>)> {
        let address = stream.peer_addr()?;
        stream.set_nonblocking(true)?;
        let stream = tokio::net::TcpStream::from_std(stream)?;
        self.open_as(stream, ServerName::from(address.ip())).await
    }

    /// As [`Self::open`], on a server whose certificate must be for `name`.
    pub(crate) async fn open_as(
        &self,
        stream: tokio::net::TcpStream,
        name: ServerName<'static>,
    ) -> io::Result<(SendRequest<Body>, impl Future<Output = hyper::Result<()>> + use<>)> {
        let stream = self.tls.connect(name, stream).await?;
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)
    }

    async fn exchange(
        &self,
        stream: TcpStream,
        request: http::Result<Request<Body>>,
    ) -> io::Result<Answer> {
        let address = stream.peer_addr()?;
        let mut request = request.map_err(io::Error::other)?;
        let host = address.to_string().parse().map_err(io::Error::other)?;
        request.headers_mut().insert("host", host);
        let (mut sender, connection) = self.open(stream).await?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(io::Error::other)?;
            let status = response.status();
            let body = axum::body::to_bytes(Body::new(response.into_body()), MOST_BYTES).await;
            let body = body.map_err(io::Error::other)?;
            Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
        };
        tokio::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            // The connection may be over before its last answer is taken.
            _ = connection => exchange.await,
        }
    }
}

fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, rustls::Error> {
    let list = CertificateDer::pem_slice_iter(text.as_bytes());
    list.collect::<Result<Vec<_>, _>>().map_err(wrong)
}

fn wrong(error: rustls::pki_types::pem::Error) -> rustls::Error {
    rustls::Error::General(error.to_string())
}
