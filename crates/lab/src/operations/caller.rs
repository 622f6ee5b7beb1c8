//! An API client as client-go is one: it keeps its connection, asks every 50 ms, and repeats a GET
//! once when the connection was reset before an answer came.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use axum::body::Body;
use http::Request;
use hyper::client::conn::http1::SendRequest;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{Operations, OperationsError};
use crate::cluster::https::Https;
use crate::net::Host;
use crate::sys;

/// How often it asks.
pub const PERIOD: Duration = Duration::from_millis(50);

/// How long one request may take, its repetition included.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many requests go over one connection: new ones are made all the time.
const PER_CONNECTION: u32 = 20;

const PATH: &str = "/api/v1/namespaces/kube-system";

/// What came of one caller's requests.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many requests were made.
    pub requests: u64,
    /// How many were repeated because their connection was reset.
    pub resets: u64,
    /// The slowest answer.
    pub slowest: Duration,
    /// Those that failed: when, since the caller began, and why.
    pub failures: Vec<(Duration, String)>,
}

/// A caller at work. Dropping it lets it end by itself.
#[derive(Debug)]
pub struct Caller {
    /// What it calls, for people.
    pub name: String,
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Tally>,
}

impl Operations {
    /// Begins to ask the API server called `server`, a name or an address, from the workstation,
    /// whose /etc/hosts says where names are.
    ///
    /// # Errors
    /// If the workstation's network cannot be entered.
    pub fn call(&self, server: &str) -> Result<Caller, OperationsError> {
        let (host, layout) = self.workstation();
        let calling = Calling {
            server: server.to_owned(),
            hosts: layout.outside("/etc/hosts"),
            https: self.cluster.administrator().clone(),
        };
        Ok(Caller::start(host, calling)?)
    }
}

impl Caller {
    fn start(host: &Host, calling: Calling) -> Result<Self, sys::Error> {
        let (stop, name) = (Arc::new(AtomicBool::new(false)), calling.server.clone());
        let told = stop.clone();
        let namespaces = host.namespaces().clone();
        let step = sys::Error::step("start a caller");
        let work = move || {
            let mut tally = Tally::default();
            let began = Instant::now();
            if let Err(error) = namespaces.enter_network() {
                tally.failures.push((began.elapsed(), format!("enter a network: {error}")));
                return tally;
            }
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(calling.until(&told, &mut tally)),
                Err(error) => tally.failures.push((began.elapsed(), error.to_string())),
            }
            tally
        };
        let thread = thread::Builder::new().name("caller".to_owned()).spawn(work).map_err(step)?;
        Ok(Self { name, stop, thread })
    }

    /// Ends it.
    ///
    /// # Panics
    /// If it has panicked.
    #[must_use]
    pub fn stop(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

struct Calling {
    server: String,
    hosts: PathBuf,
    https: Https,
}

/// A connection, and how many requests it has carried.
struct Connection {
    sender: SendRequest<Body>,
    used: u32,
}

impl Calling {
    async fn until(&self, stop: &AtomicBool, tally: &mut Tally) {
        let began = Instant::now();
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut kept = None;
        while !stop.load(Ordering::Relaxed) {
            ticks.tick().await;
            let asked = Instant::now();
            let answer = timeout(PATIENCE, self.get(&mut kept, &mut tally.resets)).await;
            tally.requests += 1;
            tally.slowest = tally.slowest.max(asked.elapsed());
            let failure = match answer {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => format!("{error} ({:?})", error.kind()),
                Err(_) => format!("no answer within {PATIENCE:?}"),
            };
            kept = None;
            tally.failures.push((began.elapsed(), failure));
        }
    }

    /// One GET, repeated once after a reset.
    async fn get(&self, kept: &mut Option<Connection>, resets: &mut u64) -> io::Result<()> {
        match self.attempt(kept).await {
            Err(error) if is_reset(&error) => {
                *resets += 1;
                *kept = None;
                self.attempt(kept).await
            }
            answer => answer,
        }
    }

    async fn attempt(&self, kept: &mut Option<Connection>) -> io::Result<()> {
        let usable = |connection: &Connection| {
            connection.used < PER_CONNECTION && !connection.sender.is_closed()
        };
        let mut connection = match kept.take().filter(usable) {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let request = Request::get(PATH).header("host", &self.server).body(Body::empty());
        let request = request.map_err(io::Error::other)?;
        let response = connection.sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = axum::body::to_bytes(Body::new(response.into_body()), 1 << 20).await;
        let body = body.map_err(io::Error::other)?;
        if !status.is_success() {
            let body = String::from_utf8_lossy(&body).into_owned();
            return Err(io::Error::other(format!("{status}: {body}")));
        }
        connection.used += 1;
        *kept = Some(connection);
        Ok(())
    }

    async fn connect(&self) -> io::Result<Connection> {
        let address = self.address()?;
        let stream = TcpStream::connect(SocketAddr::from((address, crate::stage::PORT))).await?;
        let name = ServerName::try_from(self.server.clone()).map_err(io::Error::other)?;
        let (sender, connection) = self.https.open_as(stream, name).await?;
        tokio::spawn(connection);
        Ok(Connection { sender, used: 0 })
    }

    fn address(&self) -> io::Result<Ipv4Addr> {
        if let Ok(address) = self.server.parse() {
            return Ok(address);
        }
        let text = fs::read_to_string(&self.hosts)?;
        let found = text.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let address = words.next()?.parse().ok()?;
            words.any(|word| word == self.server).then_some(address)
        });
        found.ok_or_else(|| io::Error::other(format!("{} is not in /etc/hosts", self.server)))
    }
}

/// Whether client-go would repeat a GET after this error (`IsConnectionReset`, `IsProbableEOF`).
fn is_reset(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionReset | UnexpectedEof | BrokenPipe)
}

/// An error of HTTP's as one of the connection's, where it is that.
fn broken(error: hyper::Error) -> io::Error {
    use std::error::Error as _;
    let kind = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    let kind = kind.map(io::Error::kind);
    let closed = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    match kind {
        Some(kind) => io::Error::new(kind, error),
        None if closed => io::Error::new(io::ErrorKind::ConnectionReset, error),
        None => io::Error::other(error),
    }
}
