//! A scripted HTTP server: what it answers, when it hangs, and which connection a request came
//! over are up to the test.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// `GET /path?query`.
    pub(crate) line: String,
    /// All header lines, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body as JSON; null if there is none.
    pub(crate) body: Value,
    /// When it was read.
    pub(crate) at: Instant,
    /// The number of its connection among those that carry requests about the election's Lease,
    /// from 0.
    pub(crate) connection: usize,
}

impl Received {
    /// The value of a header; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// Whether this begins a watch.
    pub(crate) fn is_watch(&self) -> bool {
        self.line.contains("watch=true")
    }

    /// Whether this is a list for a watch.
    pub(crate) fn is_list(&self) -> bool {
        self.line.contains("Selector") && !self.is_watch()
    }

    /// Whether this is about what stands beside the election's Lease: candidate Leases, Nodes,
    /// Events.
    pub(crate) fn is_beside(&self) -> bool {
        let all = ["/leases/plndr-cp-lock-", "labelSelector", "/api/v1/"];
        let labels = &self.body["metadata"]["labels"];
        all.iter().any(|part| self.line.contains(part))
            || labels["kube-vip.io/election"].is_string()
    }
}

/// What the server does with a request.
pub(crate) enum Reaction {
    /// Answers.
    Reply(u16, Value),
    /// Answers with a text that is no JSON.
    Text(u16, &'static str),
    /// Answers, and closes the connection.
    ReplyAndClose(u16, Value),
    /// Answers after that time.
    ReplyLate(Duration, u16, Value),
    /// Answers nothing, ever.
    Hang,
    /// Closes the connection.
    Close,
    /// Answers 200 with these lines as they come, until their sender is dropped.
    Stream(UnboundedReceiver<String>),
}

type Script = dyn FnMut(&Received) -> Reaction + Send;

/// A free port of this host.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The server; it ends when it is dropped.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

/// What all connections share.
struct Shared {
    script: Mutex<Box<Script>>,
    log: Mutex<Vec<Received>>,
    accepted: AtomicUsize,
    connections: AtomicUsize,
    /// The list of EndpointSlices; none: there is no such resource.
    endpoints: Mutex<Option<Value>>,
    endpoints_read: AtomicUsize,
}

impl Server {
    /// Serves plain HTTP on a free port of this host. There are no rights for what stands beside
    /// the election's Lease; the script hears of the rest only.
    pub(crate) async fn start(script: impl FnMut(&Received) -> Reaction + Send + 'static) -> Self {
        Self::start_with(|stream| async move { Some(stream) }, script).await
    }

    /// The same, but the script hears of everything.
    pub(crate) async fn start_whole(
        script: impl FnMut(&Received) -> Reaction + Send + 'static,
    ) -> Self {
        Self::start_as(ANYWHERE, |stream| async move { Some(stream) }, script).await
    }

    /// Serves HTTP on what `wrap` makes of each connection (none: it is dropped), with rights as
    /// [`Self::start`].
    pub(crate) async fn start_with<S, F>(
        wrap: impl Fn(TcpStream) -> F + Send + 'static,
        script: impl FnMut(&Received) -> Reaction + Send + 'static,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Option<S>> + Send + 'static,
    {
        Self::start_at(ANYWHERE, wrap, script).await
    }

    /// The same at that address.
    pub(crate) async fn start_at<S, F>(
        address: SocketAddr,
        wrap: impl Fn(TcpStream) -> F + Send + 'static,
        mut script: impl FnMut(&Received) -> Reaction + Send + 'static,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Option<S>> + Send + 'static,
    {
        let without_rights = move |received: &Received| {
            if received.is_beside() { forbidden() } else { script(received) }
        };
        Self::start_as(address, wrap, without_rights).await
    }

    async fn start_as<S, F>(
        address: SocketAddr,
        wrap: impl Fn(TcpStream) -> F + Send + 'static,
        script: impl FnMut(&Received) -> Reaction + Send + 'static,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Option<S>> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(script)),
            log: Mutex::default(),
            accepted: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            endpoints: Mutex::default(),
            endpoints_read: AtomicUsize::new(0),
        });
        let mut tasks = JoinSet::new();
        let all = Arc::clone(&shared);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                all.accepted.fetch_add(1, Ordering::Relaxed);
                let wrapped = wrap(stream);
                let shared = Arc::clone(&all);
                connections.spawn(async move {
                    if let Some(stream) = wrapped.await {
                        serve(stream, &shared).await;
                    }
                });
            }
        });
        Self { address, shared, tasks }
    }

    /// Ends it: when this returns, nothing listens there.
    pub(crate) async fn kill(mut self) {
        self.tasks.shutdown().await;
    }

    /// From now on, these are the API servers of the cluster.
    pub(crate) fn set_endpoints(&self, all: &[SocketAddr]) {
        let slice = |socket: &SocketAddr| {
            json!({
                "addressType": "IPv4",
                "endpoints": [{ "addresses": [socket.ip()], "conditions": { "ready": true } }],
                "ports": [{ "name": "https", "port": socket.port(), "protocol": "TCP" }],
            })
        };
        let items: Vec<_> = all.iter().map(slice).collect();
        let list = json!({ "kind": "EndpointSliceList", "items": items });
        *self.shared.endpoints.lock().unwrap() = Some(list);
    }

    /// How many connections have read that list, and were closed: their clients know it.
    pub(crate) fn endpoints_read(&self) -> usize {
        self.shared.endpoints_read.load(Ordering::Relaxed)
    }

    /// How many connections it has accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// The requests so far about the election's Lease that are no part of a watch.
    pub(crate) fn calls(&self) -> Vec<Received> {
        self.all().into_iter().filter(|one| !one.is_watch() && !one.is_list()).collect()
    }

    /// All requests so far about the election's Lease.
    pub(crate) fn all(&self) -> Vec<Received> {
        self.shared.log.lock().unwrap().iter().filter(|one| !one.is_beside()).cloned().collect()
    }

    /// All other requests so far.
    pub(crate) fn beside(&self) -> Vec<Received> {
        self.shared.log.lock().unwrap().iter().filter(|one| one.is_beside()).cloned().collect()
    }
}

fn forbidden() -> Reaction {
    let status = json!({ "kind": "Status", "code": 403, "reason": "Forbidden", "message": "no" });
    Reaction::Reply(403, status)
}

async fn serve<S>(stream: S, shared: &Shared)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    let mut number = None;
    let mut any_listed = false;
    while let Some(mut received) = receive(&mut stream).await {
        // The list of API servers is asked for beside everything else, and is no part of a script.
        let listed = received.line.contains("/endpointslices");
        any_listed |= listed;
        if !received.is_beside() {
            let next = || shared.connections.fetch_add(1, Ordering::Relaxed);
            received.connection = *number.get_or_insert_with(next);
        }
        let reaction = if listed {
            match shared.endpoints.lock().unwrap().clone() {
                None => forbidden(),
                Some(list) => Reaction::Reply(200, list),
            }
        } else {
            shared.log.lock().unwrap().push(received.clone());
            shared.script.lock().unwrap()(&received)
        };
        let (status, body, close) = match reaction {
            Reaction::Reply(status, body) => (status, body.to_string(), false),
            Reaction::Text(status, text) => (status, text.to_owned(), false),
            Reaction::ReplyAndClose(status, body) => (status, body.to_string(), true),
            Reaction::ReplyLate(time, status, body) => {
                tokio::time::sleep(time).await;
                (status, body.to_string(), false)
            }
            Reaction::Hang => return std::future::pending().await,
            Reaction::Close => return,
            Reaction::Stream(lines) => return pour(&mut stream, lines).await,
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\n\r\n{body}");
        if stream.write_all(head.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if close {
            return;
        }
    }
    if any_listed {
        shared.endpoints_read.fetch_add(1, Ordering::Relaxed);
    }
}

async fn pour<S>(stream: &mut BufReader<S>, mut lines: UnboundedReceiver<String>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut next = head.to_owned();
    loop {
        if stream.write_all(next.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match lines.recv().await {
            Some(line) => next = format!("{:x}\r\n{line}\r\n", line.len()),
            None => break,
        }
    }
    // The client may be gone already.
    drop(stream.write_all(b"0\r\n\r\n").await);
    drop(stream.flush().await);
}

/// None: the client closed the connection.
async fn receive<S>(stream: &mut BufReader<S>) -> Option<Received>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Received { line, headers, body, at: Instant::now(), connection: 0 })
}
