//! Any request to the API server, for commands that people run: with the credentials that the
//! daemon would use, or those of one kubeconfig.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::DATE;
use http::{Method, StatusCode};
use hyper::body::Bytes;
use jiff::{Timestamp, fmt::rfc2822};
use kube_vip_core::event::{Candidate, LeaseRecord};
use serde_json::Value;
use thiserror::Error;
use tokio::time::timeout;

use super::asks::{self, JSON, MERGE_PATCH};
use super::client::{Ask, CallError, Client, Head, Lane, read};
use super::convert;
use super::credentials::{Places, Search};
use super::identity::Identity;
use super::server::Local;
use super::servers::Servers;
use crate::settings::Election;

/// What one request may take.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no answer that says anything.
#[derive(Debug, Error)]
pub enum CallerError {
    /// No kubeconfig can be used; each with its reason.
    #[error("no usable kubeconfig: {0}")]
    NoCredentials(String),
    /// The API server refuses these credentials (401), or this request to them (403).
    #[error("refused: {0}")]
    Refused(String),
    /// No connection to an API server, or one that broke off.
    #[error("{0}")]
    Unreachable(String),
    /// The API server takes too long.
    #[error("no answer within {0:?}")]
    Slow(Duration),
}

impl From<CallError> for CallerError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoCredentials(text) => Self::NoCredentials(text),
            CallError::Refused(text) => Self::Refused(text),
            error => Self::Unreachable(error.to_string()),
        }
    }
}

/// An answer of the API server.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Never 401 or 403.
    pub status: StatusCode,
    /// The body; null if it is no JSON.
    pub body: Value,
    /// The body as text, at most 300 characters in one line, with the status before it.
    pub words: String,
    /// The server's clock when it answered, in whole seconds.
    pub date: Option<Timestamp>,
    /// Which server it was and with which kubeconfig it was asked, for people.
    pub from: String,
}

/// A kubeconfig that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usable {
    /// Its path, or that it is a service account.
    pub name: String,
    /// Its server: scheme, host and port.
    pub server: String,
    /// The host of that, without brackets: an address or a name.
    pub host: String,
    /// The port of that.
    pub port: u16,
}

/// Somebody who makes requests.
#[derive(Debug)]
pub struct Caller {
    /// Asks where the kubeconfig says.
    plain: Client,
    /// Asks this node's API server where the kubeconfig names an address of the plan, as the daemon
    /// does; none: no such address is known.
    near: Option<Client>,
    /// The last answer came from there.
    nobody_there: AtomicBool,
}

impl Caller {
    /// With the credentials that are found in `places`, and for an election that knows what the
    /// addresses are.
    ///
    /// Unlike the daemon it goes through an address of the plan if the kubeconfig says so: it runs
    /// on workstations as well. When nobody answers there, this node's API server is asked.
    #[must_use]
    pub fn new(election: &Election, places: &Places) -> Self {
        let client = |vips: Arc<[_]>| {
            // No other API servers are learnt: the kubeconfig's is the one that is meant.
            let servers = Arc::new(Servers::new(Arc::clone(&vips), PATIENCE));
            Client::beside(Search::new(places, Local { vips, port: election.port }), servers)
        };
        let vips: Arc<[_]> = election.vips.clone().into();
        Self {
            plain: client(Arc::from([])),
            near: (!vips.is_empty()).then(|| client(vips)),
            nobody_there: AtomicBool::new(false),
        }
    }

    /// Reads what is at that path, which begins with a slash and may have a query.
    ///
    /// # Errors
    /// If no API server answers, or refuses to; any other status is an answer.
    pub async fn get(&self, path: &str) -> Result<Answered, CallerError> {
        self.call(Method::GET, path, None).await
    }

    /// Sends an object: `POST` creates, `PUT` replaces, `PATCH` merges (RFC 7386), `DELETE` takes
    /// `DeleteOptions`.
    ///
    /// # Errors
    /// As with [`Caller::get`].
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        object: &Value,
    ) -> Result<Answered, CallerError> {
        self.call(method, path, Some(object)).await
    }

    /// Asks the API server behind that socket, whatever the kubeconfig says where it is, with the
    /// kubeconfig's credentials. The server must prove by the kubeconfig's authority that it
    /// belongs to the cluster; for which names its certificate is does not matter.
    ///
    /// # Errors
    /// As with [`Caller::get`].
    pub async fn get_at(&self, socket: SocketAddr, path: &str) -> Result<Answered, CallerError> {
        let identity = self.plain.usable().map_err(CallerError::NoCredentials)?;
        let ask = asks::get(path.to_owned());
        let answered = async { told(identity.ask_at(&ask, socket).await?).await };
        Ok(within(answered).await?)
    }

    /// The places where credentials are looked for, in order: which kubeconfig, and where its
    /// server is, or why it cannot be used (with its name).
    #[must_use]
    pub fn places(&self) -> Vec<Result<Usable, String>> {
        let all = (0..).map_while(|number| self.plain.identity(number));
        let usable = |identity: Arc<Identity>| Usable {
            name: identity.name.clone(),
            server: identity.server.to_string(),
            host: identity.server.host.clone(),
            port: identity.server.port,
        };
        all.map(|place| place.map(usable)).collect()
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        object: Option<&Value>,
    ) -> Result<Answered, CallerError> {
        let kind = if method == Method::PATCH { MERGE_PATCH } else { JSON };
        let body = object.map(|object| Bytes::from(object.to_string())).unwrap_or_default();
        let ask = Ask { method, path: path.to_owned(), body, kind };
        let (first, then) = match self.near.as_ref() {
            // It costs seconds to find out anew that nobody is there.
            Some(near) if self.nobody_there.load(Ordering::Relaxed) => (near, Some(&self.plain)),
            near => (&self.plain, near),
        };
        let answer = within(answered(first, &ask)).await;
        // A write that nobody has answered may have happened.
        let again = match &answer {
            Err(Ended::Call(CallError::Connect(..) | CallError::Resolve(..))) => true,
            Err(Ended::Slow) => ask.method == Method::GET,
            _ => false,
        };
        match then {
            Some(then) if again => {
                let answer = within(answered(then, &ask)).await?;
                self.nobody_there.fetch_xor(true, Ordering::Relaxed);
                Ok(answer)
            }
            _ => Ok(answer?),
        }
    }
}

/// How a request ended without an answer.
enum Ended {
    Call(CallError),
    Slow,
}

impl From<Ended> for CallerError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Call(error) => error.into(),
            Ended::Slow => Self::Slow(PATIENCE),
        }
    }
}

async fn within(
    call: impl Future<Output = Result<Answered, CallError>>,
) -> Result<Answered, Ended> {
    timeout(PATIENCE, call).await.map_err(|_| Ended::Slow)?.map_err(Ended::Call)
}

async fn answered(client: &Client, ask: &Ask) -> Result<Answered, CallError> {
    told(client.head(ask, Lane::Any).await?).await
}

async fn told(head: Head) -> Result<Answered, CallError> {
    let from = head.identity.label(head.target);
    let date = head.response.headers().get(DATE).and_then(|date| {
        // HTTP writes GMT where RFC 2822 has a number; jiff reads both.
        rfc2822::DateTimeParser::new().parse_timestamp(date.as_bytes()).ok()
    });
    let reply = read(head).await?;
    let (status, body, words) = (reply.status, reply.json(), reply.words());
    Ok(Answered { status, body, words, date, from })
}

/// What a Lease says about its election; none: it is not readable as a Lease.
#[must_use]
pub fn record(object: &Value) -> Option<LeaseRecord> {
    convert::observation(object).ok().map(|observation| observation.record)
}

/// Whose candidate Lease of the election by the Lease of that name it is, and what it says; none:
/// it is not one.
#[must_use]
pub fn candidate(object: &Value, lease: &str) -> Option<Candidate> {
    super::candidate::candidate(object, lease).ok().flatten()
}
