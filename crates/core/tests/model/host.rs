//! One host: the daemon's core, what is on its way to and from it, and its kernel.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac, NodeName, Vip};
use kube_vip_core::event::{Effect, Event, Link, Observation, Snapshot, Voice};
use kube_vip_core::node::Node;
use kube_vip_core::plan::{Conduct, LeasePlan, Plan, Timings, Vips};
use serde::Serialize;

use crate::clock::{Clock, Instant};
use crate::kernel::{Address, Layer};

/// Lease duration, renew deadline and retry period: the shortest, so that much happens in a run.
pub(crate) const TIMES: [Duration; 3] =
    [Duration::from_secs(3), Duration::from_secs(2), Duration::from_secs(1)];

/// What became of a host's daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Process {
    Runs,
    /// Runs again after a pause: what has waited reaches it in any order.
    Wakes,
    /// Stands still; its kernel does not.
    Paused,
    Killed,
    /// Was told to end, and did; or was not started yet.
    Ended,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Host {
    pub(crate) index: usize,
    pub(crate) clock: Clock,
    pub(crate) process: Process,
    pub(crate) node: Node,
    /// Counts the daemons that ran here.
    pub(crate) life: u64,
    /// No API server answers this host.
    pub(crate) api_away: bool,
    /// What the core wants done, and is not done yet.
    pub(crate) outbox: VecDeque<Effect>,
    /// The same, for the kernel driver, which has a thread of its own.
    pub(crate) orders: VecDeque<Effect>,
    /// Somebody keeps the kernel driver waiting.
    pub(crate) kernel_is_slow: bool,
    /// What its drivers have to tell, in order.
    pub(crate) inbox: VecDeque<Event>,
    /// What the watch has not shown yet.
    pub(crate) unseen: Option<Option<Observation>>,
    /// The watch takes its time.
    pub(crate) watch_is_slow: bool,
    pub(crate) layer: Layer,
    pub(crate) address: Option<Address>,
    carried_out: u64,
    /// Stands for all of the above; none: has changed since.
    #[serde(skip)]
    print: Option<u64>,
}

impl Host {
    pub(crate) fn new(index: usize, ppm: i64, layer: Layer) -> Self {
        Self {
            index,
            clock: Clock { ppm },
            process: Process::Ended,
            node: Node::new(plan(index, layer), 0),
            life: 0,
            api_away: false,
            outbox: VecDeque::new(),
            orders: VecDeque::new(),
            kernel_is_slow: false,
            inbox: VecDeque::new(),
            unseen: None,
            watch_is_slow: false,
            layer,
            address: None,
            carried_out: 0,
            print: None,
        }
    }

    /// Another daemon starts here; the host's clock goes on.
    pub(crate) fn start(&mut self) {
        self.life += 1;
        let seed = u64::try_from(self.index).unwrap_or_default() << 32 | self.life;
        self.node = Node::new(plan(self.index, self.layer), seed);
        self.process = Process::Runs;
        self.carried_out = 0;
    }

    /// The daemon is gone, whatever it had in hand.
    pub(crate) fn stop(&mut self, process: Process) {
        self.process = process;
        self.outbox.clear();
        self.orders.clear();
        self.inbox.clear();
        (self.unseen, self.watch_is_slow, self.kernel_is_slow) = (None, false, false);
    }

    pub(crate) const fn acts(&self) -> bool {
        matches!(self.process, Process::Runs | Process::Wakes)
    }

    pub(crate) const fn lives(&self) -> bool {
        self.acts() || matches!(self.process, Process::Paused)
    }

    pub(crate) fn answers(&self, now: Instant) -> bool {
        self.address.is_some_and(|address| address.voice(now) == Voice::Answering)
    }

    /// The core's deadline has come.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.node.deadline().is_some_and(|deadline| deadline <= self.clock.moment(now))
    }

    /// Something reaches the core.
    pub(crate) fn tell(&mut self, event: Event, now: Instant) {
        self.node.handle(event, self.clock.moment(now));
        while let Some(effect) = self.node.poll() {
            match effect {
                Effect::Hold { .. } | Effect::Drop(_) => self.orders.push_back(effect),
                other => self.outbox.push_back(other),
            }
        }
        if self.node.finished() {
            self.stop(Process::Ended);
        }
    }

    /// The kernel driver has carried out an order, or failed to.
    pub(crate) fn ordered(&mut self, now: Instant) {
        self.carried_out += 1;
        self.look(now);
    }

    /// The kernel driver shows what there is.
    pub(crate) fn look(&mut self, now: Instant) {
        let link = Link {
            mac: mac(self.index),
            up: true,
            addresses: vec![own_address(self.index)],
            gateways: Vec::new(),
        };
        let snapshot = Snapshot {
            link: Some(link),
            held: self.address.iter().map(|address| address.held(now, link_name())).collect(),
            carried_out: self.carried_out,
            fence: self.layer.fence(),
        };
        self.hear(Event::Kernel(snapshot));
    }

    /// A driver has something to tell; nobody repeats what waits already.
    pub(crate) fn hear(&mut self, event: Event) {
        if self.lives() && self.inbox.back() != Some(&event) {
            self.inbox.push_back(event);
        }
    }

    /// To be called after a change, before it is looked at.
    pub(crate) fn unseal(&mut self) {
        self.print = None;
    }

    pub(crate) const fn is_unsealed(&self) -> bool {
        self.print.is_none()
    }

    /// Computes what [`Self::print`] returns.
    pub(crate) fn seal(&mut self) {
        if self.print.is_none() {
            self.print = Some(print(self));
        }
    }

    pub(crate) const fn print(&self) -> u64 {
        self.print.expect("sealed")
    }
}

/// A number that stands for all that something is made of.
pub(crate) fn print(what: &impl Serialize) -> u64 {
    let bytes = postcard::to_stdvec(what).expect("everything here can be written down");
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    hasher.finish()
}

pub(crate) fn name(index: usize) -> NodeName {
    NodeName::new(["a", "b", "c"][index]).expect("a name")
}

pub(crate) fn mac(index: usize) -> Mac {
    let [last, ..] = index.to_le_bytes();
    Mac([2, 0, 0, 0, 0, last + 1])
}

/// The host's own address.
pub(crate) fn own_address(index: usize) -> IpAddr {
    let [last, ..] = index.to_le_bytes();
    Ipv4Addr::new(10, 0, 0, last + 1).into()
}

/// The address that is elected.
pub(crate) fn vip() -> Vip {
    Vip::new([10, 0, 0, 9].into(), 32).expect("a unicast address")
}

fn link_name() -> LinkName {
    LinkName::new("eth0").expect("a name")
}

fn plan(index: usize, layer: Layer) -> Plan {
    let hold_on_api_loss = layer == Layer::HoldingOn;
    let [duration, renew_deadline, retry] = TIMES;
    let timings = Timings::new(duration, renew_deadline, retry).expect("3/2/1 is fine");
    Plan {
        node: name(index),
        link: link_name(),
        vips: Vips::new(vec![vip()]).expect("one address"),
        lease: LeasePlan { namespace: "kube-system".into(), name: "lock".into(), timings },
        announce_every: Duration::from_secs(3),
        conduct: Conduct { hold_on_api_loss, ..Conduct::default() },
        boot: format!("boot-{index}"),
    }
}
