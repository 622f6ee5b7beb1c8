//! What stands in the API server: the election's Lease, the nodes' candidate Leases, this host's
//! Node. Reads, writes and watches, as events; and Kubernetes Events of what people are told.
//!
//! No rule of the election is in here. A request of the core becomes one HTTP request, with
//! whatever credentials are usable at that moment, and its end becomes one event.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use kube_vip_core::address::NodeName;
use kube_vip_core::event::{
    Answer, Call, Candidacy, Event, Failure, LeaseWrite, Observation, Request,
};
use kube_vip_core::plan::{LeasePlan, Plan};
use kube_vip_core::status::Notice;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch::Sender;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::asks::Asks;
use self::client::{Ask, Client, Reply};
pub use self::credentials::Places;
use self::credentials::Search;
use self::events::Events;
use self::health::Examiner;
use self::kept::Kept;
use self::labels::{Labeller, Labels};
use self::node::Finder;
use self::register::Registrar;
use self::server::Local;
use self::servers::Servers;
use self::watch::{View, Watch};
use crate::metrics::requests::Requests;
use crate::settings::config::HealthCheck;

mod asks;
pub mod caller;
mod candidate;
mod candidates;
mod client;
mod connection;
mod convert;
mod credentials;
mod events;
mod exchange;
mod files;
mod health;
pub mod https;
mod identity;
mod kept;
mod labels;
pub mod mover;
pub mod naming;
mod near;
mod node;
mod register;
mod route;
pub mod served;
mod server;
mod servers;
mod shown;
mod tls;
pub mod visit;
mod watch;

/// The driver of one election's objects. Dropping it ends its tasks and closes its connections.
#[derive(Debug)]
pub struct Lease {
    shared: Arc<Shared>,
    asks: JoinSet<()>,
    looks: JoinSet<()>,
    registrar: Registrar,
    news: Events,
    labels: Option<Labels>,
    /// Never asked for anything: it only ends the tasks when it is dropped.
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    plan: LeasePlan,
    node: NodeName,
    asks: Asks,
    client: Arc<Client>,
    examiner: Examiner,
    /// A look goes on.
    looking: AtomicBool,
    kept: Kept,
    events: UnboundedSender<Event>,
    /// Told when a request has succeeded.
    answered: Arc<Notify>,
}

impl Shared {
    fn tell(&self, event: Event) {
        // Nobody listens any more when the process ends.
        drop(self.events.send(event));
    }

    /// What one request that the core sets no time for may take.
    fn patience(&self) -> Duration {
        self.plan.timings.renew_deadline() / 2
    }
}

/// This node's API server, as the settings have it.
#[derive(Clone, Debug, Default)]
pub struct Here {
    /// Its port on this node, which is asked where a kubeconfig names an address of the plan.
    pub port: u16,
    /// How it is asked for its health.
    pub health: HealthCheck,
    /// The value of the label on this host's Node while it has the address; none: no label.
    pub label: Option<String>,
}

impl From<u16> for Here {
    /// At this port, asked as usual.
    fn from(port: u16) -> Self {
        Self { port, ..Self::default() }
    }
}

impl Lease {
    /// Begins to watch the Lease of the plan, the other nodes' candidate Leases and this host's
    /// Node, within a tokio runtime. `places` may be the settings' `Credentials`; `here` may be a
    /// port.
    pub fn start(
        plan: &Plan,
        places: impl Into<Places>,
        here: impl Into<Here>,
        events: UnboundedSender<Event>,
    ) -> Self {
        let (places, Here { port, health, label }) = (places.into(), here.into());
        let vips: Arc<[_]> = plan.vips.addresses().into();
        let local = Local { vips: Arc::clone(&vips), port };
        // A third of what one request may take.
        let patience = plan.lease.timings.renew_deadline() / 6;
        let servers = Arc::new(Servers::new(Arc::clone(&vips), patience));
        let search = || Search::new(&places, local.clone());
        let beside = || Arc::new(Client::beside(search(), Arc::clone(&servers)));
        let shared = Arc::new(Shared {
            asks: Asks::lease(&plan.lease),
            client: Arc::new(Client::new(search(), Arc::clone(&servers))),
            examiner: Examiner::new(health, local.clone()),
            looking: AtomicBool::new(false),
            kept: Kept::default(),
            answered: Arc::default(),
            node: plan.node.clone(),
            plan: plan.lease.clone(),
            events,
        });
        let watching = beside();
        let owner = Arc::new(Sender::new(None));
        let found = owner.subscribe();
        let seen = Arc::new(Sender::new(None));
        let labels = label.map(|value| {
            let (client, seen, patience) = (beside(), seen.subscribe(), shared.patience());
            Labels::start(Labeller { client, value, seen, patience })
        });
        let finder = Finder {
            shared: Arc::clone(&shared),
            client: Arc::clone(&watching),
            addresses: places.addresses,
            vips: Arc::clone(&vips),
            owner,
            label: seen,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(servers::run(Arc::clone(&shared)));
        tasks.spawn(run(shown::watch(&shared)));
        tasks.spawn(run(candidates::watch(&shared, &watching)));
        tasks.spawn(finder.run());
        let registrar = Registrar::new(&shared, beside(), found);
        let news = Events::start(plan, &shared, Client::beside(search(), servers.clone()));
        let (asks, looks) = (JoinSet::new(), JoinSet::new());
        Self { shared, asks, looks, registrar, news, labels, _tasks: tasks }
    }

    /// Makes a Kubernetes Event of a notice, if it is worth one and the cluster takes it. Never
    /// waits.
    pub fn report(&mut self, notice: &Notice) {
        self.news.tell(notice);
    }

    /// All requests that are made for this driver, but for the questions to API servers how they
    /// are.
    #[must_use]
    pub fn requests(&self) -> &Requests {
        &self.shared.client.servers.requests
    }

    /// This node has the addresses from now on, or has them no longer. Never waits.
    pub fn hold(&self, holds: bool) {
        if let Some(labels) = &self.labels {
            labels.hold(holds);
        }
    }

    /// Waits until all Events are sent and the Node's label is right, but not longer than
    /// `patience`.
    pub async fn finish(&mut self, patience: Duration) {
        let labels = self.labels.as_ref();
        let settled = timeout(patience, async {
            if let Some(labels) = labels {
                labels.settle().await;
            }
        });
        // What is not done by then is left.
        let (_, ()) = tokio::join!(settled, self.news.finish(patience));
    }

    /// Starts to write our candidate Lease; [`Event::Registered`] follows, once for this and any
    /// later write that is asked for before it ends.
    pub fn register(&mut self, candidacy: Candidacy) {
        self.registrar.write(candidacy);
    }

    /// Starts to look at the API servers; [`Event::Checked`] follows within that time. While one
    /// look goes on, no other is started.
    pub fn check(&mut self, time: Duration) {
        while self.looks.try_join_next().is_some() {}
        if !self.shared.looking.swap(true, Ordering::Relaxed) {
            let shared = Arc::clone(&self.shared);
            self.looks.spawn(async move {
                let check = shared.examiner.look(&shared.client, time).await;
                shared.looking.store(false, Ordering::Relaxed);
                shared.tell(Event::Checked(check));
            });
        }
    }

    /// Starts a request; [`Event::Answered`] with its id follows within its timeout.
    pub fn ask(&mut self, request: Request) {
        while self.asks.try_join_next().is_some() {}
        let shared = Arc::clone(&self.shared);
        self.asks.spawn(async move {
            let Request { id, timeout: time, call } = request;
            let outcome = timeout(time, shared.perform(&call)).await;
            let outcome = outcome.unwrap_or(Err(Failure::Timeout));
            if outcome.is_ok() {
                shared.answered.notify_waiters();
            }
            shared.tell(Event::Answered(Answer { id, outcome }));
        });
    }
}

async fn run<V: View>(mut watch: Watch<V>) {
    watch.run().await;
}

impl Shared {
    async fn perform(&self, call: &Call) -> Result<Option<Observation>, Failure> {
        match call {
            Call::Read => {
                let reply = self.call(&self.asks.read()).await?;
                match reply.status {
                    StatusCode::OK => self.object(&reply).map(Some),
                    // Anybody may say 404; only an API server says it in a Status.
                    StatusCode::NOT_FOUND if reply.json()["kind"] == "Status" => Ok(None),
                    _ => Err(failed(&reply)),
                }
            }
            Call::Write(write) => {
                let ask = self.write(write)?;
                let reply = self.call(&ask).await?;
                match reply.status {
                    StatusCode::OK | StatusCode::CREATED => self.object(&reply).map(Some),
                    StatusCode::CONFLICT => Err(Failure::Conflict),
                    StatusCode::NOT_FOUND if write.version.is_some() => Err(Failure::Gone),
                    _ => Err(failed(&reply)),
                }
            }
        }
    }

    fn write(&self, write: &LeaseWrite) -> Result<Ask, Failure> {
        let object = match &write.version {
            None => convert::blank(&self.plan),
            // An object that is no longer here is of an old version.
            Some(version) => self.kept.at(version).ok_or(Failure::Conflict)?,
        };
        let object = convert::written(object, write, Timestamp::now()).map_err(unavailable)?;
        Ok(match write.version {
            None => self.asks.create(&object),
            Some(_) => self.asks.replace(&object),
        })
    }

    async fn call(&self, ask: &Ask) -> Result<Reply, Failure> {
        self.client.call(ask).await.map_err(unavailable)
    }

    fn object(&self, reply: &Reply) -> Result<Observation, Failure> {
        let object = reply.json();
        let observation = convert::observation(&object).map_err(unavailable)?;
        self.kept.answered(&observation.version, object);
        Ok(observation)
    }
}

/// What the server answered is none of the answers that have a meaning.
fn failed(reply: &Reply) -> Failure {
    if reply.status == StatusCode::GATEWAY_TIMEOUT {
        // The API server gave up waiting for etcd: the write may still happen.
        return Failure::Timeout;
    }
    Failure::Unavailable(reply.words())
}

fn unavailable(error: impl std::error::Error) -> Failure {
    Failure::Unavailable(error.to_string())
}
