//! Requests to the API server with whatever credentials are usable now.
//!
//! Own connections rather than a pool: a request that gets no answer must cost only its own
//! connection, the watch must share none with the writes that an election hangs on, and nothing may
//! repeat or delay a request but the core.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use serde_json::Value;
use thiserror::Error;

use super::connection::{ConnectErrors, Connection, chain};
use super::credentials::Search;
use super::identity::Identity;
use super::server::ResolveError;

/// The longest answer that is read, in bytes; etcd's own limit is 1.5 MiB.
const LONGEST: usize = 2 << 20;

/// How we call ourselves to the API server.
const AGENT: &str = concat!("kube-vip/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum CallError {
    /// No place has usable credentials; each with its reason.
    #[error("no usable kubeconfig: {0}")]
    NoCredentials(String),
    #[error("{0}: {1}")]
    Resolve(String, #[source] ResolveError),
    #[error("{0}: {1}")]
    Connect(String, #[source] ConnectErrors),
    #[error("{}: {}", .0, chain(.1))]
    Http(String, #[source] hyper::Error),
    #[error("{0}: the answer is longer than 2 MiB")]
    Long(String),
    #[error("no such request can be made: {0}")]
    Request(#[source] http::Error),
    /// All usable credentials were refused (401 or 403); each with the server's words.
    #[error("{0}")]
    Refused(String),
}

/// A request, before it is known to which server it goes.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Path and query, beginning with a slash.
    pub(super) path: String,
    /// A JSON text, or nothing.
    pub(super) body: Bytes,
}

/// Which connection a request goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// One that was used before, or a new one.
    Any,
    /// A new one, whatever there is.
    Own,
}

/// The head of an answer; the connection belongs to it until its body has been read.
pub(super) struct Head {
    pub(super) response: Response<Incoming>,
    pub(super) connection: Connection,
    identity: Arc<Identity>,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Reply {
    /// The body as JSON; null if it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The server's words, for people: one line of at most 300 characters.
    pub(super) fn words(&self) -> String {
        let json = self.json();
        let text = match json["message"].as_str() {
            Some(message) => message.to_owned(),
            None => String::from_utf8_lossy(&self.body).into_owned(),
        };
        let line: String =
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
        match line.trim() {
            "" => self.status.to_string(),
            line => format!("{}: {line}", self.status),
        }
    }
}

/// The requests' way out.
#[derive(Debug)]
pub(super) struct Client {
    search: Mutex<Search>,
    /// The name of the identity that worked last; none: nobody is told.
    working: Option<Mutex<String>>,
}

impl Client {
    /// A client that says which credentials it uses.
    pub(super) fn new(search: Search) -> Self {
        Self { search: Mutex::new(search), working: Some(Mutex::default()) }
    }

    /// A client for what stands beside the election, with connections of its own. Rights that are
    /// missing there say nothing about the credentials in use.
    pub(super) fn beside(search: Search) -> Self {
        Self { search: Mutex::new(search), working: None }
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn call(&self, ask: &Ask) -> Result<Reply, CallError> {
        read(self.head(ask, Lane::Any).await?).await
    }

    /// Sends a request and waits for the head of the answer. If the first credentials are refused,
    /// the next ones in order are tried.
    pub(super) async fn head(&self, ask: &Ask, lane: Lane) -> Result<Head, CallError> {
        let mut unusable = Vec::new();
        let mut refused = Vec::new();
        for number in 0.. {
            let found = self.lock().identity(number);
            let identity = match found {
                None => break,
                Some(Ok(identity)) => identity,
                Some(Err(text)) => {
                    unusable.push(text);
                    continue;
                }
            };
            let head = match Arc::clone(&identity).exchange(ask, lane).await {
                Ok(head) => head,
                Err(error) if refused.is_empty() => return Err(error),
                Err(error) => {
                    refused.push(error.to_string());
                    break;
                }
            };
            let status = head.response.status();
            if status != StatusCode::UNAUTHORIZED && status != StatusCode::FORBIDDEN {
                self.works(&identity);
                return Ok(head);
            }
            let words = read(head).await?.words();
            refused.push(format!("{}: {words}", identity.label()));
        }
        if refused.is_empty() {
            Err(CallError::NoCredentials(unusable.join("; ")))
        } else {
            Err(CallError::Refused(refused.join("; ")))
        }
    }

    fn lock(&self) -> MutexGuard<'_, Search> {
        self.search.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says once which credentials are in use.
    fn works(&self, identity: &Identity) {
        let Some(working) = &self.working else { return };
        let mut working = working.lock().unwrap_or_else(PoisonError::into_inner);
        if *working != identity.name {
            working.clone_from(&identity.name);
            tracing::info!(
                credentials = %identity.name,
                server = %identity.server,
                "using the API server"
            );
        }
    }
}

impl Identity {
    /// Where it goes and with what, for people.
    fn label(&self) -> String {
        format!("{} ({})", self.server, self.name)
    }

    async fn exchange(self: Arc<Self>, ask: &Ask, lane: Lane) -> Result<Head, CallError> {
        if lane == Lane::Any
            && let Some(mut connection) = self.take_idle()
            && connection.ready().await
        {
            // A server may close an idle connection just now. Sending again is safe: what is
            // written names a version, or creates.
            if let Ok(response) = connection.send(self.request(ask)?).await {
                return Ok(self.head(response, connection));
            }
        }
        let sockets = self.server.sockets().await;
        let sockets = sockets.map_err(|error| CallError::Resolve(self.label(), error))?;
        let mut connection = Connection::open(&sockets, self.tls.as_ref())
            .await
            .map_err(|error| CallError::Connect(self.label(), error))?;
        let response = connection
            .send(self.request(ask)?)
            .await
            .map_err(|error| CallError::Http(self.label(), error))?;
        Ok(self.head(response, connection))
    }

    fn head(self: Arc<Self>, response: Response<Incoming>, connection: Connection) -> Head {
        Head { response, connection, identity: self }
    }

    fn request(&self, ask: &Ask) -> Result<Request<Full<Bytes>>, CallError> {
        let mut request = Request::builder()
            .method(&ask.method)
            .uri(format!("{}{}", self.server.base, ask.path))
            .header(HOST, self.server.authority())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, AGENT);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if !ask.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request.body(Full::new(ask.body.clone())).map_err(CallError::Request)
    }
}

/// Reads the body, and gives the connection back for the next request.
pub(super) async fn read(head: Head) -> Result<Reply, CallError> {
    let Head { response, connection, identity } = head;
    let (parts, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| CallError::Http(identity.label(), error))?;
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
        if bytes.len() > LONGEST {
            return Err(CallError::Long(identity.label()));
        }
    }
    identity.put_idle(connection);
    Ok(Reply { status: parts.status, body: bytes.into() })
}
