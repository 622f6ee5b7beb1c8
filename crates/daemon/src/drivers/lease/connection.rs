//! One connection to an API server: TCP, TLS, HTTP/1.1. One request at a time, so that a request
//! without an answer takes nothing with it but its own connection.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long one of several addresses may take to accept.
const DIAL_TIME: Duration = Duration::from_secs(1);

/// A peer that acknowledges nothing for so long is gone: the kernel ends the connection.
const DEAD_AFTER: Duration = Duration::from_secs(10);

/// The longest head of an answer, and the buffer of one read, in bytes.
const BUFFER: usize = 64 * 1024;

/// The TLS client and the name that the server must prove.
pub(super) type Tls = (Arc<ClientConfig>, ServerName<'static>);

/// Why there is no connection.
#[derive(Debug, Error)]
pub(super) enum ConnectError {
    #[error("cannot connect to {0}: {1}")]
    Tcp(SocketAddr, #[source] io::Error),
    #[error("no TLS with {0}: {1}")]
    Tls(SocketAddr, #[source] io::Error),
    #[error("no HTTP with {}: {}", .0, chain(.1))]
    Http(SocketAddr, #[source] hyper::Error),
}

/// Why none of the addresses can be used, each with its reason.
#[derive(Debug)]
pub(super) struct ConnectErrors(Vec<ConnectError>);

impl fmt::Display for ConnectErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConnectErrors {}

/// An open connection; dropping it closes the socket, whatever is still on its way.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// Connects to the first of the addresses that accepts.
    pub(super) async fn open(
        sockets: &[SocketAddr],
        tls: Option<&Tls>,
    ) -> Result<Self, ConnectErrors> {
        let mut errors = Vec::new();
        for (index, socket) in sockets.iter().enumerate() {
            let more = index + 1 < sockets.len();
            match Self::dial(*socket, tls, more.then_some(DIAL_TIME)).await {
                Ok(connection) => return Ok(connection),
                Err(error) => errors.push(error),
            }
        }
        Err(ConnectErrors(errors))
    }

    async fn dial(
        socket: SocketAddr,
        tls: Option<&Tls>,
        limit: Option<Duration>,
    ) -> Result<Self, ConnectError> {
        let attempt = async { Self::over(connect(socket).await?, socket, tls).await };
        match limit {
            None => attempt.await,
            Some(limit) => timeout(limit, attempt)
                .await
                .unwrap_or_else(|_| Err(ConnectError::Tcp(socket, io::ErrorKind::TimedOut.into()))),
        }
    }

    /// Speaks TLS, if that is wanted, and HTTP over a stream to that socket.
    pub(super) async fn over(
        stream: TcpStream,
        socket: SocketAddr,
        tls: Option<&Tls>,
    ) -> Result<Self, ConnectError> {
        let Some((config, name)) = tls else {
            return Self::speak(stream, socket).await;
        };
        let connector = TlsConnector::from(Arc::clone(config));
        match connector.connect(name.clone(), stream).await {
            Ok(stream) => Self::speak(stream, socket).await,
            Err(error) => Err(ConnectError::Tls(socket, error)),
        }
    }

    /// Speaks HTTP over a stream to that socket.
    pub(super) async fn speak<S>(stream: S, socket: SocketAddr) -> Result<Self, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| ConnectError::Http(socket, error))?;
        let driver = tokio::spawn(async move {
            // The same error reaches the request that it hits.
            drop(connection.await);
        });
        Ok(Self { sender, driver: driver.abort_handle() })
    }

    /// Ends the connection from elsewhere.
    pub(super) fn abort_handle(&self) -> AbortHandle {
        self.driver.clone()
    }

    /// Waits until the connection can take a request; false: it never will.
    pub(super) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        self.sender.send_request(request).await
    }
}

/// A TCP connection to that socket, which notices when its peer vanishes.
pub(super) async fn connect(socket: SocketAddr) -> Result<TcpStream, ConnectError> {
    let connected = TcpStream::connect(socket).await;
    connected
        .and_then(|stream| tune(&stream).map(|()| stream))
        .map_err(|error| ConnectError::Tcp(socket, error))
}

/// Detects a peer that vanished without a word.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let probe = DEAD_AFTER / 5;
    let keepalive = TcpKeepalive::new().with_time(2 * probe).with_interval(probe).with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(DEAD_AFTER))
}

/// An error with its causes; hyper's texts leave them out.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
