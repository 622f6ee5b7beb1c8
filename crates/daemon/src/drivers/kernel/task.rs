//! What the kernel driver does all day: orders in, snapshots out.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::time::Duration;

use kube_vip_core::event::Event;
use tokio::select;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info, warn};

use super::changes::Changes;
use super::connections::Connections;
use super::fencing::{Fencing, Layers};
use super::netlink::{Netlink, NetlinkError};
use super::scope::Scope;
use super::{KernelError, Order};
use crate::clock::Clock;

/// A snapshot is sent so often though nothing has happened.
const EVERY: Duration = Duration::from_secs(10);

/// After a look, so long nobody's changes but our own cause another: they come in bursts.
const BURST: Duration = Duration::from_millis(20);

/// The pause before a lost connection is made anew; doubled each time, up to the second one.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The sockets: one for questions, one that tells of changes, and one for changes of nftables.
pub(super) struct Connection {
    pub(super) netlink: Netlink,
    changes: Changes,
    /// None: the kernel has no nftables.
    rules: Option<Changes>,
}

impl Connection {
    /// Opens them, in the network namespace of this thread. Must be called within a runtime.
    pub(super) fn open() -> Result<Self, NetlinkError> {
        let changes = Changes::listen().map_err(NetlinkError::Socket)?;
        let rules = Changes::listen_for_rules()
            .inspect_err(|error| debug!(%error, "not told of changes of nftables"));
        Ok(Self { netlink: Netlink::open()?, changes, rules: rules.ok() })
    }

    async fn rules_change(&self) -> io::Result<()> {
        match &self.rules {
            Some(rules) => rules.wait().await,
            None => pending().await,
        }
    }

    fn drain_rules(&self) -> io::Result<()> {
        self.rules.as_ref().map_or(Ok(()), Changes::drain)
    }
}

/// What the driver's thread does.
pub(super) struct Task {
    pub(super) scope: Scope,
    pub(super) fencing: Fencing,
    pub(super) connections: Connections,
    pub(super) layers: Layers,
    pub(super) clock: Clock,
    pub(super) told: Told,
    pub(super) events: UnboundedSender<Event>,
    /// How many orders were carried out, or refused.
    pub(super) carried_out: u64,
}

/// The orders, in their order.
pub(super) struct Told {
    told: UnboundedReceiver<Order>,
    /// Those that were looked at ahead of their time.
    ahead: VecDeque<Order>,
}

impl Told {
    pub(super) const fn new(told: UnboundedReceiver<Order>) -> Self {
        Self { told, ahead: VecDeque::new() }
    }

    /// The next one; none: the handle was dropped. Cancel safe.
    async fn next(&mut self) -> Option<Order> {
        match self.ahead.pop_front() {
            Some(order) => Some(order),
            None => self.told.recv().await,
        }
    }

    /// All that are still to come and were told already.
    pub(super) fn ahead(&mut self) -> impl Iterator<Item = &Order> {
        while let Ok(order) = self.told.try_recv() {
            self.ahead.push_back(order);
        }
        self.ahead.iter()
    }
}

/// When to look next, without being told.
#[derive(Clone, Copy)]
struct Pace {
    looked: Instant,
    due: Instant,
    /// When the fence is to be looked at, since somebody changed nftables.
    rules: Option<Instant>,
}

impl Pace {
    fn begin() -> Self {
        let looked = Instant::now();
        Self { looked, due: looked + EVERY, rules: None }
    }
}

/// Why the thread woke up.
enum Woken {
    By(Order),
    ToLook,
    ToLookAtRules,
    ToEnd,
}

impl Task {
    /// Runs until the handle is dropped.
    pub(super) async fn run(mut self, mut connection: Connection) {
        let mut pause = PAUSE.0;
        loop {
            let began = Instant::now();
            let Err(error) = self.serve(&mut connection).await else { return };
            if began.elapsed() > PAUSE.1 {
                pause = PAUSE.0;
            }
            let lost = KernelError::from(error);
            warn!(error = %lost, "connecting to the kernel anew");
            loop {
                if self.refuse_until(Instant::now() + pause, &lost).await.is_none() {
                    return;
                }
                pause = PAUSE.1.min(pause * 2);
                match Connection::open() {
                    Ok(opened) => {
                        connection = opened;
                        info!("connected to the kernel again");
                        break;
                    }
                    Err(error) => warn!(%error, "no connection to the kernel yet"),
                }
            }
        }
    }

    /// Does what it is told and tells what it sees, until the handle is dropped.
    async fn serve(&mut self, connection: &mut Connection) -> Result<(), NetlinkError> {
        self.look(connection)?;
        let mut pace = Pace::begin();
        loop {
            match self.wait(connection, &mut pace).await? {
                Woken::By(order) => self.carry_out(order, &mut connection.netlink)?,
                Woken::ToLook if pace.looked + EVERY <= Instant::now() => {
                    self.scope.forget_gateway();
                }
                Woken::ToLook => {}
                Woken::ToLookAtRules => {
                    connection.drain_rules().map_err(NetlinkError::Socket)?;
                    pace.rules = None;
                    if !self.fencing.has_changed() {
                        pace.looked = Instant::now();
                        continue;
                    }
                }
                Woken::ToEnd => return Ok(()),
            }
            self.look(connection)?;
            pace = Pace::begin();
        }
    }

    async fn wait(
        &mut self,
        connection: &Connection,
        pace: &mut Pace,
    ) -> Result<Woken, NetlinkError> {
        loop {
            let rules = pace.rules;
            select! {
                biased;
                order = self.told.next() => return Ok(order.map_or(Woken::ToEnd, Woken::By)),
                () = sleep_until(pace.due) => return Ok(Woken::ToLook),
                () = sleep_until(rules.unwrap_or(pace.due)), if rules.is_some() => {
                    return Ok(Woken::ToLookAtRules);
                }
                changed = connection.changes.wait() => {
                    changed.map_err(NetlinkError::Socket)?;
                    pace.due = pace.due.min(pace.looked + BURST);
                }
                changed = connection.rules_change(), if rules.is_none() => {
                    changed.map_err(NetlinkError::Socket)?;
                    pace.rules = Some(pace.looked + BURST);
                }
            }
        }
    }

    /// Sends a snapshot. What happened before is in it.
    fn look(&mut self, connection: &mut Connection) -> Result<(), NetlinkError> {
        connection.changes.drain().map_err(NetlinkError::Socket)?;
        connection.drain_rules().map_err(NetlinkError::Socket)?;
        let netlink = &mut connection.netlink;
        let mut snapshot = self.scope.look(netlink, self.carried_out)?;
        if snapshot.link.is_some() && self.fencing.is_due() {
            self.open_fence(netlink)?;
        }
        self.fencing.describe(&mut snapshot);
        self.send(Event::Kernel(snapshot));
        Ok(())
    }

    /// None: the handle was dropped.
    async fn refuse_until(&mut self, end: Instant, lost: &KernelError) -> Option<()> {
        loop {
            select! {
                order = self.told.next() => {
                    let order = order?;
                    self.silence_without_connection(&order);
                    self.refuse(order, lost);
                }
                () = sleep_until(end) => return Some(()),
            }
        }
    }

    pub(super) fn refuse(&mut self, order: Order, error: &KernelError) {
        self.carried_out += 1;
        self.send(Event::Refused { effect: order.effect(), cause: error.to_string() });
    }

    fn send(&self, event: Event) {
        // Nobody listens any more only when the process is ending.
        let _ = self.events.send(event);
    }
}
