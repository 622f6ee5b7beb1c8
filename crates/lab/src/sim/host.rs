//! One host: its kernel, its daemon, what has been taken from it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac, NodeName, Vip};
use kube_vip_core::event::{Effect, Event};
use kube_vip_core::node::Node;
use kube_vip_core::plan::{Conduct, LeasePlan, Plan, Vips};

use crate::timeline::Part;

use super::clock::Clock;
use super::kernel::{Kernel, Nic};
use super::scenario::HostPlan;

/// A host, whether it runs or not.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) plan: Plan,
    /// How fast its clocks run.
    pub(super) ppm: i32,
    /// What its monotonic clock shows when its daemon starts.
    pub(super) first: Duration,
    /// Its wall clock's error, in microseconds.
    pub(super) wall: i64,
    pub(super) kernel: Kernel,
    pub(super) nic: Nic,
    /// What has been taken from it.
    pub(super) missing: BTreeSet<Part>,
    pub(super) daemon: Option<Daemon>,
    pub(super) watch: Watch,
    /// Requests that wait in its API server for the store, or for the API server to be thawed.
    pub(super) parked: Vec<usize>,
    /// Its API server answered when last looked at.
    pub(super) served: bool,
    /// For each of the plan's addresses: it answered when last looked at.
    pub(super) answers: Vec<bool>,
    /// For each of the plan's addresses: it had it when last looked at.
    pub(super) configured: Vec<bool>,
}

/// A daemon's process.
#[derive(Debug)]
pub(super) struct Daemon {
    /// Distinguishes it from those before and after it, on any host.
    pub(super) id: u64,
    pub(super) node: Node,
    pub(super) clock: Clock,
    /// What its drivers have for it.
    pub(super) inbox: VecDeque<Event>,
    /// It will get the processor.
    pub(super) awake: bool,
    /// The alarm that counts; earlier ones are void.
    pub(super) alarm: u64,
    /// When the driver of the kernel is done with what it was told.
    pub(super) kernel_free: Duration,
    /// How many orders it has carried out, or refused.
    pub(super) carried_out: u64,
    /// When the last snapshot arrives: none overtakes another.
    pub(super) snapshot_at: Duration,
    /// What it was about to do when it was frozen.
    pub(super) held_back: Vec<Effect>,
    /// Requests whose time ran out while it was frozen, and may still be answered.
    pub(super) overdue: Vec<usize>,
    /// How often it was called in vain at the same instant.
    pub(super) spins: (Duration, u32),
}

/// The connection that shows a daemon the Lease.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The connection that counts.
    pub(super) connection: u64,
    /// When its last event arrives: none overtakes another.
    pub(super) last: Duration,
}

impl Host {
    pub(super) fn new(index: usize, drawn: &HostPlan, vips: &[Vip]) -> Self {
        let name = format!("n{}", index + 1);
        Self {
            plan: plan(&name, drawn, vips),
            name,
            ppm: drawn.ppm,
            first: drawn.first,
            wall: drawn.wall,
            kernel: Kernel::default(),
            nic: Nic { name: link(), mac: mac(index), up: true },
            missing: BTreeSet::new(),
            daemon: None,
            watch: Watch::default(),
            parked: Vec::new(),
            served: false,
            answers: vec![false; vips.len()],
            configured: vec![false; vips.len()],
        }
    }

    pub(super) fn has(&self, part: Part) -> bool {
        !self.missing.contains(&part)
    }

    /// Frames pass between it and the others.
    pub(super) fn is_connected(&self) -> bool {
        self.has(Part::Power) && self.has(Part::Port) && self.has(Part::Cable)
    }

    /// Its API server runs.
    pub(super) fn has_api(&self) -> bool {
        self.has(Part::Power) && self.has(Part::ApiProcess) && self.has(Part::ApiSchedule)
    }

    /// The daemon with this id.
    pub(super) fn daemon(&mut self, id: u64) -> Option<&mut Daemon> {
        self.daemon.as_mut().filter(|daemon| daemon.id == id)
    }

    /// The id of the daemon that runs, or is frozen.
    pub(super) fn daemon_id(&self) -> Option<u64> {
        self.daemon.as_ref().map(|daemon| daemon.id)
    }
}

impl Daemon {
    pub(super) fn new(id: u64, node: Node, clock: Clock) -> Self {
        Self {
            id,
            node,
            clock,
            inbox: VecDeque::new(),
            awake: false,
            alarm: 0,
            kernel_free: Duration::ZERO,
            carried_out: 0,
            snapshot_at: Duration::ZERO,
            held_back: Vec::new(),
            overdue: Vec::new(),
            spins: (Duration::ZERO, 0),
        }
    }
}

fn plan(name: &str, drawn: &HostPlan, vips: &[Vip]) -> Plan {
    Plan {
        node: NodeName::new(name).expect("a letter and a digit"),
        link: link(),
        vips: Vips::new(vips.to_vec()).expect("one or two addresses"),
        lease: LeasePlan {
            namespace: "kube-system".to_owned(),
            name: "plndr-cp-lock".to_owned(),
            timings: drawn.timings,
        },
        announce_every: Duration::from_secs(3),
        conduct: Conduct::default(),
        boot: format!("boot of {name}"),
    }
}

fn link() -> LinkName {
    LinkName::new("eth0").expect("a name the kernel takes")
}

fn mac(index: usize) -> Mac {
    Mac([2, 0, 0, 0, 0, u8::try_from(index + 1).unwrap_or(u8::MAX)])
}
