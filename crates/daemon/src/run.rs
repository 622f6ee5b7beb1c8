//! The loop: drain effects, wait, handle.
//!
//! One task, on the one thread of the runtime, owns the node. Drivers send it events; nothing else
//! changes it.

use std::fmt::Display;
use std::future::{Future, pending};
use std::io::{self, Write as _};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::FutureExt;
use kube_vip_core::event::Event;
use kube_vip_core::moment::Moment;
use kube_vip_core::node::Node;
use rustix::rand::{GetRandomFlags, getrandom};
use thiserror::Error;
use tokio::select;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{error, info};

use crate::blackbox::Origin;
use crate::blackbox::dump::Dumps;
use crate::blackbox::recorder::Recorder;
use crate::cli::VERSION;
use crate::clock::{Clock, Wall};
use crate::drivers::{Drivers, DriversError, Rest, kernel};
use crate::instance::{Instance, InstanceError, PATIENCE};
use crate::logging::{self, Wanted};
use crate::metrics::{Metrics, Release};
use crate::published::{HEARTBEAT, Published};
use crate::resolve::Resolver;
use crate::serve::{self, Shared};
use crate::settings::config::Config;
use crate::settings::{Refusal, Settings};
use crate::sys::caps::{self, CapsError};

/// Why the daemon cannot start although its settings are fine.
#[derive(Debug, Error)]
enum StartError {
    #[error("{0}")]
    Refused(Refusal),
    #[error(transparent)]
    Capabilities(#[from] CapsError),
    #[error("no runtime: {0}")]
    Runtime(io::Error),
    #[error(transparent)]
    Instance(#[from] InstanceError),
    #[error(transparent)]
    Drivers(#[from] DriversError),
}

/// `kube-vip manager`: runs until it is told to end. 0: it has let go of everything, or the Lease
/// ends by itself; 1: it could not start, and stderr says why.
#[must_use]
pub fn manager(settings: Settings) -> ExitCode {
    let host = match kernel::host() {
        Ok(host) => host,
        Err(error) => return refuse(&format!("cannot look at this host's interfaces: {error}")),
    };
    let (names, mode) = settings.names();
    let ended = if names.is_empty() {
        let config = match settings.config(&host) {
            Ok(config) => config,
            Err(refusal) => return refuse(&refusal),
        };
        drop(settings);
        logging::init((&config).into());
        start(plain(&config))
    } else {
        // Before anything is waited for.
        if let Err(refusal) = settings.anywhere() {
            return refuse(&refusal);
        }
        let (level, format) = settings.log();
        logging::init(Wanted { level, format });
        start(named(&settings, Resolver::new(names, mode)))
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(running: impl Future<Output = Result<(), StartError>>) -> Result<(), StartError> {
    // Before anything else is started: whatever runs later has no more than this.
    caps::keep_only_network()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(StartError::Runtime)?.block_on(running)
}

async fn plain(config: &Config) -> Result<(), StartError> {
    greet(config);
    // Kept until everything is let go of.
    let _instance = Instance::claim(&config.plan.lease, PATIENCE).await?;
    run(config, pending::<()>()).await?;
    Ok(())
}

/// Where names stand in the place of addresses: waits until they are resolved, and begins anew
/// whenever they stand for something else. The old addresses are let go of, and the Lease with
/// them, before new ones are taken: at no time are there two holders of either.
async fn named(settings: &Settings, mut resolver: Resolver) -> Result<(), StartError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(DriversError::from)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(DriversError::from)?;
    let mut instance = None;
    let mut waiting = Some(serve::start_waiting(settings.into(), &resolver.unresolved()));
    let mut resolved = select! {
        biased;
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
        resolved = resolver.all() => resolved,
    };
    loop {
        let host = kernel::host().map_err(DriversError::from)?;
        let config = settings.config_with(&host, &resolved).map_err(StartError::Refused)?;
        greet(&config);
        if instance.is_none() {
            instance = Some(Instance::claim(&config.plan.lease, PATIENCE).await?);
        }
        if let Some(waiting) = waiting.take() {
            waiting.end().await;
        }
        let Some(next) = run(&config, resolver.changed(&resolved)).await? else {
            return Ok(());
        };
        let told = [terminate.recv().now_or_never(), interrupt.recv().now_or_never()];
        if told.iter().any(Option::is_some) {
            return Ok(());
        }
        info!(?next, "the addresses have changed by their name; the old ones are let go of");
        resolved = next;
    }
}

fn greet(config: &Config) {
    let plan = &config.plan;
    let addresses: Vec<String> = plan.vips.iter().map(|vip| vip.to_string()).collect();
    info!(
        version = VERSION,
        node = %plan.node,
        interface = %plan.link,
        address = addresses.join(","),
        lease = format!("{}/{}", plan.lease.namespace, plan.lease.name),
        "kube-vip starts"
    );
    logging::odd_settings(&config.warnings);
}

/// Runs one node until it has let go of everything: because it was told to end, or because of a
/// `change`, which is returned.
async fn run<T>(
    config: &Config,
    change: impl Future<Output = T>,
) -> Result<Option<T>, DriversError> {
    let mut change = pin!(change);
    let mut changed = None;
    let mut ends = false;
    let clock = Clock::start();
    let mut drivers = Drivers::start(config, clock)?;
    let mut wanted = signal(SignalKind::user_defined1())?;
    let origin = Origin { plan: config.plan.clone(), release: Release::this(), seed: seed() };
    let mut node = Node::new(config.plan.clone(), origin.seed);
    let mut recorder = Recorder::new(origin, Dumps::of(config), clock);
    let _on_panic = recorder.write_on_panic();
    let (publish, published) = watch::channel(report(&node, clock.now()));
    let shared = Arc::new(Shared {
        plan: config.plan.clone(),
        release: Release::this(),
        clock,
        metrics: Metrics::new(&config.plan, Release::this(), drivers.requests()),
        published,
    });
    let servers = serve::start(config.into(), &shared);

    while !node.finished() {
        carry_out(&mut node, &mut drivers, &shared, &mut recorder);
        let now = report(&node, clock.now());
        drivers.hold(now.holds(now.at));
        let before = publish.send_replace(now.clone());
        recorder.handled(&before.status, &now.status);
        let event = select! {
            event = drivers.next() => {
                let event = event.unwrap_or(Event::Shutdown);
                ends |= event == Event::Shutdown;
                event
            }
            change = &mut change, if changed.is_none() => {
                changed = Some(change);
                Event::Shutdown
            }
            () = tokio::time::sleep(pause(&node, clock.now())) => Event::Tick,
            Some(()) = wanted.recv() => {
                recorder.asked();
                continue;
            }
        };
        let at = clock.now();
        recorder.happened(&event, at, &node, &now.status);
        node.handle(event, at);
    }
    carry_out(&mut node, &mut drivers, &shared, &mut recorder);
    drivers.hold(false);
    drivers.finish().await;
    // The next run listens on the same ports.
    servers.end().await;
    if ends {
        info!("let go of everything; ends");
    }
    Ok(changed.filter(|_| !ends))
}

fn carry_out(node: &mut Node, drivers: &mut Drivers, shared: &Shared, recorder: &mut Recorder) {
    while let Some(effect) = node.poll() {
        recorder.followed(&effect, &shared.published.borrow().status);
        match drivers.start_effect(effect) {
            Rest::Done => {}
            Rest::Announced(address) => shared.metrics.announced(address),
            Rest::Tell(notice) => {
                let before = &shared.published.borrow().status;
                shared.metrics.observe(&notice, before, shared.clock.now());
                logging::tell(&notice, &shared.plan, Wall::read(shared.clock));
                drivers.report(&notice);
            }
        }
    }
}

fn report(node: &Node, at: Moment) -> Published {
    Published { status: node.status(), at }
}

/// Until the node's deadline, or the next heartbeat.
fn pause(node: &Node, now: Moment) -> std::time::Duration {
    node.deadline().map_or(HEARTBEAT, |deadline| deadline.since(now).min(HEARTBEAT))
}

/// Marks this process's writes; the kernel's generator never fails once the host has booted.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    match getrandom(&mut bytes, GetRandomFlags::empty()) {
        Ok(8) => u64::from_ne_bytes(bytes),
        _ => u64::from(std::process::id()),
    }
}

/// What is wrong before there is a log.
fn refuse(text: &impl Display) -> ExitCode {
    // With stderr gone there is nobody to tell.
    let _ = writeln!(io::stderr(), "{}", text.to_string().trim_end());
    ExitCode::FAILURE
}
