//! How this node's API server is: what it says of itself, or else whether it accepts connections.
//!
//! It is asked on this node, never through an address of the plan, with the first credentials that
//! it does not refuse. One connection is kept from one look to the next, and a new one is made as
//! soon as that one is of no use.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join;
use kube_vip_core::event::{Check, Health};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use self::door::{Kept, Progress, Said};
use self::doors::Doors;
use super::client::Client;
use super::route::{Fault, Target};
use super::server::Local;
use crate::settings::config::HealthCheck;

mod door;
mod doors;

/// Looks at this node's API server.
#[derive(Debug)]
pub(super) struct Examiner {
    doors: Doors,
    /// The connection of the last look.
    kept: Mutex<Kept>,
    /// It was said that all credentials are refused.
    told: AtomicBool,
}

impl Examiner {
    /// A question about an address of the plan is asked on this node.
    pub(super) fn new(check: HealthCheck, local: Local) -> Self {
        let doors = Doors::new(check, local);
        Self { doors, kept: Mutex::default(), told: AtomicBool::new(false) }
    }

    /// Looks, within that time; also at the other API servers, if this node's makes no sense.
    pub(super) async fn look(&self, client: &Client, time: Duration) -> Check {
        let (half, end) = (Instant::now() + time / 2, Instant::now() + time);
        let progress = Progress::default();
        let local = async {
            let health = timeout_at(end, self.ask(client, time / 2, &progress)).await;
            health.unwrap_or_else(|_| progress.late(time))
        };
        let others = async {
            let accepts = timeout_at(end, client.servers.any_accepts()).await;
            // Too late: there are some, and they are silent.
            accepts.unwrap_or(Some(false))
        };
        let mut local = pin!(local);
        let (local, elsewhere) = match timeout_at(half, &mut local).await {
            Ok(health) if makes_sense(&health) => (health, None),
            Ok(health) => (health, others.await),
            Err(_) => join(local, others).await,
        };
        if makes_sense(&local) {
            return Check { local, elsewhere: None };
        }
        self.warn(client);
        Check { local, elsewhere }
    }

    async fn ask(&self, client: &Client, quick: Duration, progress: &Progress) -> Health {
        let mut kept = self.kept.lock().await;
        for door in self.doors.open(client).await {
            if let Said::So(health) = door.ask(&mut kept, quick, progress).await {
                return health;
            }
        }
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::info!(
                "this node's API server does not say how it is to any of the credentials; as it \
                 answers, it is taken to be well"
            );
        }
        Health::Ready
    }

    /// Requests are not to wait for a server of which this is known.
    fn warn(&self, client: &Client) {
        let Some(identity) = client.working().filter(|_| self.doors.are_near()) else { return };
        let route = client.servers.route(&identity.server);
        if identity.server.is_near() && route.failed(Target::Named, Fault::Silent) {
            client.servers.astray.notify_one();
        }
    }
}

const fn makes_sense(health: &Health) -> bool {
    matches!(health, Health::Ready | Health::Live(_))
}
