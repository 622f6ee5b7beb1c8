//! One request with one identity, at whichever of the API servers answers.
//!
//! A read goes to the next server as soon as one fails, and beside the first when that has been
//! silent for a while; the first answer counts. A write does the same until it has a connection,
//! and is then sent once: without an answer nobody knows whether it happened.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::time::{Instant, timeout};

use super::client::{AGENT, Ask, CallError, Head, Lane};
use super::connection::Connection;
use super::identity::Identity;
use super::route::{Fault, Route, Target};
use super::servers::Servers;

/// What came of one attempt.
enum Attempt<T> {
    Good(T),
    /// An answer, but another server may have a better one.
    Poor(T),
    Failed(CallError),
}

impl Identity {
    /// Sends a request and waits for the head of the answer.
    pub(super) async fn exchange(
        self: &Arc<Self>,
        ask: &Ask,
        lane: Lane,
        servers: &Servers,
    ) -> Result<Head, CallError> {
        let way = Way { servers, route: servers.route(&self.server) };
        let others = self.tls_elsewhere().map_or_else(Vec::new, |_| servers.known());
        let targets = way.route.order(&others);
        let head = if ask.method == Method::GET {
            way.race(&targets, |target| self.read(ask, lane, target)).await?
        } else {
            self.write(ask, lane, &targets, &way).await?
        };
        if lane == Lane::Own {
            way.route.watches(head.target, &head.connection);
        }
        Ok(head)
    }

    /// Asks the named server, whatever is known of it, over a connection of its own.
    pub(super) async fn ask_named(self: &Arc<Self>, ask: &Ask) -> Result<Head, CallError> {
        let connection = self.open(Target::Named).await?;
        self.send(ask, Lane::Own, Target::Named, connection).await
    }

    /// Asks the server behind that socket, over a connection of its own.
    pub(super) async fn ask_at(
        self: &Arc<Self>,
        ask: &Ask,
        socket: SocketAddr,
    ) -> Result<Head, CallError> {
        let target = Target::Other(socket);
        let connection = self.open(target).await?;
        self.send(ask, Lane::Own, target, connection).await
    }

    async fn read(self: &Arc<Self>, ask: &Ask, lane: Lane, target: Target) -> Attempt<Head> {
        if let Some(connection) = self.reuse(lane, target).await {
            // A server may close an idle connection just now: then it is asked again.
            if let Ok(head) = self.send(ask, lane, target, connection).await {
                return Attempt::of(head);
            }
        }
        let answer = match self.open(target).await {
            Ok(connection) => self.send(ask, lane, target, connection).await,
            Err(error) => Err(error),
        };
        answer.map_or_else(Attempt::Failed, Attempt::of)
    }

    async fn write(
        self: &Arc<Self>,
        ask: &Ask,
        lane: Lane,
        targets: &[Target],
        way: &Way<'_>,
    ) -> Result<Head, CallError> {
        loop {
            let connect = |target| self.connect(lane, target);
            let (target, connection, reused) = way.race(targets, connect).await?;
            let sent = Sent { way, target, at: Instant::now() };
            let answer = self.send(ask, lane, target, connection).await;
            sent.over();
            match &answer {
                // The server had closed the idle connection before anything was sent.
                Err(CallError::Http(_, error)) if reused && error.is_canceled() => continue,
                Err(_) => way.failed(target, Fault::Silent),
                Ok(head) if is_poor(head.response.status()) => way.failed(target, Fault::Unable),
                Ok(_) => {}
            }
            return answer;
        }
    }

    /// A connection that a write can go over, and whether it was used before.
    async fn connect(&self, lane: Lane, target: Target) -> Attempt<(Target, Connection, bool)> {
        if let Some(connection) = self.reuse(lane, target).await {
            return Attempt::Good((target, connection, true));
        }
        match self.open(target).await {
            Ok(connection) => Attempt::Good((target, connection, false)),
            Err(error) => Attempt::Failed(error),
        }
    }

    /// An idle connection that can take a request.
    async fn reuse(&self, lane: Lane, target: Target) -> Option<Connection> {
        if lane == Lane::Own {
            return None;
        }
        let mut connection = self.take_idle(target)?;
        connection.ready().await.then_some(connection)
    }

    /// A new connection.
    async fn open(&self, target: Target) -> Result<Connection, CallError> {
        let (sockets, elsewhere) = match target {
            Target::Named => {
                let sockets = self.server.sockets().await;
                (sockets.map_err(|error| CallError::Resolve(self.label(target), error))?, None)
            }
            Target::Other(socket) => (vec![socket], self.tls_elsewhere()),
        };
        let tls = elsewhere.as_ref().or(self.tls.as_ref());
        let connection = Connection::open(&sockets, tls).await;
        connection.map_err(|errors| CallError::Connect(self.label(target), errors))
    }

    async fn send(
        self: &Arc<Self>,
        ask: &Ask,
        lane: Lane,
        target: Target,
        mut connection: Connection,
    ) -> Result<Head, CallError> {
        let host = match target {
            Target::Named => self.server.authority(),
            Target::Other(socket) => socket.to_string(),
        };
        let response = connection.send(self.request(ask, &host)?).await;
        let response = response.map_err(|error| CallError::Http(self.label(target), error))?;
        Ok(Head { response, connection, identity: Arc::clone(self), target, lane })
    }

    fn request(&self, ask: &Ask, host: &str) -> Result<Request<Full<Bytes>>, CallError> {
        let mut request = Request::builder()
            .method(&ask.method)
            .uri(format!("{}{}", self.server.base, ask.path))
            .header(HOST, host)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, AGENT);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if !ask.body.is_empty() {
            request = request.header(CONTENT_TYPE, ask.kind);
        }
        request.body(Full::new(ask.body.clone())).map_err(CallError::Request)
    }
}

/// The way of one request.
struct Way<'a> {
    servers: &'a Servers,
    route: Arc<Route>,
}

impl Way<'_> {
    fn failed(&self, target: Target, fault: Fault) {
        if self.route.failed(target, fault) {
            self.servers.astray.notify_one();
        }
    }

    /// Makes an attempt at the first target, and at each next one when one before it has failed or
    /// is silent. The first success counts; if there is none, the first poor one.
    async fn race<T, F>(
        &self,
        targets: &[Target],
        attempt: impl Fn(Target) -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Attempt<T>>,
    {
        let mut rest = targets.iter().copied();
        let mut running = FuturesUnordered::new();
        let (mut poor, mut errors) = (None, Vec::new());
        // The one that was begun with last, as long as it may still be quick.
        let mut newest = None;
        loop {
            if newest.is_none() {
                newest = rest.next();
                running.extend(newest.map(|target| attempt(target).map(move |end| (target, end))));
            }
            let limit = if newest.is_some() { self.servers.patience } else { Duration::MAX };
            let Ok(ended) = timeout(limit, running.next()).await else {
                // It goes on, but not alone.
                newest.take().into_iter().for_each(|silent| self.failed(silent, Fault::Silent));
                continue;
            };
            let Some((target, outcome)) = ended else {
                return poor.ok_or_else(|| CallError::all(errors));
            };
            newest.take_if(|newest| *newest == target);
            match outcome {
                Attempt::Good(good) => {
                    self.route.answered(target);
                    return Ok(good);
                }
                Attempt::Poor(answer) => {
                    self.failed(target, Fault::Unable);
                    poor.get_or_insert(answer);
                }
                Attempt::Failed(error) => {
                    self.failed(target, Fault::Silent);
                    errors.push(error);
                }
            }
        }
    }
}

impl Attempt<Head> {
    fn of(head: Head) -> Self {
        if is_poor(head.response.status()) { Self::Poor(head) } else { Self::Good(head) }
    }
}

/// Answers that another server may do better than.
fn is_poor(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// A write on its way. If it is given up without an answer, the next request goes elsewhere.
struct Sent<'a> {
    way: &'a Way<'a>,
    target: Target,
    at: Instant,
}

impl Sent<'_> {
    /// There was an answer, or an error.
    fn over(self) {
        std::mem::forget(self);
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if self.at.elapsed() >= self.way.servers.patience {
            self.way.failed(self.target, Fault::Silent);
        }
    }
}
