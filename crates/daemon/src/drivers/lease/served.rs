//! What a server shows to somebody without credentials, who trusts anybody: as `curl -k` does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::client::AGENT;
use super::connection::{Connection, chain, connect};
use super::tls::{self, Trust};

/// What all of it may take.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// The longest answer that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// What was shown.
#[derive(Clone, Debug)]
pub struct Served {
    /// The certificate of the server, in DER; none: it showed none.
    pub certificate: Option<Vec<u8>>,
    /// The status of the answer.
    pub status: StatusCode,
    /// The first line of the answer, of at most 200 characters.
    pub line: String,
}

/// Why nothing was shown.
#[derive(Debug, Error)]
pub enum ServedError {
    /// No connection, no TLS or no HTTP; the text is for people and names the socket.
    #[error("{0}")]
    Failed(String),
    /// It takes too long.
    #[error("{0} does not answer within {PATIENCE:?}")]
    Slow(SocketAddr),
}

/// Asks the HTTPS server behind that socket for a path. `name` is the one that is asked for in TLS,
/// if it is no address.
///
/// # Errors
/// If there is no answer.
pub async fn look(socket: SocketAddr, name: &str, path: &str) -> Result<Served, ServedError> {
    let look = timeout(PATIENCE, ask(socket, name, path)).await;
    look.map_err(|_| ServedError::Slow(socket))?.map_err(ServedError::Failed)
}

/// The certificate alone that the TLS server behind that socket shows, in DER.
///
/// # Errors
/// If there is no TLS server.
pub async fn certificate(socket: SocketAddr) -> Result<Vec<u8>, ServedError> {
    let certificate = async {
        let stream = secure(socket, &socket.ip().to_string()).await?;
        shown(&stream).ok_or_else(|| format!("{socket} shows no certificate"))
    };
    let look = timeout(PATIENCE, certificate).await;
    look.map_err(|_| ServedError::Slow(socket))?.map_err(ServedError::Failed)
}

type Secure = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

async fn secure(socket: SocketAddr, name: &str) -> Result<Secure, String> {
    let name = ServerName::try_from(name.to_owned());
    let name = name.unwrap_or_else(|_| ServerName::from(socket.ip()));
    let config = tls::client(&Trust::Anyone, None).map_err(|error| error.to_string())?;
    let stream = connect(socket).await.map_err(|error| error.to_string())?;
    let secure = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    secure.map_err(|error| format!("no TLS with {socket}: {error}"))
}

fn shown(stream: &Secure) -> Option<Vec<u8>> {
    let certificates = stream.get_ref().1.peer_certificates()?;
    Some(certificates.first()?.as_ref().to_vec())
}

async fn ask(socket: SocketAddr, name: &str, path: &str) -> Result<Served, String> {
    let stream = secure(socket, name).await?;
    let certificate = shown(&stream);
    let connection = Connection::speak(stream, socket).await;
    let mut connection = connection.map_err(|error| error.to_string())?;
    let host = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    let request = Request::get(path)
        .header(HOST, format!("{host}:{}", socket.port()))
        .header(USER_AGENT, AGENT)
        .body(Full::<Bytes>::default())
        .map_err(|error| error.to_string())?;
    let failed = |error: &dyn std::error::Error| format!("{socket}: {}", chain(error));
    let response = connection.send(request).await.map_err(|error| failed(&error))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LONGEST).collect().await;
    let body = body.map_err(|error| failed(error.as_ref()))?.to_bytes();
    let text = String::from_utf8_lossy(&body);
    let line = text.lines().next().unwrap_or_default().chars().take(200).collect();
    Ok(Served { certificate, status, line })
}
