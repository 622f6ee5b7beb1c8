//! What the kernel driver does all day: orders in, snapshots out.

use std::time::Duration;

use kube_vip_core::address::{LinkName, Vip};
use kube_vip_core::event::{Event, Held};
use kube_vip_core::moment::Moment;
use tokio::select;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::netlink::{Changes, Netlink, NetlinkError};
use super::scope::Scope;
use super::{KernelError, Order, hold, rtnl};
use crate::clock::Clock;

/// A snapshot is sent so often though nothing has happened.
const EVERY: Duration = Duration::from_secs(10);

/// After a snapshot, so long nobody's changes but our own cause another: they come in bursts.
const BURST: Duration = Duration::from_millis(20);

/// The pause before a lost connection is made anew; doubled each time, up to the second one.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Both sockets: one for questions, one that tells of changes.
pub(super) struct Connection {
    netlink: Netlink,
    changes: Changes,
}

impl Connection {
    /// Opens both, in the network namespace of this thread. Must be called within a runtime.
    pub(super) fn open() -> Result<Self, NetlinkError> {
        let changes = Changes::listen().map_err(NetlinkError::Socket)?;
        Ok(Self { netlink: Netlink::open()?, changes })
    }
}

/// What the driver's thread does.
pub(super) struct Task {
    scope: Scope,
    clock: Clock,
    events: UnboundedSender<Event>,
    told: UnboundedReceiver<Order>,
    /// How many orders were carried out, or refused.
    carried_out: u64,
}

impl Task {
    pub(super) const fn new(
        scope: Scope,
        clock: Clock,
        events: UnboundedSender<Event>,
        told: UnboundedReceiver<Order>,
    ) -> Self {
        Self { scope, clock, events, told, carried_out: 0 }
    }

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
        let mut looked = Instant::now();
        let mut due = looked + EVERY;
        loop {
            select! {
                biased;
                order = self.told.recv() => {
                    let Some(order) = order else { return Ok(()) };
                    self.carry_out(order, &mut connection.netlink)?;
                    self.look(connection)?;
                    looked = Instant::now();
                    due = looked + EVERY;
                }
                () = sleep_until(due) => {
                    self.scope.forget_gateway();
                    self.look(connection)?;
                    looked = Instant::now();
                    due = looked + EVERY;
                }
                changed = connection.changes.wait() => {
                    changed.map_err(NetlinkError::Socket)?;
                    due = due.min(looked + BURST);
                }
            }
        }
    }

    /// Sends a snapshot. What happened before is in it.
    fn look(&mut self, connection: &mut Connection) -> Result<(), NetlinkError> {
        connection.changes.drain().map_err(NetlinkError::Socket)?;
        let snapshot = self.scope.look(&mut connection.netlink, self.carried_out)?;
        self.send(Event::Kernel(snapshot));
        Ok(())
    }

    /// Refusals are told; what is returned is a connection that is of no use any more.
    fn carry_out(&mut self, order: Order, netlink: &mut Netlink) -> Result<(), NetlinkError> {
        let done = match &order {
            Order::Hold { vip, until, .. } => self.hold(netlink, *vip, *until),
            Order::Drop(held) => drop_address(netlink, held),
        };
        let Err(error) = done else {
            self.carried_out += 1;
            return Ok(());
        };
        self.refuse(order, &error);
        match error {
            KernelError::Refused { source: NetlinkError::Refused(_), .. } => Ok(()),
            KernelError::Refused { source, .. } | KernelError::Unconnected(source) => Err(source),
            _ => Ok(()),
        }
    }

    fn hold(&self, netlink: &mut Netlink, vip: Vip, until: Moment) -> Result<(), KernelError> {
        let link = &self.scope.link;
        let no_link = || KernelError::NoLink(link.clone());
        let index = rtnl::interface_named(netlink, link)?.ok_or_else(no_link)?.index;
        let refused =
            |source| KernelError::Refused { action: format!("add {vip} to {link}"), source };
        let give = |lifetime| rtnl::put_address(netlink, index, vip, lifetime).map_err(refused);
        match hold::within(until, || self.clock.now(), give) {
            Err(KernelError::Outlived) => {
                remove(netlink, index, vip, link)?;
                Err(KernelError::Outlived)
            }
            other => other,
        }
    }

    /// None: the handle was dropped.
    async fn refuse_until(&mut self, end: Instant, lost: &KernelError) -> Option<()> {
        loop {
            select! {
                order = self.told.recv() => self.refuse(order?, lost),
                () = sleep_until(end) => return Some(()),
            }
        }
    }

    fn refuse(&mut self, order: Order, error: &KernelError) {
        self.carried_out += 1;
        self.send(Event::Refused { effect: order.effect(), cause: error.to_string() });
    }

    fn send(&self, event: Event) {
        // Nobody listens any more only when the process is ending.
        let _ = self.events.send(event);
    }
}

fn drop_address(netlink: &mut Netlink, held: &Held) -> Result<(), KernelError> {
    let Some(interface) = rtnl::interface_named(netlink, &held.link)? else { return Ok(()) };
    remove(netlink, interface.index, held.vip, &held.link)
}

fn remove(netlink: &mut Netlink, index: u32, vip: Vip, link: &LinkName) -> Result<(), KernelError> {
    rtnl::remove_address(netlink, index, vip).map_err(|source| {
        let action = format!("remove {vip} from {link}");
        KernelError::Refused { action, source }
    })
}
