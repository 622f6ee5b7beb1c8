//! The simulated world: hosts, one store, and a queue of what is to happen.

use std::net::IpAddr;
use std::time::Duration;

use kube_vip_core::address::{Vip, bits};
use kube_vip_core::event::{Effect, Event, Failure, LeaseRecord};
use kube_vip_core::segment::Said;

use crate::timeline::{Entry, Fault, Timeline, What};

use super::Sabotage;
use super::api::Flight;
use super::calls::Call;
use super::host::Host;
use super::queue::Queue;
use super::rng::Rng;
use super::scenario::{Cue, Outcome, Planned, Scenario, Tally};
use super::segment::Station;
use super::store::Store;

/// Something that is to happen. Hosts, requests and faults are indices; a daemon is its id, so
/// that what was meant for one does not reach its successor.
#[derive(Debug)]
pub(super) enum Item {
    /// The host's daemon starts for the first time.
    Boot { host: usize },
    /// A fault's time has come.
    Prepare(usize),
    /// A fault strikes.
    Strike(usize),
    /// A fault ends.
    Lift(usize),
    /// The daemon gets the processor.
    Run { host: usize, daemon: u64 },
    /// The daemon's deadline has come.
    Alarm { host: usize, daemon: u64, alarm: u64 },
    /// The daemon's driver of the kernel goes on.
    Call { host: usize, daemon: u64, call: Call },
    /// The daemon's driver sends a frame.
    Send { host: usize, daemon: u64, effect: Effect },
    /// A frame reaches a station.
    Frame { from: Station, to: Station, said: Said },
    /// A driver of the daemon has something for it.
    Show { host: usize, daemon: u64, event: Event },
    /// The daemon's driver looks at the kernel without occasion.
    Look { host: usize, daemon: u64 },
    /// The kernel removes the address.
    Evict { host: usize, change: u64 },
    /// Something in the kernel's fence ends.
    Fade { host: usize },
    /// The daemon's driver puts the fence back.
    Mend { host: usize, daemon: u64 },
    /// The original looks at the Lease.
    Poll { host: usize, id: u64 },
    /// The original drops the address.
    Strip { host: usize },
    /// A request reaches the store.
    Land { flight: usize, attempt: u32 },
    /// The same request reaches the store once more.
    LandAgain { flight: usize },
    /// The answer reaches the daemon; it is this failure, or what the store said.
    Answer { flight: usize, attempt: u32, failure: Option<Failure> },
    /// The daemon gives the request up.
    GiveUp { flight: usize },
    /// The watch connects, and shows what there is.
    Connect { host: usize, daemon: u64, connection: u64 },
    /// The watch shows something.
    Watched { host: usize, daemon: u64, connection: u64, event: Event },
}

pub(super) struct World {
    pub(super) now: Duration,
    pub(super) rng: Rng,
    pub(super) queue: Queue<Item>,
    pub(super) hosts: Vec<Host>,
    pub(super) store: Store,
    pub(super) store_away: bool,
    pub(super) has_gateway: bool,
    /// A host that is no node has the addresses.
    pub(super) stranger: bool,
    pub(super) flights: Vec<Flight>,
    pub(super) legs: (Duration, Duration),
    pub(super) faults: Vec<Planned>,
    /// Whom each fault struck: the host, and the daemon that ran there.
    pub(super) struck: Vec<Option<(usize, Option<u64>)>>,
    /// The faults that wait for their cue, and until when.
    pub(super) waiting: Vec<(usize, Duration)>,
    /// How long they wait.
    pub(super) patience: Duration,
    pub(super) tally: Tally,
    pub(super) daemons: u64,
    pub(super) sabotage: Sabotage,
    pub(super) seed: u64,
    /// What each core was told and what it did, if that is wanted.
    pub(super) trace: Option<Vec<String>>,
    holder: Option<usize>,
    pub(super) vips: Vec<Vip>,
    /// What happened; to one of the addresses, or to all.
    entries: Vec<(Option<usize>, Entry)>,
}

impl World {
    pub(super) fn new(scenario: &Scenario, sabotage: Sabotage) -> Self {
        let vips = vips(&scenario.addresses);
        let host = |index| Host::new(index, scenario, &vips);
        let hosts: Vec<Host> = (0..scenario.hosts.len()).map(host).collect();
        let inherited = scenario.inherited.and_then(|host| hosts.get(host)).map(|host| {
            let duration = host.plan.lease.timings.duration();
            LeaseRecord { holder: host.name.clone(), duration, ..LeaseRecord::default() }
        });
        let mut queue = Queue::new();
        for (host, plan) in scenario.hosts.iter().enumerate() {
            queue.put(plan.starts, Item::Boot { host });
        }
        for (index, fault) in scenario.faults.iter().enumerate() {
            queue.put(fault.at, Item::Prepare(index));
        }
        let mut world = Self {
            now: Duration::ZERO,
            rng: Rng::new(scenario.seed),
            queue,
            hosts,
            store: Store::new(inherited, sabotage != Sabotage::BlindStore),
            store_away: false,
            has_gateway: scenario.gateway,
            stranger: false,
            flights: Vec::new(),
            legs: scenario.legs,
            faults: scenario.faults.clone(),
            struck: vec![None; scenario.faults.len()],
            waiting: Vec::new(),
            patience: scenario.lease_duration(),
            tally: Tally::default(),
            daemons: 0,
            sabotage,
            seed: scenario.seed,
            trace: None,
            holder: None,
            vips,
            entries: Vec::new(),
        };
        world.settle_paths();
        world.record_lease();
        world
    }

    /// Runs until `end`.
    pub(super) fn run(mut self, end: Duration) -> Outcome {
        while let Some((at, item)) = self.queue.take() {
            if at >= end {
                break;
            }
            self.now = at;
            self.happen(item);
        }
        let trace = self.trace.take().unwrap_or_default();
        let timelines = (0..self.vips.len()).map(|vip| self.timeline(vip, end)).collect();
        Outcome { timelines, tally: self.tally, trace }
    }

    /// What happened to one address.
    fn timeline(&self, vip: usize, ended: Duration) -> Timeline {
        let nodes = self.hosts.iter().map(|host| host.name.clone()).collect();
        let its = |(of, _): &&(Option<usize>, Entry)| of.is_none_or(|of| of == vip);
        let entries = self.entries.iter().filter(its).map(|(_, entry)| entry.clone()).collect();
        Timeline { nodes, entries, ended }
    }

    fn happen(&mut self, item: Item) {
        match item {
            Item::Boot { host } => self.start_if_dead(host),
            Item::Prepare(fault) => self.prepare(fault),
            Item::Strike(fault) => self.strike(fault),
            Item::Lift(fault) => self.lift(fault),
            Item::Run { host, daemon } => self.run_daemon(host, daemon),
            Item::Alarm { host, daemon, alarm } => self.alarm(host, daemon, alarm),
            Item::Call { host, daemon, call } => self.call(host, daemon, call),
            Item::Send { host, daemon, effect } => self.send_now(host, daemon, effect),
            Item::Frame { from, to, said } => self.frame(from, to, said),
            Item::Show { host, daemon, event } => self.deliver(host, daemon, event),
            Item::Look { host, daemon } => self.look(host, daemon),
            Item::Evict { host, change } => self.evict(host, change),
            Item::Fade { host } => self.record_addresses(host),
            Item::Mend { host, daemon } => self.mend(host, daemon),
            Item::Poll { host, id } => self.poll_original(host, id),
            Item::Strip { host } => self.strip(host),
            Item::Land { flight, attempt } => self.land(flight, attempt),
            Item::LandAgain { flight } => self.land_again(flight),
            Item::Answer { flight, attempt, failure } => self.answer(flight, attempt, failure),
            Item::GiveUp { flight } => self.give_up(flight),
            Item::Connect { host, daemon, connection } => self.connect(host, daemon, connection),
            Item::Watched { host, daemon, connection, event } => {
                self.watched(host, daemon, connection, event);
            }
        }
    }

    /// Puts something into the queue, so much later.
    pub(super) fn after(&mut self, span: Duration, item: Item) {
        self.queue.put(self.now + span, item);
    }

    /// A message's way, one way.
    pub(super) fn leg(&mut self) -> Duration {
        let (low, high) = self.legs;
        self.rng.span(low, high)
    }

    /// A span in microseconds, drawn.
    pub(super) fn micros(&mut self, low: u64, high: u64) -> Duration {
        self.rng.span(Duration::from_micros(low), Duration::from_micros(high))
    }

    /// A span in milliseconds, drawn.
    pub(super) fn millis(&mut self, low: u64, high: u64) -> Duration {
        self.rng.span(Duration::from_millis(low), Duration::from_millis(high))
    }

    pub(super) fn record(&mut self, what: What) {
        if let (Some(trace), What::Fault(fault)) = (&mut self.trace, &what) {
            trace.push(format!("{:>10.5} s  * {fault:?}", self.now.as_secs_f64()));
        }
        self.entries.push((None, Entry { at: self.now, what }));
    }

    /// Notes what a core was told, or did.
    pub(super) fn note(&mut self, host: usize, what: impl FnOnce() -> String) {
        let (at, name) = (self.now.as_secs_f64(), &self.hosts[host].name);
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{at:>10.5} s  {name} {}", what()));
        }
    }

    fn record_of(&mut self, vip: usize, what: What) {
        self.entries.push((Some(vip), Entry { at: self.now, what }));
    }

    /// Records that the host speaks for one of the addresses.
    pub(super) fn record_announcement(&mut self, node: usize, address: IpAddr) {
        if let Some(vip) = self.vips.iter().position(|vip| vip.address() == address) {
            self.record_of(vip, What::Announced { node });
        }
    }

    pub(super) fn record_fault(&mut self, fault: Fault) {
        self.record(What::Fault(fault));
    }

    /// Records which of the addresses the host has, and answers for.
    pub(super) fn record_addresses(&mut self, node: usize) {
        let now = self.now;
        for vip in 0..self.vips.len() {
            let host = &mut self.hosts[node];
            let on = host.kernel.has(self.vips[vip]);
            let answers = host.kernel.answers(self.vips[vip], now) && host.is_connected();
            if std::mem::replace(&mut host.configured[vip], on) != on {
                self.record_of(vip, What::Configured { node, on });
                self.cue(Cue::AddressMoves, None);
            }
            let host = &mut self.hosts[node];
            if std::mem::replace(&mut host.answers[vip], answers) != answers {
                self.record_of(vip, What::Answers { node, on: answers });
            }
        }
    }

    /// Records that a node wrote the Lease.
    pub(super) fn record_lease(&mut self) {
        let moves = self.record_holder();
        if let Some(node) = self.holder.filter(|_| !moves) {
            self.record(What::Renewed { node });
        }
    }

    /// Records whom the Lease names, if that is another one than before; whether it is.
    pub(super) fn record_holder(&mut self) -> bool {
        let named = |host: &Host| Some(host.name.as_str()) == self.store.holder();
        let holder = self.hosts.iter().position(named);
        let moves = holder != self.holder;
        if moves {
            self.holder = holder;
            self.record(What::Lease { holder });
            self.cue(Cue::LeaseMoves, None);
        }
        moves
    }

    /// Whom the Lease names.
    pub(super) const fn holder(&self) -> Option<usize> {
        self.holder
    }
}

/// Each with the prefix length that covers it alone.
fn vips(addresses: &[IpAddr]) -> Vec<Vip> {
    let vip = |address: &IpAddr| Vip::new(*address, bits(*address)).expect("a unicast address");
    addresses.iter().map(vip).collect()
}
