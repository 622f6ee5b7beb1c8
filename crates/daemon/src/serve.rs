//! HTTP for people and programs: `/metrics`, `/status`, `/healthz` and a page for browsers.
//!
//! Everything here only looks: no request changes anything. The servers share the control loop's
//! thread, so that a loop that hangs answers no probe either; what a client can cost is bounded by
//! `server::Limits`.

mod bind;
pub mod health;
pub mod page;
mod routes;
mod server;
pub mod view;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::metrics::{Metrics, Release};
use crate::published::Published;
use crate::resolve::Unresolved;
use crate::settings::Settings;
use crate::settings::config::{Config, Listen};
use kube_vip_core::plan::Plan;
use server::{Limits, Server};

/// A port that is taken is tried again so often.
const RETRY: Duration = Duration::from_secs(10);

/// What the servers show.
#[derive(Debug)]
pub struct Shared {
    /// What this node was told to do.
    pub plan: Plan,
    /// What runs here.
    pub release: Release,
    /// The clock of the moments in the status.
    pub clock: Clock,
    /// The counters.
    pub metrics: Metrics,
    /// What the control loop publishes.
    pub published: watch::Receiver<Published>,
}

/// Which servers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeConfig {
    /// Where `/metrics` and everything else is served (`prometheus_server`).
    pub metrics: Option<Listen>,
    /// The port of `/healthz`, `/livez` and `/readyz` alone (`health_check_port`).
    pub health_port: Option<u16>,
}

impl From<&Config> for ServeConfig {
    fn from(config: &Config) -> Self {
        Self { metrics: config.metrics, health_port: config.health_port }
    }
}

impl From<&Settings> for ServeConfig {
    fn from(settings: &Settings) -> Self {
        let values = settings.values();
        Self { metrics: values.metrics, health_port: values.health_port }
    }
}

/// Running servers; dropping this ends them and closes their connections.
#[derive(Debug)]
pub struct Servers {
    metrics: Option<SocketAddr>,
    health: Option<SocketAddr>,
    tasks: JoinSet<()>,
}

impl Servers {
    /// Where the first server listens; none: it is switched off, or its port was taken at the start
    /// (it is tried again).
    #[must_use]
    pub const fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// The same of the health server.
    #[must_use]
    pub const fn health(&self) -> Option<SocketAddr> {
        self.health
    }

    /// Ends them; then their ports are free.
    pub async fn end(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Starts the servers. A port that cannot be had keeps nothing else from working: it is a warning,
/// and tried again every 10 s.
///
/// # Panics
/// Outside a tokio runtime with its I/O and time drivers.
#[must_use]
pub fn start(config: ServeConfig, shared: &Arc<Shared>) -> Servers {
    listen(config, routes::everything(shared), routes::health(shared))
}

/// The same while addresses are waited for by their names, and there is no node yet: the process is
/// healthy and not ready, and says why.
///
/// # Panics
/// As [`start`].
#[must_use]
pub fn start_waiting(config: ServeConfig, unresolved: &watch::Receiver<Unresolved>) -> Servers {
    let health = routes::waiting(unresolved.clone(), &[]);
    listen(config, routes::waiting(unresolved.clone(), &["/", "/metrics", "/status"]), health)
}

fn listen(config: ServeConfig, everything: Router, health: Router) -> Servers {
    let mut tasks = JoinSet::new();
    let mut run = |listen, setting, router| {
        let server = Server { listen, setting, router, retry: RETRY, limits: Limits::default() };
        let listener = server.bind();
        let address = listener.as_ref().and_then(|bound| bound.local_addr().ok());
        tasks.spawn(server.run(listener));
        address
    };
    let metrics = config.metrics.and_then(|listen| run(listen, "prometheus_server", everything));
    let health = config.health_port.and_then(|port| {
        let listen = Listen { address: None, port };
        run(listen, "health_check_port", health)
    });
    Servers { metrics, health, tasks }
}
