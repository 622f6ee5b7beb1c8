//! The client who must not notice: echo requests and TCP connections through its host's ordinary
//! neighbour table, to the service and at the same time to a control that no fault touches.

mod connect;
mod held;
mod ping;
mod report;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::Timespec;

use self::connect::Connector;
pub use self::held::{Ending, Held};
use self::ping::Pinger;
pub use self::report::{ClientReport, Outage, Probes, Seen};
use crate::net::{Error, World};
use crate::sys::clock::Stamp;
use crate::sys::packet::RawSocket;
use crate::sys::worker::{Term, Worker};
pub use kube_vip_measure::connect::DEADLINE;
pub use kube_vip_measure::figures::{Connects, NOTICEABLE, SLOW};

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSpec {
    /// The service's address, and the port to connect to.
    pub service: SocketAddr,
    /// How often an echo request is sent to each of service and control.
    pub probe_period: Duration,
    /// How often a connection to each is begun.
    pub connect_period: Duration,
    /// It stops by itself after this time.
    pub at_most: Duration,
}

impl ClientSpec {
    /// A probe every millisecond, a connection every 5 ms, for half an hour at most.
    #[must_use]
    pub fn of(service: impl Into<SocketAddr>) -> Self {
        Self {
            service: service.into(),
            probe_period: Duration::from_millis(1),
            connect_period: Duration::from_millis(5),
            at_most: Duration::from_secs(30 * 60),
        }
    }
}

/// A running client. Outages that it notices are written into the world's journal when they end.
#[derive(Debug)]
pub struct Client {
    started: Stamp,
    live: Live,
    pinger: Worker<[Probes; 2]>,
    connector: Worker<[Connects; 2]>,
    control: Worker<()>,
}

/// What a client sees just now of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Since when no probe was answered, if that is [noticeably](NOTICEABLE) long.
    pub silent_since: Option<Stamp>,
    /// How many connections were tried so far.
    pub tried: u64,
    /// How many were refused or failed.
    pub failed: u64,
    /// How many came about, but slowly.
    pub slow: u64,
}

impl Client {
    /// Starts a client on the world's client host. The control listens on the same port.
    ///
    /// # Errors
    /// If the kernel refuses a socket, or another client of this world uses the port.
    pub fn start(world: &World, spec: &ClientSpec) -> Result<Self, Error> {
        raise_open_files()?;
        let live = Live::default();
        let (host, at_most) = (world.client(), spec.at_most);
        let control = world.control();
        let service = spec.service.ip();
        let targets = [service, world.undisturbed(service)];
        let anywhere = match service.is_ipv6() {
            true => Ipv6Addr::UNSPECIFIED.into(),
            false => Ipv4Addr::UNSPECIFIED.into(),
        };
        let listener = control.listen(SocketAddr::new(anywhere, spec.service.port()))?;
        let control = Worker::start("control", at_most, move |term| accept(&listener, term))?;
        let socket = host.open("probe".to_owned(), || RawSocket::echo(service))?;
        let notes = (world.journal().clone(), live.clone());
        let pinger = Pinger::new(socket, targets, spec.probe_period, notes.clone());
        let pinger = Worker::start("prober", at_most, |term| pinger.run(term))?;
        let targets = targets.map(|target| SocketAddr::new(target, spec.service.port()));
        let connector = Connector::new(targets, spec.connect_period, notes)
            .map_err(Error::step("make an epoll"))?;
        let namespaces = host.namespaces().clone();
        let connector =
            Worker::start("connector", at_most, move |term| connector.run(&namespaces, term))?;
        Ok(Self { started: Stamp::now(), live, pinger, connector, control })
    }

    /// What it sees just now.
    #[must_use]
    pub fn glance(&self) -> Glance {
        *self.live.lock()
    }

    /// Stops the client. What is open for less than 200 ms is waited for.
    ///
    /// # Errors
    /// If a part of it failed; then the figures mean nothing.
    pub fn stop(self) -> Result<ClientReport, Error> {
        let lasted = Stamp::now().since(self.started);
        let [service, control] = self.connector.stop()?;
        let [service_probes, control_probes] = self.pinger.stop()?;
        self.control.stop()?;
        Ok(ClientReport {
            service: Seen { probes: service_probes, connects: service },
            control: Seen { probes: control_probes, connects: control },
            lasted,
        })
    }
}

/// What the client's threads tell while they run.
#[derive(Clone, Debug, Default)]
struct Live(Arc<Mutex<Glance>>);

impl Live {
    fn silent(&self, since: Option<Stamp>) {
        self.lock().silent_since = since;
    }

    fn connects(&self, tried: u64, failed: u64, slow: u64) {
        let mut glance = self.lock();
        (glance.tried, glance.failed, glance.slow) = (tried, failed, slow);
    }

    fn lock(&self) -> MutexGuard<'_, Glance> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections and closes them.
fn accept(listener: &TcpListener, term: &Term) -> io::Result<()> {
    const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    listener.set_nonblocking(true)?;
    while term.goes_on() {
        match poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&LOOK)) {
            Err(Errno::INTR) => {}
            done => drop(done?),
        }
        // A connection may be reset before it is accepted.
        while listener.accept().is_ok() {}
    }
    Ok(())
}

/// Lets this process open as many files as it may: three seconds of outage hold 600 connections.
fn raise_open_files() -> Result<(), Error> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).map_err(Error::step("raise the limit of open files"))
}
