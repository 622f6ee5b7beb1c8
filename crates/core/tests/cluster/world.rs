//! Hosts, a store, faults, and what is judged at every step.

use std::collections::BTreeMap;
use std::time::Duration;

use kube_vip_core::event::{Answer, Effect, Event, Failure, Request};
use kube_vip_core::reconcile::address_lifetime;

use crate::host::{Address, Api, Host, TIMES, vips};
use crate::original::Original;
use crate::rng::Rng;
use crate::store::Store;

/// What happens to a host, or to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL, and a restart when it is over.
    Kill,
    /// SIGTERM, and a restart when it is over.
    Terminate,
    Freeze,
    Unplug,
    Api(Api),
    WatchBreaks,
    KernelRefuses,
    AddressDeleted,
    LeaseTouched,
    LeaseDeleted,
    OriginalStops,
    OriginalLosesApi,
}

/// A fault, so long after the one before, for so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planned {
    pub(crate) after: Duration,
    pub(crate) host: usize,
    pub(crate) fault: Fault,
    pub(crate) span: Duration,
}

#[derive(Clone, Debug)]
enum Item {
    Start(usize),
    Strike(Planned),
    Lift(Planned),
    Tick(usize, u64),
    Tell(usize, u64, Event),
    Order(usize, u64, Effect),
    Expire(usize),
    Arrive(usize, u64, Request, Duration),
    Poll,
}

pub(crate) struct World {
    now: Duration,
    queue: BTreeMap<(Duration, u64), Item>,
    count: u64,
    rng: Rng,
    store: Store,
    hosts: Vec<Host>,
    /// What waits for a frozen daemon.
    kept: Vec<Item>,
    original: Option<Original>,
    log: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, original: bool) -> Self {
        let mut rng = Rng::new(seed);
        let mut ppm = || i64::try_from(rng.next() % 801).unwrap_or_default() - 400;
        let hosts = ["a", "b", "c"].map(|name| Host::new(name, ppm())).into();
        let mut world = Self {
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            count: 0,
            rng,
            store: Store::default(),
            hosts,
            kept: Vec::new(),
            original: original.then(Original::default),
            log: Vec::new(),
        };
        for host in 0..3 {
            let at = world.rng.micros(1, 1_000_000);
            world.put(at, Item::Start(host));
        }
        world.put(Duration::ZERO, Item::Poll);
        world
    }

    /// Lets the faults strike, and everything come to rest after the last of them.
    pub(crate) fn run(&mut self, faults: &[Planned]) {
        let mut at = 3 * TIMES[2];
        let mut over = at;
        for fault in faults {
            at += fault.after;
            over = over.max(at + fault.span);
            self.put(at, Item::Strike(*fault));
            self.put(at + fault.span, Item::Lift(*fault));
        }
        self.run_until(over + 2 * TIMES[0] + Duration::from_secs(15));
        let answer: Vec<usize> = vips().iter().map(|vip| self.answering(*vip).len()).collect();
        let leads = self.original.as_ref().is_some_and(|original| original.leads);
        let wanted = if leads { [0, 0] } else { [1, 1] };
        assert_eq!(answer, wanted, "at the end\n{}", self.story());
    }

    fn run_until(&mut self, end: Duration) {
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= end) {
            assert!(self.count < 200_000, "endless\n{}", self.story());
            self.now = entry.key().0;
            let item = entry.remove();
            self.happen(item);
            self.judge();
        }
        self.now = end;
    }

    fn put(&mut self, at: Duration, item: Item) {
        self.count += 1;
        self.queue.insert((at, self.count), item);
    }

    fn note(&mut self, text: &str) {
        self.log.push(format!("{:9.4} {text}", self.now.as_secs_f64()));
    }

    fn story(&self) -> String {
        self.log.join("\n")
    }

    fn answering(&self, vip: kube_vip_core::address::Vip) -> Vec<&str> {
        let answering = self.hosts.iter().filter(|host| host.answers(vip));
        answering.map(|host| host.name.as_str()).collect()
    }

    /// One owner: never two of our nodes, nor one of ours while the original leads.
    fn judge(&self) {
        let leads = self.original.as_ref().is_some_and(|original| original.leads);
        for vip in vips() {
            let owners = self.answering(vip);
            let count = owners.len() + usize::from(leads);
            assert!(count <= 1, "{owners:?}, original {leads}: {vip}\n{}", self.story());
        }
    }

    fn happen(&mut self, item: Item) {
        match item {
            Item::Start(host) => self.start(host),
            Item::Strike(planned) => self.strike(planned),
            Item::Lift(planned) => self.lift(planned),
            Item::Expire(host) => self.expire(host),
            Item::Arrive(host, life, request, left) => self.arrive(host, life, &request, left),
            Item::Poll => self.poll(),
            Item::Tick(host, life) | Item::Tell(host, life, _) | Item::Order(host, life, _) => {
                let there = &self.hosts[host];
                if there.life != life || there.node.is_none() {
                } else if there.has(Fault::Freeze) {
                    self.kept.push(item);
                } else {
                    self.reach(item);
                }
            }
        }
    }

    /// Something reaches a living daemon.
    fn reach(&mut self, item: Item) {
        match item {
            Item::Tick(host, _) => self.tell(host, Event::Tick),
            Item::Tell(host, _, event) => self.tell(host, event),
            Item::Order(host, _, effect) => self.obey(host, effect),
            _ => unreachable!("the others are for nobody"),
        }
    }

    fn start(&mut self, host: usize) {
        if self.hosts[host].node.is_some() {
            return;
        }
        let seed = self.rng.next();
        self.hosts[host].start(self.now, seed);
        self.note(&format!("{} starts", self.hosts[host].name));
        self.look(host);
        self.show(host);
        let life = self.hosts[host].life;
        self.put(self.now, Item::Tick(host, life));
    }

    fn tell(&mut self, host: usize, event: Event) {
        let there = &mut self.hosts[host];
        let moment = there.moment(self.now);
        let Some(node) = &mut there.node else { return };
        node.handle(event, moment);
        let effects: Vec<Effect> = std::iter::from_fn(|| node.poll()).collect();
        let (life, deadline, finished) = (there.life, node.deadline(), node.finished());
        for effect in effects {
            self.carry_out(host, life, effect);
        }
        if finished {
            self.note(&format!("{} has ended", self.hosts[host].name));
            self.hosts[host].node = None;
        } else if let Some(deadline) = deadline {
            let at = self.hosts[host].when(deadline).max(self.now);
            self.put(at, Item::Tick(host, life));
        }
    }

    fn carry_out(&mut self, host: usize, life: u64, effect: Effect) {
        match effect {
            Effect::Ask(request) => self.ask(host, life, request),
            Effect::Hold { .. } | Effect::Drop(_) => {
                // The driver takes orders one after the other, and waits for the kernel's lock.
                let at = (self.now + self.rng.micros(100, 40_000)).max(self.hosts[host].ordered);
                self.hosts[host].ordered = at;
                self.put(at, Item::Order(host, life, effect));
            }
            Effect::Announce { .. }
            | Effect::Question { .. }
            | Effect::Check { .. }
            | Effect::Register(_) => {}
            Effect::Tell(notice) => self.note(&format!("{} {notice:?}", self.hosts[host].name)),
        }
    }

    fn obey(&mut self, host: usize, effect: Effect) {
        let late = self.rng.micros(10_000, 400_000);
        let there = &mut self.hosts[host];
        there.carried_out += 1;
        let refuses = there.has(Fault::KernelRefuses);
        match &effect {
            Effect::Hold { vip, until, .. } => {
                let lifetime = address_lifetime(*until, there.moment(self.now));
                let Some(lifetime) = lifetime.filter(|_| !refuses) else {
                    let event = Event::Refused { effect, cause: "no".into() };
                    return self.later(host, event);
                };
                let (ends, goes) = (self.now + lifetime, self.now + lifetime + late);
                there.give(Address { vip: *vip, ends, goes });
                self.put(goes, Item::Expire(host));
            }
            Effect::Drop(held) => there.take(held.vip),
            _ => unreachable!("no orders"),
        }
        let name = &self.hosts[host].name;
        let text = format!("{name} did {effect:?}");
        self.note(&text);
        self.look(host);
    }

    /// The kernel driver shows what there is now; the daemon hears of it a little later.
    fn look(&mut self, host: usize) {
        let snapshot = self.hosts[host].snapshot(self.now);
        self.later(host, Event::Kernel(snapshot));
    }

    fn later(&mut self, host: usize, event: Event) {
        let life = self.hosts[host].life;
        self.put(self.now + Duration::from_millis(1), Item::Tell(host, life, event));
    }

    fn expire(&mut self, host: usize) {
        let now = self.now;
        let there = &mut self.hosts[host];
        let before = there.kernel.len();
        there.kernel.retain(|address| address.goes > now);
        if there.kernel.len() < before {
            self.note(&format!("{} lost what had expired", self.hosts[host].name));
            self.look(host);
        }
    }

    fn ask(&mut self, host: usize, life: u64, request: Request) {
        let api = self.hosts[host].api();
        let way = match api {
            Api::Answers | Api::Loses => self.rng.micros(100, 20_000),
            Api::Crawls => self.rng.micros(10_000, 2_000_000),
            Api::Hangs => self.rng.micros(500_000, 8_000_000),
            Api::Refuses => {
                let outcome = Err(Failure::Unavailable("refused".into()));
                let answer = Event::Answered(Answer { id: request.id, outcome });
                return self.later(host, answer);
            }
        };
        let deadline = self.now + request.timeout;
        let lost = Answer { id: request.id, outcome: Err(Failure::Timeout) };
        self.put(deadline, Item::Tell(host, life, Event::Answered(lost)));
        // What hangs may be lost, or happen when nobody waits for it any more.
        if api != Api::Hangs || self.rng.percent(30) {
            self.put(self.now + way, Item::Arrive(host, life, request, deadline));
        }
    }

    fn arrive(&mut self, host: usize, life: u64, request: &Request, deadline: Duration) {
        let wall = i64::try_from(self.now.as_micros()).unwrap_or_default();
        let before = self.store.read();
        let outcome = self.store.serve(&request.call, wall);
        if self.store.read() != before {
            self.note(&format!("{} wrote {:?}", self.hosts[host].name, request.call));
            self.show_all();
        }
        let way = match self.hosts[host].api() {
            Api::Answers => self.rng.micros(100, 20_000),
            Api::Crawls => self.rng.micros(10_000, 2_000_000),
            Api::Refuses | Api::Hangs | Api::Loses => return,
        };
        if self.now + way < deadline {
            // The core takes no second answer to the same request.
            let answer = Event::Answered(Answer { id: request.id, outcome });
            self.put(self.now + way, Item::Tell(host, life, answer));
        }
    }

    fn show_all(&mut self) {
        for host in 0..self.hosts.len() {
            self.show(host);
        }
    }

    /// The watch of a host shows the Lease as it is now, in order.
    fn show(&mut self, host: usize) {
        let there = &self.hosts[host];
        let broken = there.api() != Api::Answers || there.has(Fault::WatchBreaks);
        if broken {
            return;
        }
        let at = (self.now + self.rng.micros(100, 200_000)).max(self.hosts[host].watched);
        self.hosts[host].watched = at;
        let (life, seen) = (self.hosts[host].life, self.store.read());
        self.put(at, Item::Tell(host, life, Event::Watched(seen)));
    }

    fn poll(&mut self) {
        let Some(original) = &mut self.original else { return };
        let before = self.store.read();
        original.poll(&mut self.store, self.now);
        let pause =
            if original.leads { TIMES[2] } else { TIMES[2] + self.rng.micros(1_000, 1_200_000) };
        self.put(self.now + pause, Item::Poll);
        if self.store.read() != before {
            self.note("the original wrote");
            self.show_all();
        }
    }

    fn strike(&mut self, planned: Planned) {
        self.note(&format!("{planned:?}"));
        let host = &mut self.hosts[planned.host];
        match planned.fault {
            Fault::Kill => host.node = None,
            Fault::Terminate => {
                let life = host.life;
                self.put(self.now, Item::Tell(planned.host, life, Event::Shutdown));
            }
            Fault::Freeze
            | Fault::Unplug
            | Fault::Api(_)
            | Fault::WatchBreaks
            | Fault::KernelRefuses => host.struck.push(planned.fault),
            Fault::AddressDeleted => host.kernel.clear(),
            Fault::LeaseTouched => self.store.touch(),
            Fault::LeaseDeleted => self.store.put(None),
            Fault::OriginalStops => {
                if let Some(original) = &mut self.original {
                    original.stop(&mut self.store, self.now);
                }
            }
            Fault::OriginalLosesApi => {
                if let Some(original) = &mut self.original {
                    original.api_away = true;
                }
            }
        }
        self.aftermath(planned);
    }

    fn lift(&mut self, planned: Planned) {
        let host = &mut self.hosts[planned.host];
        if let Some(index) = host.struck.iter().position(|fault| *fault == planned.fault) {
            host.struck.remove(index);
        }
        match planned.fault {
            Fault::Kill | Fault::Terminate => {
                host.node = None;
                self.start(planned.host);
            }
            Fault::Freeze => {
                let kept = std::mem::take(&mut self.kept);
                for item in kept {
                    self.happen(item);
                }
            }
            Fault::OriginalLosesApi => {
                if let Some(original) = &mut self.original {
                    original.api_away = false;
                }
            }
            // What is over in an instant was looked at when it struck.
            _ => {}
        }
        self.aftermath(planned);
    }

    /// What follows for the drivers of the host, and for all watches.
    fn aftermath(&mut self, planned: Planned) {
        match planned.fault {
            Fault::Unplug | Fault::AddressDeleted => self.look(planned.host),
            Fault::Api(_) | Fault::WatchBreaks => self.show(planned.host),
            Fault::LeaseTouched | Fault::LeaseDeleted | Fault::OriginalStops => self.show_all(),
            _ => {}
        }
    }
}
