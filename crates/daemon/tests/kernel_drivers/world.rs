//! A network namespace for one test: a pair of interfaces, the plan for one of them, and what is
//! needed to change things behind the drivers' backs.
#![expect(unsafe_code, reason = "unshare may part threads' files, and files may be taken over")]

use std::fs::File;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::panic;
use std::thread;
use std::time::Duration;

use futures_util::TryStreamExt;
use kube_vip::clock::Clock;
use kube_vip::drivers::kernel::{Kernel, Layers};
use kube_vip_core::address::{LinkName, NodeName, Vip};
use kube_vip_core::event::{Effect, Event, Snapshot};
use kube_vip_core::plan::{Conduct, LeasePlan, Plan, Timings, Vips};
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;
use rtnetlink::{Handle, LinkUnspec, LinkVeth, RouteMessageBuilder};
use rustix::io::Errno;
use rustix::thread::{UnshareFlags, unshare_unsafe};
use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// The plan's interface, and the other end of its cable.
pub(crate) const NEAR: &str = "end0";
pub(crate) const FAR: &str = "far0";

/// What is waited for and does not come within so long will not come: less than the time after
/// which the driver looks by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 140);
pub(crate) const OTHER_VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 20, 141);

/// What one test has to do with.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) plan: Plan,
    ip: Handle,
    events: UnboundedReceiver<Event>,
}

/// Runs a test in a thread of its own with a network namespace of its own, which goes when the
/// thread and its sockets are gone.
pub(crate) fn in_a_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F + Send + 'static) {
    let thread = thread::spawn(move || {
        enter_new_namespace();
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime needs a few files only").block_on(async {
            test(World::new().await).await;
        });
    });
    if let Err(failure) = thread.join() {
        panic::resume_unwind(failure);
    }
}

/// Puts this thread into a new network namespace.
pub(crate) fn enter_new_namespace() {
    // SAFETY: unshare is unsafe for threads that share a file table with CLONE_FILES; this flag
    // only changes which network this thread sees.
    match unsafe { unshare_unsafe(UnshareFlags::NEWNET) } {
        Ok(()) => {}
        Err(Errno::PERM) => panic!(
            "this test needs a network namespace of its own: run it as root, or without root \
             under `unshare -Urn` (as in `unshare -Urn cargo test -p kube-vip`)"
        ),
        Err(error) => panic!("no network namespace: {error}"),
    }
}

impl World {
    async fn new() -> Self {
        let (connection, ip, _) = rtnetlink::new_connection().expect("a netlink socket");
        tokio::spawn(connection);
        let timings = [15, 10, 2].map(Duration::from_secs);
        let plan = Plan {
            node: NodeName::new("node1").unwrap(),
            link: LinkName::new(NEAR).unwrap(),
            vips: Vips::new(vec![vip(VIP, 24), vip(OTHER_VIP, 32)]).unwrap(),
            lease: LeasePlan {
                namespace: "kube-system".to_owned(),
                name: "plndr-cp-lock".to_owned(),
                timings: Timings::new(timings[0], timings[1], timings[2]).unwrap(),
            },
            announce_every: Duration::from_secs(3),
            conduct: Conduct::default(),
            boot: "a-boot".to_owned(),
        };
        let (_, events) = unbounded_channel();
        let world = Self { clock: Clock::start(), plan, ip, events };
        world.plug_in().await;
        world
    }

    /// Makes the pair of interfaces, both up.
    pub(crate) async fn plug_in(&self) {
        let pair = LinkVeth::new(NEAR, FAR).build();
        self.ip.link().add(pair).execute().await.expect("two interfaces");
        self.turn(NEAR, Switch::On).await;
        self.turn(FAR, Switch::On).await;
    }

    /// Sets how many bytes an interface's packets may have.
    pub(crate) async fn resize(&self, name: &str, bytes: u32) {
        let index = self.link(name).await.header.index;
        let link = LinkUnspec::new_with_index(index).mtu(bytes).build();
        self.ip.link().set(link).execute().await.expect("the interface is set");
    }

    /// Deletes the pair.
    pub(crate) async fn pull_out(&self) {
        let index = self.link(NEAR).await.header.index;
        self.ip.link().del(index).execute().await.expect("the interface goes");
    }

    /// Sets an interface up or down.
    pub(crate) async fn turn(&self, name: &str, switch: Switch) {
        let link = LinkUnspec::new_with_index(self.link(name).await.header.index);
        let link = match switch {
            Switch::On => link.up(),
            Switch::Off => link.down(),
        };
        self.ip.link().set(link.build()).execute().await.expect("the interface is set");
    }

    /// An interface that must be there.
    pub(crate) async fn link(&self, name: &str) -> LinkMessage {
        let mut links = self.ip.link().get().match_name(name.to_owned()).execute();
        links.try_next().await.expect("an answer").expect("the interface is there")
    }

    /// Adds an address as a person would, without an end.
    pub(crate) async fn add(&self, name: &str, address: impl Into<IpAddr>, prefix: u8) {
        let index = self.link(name).await.header.index;
        let add = self.ip.address().add(index, address.into(), prefix);
        add.execute().await.expect("the address is added");
    }

    /// Adds a way out for what goes nowhere else.
    pub(crate) async fn add_default_route(&self, name: &str, gateway: Ipv4Addr, metric: u32) {
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .output_interface(self.link(name).await.header.index)
            .gateway(gateway)
            .priority(metric);
        self.ip.route().add(route.build()).execute().await.expect("the route is added");
    }

    /// Removes an address as a person would.
    pub(crate) async fn remove(&self, address: impl Into<IpAddr>) {
        for message in self.addresses(address).await {
            self.ip.address().del(message).execute().await.expect("the address goes");
        }
    }

    /// Everything the kernel says of an address.
    pub(crate) async fn addresses(&self, address: impl Into<IpAddr>) -> Vec<AddressMessage> {
        let get = self.ip.address().get().set_address_filter(address.into());
        get.execute().try_collect().await.expect("an answer")
    }

    /// Starts the driver; from now on its events are the world's.
    pub(crate) fn kernel(&mut self) -> Kernel {
        self.kernel_with(Layers::Both)
    }

    /// Starts the driver with some of its layers.
    pub(crate) fn kernel_with(&mut self, layers: Layers) -> Kernel {
        let (sender, events) = unbounded_channel();
        self.events = events;
        let kernel = Kernel::start_with(layers, &self.plan, self.clock, sender);
        kernel.expect("the driver starts")
    }

    /// The next event; none: the driver's task has ended.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time")
    }

    /// The next snapshot that is as `wanted`; none of its predecessors is a refusal.
    pub(crate) async fn sees(
        &mut self,
        what: &str,
        wanted: impl Fn(&Snapshot) -> bool,
    ) -> Snapshot {
        let mut last = None;
        let waiting = async {
            loop {
                match self.events.recv().await {
                    Some(Event::Kernel(snapshot)) if wanted(&snapshot) => return snapshot,
                    Some(Event::Kernel(snapshot)) => last = Some(snapshot),
                    other => panic!("waiting for {what}: {other:?}"),
                }
            }
        };
        let seen = timeout(PATIENCE, waiting).await;
        seen.unwrap_or_else(|_| panic!("waited in vain for {what}; last seen: {last:?}"))
    }

    /// The next refusal; snapshots before it are passed over.
    pub(crate) async fn refusal(&mut self) -> (Effect, String) {
        loop {
            match self.event().await {
                Some(Event::Refused { effect, cause }) => return (effect, cause),
                Some(Event::Kernel(_)) => {}
                other => panic!("waiting for a refusal: {other:?}"),
            }
        }
    }
}

/// Puts something else in the place of an open file of this process, behind its owner's back.
pub(crate) fn replace_file(file: RawFd) {
    // SAFETY: the file is open, and stays so: its owner closes what is in its place now.
    let mut file = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(file) });
    let other = File::open("/dev/null").expect("it is always there");
    rustix::io::dup2(&other, &mut file).expect("both are open");
}

/// What is done to an interface.
#[derive(Clone, Copy)]
pub(crate) enum Switch {
    On,
    Off,
}

/// An address of the plan.
pub(crate) fn vip(address: impl Into<IpAddr>, prefix: u8) -> Vip {
    Vip::new(address.into(), prefix).expect("a good address")
}

/// Whether a snapshot has the address on the plan's interface.
pub(crate) fn has(address: impl Into<IpAddr>) -> impl Fn(&Snapshot) -> bool {
    let address = address.into();
    move |snapshot| {
        let here = |held: &kube_vip_core::event::Held| {
            held.vip.address() == address && held.link.as_str() == NEAR
        };
        snapshot.held.iter().any(here)
    }
}

/// Whether a snapshot's interface is up.
pub(crate) fn is_up(snapshot: &Snapshot) -> bool {
    snapshot.link.as_ref().is_some_and(|link| link.up)
}
