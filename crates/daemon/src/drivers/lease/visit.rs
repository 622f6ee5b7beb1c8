//! Requests through an address, to whoever is there: as clients make them, with the credentials of
//! a kubeconfig. Nothing else asks an API server this way: see `drivers::lease::server`.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use serde_json::Value;
use thiserror::Error;
use tokio_rustls::TlsConnector;

use super::client::AGENT;
use super::connection::{self, ConnectError, Connection, Tls, chain};
use super::credentials::{Places, Search};
use super::server::Local;

/// The longest answer that is read, in bytes.
const LONGEST: usize = 256 * 1024;

/// Why a visit came to nothing, or broke off.
#[derive(Debug, Error)]
pub enum VisitError {
    /// The connection was reset, or ended before the answer: what a client repeats.
    #[error("the connection was reset")]
    Reset,
    /// A host answered, and nothing listens there.
    #[error("the connection was refused")]
    Refused,
    /// Anything else; the text is for people.
    #[error("{0}")]
    Other(String),
}

impl From<ConnectError> for VisitError {
    fn from(error: ConnectError) -> Self {
        match &error {
            ConnectError::Tcp(_, cause) | ConnectError::Tls(_, cause) => {
                Self::of(cause, error.to_string())
            }
            ConnectError::Http(_, cause) => Self::http(cause),
        }
    }
}

impl VisitError {
    fn of(cause: &io::Error, text: String) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionRefused};
        match cause.kind() {
            io::ErrorKind::ConnectionReset
            | ConnectionAborted
            | BrokenPipe
            | io::ErrorKind::UnexpectedEof => Self::Reset,
            ConnectionRefused => Self::Refused,
            _ => Self::Other(text),
        }
    }

    fn http(error: &hyper::Error) -> Self {
        if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            return Self::Reset;
        }
        match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
            Some(cause) => Self::of(cause, chain(error)),
            None => Self::Other(chain(error)),
        }
    }
}

/// Somebody who visits with the first kubeconfig that can be used.
#[derive(Debug)]
pub struct Visitor {
    tls: Option<Tls>,
    base: String,
    authorization: Option<HeaderValue>,
}

impl Visitor {
    /// With the credentials that are found in `places`.
    ///
    /// # Errors
    /// If no kubeconfig can be used; each with its reason.
    pub fn new(places: &Places) -> Result<Self, String> {
        // No address is dialled elsewhere than where the visitor is sent.
        let mut search = Search::new(places, Local { vips: Arc::from([]), port: 0 });
        let identity = search.usable()?;
        Ok(Self {
            // The name that every API server proves: whether a certificate is also for the address
            // is asked by the checks.
            tls: identity.tls_elsewhere().or_else(|| identity.tls.clone()),
            base: identity.server.base.clone(),
            authorization: identity.authorization.clone(),
        })
    }

    /// Opens a connection to whoever is there.
    ///
    /// # Errors
    /// If there is none, or it proves nothing.
    pub async fn enter(&self, socket: SocketAddr) -> Result<Visit, VisitError> {
        let stream = connection::connect(socket).await?;
        let (connection, certificate) = match &self.tls {
            None => (Connection::over(stream, socket, None).await?, Vec::new()),
            Some((config, name)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name.clone(), stream).await;
                let stream = stream.map_err(|error| ConnectError::Tls(socket, error))?;
                let shown = stream.get_ref().1.peer_certificates();
                let leaf = shown.and_then(<[_]>::first);
                let certificate = leaf.map(|leaf| leaf.as_ref().to_vec()).unwrap_or_default();
                (Connection::speak(stream, socket).await?, certificate)
            }
        };
        let authorization = self.authorization.clone();
        let host = socket.to_string();
        Ok(Visit { connection, certificate, host, base: self.base.clone(), authorization })
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Visit {
    connection: Connection,
    /// The server's certificate (DER); empty without TLS.
    pub certificate: Vec<u8>,
    host: String,
    base: String,
    authorization: Option<HeaderValue>,
}

impl Visit {
    /// A connection without TLS or credentials.
    ///
    /// # Errors
    /// If there is none.
    pub async fn plain(socket: SocketAddr) -> Result<Self, VisitError> {
        let stream = connection::connect(socket).await?;
        let connection = Connection::over(stream, socket, None).await?;
        let host = socket.to_string();
        Ok(Self {
            connection,
            certificate: Vec::new(),
            host,
            base: String::new(),
            authorization: None,
        })
    }

    /// Asks for what is at that path: the status, and the body where it is JSON.
    ///
    /// # Errors
    /// If there is no whole answer.
    pub async fn get(&mut self, path: &str) -> Result<(StatusCode, Value), VisitError> {
        let mut request = Request::get(format!("{}{path}", self.base))
            .header(HOST, &self.host)
            .header(ACCEPT, "application/json, */*")
            .header(USER_AGENT, AGENT);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(Bytes::new()));
        let request = request.map_err(|error| VisitError::Other(error.to_string()))?;
        if !self.connection.ready().await {
            return Err(VisitError::Reset);
        }
        let sent = self.connection.send(request).await;
        let response = sent.map_err(|error| VisitError::http(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| match error.downcast_ref::<hyper::Error>() {
            Some(error) => VisitError::http(error),
            None => VisitError::Other(error.to_string()),
        })?;
        Ok((status, serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null)))
    }
}
