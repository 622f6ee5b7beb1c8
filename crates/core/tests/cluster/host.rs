//! One host: a daemon around the core, a kernel that outlives it, a cable, a way to the API server.

use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac, NodeName, Vip};
use kube_vip_core::event::{Fence, Held, Link, Snapshot};
use kube_vip_core::moment::Moment;
use kube_vip_core::node::Node;
use kube_vip_core::plan::{Conduct, LeasePlan, Plan, Timings, Vips};

use crate::world::Fault;

/// How the API server answers this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Answers,
    /// Nobody listens.
    Refuses,
    /// Requests arrive long after they were given up, or never.
    Hangs,
    /// What is asked is done, but no answer comes.
    Loses,
    /// Takes up to two seconds each way.
    Crawls,
}

pub(crate) struct Host {
    pub(crate) name: String,
    /// None: the daemon is not running.
    pub(crate) node: Option<Node>,
    /// Counts the daemons that ran here: what was on its way to an earlier one is lost.
    pub(crate) life: u64,
    started: Duration,
    /// How much faster its clock runs than the world's, in parts per million.
    ppm: i64,
    /// The faults that last.
    pub(crate) struck: Vec<Fault>,
    /// When the watch showed, or will show, what it was told last.
    pub(crate) watched: Duration,
    /// When the kernel did, or will do, what it was told last.
    pub(crate) ordered: Duration,
    pub(crate) kernel: Vec<Address>,
    /// How many orders of this daemon the kernel driver has carried out or refused.
    pub(crate) carried_out: u64,
}

/// An address as the kernel has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    pub(crate) vip: Vip,
    /// When its lifetime is over, and when the kernel notices.
    pub(crate) ends: Duration,
    pub(crate) goes: Duration,
}

impl Host {
    pub(crate) fn new(name: &str, ppm: i64) -> Self {
        Self {
            name: name.to_owned(),
            node: None,
            life: 0,
            started: Duration::ZERO,
            ppm,
            struck: Vec::new(),
            watched: Duration::ZERO,
            ordered: Duration::ZERO,
            kernel: Vec::new(),
            carried_out: 0,
        }
    }

    /// A daemon starts; its clock begins anew.
    pub(crate) fn start(&mut self, now: Duration, seed: u64) {
        self.life += 1;
        self.started = now;
        self.carried_out = 0;
        self.node = Some(Node::new(plan(&self.name), seed));
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.struck.contains(&fault)
    }

    /// How the API server answers; of several faults the last one counts.
    pub(crate) fn api(&self) -> Api {
        let api = |fault: &Fault| match fault {
            Fault::Api(api) => Some(*api),
            _ => None,
        };
        self.struck.iter().rev().find_map(api).unwrap_or(Api::Answers)
    }

    /// What the daemon's clock shows.
    pub(crate) fn moment(&self, now: Duration) -> Moment {
        let nanos = i64::try_from((now - self.started).as_nanos()).expect("runs are short");
        let nanos = nanos + nanos / 1_000_000 * self.ppm;
        Moment::after_start(Duration::from_nanos(nanos.unsigned_abs()))
    }

    /// When the daemon's clock will show at least this.
    pub(crate) fn when(&self, moment: Moment) -> Duration {
        let nanos = i64::try_from(moment.since_start().as_nanos()).expect("runs are short");
        let nanos = nanos - nanos / 1_000_000 * self.ppm;
        self.started + Duration::from_nanos(nanos.unsigned_abs()) + Duration::from_micros(100)
    }

    /// The kernel gives or renews an address.
    pub(crate) fn give(&mut self, address: Address) {
        self.take(address.vip);
        self.kernel.push(address);
    }

    /// The kernel removes an address.
    pub(crate) fn take(&mut self, vip: Vip) {
        self.kernel.retain(|address| address.vip != vip);
    }

    /// This host answers for the address.
    pub(crate) fn answers(&self, vip: Vip) -> bool {
        !self.has(Fault::Unplug) && self.kernel.iter().any(|address| address.vip == vip)
    }

    pub(crate) fn snapshot(&self, now: Duration) -> Snapshot {
        let held = |address: &Address| Held {
            vip: address.vip,
            link: link_name(),
            lifetime: Some(Duration::from_secs(address.ends.saturating_sub(now).as_secs())),
            voice: None,
        };
        Snapshot {
            link: Some(Link {
                mac: Mac([2, 0, 0, 0, 0, 1]),
                up: !self.has(Fault::Unplug),
                addresses: Vec::new(),
                gateways: Vec::new(),
            }),
            held: self.kernel.iter().map(held).collect(),
            carried_out: self.carried_out,
            fence: Fence::Unknown,
        }
    }
}

/// The two addresses of the plan.
pub(crate) fn vips() -> [Vip; 2] {
    [9, 10].map(|last| Vip::new([10, 0, 0, last].into(), 32).expect("a unicast address"))
}

fn link_name() -> LinkName {
    LinkName::new("eth0").expect("a name")
}

/// Lease duration, renew deadline and retry period, for everybody.
pub(crate) const TIMES: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_secs(3), Duration::from_secs(1)];

fn plan(name: &str) -> Plan {
    let [duration, renew_deadline, retry] = TIMES;
    let timings = Timings::new(duration, renew_deadline, retry).expect("5/3/1 is fine");
    Plan {
        node: NodeName::new(name).expect("a name"),
        link: link_name(),
        vips: Vips::new(vips().to_vec()).expect("two addresses"),
        lease: LeasePlan { namespace: "kube-system".into(), name: "plndr-cp-lock".into(), timings },
        announce_every: Duration::from_secs(3),
        conduct: Conduct::default(),
        boot: format!("boot-{name}"),
    }
}
