//! Starts the drivers, hands effects to them and merges their events.

pub mod frames;
pub mod kernel;
pub mod lease;
pub mod signals;

use std::io;
use std::time::Duration;

use kube_vip_core::event::{Effect, Event};
use kube_vip_core::status::Notice;
use thiserror::Error;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::clock::Clock;
use crate::metrics::requests::Requests;
use crate::settings::config::Config;
use frames::{Frames, FramesError};
use kernel::{Kernel, KernelError};
use lease::{Here, Lease};
use signals::Signals;

/// How long the process may outlive its work for the sake of Kubernetes Events.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// Why the drivers cannot start.
#[derive(Debug, Error)]
pub enum DriversError {
    /// No netlink.
    #[error("cannot talk to the kernel's routing subsystem: {0}")]
    Kernel(#[from] KernelError),
    /// No packet socket.
    #[error("cannot send announcements: {0}")]
    Frames(#[from] FramesError),
    /// No signal handlers.
    #[error("cannot listen for signals: {0}")]
    Signals(#[from] io::Error),
}

/// All drivers of one node. Their tasks end with this.
#[derive(Debug)]
pub struct Drivers {
    kernel: Kernel,
    frames: Frames,
    lease: Lease,
    _signals: Signals,
    events: UnboundedReceiver<Event>,
}

/// What is left of an effect for the loop itself to do.
#[derive(Debug)]
pub enum Rest {
    /// Nothing.
    Done,
    /// An announcement was sent for this address.
    Announced(std::net::IpAddr),
    /// People are to be told.
    Tell(Notice),
}

impl Drivers {
    /// Starts all of them, in the network namespace of this thread. Must be called within a
    /// runtime.
    ///
    /// # Errors
    /// If the kernel refuses a socket or a signal handler.
    pub fn start(config: &Config, clock: Clock) -> Result<Self, DriversError> {
        let (sender, events) = unbounded_channel();
        let plan = &config.plan;
        let (health, label) = (config.health.clone(), config.node_label.clone());
        let here = Here { port: config.port, health, label };
        Ok(Self {
            kernel: Kernel::start(plan, clock, sender.clone())?,
            frames: Frames::start(plan, sender.clone())?,
            lease: Lease::start(plan, config.credentials.clone(), here, sender.clone()),
            _signals: Signals::start(sender)?,
            events,
        })
    }

    /// Hands an effect to its driver. Never waits; what becomes of it comes back as an event.
    pub fn start_effect(&mut self, effect: Effect) -> Rest {
        match effect {
            Effect::Ask(request) => self.lease.ask(request),
            Effect::Hold { vip, until, voice } => self.kernel.hold(vip, until, voice),
            Effect::Drop(held) => self.kernel.drop(held),
            Effect::Announce { address, mac } => {
                if self.frames.announce(address, mac) {
                    return Rest::Announced(address);
                }
            }
            Effect::Question { question, to } => self.frames.question(question, to),
            Effect::Register(candidacy) => self.lease.register(candidacy),
            Effect::Check { timeout } => self.lease.check(timeout),
            Effect::Tell(notice) => return Rest::Tell(notice),
        }
        Rest::Done
    }

    /// Tells the cluster what people are told, where that is possible. Never waits.
    pub fn report(&mut self, notice: &Notice) {
        self.lease.report(notice);
    }

    /// The requests to the API server, as they are counted.
    #[must_use]
    pub fn requests(&self) -> &Requests {
        self.lease.requests()
    }

    /// This node has the addresses, or has not. Never waits.
    pub fn hold(&self, holds: bool) {
        self.lease.hold(holds);
    }

    /// Waits a moment for what the cluster is still to be told.
    pub async fn finish(&mut self) {
        self.lease.finish(LAST_WORDS).await;
    }

    /// The next event of any driver. Cancel safe.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}
