//! One host: its kernel, its daemon, what has been taken from it.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac, NodeName, Vip};
use kube_vip_core::event::{Effect, Event, Voice};
use kube_vip_core::moment::Moment;
use kube_vip_core::node::Node;
use kube_vip_core::plan::{Conduct, LeasePlan, Plan, Vips};

use crate::timeline::{Part, Parts};

use super::calls::Call;
use super::clock::Clock;
use super::kernel::{Kernel, Nic};
use super::original::Original;
use super::scenario::{HostPlan, Scenario};

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
    pub(super) missing: Parts,
    pub(super) daemon: Option<Daemon>,
    /// The original, which runs in the daemon's place.
    pub(super) original: Option<Original>,
    pub(super) watch: Watch,
    /// Requests that wait in its API server for the store, or for the API server to be thawed.
    pub(super) parked: Vec<usize>,
    /// Its API server answered when last looked at.
    pub(super) served: bool,
    /// Whose API server its daemon used when last looked at; none: nobody's answered.
    pub(super) server: Option<usize>,
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
    /// What the driver of the kernel was told and has not done.
    pub(super) orders: VecDeque<Effect>,
    /// It is at the first of them.
    pub(super) busy: bool,
    /// Where it was when the process was frozen.
    pub(super) stuck: Option<Call>,
    /// What it last set each address to.
    pub(super) voices: BTreeMap<Vip, (Moment, Voice)>,
    /// How many orders it has carried out, or refused.
    pub(super) carried_out: u64,
    /// When the last snapshot arrives: none overtakes another.
    pub(super) snapshot_at: Duration,
    /// The frames that it was about to send when it was frozen.
    pub(super) held_back: Vec<Effect>,
    /// It has learnt of the other API servers.
    pub(super) knows_others: bool,
    /// What it last said: whether it holds, and whom the Lease names.
    pub(super) said: Option<(bool, Option<usize>)>,
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
    /// When its last event about the Lease arrives: none overtakes another.
    pub(super) last: Duration,
    /// When its last event about anything else arrives.
    pub(super) others: Duration,
}

impl Host {
    pub(super) fn new(index: usize, scenario: &Scenario, vips: &[Vip]) -> Self {
        let name = format!("n{}", index + 1);
        let drawn = &scenario.hosts[index];
        Self {
            plan: plan(&name, drawn, vips, scenario),
            name,
            ppm: drawn.ppm,
            first: drawn.first,
            wall: drawn.wall,
            kernel: Kernel::default(),
            nic: Nic {
                name: link(),
                mac: mac(index),
                up: true,
                addresses: own_addresses(index, vips),
                gateways: gateways(vips, scenario.gateway),
                fence: drawn.fence,
            },
            missing: Parts::default(),
            daemon: None,
            original: None,
            watch: Watch::default(),
            parked: Vec::new(),
            served: false,
            server: None,
            answers: vec![false; vips.len()],
            configured: vec![false; vips.len()],
        }
    }

    pub(super) const fn has(&self, part: Part) -> bool {
        !self.missing.contains(part)
    }

    /// Frames pass between it and the others, both ways.
    pub(super) fn is_connected(&self) -> bool {
        self.hears() && self.is_heard()
    }

    /// Frames pass to it.
    pub(super) fn hears(&self) -> bool {
        self.is_plugged_in() && self.has(Part::Hearing)
    }

    /// Frames pass from it.
    pub(super) fn is_heard(&self) -> bool {
        self.is_plugged_in() && self.has(Part::Voice)
    }

    fn is_plugged_in(&self) -> bool {
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
            orders: VecDeque::new(),
            busy: false,
            stuck: None,
            voices: BTreeMap::new(),
            carried_out: 0,
            snapshot_at: Duration::ZERO,
            held_back: Vec::new(),
            knows_others: false,
            said: None,
            overdue: Vec::new(),
            spins: (Duration::ZERO, 0),
        }
    }
}

fn plan(name: &str, drawn: &HostPlan, vips: &[Vip], scenario: &Scenario) -> Plan {
    let conduct = Conduct {
        hold_on_api_loss: scenario.holds_on,
        priority: drawn.priority,
        fail_back: scenario.fail_back,
        ..Conduct::default()
    };
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
        conduct,
        boot: format!("boot of {name}"),
    }
}

/// RFC 5737: for documentation, as the addresses that follow the election; and link-local.
pub(super) const GATEWAYS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)),
];

fn own_addresses(index: usize, vips: &[Vip]) -> Vec<IpAddr> {
    let number = 101 + u8::try_from(index).unwrap_or_default();
    let four = Ipv4Addr::new(192, 0, 2, number).into();
    let six = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number.into()).into();
    in_use([four, six], vips)
}

fn gateways(vips: &[Vip], there: bool) -> Vec<IpAddr> {
    if there { in_use(GATEWAYS, vips) } else { Vec::new() }
}

/// Those of a family that one of the elected addresses has.
fn in_use(addresses: [IpAddr; 2], vips: &[Vip]) -> Vec<IpAddr> {
    let wanted =
        |address: &IpAddr| vips.iter().any(|vip| vip.address().is_ipv4() == address.is_ipv4());
    addresses.into_iter().filter(wanted).collect()
}

fn link() -> LinkName {
    LinkName::new("eth0").expect("a name the kernel takes")
}

fn mac(index: usize) -> Mac {
    Mac([2, 0, 0, 0, 0, u8::try_from(index + 1).unwrap_or(u8::MAX)])
}
