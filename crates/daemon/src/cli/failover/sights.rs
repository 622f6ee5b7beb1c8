//! What is looked at while a test runs: the Lease, requests through the address, and who is there.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use kube_vip_measure::clock::Stamp;
use kube_vip_measure::gaps::Gaps;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::record::{Evidence, Requests};
use super::wire::listen;
use crate::cli::checks::wire::Wire;
use crate::cli::cluster::Cluster;
use crate::drivers::lease::visit::{Visit, VisitError, Visitor};

/// How often the Lease is read.
const LEASE_EVERY: Duration = Duration::from_millis(50);

/// How often a request is made over the connection that is kept.
const REQUEST_EVERY: Duration = Duration::from_millis(50);

/// How often whoever is at the address is asked who it is.
const STATUS_EVERY: Duration = Duration::from_millis(100);

/// What a look may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where `/status` is, unless `prometheus_server` says otherwise.
const STATUS_PORT: u16 = 2112;

/// One thing that was seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sight {
    /// Whom the Lease names; empty: nobody.
    Holder(String),
    /// Who is at the address.
    Claim(Evidence, Who),
    /// A request ended.
    Asked {
        /// How.
        end: Asked,
        /// For how long there was no answer, this one being one.
        gap: Option<Duration>,
    },
    /// Some Pod was evicted, or not.
    Evicted(Result<(), String>),
}

/// Who is at the address, as far as is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Who {
    /// That node.
    Node(String),
    /// Whoever has that MAC.
    Mac(kube_vip_core::address::Mac),
    /// Whoever has that certificate.
    Certificate(Vec<u8>),
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Answered,
    /// Answered with a status of 500 or above.
    Unwell,
    /// Its connection was reset; it was repeated at once and answered.
    Repeated,
    Failed(String),
}

/// Whoever looks. Dropping it ends all looks.
#[derive(Debug)]
pub(super) struct Looks {
    tasks: JoinSet<()>,
    teller: Teller,
    told: UnboundedReceiver<(Stamp, Sight)>,
}

/// Tells what was seen.
#[derive(Clone, Debug)]
pub(super) struct Teller(UnboundedSender<(Stamp, Sight)>);

impl Teller {
    pub(super) fn tell(&self, at: Stamp, sight: Sight) {
        // Nobody listens any more when the test is over.
        drop(self.0.send((at, sight)));
    }
}

impl Looks {
    /// Nobody looks yet.
    pub(super) fn new() -> Self {
        let (tell, told) = unbounded_channel();
        Self { tasks: JoinSet::new(), teller: Teller(tell), told }
    }

    /// For whoever else sees something.
    pub(super) fn teller(&self) -> Teller {
        self.teller.clone()
    }

    /// Another one that looks, until this is dropped.
    pub(super) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Looks at the Lease.
    pub(super) fn lease(&mut self, cluster: &Arc<Cluster>) {
        let (cluster, tell) = (Arc::clone(cluster), self.teller());
        self.tasks.spawn(async move {
            let mut ticks = ticks(LEASE_EVERY);
            loop {
                ticks.tick().await;
                // An answer that does not come says nothing; it comes later, or from elsewhere.
                if let Ok(Ok(Some(lease))) = timeout(PATIENCE, cluster.lease()).await {
                    tell.tell(Stamp::now(), Sight::Holder(lease.record.holder));
                }
            }
        });
    }

    /// Makes requests to an address, as a client with a connection of its own does.
    pub(super) fn requests(&mut self, visitor: &Arc<Visitor>, target: SocketAddr) {
        let client = Client {
            visitor: Arc::clone(visitor),
            target,
            tell: self.teller(),
            open: None,
            gaps: Gaps::default(),
        };
        self.tasks.spawn(client.run());
    }

    /// Asks whoever is at the address who it is.
    pub(super) fn status(&mut self, address: IpAddr) {
        let tell = self.teller();
        self.tasks.spawn(async move {
            let mut ticks = ticks(STATUS_EVERY);
            loop {
                ticks.tick().await;
                if let Ok(Ok(node)) = timeout(PATIENCE, who(address)).await {
                    let claim = Sight::Claim(Evidence::Status, Who::Node(node));
                    tell.tell(Stamp::now(), claim);
                }
            }
        });
    }

    /// Listens to the segment.
    pub(super) fn wire(&mut self, evidence: Evidence, wire: Wire) {
        let tell = self.teller();
        self.tasks.spawn(async move { listen(wire, evidence, &tell).await });
    }

    /// The next thing that was seen.
    pub(super) async fn next(&mut self) -> Option<(Stamp, Sight)> {
        self.told.recv().await
    }
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The node that answers at the address, as its `/status` has it.
pub(super) async fn who(address: IpAddr) -> Result<String, VisitError> {
    let mut visit = Visit::plain(SocketAddr::new(address, STATUS_PORT)).await?;
    let (_, status) = visit.get("/status").await?;
    let node = status["node"].as_str();
    node.map(ToOwned::to_owned).ok_or_else(|| VisitError::Other("no /status of kube-vip".into()))
}

/// A client that keeps its connection, and repeats a request once if it was reset, as client-go
/// repeats a GET.
struct Client {
    visitor: Arc<Visitor>,
    target: SocketAddr,
    tell: Teller,
    open: Option<Visit>,
    gaps: Gaps,
}

impl Client {
    async fn run(mut self) {
        let mut ticks = ticks(REQUEST_EVERY);
        loop {
            ticks.tick().await;
            self.gaps.sent(Stamp::now());
            let fresh = self.open.is_none();
            let mut end = self.ask().await;
            if matches!(end, Err(VisitError::Reset)) && !fresh {
                end = self.ask().await.map(|_| Asked::Repeated);
            }
            let now = Stamp::now();
            let gap = end.as_ref().ok().and_then(|_| self.gaps.answered(now));
            let end = end.unwrap_or_else(|error| Asked::Failed(error.to_string()));
            self.tell.tell(now, Sight::Asked { end, gap: gap.map(|gap| gap.length) });
        }
    }

    /// One request, over the connection that is open, or a new one.
    async fn ask(&mut self) -> Result<Asked, VisitError> {
        let open = self.open.take();
        let fresh = open.is_none();
        let asked = timeout(PATIENCE, async {
            let mut visit = match open {
                Some(visit) => visit,
                None => self.visitor.enter(self.target).await?,
            };
            let (status, _) = visit.get("/readyz").await?;
            Ok((visit, status))
        });
        let late = || VisitError::Other(format!("no answer within {PATIENCE:?}"));
        let (visit, status) = asked.await.unwrap_or_else(|_| Err(late()))?;
        if fresh && !visit.certificate.is_empty() {
            let who = Who::Certificate(visit.certificate.clone());
            self.tell.tell(Stamp::now(), Sight::Claim(Evidence::Certificate, who));
        }
        self.open = Some(visit);
        Ok(if status.is_server_error() { Asked::Unwell } else { Asked::Answered })
    }
}

impl Requests {
    /// Counts one more. `later`: it ended after the act.
    pub(super) fn count(&mut self, end: Asked, gap: Option<Duration>, acted: bool) {
        self.tried += 1;
        match end {
            Asked::Answered => self.answered += 1,
            Asked::Unwell => {
                self.answered += 1;
                self.unwell += 1;
            }
            Asked::Repeated => {
                self.answered += 1;
                self.resets += 1;
            }
            Asked::Failed(error) => {
                self.failed += 1;
                self.error = Some(error);
            }
        }
        if acted {
            self.longest = self.longest.max(gap.unwrap_or_default());
        }
    }
}
