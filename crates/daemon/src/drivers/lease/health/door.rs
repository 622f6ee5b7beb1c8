//! One way to ask a server how it is, and what its answers mean.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use kube_vip_core::event::Health;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::timeout;

use crate::drivers::lease::client::AGENT;
use crate::drivers::lease::connection::{self, Connection, Tls, chain};

/// The longest answer that is read, in bytes; a `/readyz` that fails has about 2,000.
const LONGEST: usize = 64 * 1024;

/// How a server is spoken to.
#[derive(Clone, Debug)]
pub(super) enum Access {
    /// Without TLS.
    Plain,
    /// With TLS; it has to prove one of these names, which share one client.
    Tls(Vec<Tls>),
    /// Not at all, for this reason: nothing can be trusted.
    Closed(String),
}

impl Access {
    /// TLS with a server that proves one of the names.
    pub(super) fn tls<const N: usize>(
        config: &Arc<ClientConfig>,
        names: [ServerName<'static>; N],
    ) -> Self {
        Self::Tls(names.map(|name| (Arc::clone(config), name)).to_vec())
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paths {
    /// 200: ready.
    first: String,
    /// 200: it lives.
    second: Option<String>,
}

impl Paths {
    /// An API server's, below that base.
    pub(super) fn usual(base: &str) -> Self {
        Self { first: format!("{base}/readyz"), second: Some(format!("{base}/livez")) }
    }

    /// What a URL says.
    pub(super) fn of(url: &str) -> Self {
        let uri = url.trim().parse::<Uri>().unwrap_or_default();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        match path {
            "/" => Self::usual(""),
            path => Self { first: path.to_owned(), second: None },
        }
    }
}

/// A way to ask.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) sockets: Vec<SocketAddr>,
    pub(super) access: Access,
    /// The `Host` header.
    pub(super) host: String,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) paths: Paths,
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    So(Health),
    /// It says so to others: these credentials are refused.
    NotToUs,
}

/// How far a question has come.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<Option<SocketAddr>>);

impl Progress {
    fn accepted(&self, socket: SocketAddr) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket);
    }

    /// The time is over. A host without the process would have said so at once: where nothing is
    /// said, its queue of connections is full, as that of a process that hangs.
    pub(super) fn late(&self, time: Duration) -> Health {
        Health::Accepts(match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(socket) => format!("{socket} does not answer within {time:?}"),
            None => format!("no connection within {time:?}"),
        })
    }
}

/// A connection that was of use, its socket, and the TLS client that it belongs to.
#[derive(Debug, Default)]
pub(super) struct Kept(Option<(Connection, SocketAddr, Option<Arc<ClientConfig>>)>);

/// One answer.
struct Word {
    status: StatusCode,
    text: String,
}

impl Word {
    fn refused(&self) -> bool {
        matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    fn at(&self, path: &str) -> String {
        match self.text.as_str() {
            "" => format!("{path}: {}", self.status),
            text => format!("{path}: {}: {text}", self.status),
        }
    }
}

impl Door {
    /// A way that leads no further than to a connection.
    pub(super) fn closed(sockets: Vec<SocketAddr>, cause: String) -> Self {
        Self {
            sockets,
            access: Access::Closed(cause),
            host: String::new(),
            authorization: None,
            paths: Paths::usual(""),
        }
    }

    /// Asks over the connection that was kept, if it answers within `quick`; else over a new one to
    /// the first socket that makes sense.
    pub(super) async fn ask(&self, kept: &mut Kept, quick: Duration, progress: &Progress) -> Said {
        if let Some((connection, socket, client)) = kept.0.take()
            && self.owns(client.as_ref())
        {
            let said = timeout(quick, self.question(connection, socket, kept)).await;
            if let Ok(Ok(said)) = said {
                return said;
            }
        }
        let mut silent = None;
        let mut refusals = Vec::new();
        for socket in &self.sockets {
            let said = match self.open(*socket, progress).await {
                Ok(connection) => self.question(connection, *socket, kept).await,
                Err(shut) => Err(shut),
            };
            match said {
                Ok(said) => return said,
                Err(Shut::NoConnection(cause)) => refusals.push(cause),
                Err(Shut::NoSense(cause)) => {
                    silent.get_or_insert(cause);
                }
            }
        }
        if let Access::Closed(cause) = &self.access
            && refusals.is_empty()
        {
            refusals.push(cause.clone());
        }
        let refused = || Health::Refuses(refusals.join("; "));
        Said::So(silent.map_or_else(refused, Health::Accepts))
    }

    /// A connection over that TLS client is one that this door would make.
    fn owns(&self, client: Option<&Arc<ClientConfig>>) -> bool {
        match (&self.access, client) {
            (Access::Plain, None) => true,
            (Access::Tls(all), Some(client)) => {
                all.iter().any(|(config, _)| Arc::ptr_eq(config, client))
            }
            _ => false,
        }
    }

    async fn open(&self, socket: SocketAddr, progress: &Progress) -> Result<Connection, Shut> {
        let connect = async || {
            let stream = connection::connect(socket).await;
            let stream = stream.map_err(|error| Shut::NoConnection(error.to_string()))?;
            progress.accepted(socket);
            Ok(stream)
        };
        let all = match &self.access {
            Access::Tls(all) => all.as_slice(),
            Access::Plain => {
                let connection = Connection::over(connect().await?, socket, None).await;
                return connection.map_err(|error| Shut::NoSense(error.to_string()));
            }
            Access::Closed(cause) => {
                connect().await?;
                return Err(Shut::NoSense(cause.clone()));
            }
        };
        let mut first = None;
        for tls in all {
            match Connection::over(connect().await?, socket, Some(tls)).await {
                Ok(connection) => return Ok(connection),
                Err(error) => {
                    first.get_or_insert(error.to_string());
                }
            }
        }
        Err(Shut::NoSense(first.unwrap_or_default()))
    }

    /// Asks over that connection, and keeps it if it is of further use.
    async fn question(
        &self,
        mut connection: Connection,
        socket: SocketAddr,
        kept: &mut Kept,
    ) -> Result<Said, Shut> {
        let Paths { first, second } = &self.paths;
        let ready = self.word(&mut connection, first).await?;
        let live = match second {
            Some(second) if ready.status != StatusCode::OK => {
                if !connection.ready().await {
                    connection = self.open(socket, &Progress::default()).await?;
                }
                Some((second, self.word(&mut connection, second).await?))
            }
            _ => None,
        };
        if connection.ready().await {
            let client = match &self.access {
                Access::Tls(all) => all.first().map(|(config, _)| Arc::clone(config)),
                Access::Plain | Access::Closed(_) => None,
            };
            kept.0 = Some((connection, socket, client));
        }
        Ok(judge((first, &ready), live.as_ref().map(|(path, word)| (path.as_str(), word))))
    }

    async fn word(&self, connection: &mut Connection, path: &str) -> Result<Word, Shut> {
        let no_sense = |cause: String| Shut::NoSense(format!("{path}: {cause}"));
        let mut request = Request::builder()
            .uri(path)
            .header(HOST, &self.host)
            .header(ACCEPT, "*/*")
            .header(USER_AGENT, AGENT);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(Bytes::new()));
        let request = request.map_err(|error| no_sense(error.to_string()))?;
        let response = connection.send(request).await.map_err(|error| no_sense(chain(&error)))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LONGEST).collect().await;
        let body = body.map_err(|error| no_sense(error.to_string()))?.to_bytes();
        Ok(Word { status: parts.status, text: complaint(&String::from_utf8_lossy(&body)) })
    }
}

/// Why a server cannot be asked.
enum Shut {
    /// There is no connection.
    NoConnection(String),
    /// There is, but nothing that makes sense comes over it.
    NoSense(String),
}

/// What the answers mean.
fn judge((first, ready): (&str, &Word), live: Option<(&str, &Word)>) -> Said {
    if ready.status == StatusCode::OK {
        return Said::So(Health::Ready);
    }
    match live {
        None if ready.refused() => Said::NotToUs,
        None => Said::So(Health::Accepts(ready.at(first))),
        Some((_, live)) if ready.refused() && live.refused() => Said::NotToUs,
        // Nobody knows better.
        Some((_, live)) if ready.refused() && live.status == StatusCode::OK => {
            Said::So(Health::Ready)
        }
        Some((_, live)) if live.status == StatusCode::OK => Said::So(Health::Live(ready.at(first))),
        Some((second, live)) => Said::So(Health::Accepts(live.at(second))),
    }
}

/// What an API server complains of, for people: the checks that failed, or else the first line; at
/// most 200 characters.
fn complaint(body: &str) -> String {
    let failed: Vec<_> = body.lines().filter_map(|line| line.strip_prefix("[-]")).collect();
    let text = match failed.as_slice() {
        [] => body.lines().next().unwrap_or_default().to_owned(),
        failed => failed.join(", "),
    };
    let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200);
    text.collect::<String>().trim().to_owned()
}
