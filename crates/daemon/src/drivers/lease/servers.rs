//! The other API servers of the cluster: remembered from the EndpointSlices of the Service
//! `default/kubernetes`, into which every API server writes its own address. Without the right to
//! read them there are none.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::Shared;
use super::asks;
use super::client::{CallError, Client, Lane, Reply};
use super::near;
use super::route::Route;
use super::server::Server;
use crate::metrics::requests::Requests;

#[cfg(test)]
mod tests;

const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices\
                      ?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes";

/// How long what was read is taken for true at most, and how long a refusal is: rights may come
/// soon after the API server, as on a first node of kubeadm.
const KNOWN_FOR: Duration = Duration::from_secs(30);
const REFUSED_FOR: Duration = Duration::from_secs(300);

/// The pause after a failure, after another server has become the preferred one, and after a list
/// with news: servers that start together are in it one after the other.
const SOON: Duration = Duration::from_secs(2);

/// For so long the kernel is not asked anew for this node's own addresses.
const TOLD_FOR: Duration = Duration::from_secs(5);

/// The API servers of the cluster, as all clients see them.
#[derive(Debug)]
pub(super) struct Servers {
    /// How long a server may be silent before another one is asked beside it.
    pub(super) patience: Duration,
    /// Told when another server is preferred than before.
    pub(super) astray: Notify,
    /// Told when credentials are accepted for the first time: the right to read the list may have
    /// come with it.
    pub(super) admitted: Notify,
    /// How long they took to answer.
    pub(super) requests: Requests,
    vips: Arc<[IpAddr]>,
    seen: Mutex<Seen>,
    routes: Mutex<Vec<(String, Arc<Route>)>>,
}

#[derive(Debug, Default)]
struct Seen {
    others: Vec<SocketAddr>,
    own: Vec<SocketAddr>,
    /// What was last said of this node's own addresses, and when.
    told: Option<(Instant, Vec<IpAddr>)>,
}

impl Servers {
    /// None known. Never one of `vips`: that one is whoever holds it. `patience` is how long a
    /// server may be silent before another one is asked beside it.
    pub(super) fn new(vips: Arc<[IpAddr]>, patience: Duration) -> Self {
        Self {
            patience,
            astray: Notify::new(),
            admitted: Notify::new(),
            requests: Requests::default(),
            vips,
            seen: Mutex::default(),
            routes: Mutex::default(),
        }
    }

    /// Where requests go for which that server is the named one.
    pub(super) fn route(&self, named: &Server) -> Arc<Route> {
        let named = named.to_string();
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, route)) = routes.iter().find(|(known, _)| *known == named) {
            return Arc::clone(route);
        }
        let route = Arc::<Route>::default();
        routes.push((named, Arc::clone(&route)));
        route
    }

    /// Those on other nodes.
    pub(super) fn known(&self) -> Vec<SocketAddr> {
        self.lock().others.clone()
    }

    /// This node's own addresses, as far as they are known: those that its API server has written
    /// into the list, and those that it speaks to the others from. The kernel is asked for those
    /// every few seconds.
    pub(super) fn own(&self) -> Vec<IpAddr> {
        let mut seen = self.lock();
        if let Some((at, own)) = &seen.told
            && at.elapsed() < TOLD_FOR
        {
            return own.clone();
        }
        let vips = self.vips.iter().copied();
        let peers = vips.chain(seen.others.iter().map(SocketAddr::ip));
        let mut all: Vec<_> = seen.own.iter().map(SocketAddr::ip).collect();
        all.extend(peers.filter_map(near::source).filter(|address| !self.is_vip(*address)));
        all.sort();
        all.dedup();
        seen.told = Some((Instant::now(), all.clone()));
        all
    }

    /// Whether one of those on other nodes accepts a connection; none: none is known. Ends as soon
    /// as one does, but waits for a silent one as long as nobody stops it.
    pub(super) async fn any_accepts(&self) -> Option<bool> {
        let known = self.known();
        if known.is_empty() {
            return None;
        }
        let mut attempts = JoinSet::new();
        for socket in known {
            attempts.spawn(async move { TcpStream::connect(socket).await.is_ok() });
        }
        while let Some(attempt) = attempts.join_next().await {
            if matches!(attempt, Ok(true)) {
                return Some(true);
            }
        }
        Some(false)
    }

    /// These are all API servers now; whether that is news. What was known before stays as long as
    /// there is nothing in its place: an API server that is away for long is taken off the list.
    fn learn(&self, all: Vec<SocketAddr>) -> bool {
        let all = all.into_iter().filter(|socket| !self.is_vip(socket.ip()));
        let (own, others): (Vec<_>, Vec<_>) = all.partition(|socket| near::is_own(socket.ip()));
        let mut seen = self.lock();
        let mut news = false;
        if !own.is_empty() && seen.own != own {
            seen.own = own;
            news = true;
        }
        if !others.is_empty() && seen.others != others {
            let list: Vec<_> = others.iter().map(ToString::to_string).collect();
            tracing::info!(
                servers = %list.join(","),
                "while this node's API server does not answer, these are asked"
            );
            seen.others = others;
            news = true;
        }
        if news {
            seen.told = None;
        }
        news
    }

    fn is_vip(&self, address: IpAddr) -> bool {
        self.vips.contains(&address.to_canonical())
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the list now and then, and looks whether a named server that failed is back, until it is
/// dropped.
pub(super) async fn run(shared: Arc<Shared>) {
    let client = &shared.client;
    let mut refused = false;
    let mut due = Instant::now();
    let mut pause = SOON;
    loop {
        let servers = &client.servers;
        let named = client.working();
        let away = named.and_then(|identity| servers.route(&identity.server).away_until());
        select! {
            () = servers.admitted.notified() => due = Instant::now(),
            () = servers.astray.notified() => due = due.min(Instant::now() + SOON),
            () = sleep_until(away.map_or(due, |away| away.min(due))) => {
                if away.is_some_and(|away| away <= Instant::now()) {
                    look(client).await;
                }
                if due <= Instant::now() {
                    pause = match read(client, &mut refused).await {
                        Read::News | Read::Nothing => SOON,
                        Read::NoNews => KNOWN_FOR.min(2 * pause),
                        Read::Refused => REFUSED_FOR.min(2 * pause),
                    };
                    due = Instant::now() + pause;
                }
            }
        }
    }
}

/// Asks the named server how it is, and prefers it again if it is well.
async fn look(client: &Client) {
    let Some(identity) = client.working() else { return };
    let servers = &client.servers;
    let route = servers.route(&identity.server);
    let answer =
        timeout(servers.patience, identity.ask_named(&asks::get("/readyz".to_owned()))).await;
    match answer {
        // Who may not ask how it is gets an answer all the same.
        Ok(Ok(head)) if head.response.status().as_u16() < 500 => {
            route.answered(head.target);
        }
        _ => route.still_away(),
    }
}

/// What came of a look at the list.
enum Read {
    /// It has others than before.
    News,
    NoNews,
    /// There was no answer.
    Nothing,
    Refused,
}

/// Reads the list.
async fn read(client: &Client, refused: &mut bool) -> Read {
    let slices = asks::get(SLICES.to_owned());
    let slices = client.call_over(Lane::Own, &slices);
    let cause = match timeout(3 * client.servers.patience, slices).await {
        Ok(Ok(reply)) if reply.status == StatusCode::OK => {
            *refused = false;
            let news = client.servers.learn(servers(&reply));
            return if news { Read::News } else { Read::NoNews };
        }
        Ok(Ok(reply)) if reply.status == StatusCode::NOT_FOUND => reply.words(),
        Ok(Err(CallError::Refused(words))) => words,
        _ => return Read::Nothing,
    };
    if !*refused {
        tracing::info!(
            %cause,
            "cannot list the EndpointSlices of default/kubernetes: while the API server does not \
             answer, no other is asked"
        );
    }
    *refused = true;
    Read::Refused
}

/// The addresses in a list of EndpointSlices.
fn servers(reply: &Reply) -> Vec<SocketAddr> {
    let list = reply.json();
    let mut all = Vec::new();
    for slice in each(&list["items"]) {
        let ports = each(&slice["ports"]);
        let https = ports.iter().find(|port| port["name"] == "https").or(ports.first());
        let port = https.and_then(|port| port["port"].as_u64());
        let Some(port) = port.and_then(|port| u16::try_from(port).ok()) else { continue };
        for endpoint in each(&slice["endpoints"]) {
            let addresses = each(&endpoint["addresses"]).iter().filter_map(Value::as_str);
            let addresses = addresses.filter_map(|text| text.parse::<IpAddr>().ok());
            all.extend(addresses.map(|address| SocketAddr::new(address, port)));
        }
    }
    all.sort();
    all.dedup();
    all
}

fn each(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
