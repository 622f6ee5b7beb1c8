//! Addresses and links through netlink.

mod changes;
mod channel;
mod connections;
pub mod fence;
mod fencing;
mod hold;
mod host;
pub mod leftovers;
mod message;
mod netlink;
mod nf_tables;
mod orders;
mod rtnl;
mod scope;
pub mod sockets;
mod task;

use std::io;
use std::thread;

use kube_vip_core::address::{LinkName, Vip};
use kube_vip_core::event::{Effect, Event, Held, Voice};
use kube_vip_core::moment::Moment;
use kube_vip_core::plan::Plan;
use thiserror::Error;
use tokio::runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

pub use fencing::Layers;
pub use host::{host, own_addresses};
pub use netlink::NetlinkError;

use crate::clock::Clock;
use connections::Connections;
use fence::FenceError;
use fencing::Fencing;
use scope::Scope;
use task::{Connection, Task, Told};

/// What the driver's thread is called, in `/proc/PID/task/TID/comm`.
const THREAD: &str = "kernel";

/// Why the kernel driver cannot do what it was told, or does not know what the kernel has.
#[derive(Debug, Error)]
pub enum KernelError {
    /// There is no such interface.
    #[error("there is no interface {0}")]
    NoLink(LinkName),
    /// The term ends too soon for an address lifetime, which has whole seconds.
    #[error("the term ends too soon to give the address a lifetime within it")]
    TooLate,
    /// The kernel took so long that the address would have outlived the term; it was removed.
    #[error("the kernel took until after the term to add the address; it was removed again")]
    Outlived,
    /// The fence is there and did not do what it was told.
    #[error(transparent)]
    Fence(FenceError),
    /// The kernel refused.
    #[error("the kernel did not {action}: {source}")]
    Refused {
        /// What was asked of it.
        action: String,
        /// What it said.
        source: NetlinkError,
    },
    /// There is no connection to the kernel.
    #[error("no connection to the kernel's routing subsystem: {0}")]
    Unconnected(#[from] NetlinkError),
    /// There is no thread for the driver.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

/// Gives addresses to the plan's interface and takes them away, and tells what the kernel has.
///
/// It has a thread of its own: the kernel answers a question at once unless another program holds
/// the lock that all network configuration of the host shares, which may take seconds (16.7 s was
/// seen with a thousand bridges). Dropping the handle ends the thread, after what it was told
/// before; nobody waits for that.
#[derive(Debug)]
pub struct Kernel {
    orders: UnboundedSender<Order>,
}

/// What the thread is told.
#[derive(Clone, Debug)]
enum Order {
    Hold { vip: Vip, until: Moment, voice: Voice },
    Drop(Held),
}

impl Kernel {
    /// Connects to the kernel and starts the driver's thread, in the network namespace of this
    /// thread and with its capabilities. The first event is a snapshot.
    ///
    /// # Errors
    /// If the kernel refuses the sockets or the thread.
    pub fn start(
        plan: &Plan,
        clock: Clock,
        events: UnboundedSender<Event>,
    ) -> Result<Self, KernelError> {
        Self::start_with(Layers::Both, plan, clock, events)
    }

    /// The same with fewer layers than the kernel has: shows what each can do alone.
    ///
    /// # Errors
    /// As [`Kernel::start`].
    pub fn start_with(
        layers: Layers,
        plan: &Plan,
        clock: Clock,
        events: UnboundedSender<Event>,
    ) -> Result<Self, KernelError> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(KernelError::Thread)?;
        let opened = {
            let _inside = runtime.enter();
            Connection::open()
        };
        let connection = match opened {
            Ok(connection) => connection,
            Err(error) => {
                // Dropping it would wait for its threads, of which there are none, and a caller
                // within a runtime of its own may not wait.
                runtime.shutdown_background();
                return Err(error.into());
            }
        };
        let (orders, told) = unbounded_channel();
        let (scope, fencing) = (Scope::of(plan), Fencing::of(plan, layers));
        let told = Told::new(told);
        let connections = Connections::open();
        let carried_out = 0;
        let task = Task { scope, fencing, connections, layers, clock, told, events, carried_out };
        // A new thread has the namespaces and capabilities of the one that starts it.
        let thread = thread::Builder::new().name(THREAD.to_owned());
        let work = move || runtime.block_on(task.run(connection));
        thread.spawn(work).map_err(KernelError::Thread)?;
        Ok(Self { orders })
    }

    /// Carries out [`Effect::Hold`].
    pub fn hold(&self, vip: Vip, until: Moment, voice: Voice) {
        self.order(Order::Hold { vip, until, voice });
    }

    /// Carries out [`Effect::Drop`].
    pub fn drop(&self, held: Held) {
        self.order(Order::Drop(held));
    }

    fn order(&self, order: Order) {
        // The thread ends only after this handle.
        let _ = self.orders.send(order);
    }
}

impl Order {
    fn effect(self) -> Effect {
        match self {
            Self::Hold { vip, until, voice } => Effect::Hold { vip, until, voice },
            Self::Drop(held) => Effect::Drop(held),
        }
    }
}
