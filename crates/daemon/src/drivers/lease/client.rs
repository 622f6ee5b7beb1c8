//! Requests to the API server with whatever credentials are usable now.
//!
//! Own connections rather than a pool: a request that gets no answer must cost only its own
//! connection, the watch must share none with the writes that an election hangs on, and nothing may
//! repeat or delay a request but the core.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use serde_json::Value;
use thiserror::Error;

use super::connection::{ConnectErrors, Connection, chain};
use super::credentials::Search;
use super::identity::Identity;
use super::route::Target;
use super::server::ResolveError;
use super::servers::Servers;
use crate::metrics::requests::{Outcome, Verb};

/// The longest answer that is read, in bytes; etcd's own limit is 1.5 MiB.
const LONGEST: usize = 2 << 20;

/// How we call ourselves to the API server.
pub(super) const AGENT: &str = concat!("kube-vip/", env!("CARGO_PKG_VERSION"));

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
    /// No API server could be asked; each with its reason.
    #[error("{0}")]
    Nowhere(String),
}

impl CallError {
    /// What stood in the way at several servers.
    pub(super) fn all(mut errors: Vec<Self>) -> Self {
        if errors.len() == 1 {
            return errors.remove(0);
        }
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        Self::Nowhere(texts.join("; "))
    }
}

/// A request, before it is known to which server it goes.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Path and query, beginning with a slash.
    pub(super) path: String,
    /// A JSON text, or nothing.
    pub(super) body: Bytes,
    /// The media type of the body.
    pub(super) kind: &'static str,
}

impl Ask {
    /// What is asked, in Kubernetes' words: whatever is selected is a list.
    pub(super) fn verb(&self) -> Verb {
        let query = self.path.split_once('?').map(|(_, query)| query);
        match self.method {
            Method::POST => Verb::Create,
            Method::PUT => Verb::Update,
            Method::PATCH => Verb::Patch,
            Method::DELETE => Verb::Delete,
            _ if query.is_some_and(|query| query.contains("watch=true")) => Verb::Watch,
            _ if query.is_some() => Verb::List,
            _ => Verb::Get,
        }
    }
}

/// What came of a request that ended like this; none: nothing was sent.
fn outcome(answer: Result<StatusCode, &CallError>) -> Option<Outcome> {
    match answer {
        Ok(status) if status.is_success() => Some(Outcome::Ok),
        Ok(status) if status.is_client_error() => Some(Outcome::ClientError),
        Ok(_) => Some(Outcome::ServerError),
        Err(CallError::NoCredentials(_) | CallError::Request(_)) => None,
        Err(CallError::Refused(_)) => Some(Outcome::ClientError),
        Err(_) => Some(Outcome::NoAnswer),
    }
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
    pub(super) identity: Arc<Identity>,
    /// Which server it is from.
    pub(super) target: Target,
    pub(super) lane: Lane,
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
    pub(super) servers: Arc<Servers>,
    /// The identity that worked last, and where.
    working: Mutex<Option<(Arc<Identity>, Target)>>,
    /// People are told of it.
    says: bool,
}

impl Client {
    /// A client that says which credentials it uses, and where.
    pub(super) fn new(search: Search, servers: Arc<Servers>) -> Self {
        Self { search: Mutex::new(search), servers, working: Mutex::default(), says: true }
    }

    /// A client for what stands beside the election, with connections of its own. Rights that are
    /// missing there say nothing about the credentials in use.
    pub(super) fn beside(search: Search, servers: Arc<Servers>) -> Self {
        Self { says: false, ..Self::new(search, servers) }
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn call(&self, ask: &Ask) -> Result<Reply, CallError> {
        self.call_over(Lane::Any, ask).await
    }

    /// The same over that connection.
    pub(super) async fn call_over(&self, lane: Lane, ask: &Ask) -> Result<Reply, CallError> {
        let begun = self.servers.requests.begin(ask.verb());
        let answer = async { read(self.answer(ask, lane).await?).await }.await;
        begun.end(outcome(answer.as_ref().map(|reply| reply.status)));
        answer
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn head(&self, ask: &Ask, lane: Lane) -> Result<Head, CallError> {
        let begun = self.servers.requests.begin(ask.verb());
        let answer = self.answer(ask, lane).await;
        begun.end(outcome(answer.as_ref().map(|head| head.response.status())));
        answer
    }

    /// If the first credentials are refused, the next ones in order are tried.
    async fn answer(&self, ask: &Ask, lane: Lane) -> Result<Head, CallError> {
        let mut unusable = Vec::new();
        let mut refused = Vec::new();
        for number in 0.. {
            let identity = match self.identity(number) {
                None => break,
                Some(Ok(identity)) => identity,
                Some(Err(text)) => {
                    unusable.push(text);
                    continue;
                }
            };
            let head = match identity.exchange(ask, lane, &self.servers).await {
                Ok(head) => head,
                Err(error) if refused.is_empty() => return Err(error),
                Err(error) => {
                    refused.push(error.to_string());
                    break;
                }
            };
            let status = head.response.status();
            if status != StatusCode::UNAUTHORIZED && status != StatusCode::FORBIDDEN {
                self.works(&head);
                return Ok(head);
            }
            let label = identity.label(head.target);
            let words = read(head).await?.words();
            refused.push(format!("{label}: {words}"));
        }
        if refused.is_empty() {
            Err(CallError::NoCredentials(unusable.join("; ")))
        } else {
            Err(CallError::Refused(refused.join("; ")))
        }
    }

    /// The identity at the place with that number; see [`Search::identity`].
    pub(super) fn identity(&self, number: usize) -> Option<Result<Arc<Identity>, String>> {
        self.search.lock().unwrap_or_else(PoisonError::into_inner).identity(number)
    }

    /// The first identity that can be used; see [`Search::usable`].
    pub(super) fn usable(&self) -> Result<Arc<Identity>, String> {
        self.search.lock().unwrap_or_else(PoisonError::into_inner).usable()
    }

    /// The identity that worked last.
    pub(super) fn working(&self) -> Option<Arc<Identity>> {
        let working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        working.as_ref().map(|(identity, _)| Arc::clone(identity))
    }

    /// Says once which credentials are in use, and where.
    fn works(&self, head: &Head) {
        let (identity, target) = (&head.identity, head.target);
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        let before = working.replace((Arc::clone(identity), target));
        if before.is_none() {
            self.servers.admitted.notify_one();
        }
        if self.says && before.is_none_or(|(old, at)| old.name != identity.name || at != target) {
            let server = match target {
                Target::Named => identity.server.to_string(),
                Target::Other(socket) => format!("https://{socket}"),
            };
            tracing::info!(credentials = %identity.name, %server, "using the API server");
        }
    }
}

impl Identity {
    /// Where it goes and with what, for people.
    pub(super) fn label(&self, target: Target) -> String {
        match target {
            Target::Named => format!("{} ({})", self.server, self.name),
            Target::Other(socket) => format!("https://{socket} ({})", self.name),
        }
    }
}

/// Reads the body, and gives the connection back for the next request.
pub(super) async fn read(head: Head) -> Result<Reply, CallError> {
    let Head { response, connection, identity, target, lane } = head;
    let (parts, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| CallError::Http(identity.label(target), error))?;
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
        if bytes.len() > LONGEST {
            return Err(CallError::Long(identity.label(target)));
        }
    }
    if lane == Lane::Any {
        identity.put_idle(target, connection);
    }
    Ok(Reply { status: parts.status, body: bytes.into() })
}
