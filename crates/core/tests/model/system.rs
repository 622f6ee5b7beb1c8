//! Three hosts, one store and what is on the way between them; what each move does to them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use kube_vip_core::address::Mac;
use kube_vip_core::event::{
    Answer, Check, Effect, Event, Failure, Health, Observation, Request, Voice,
};
use kube_vip_core::reconcile::address_lifetime;
use kube_vip_core::segment::{Claim, Question, Said, Station};
use serde::Serialize;

use crate::clock::Instant;
use crate::host::{self, Host, Process, mac, own_address, vip};
use crate::kernel::{Address, Layer, MEETING};
use crate::store::Store;
use crate::story::Story;

/// Where a request is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Way {
    /// It arrives before time goes on.
    Going,
    /// It arrives at some time, or never.
    Late,
    /// The answer arrives before time goes on.
    Answered(Result<Option<Observation>, Failure>),
    /// The answer arrives at some time, or never.
    AnsweredLate(Result<Option<Observation>, Failure>),
    /// Nothing more will come of it.
    Lost,
}

/// A request under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Flight {
    pub(crate) host: usize,
    life: u64,
    pub(crate) request: Request,
    pub(crate) deadline: Instant,
    pub(crate) way: Way,
    /// Somebody waits for the answer.
    pub(crate) awaited: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct System {
    pub(crate) now: Instant,
    pub(crate) hosts: [Arc<Host>; 3],
    pub(crate) flights: Vec<Flight>,
    pub(crate) store: Arc<Store>,
    /// How many faults may still strike.
    pub(crate) faults: u32,
    /// Faults strike, and what is late arrives, until then; it is looked at no further.
    pub(crate) end: Instant,
    /// These two answered at once, for longer than they may.
    pub(crate) two: Option<(usize, usize)>,
    /// Since when two answer that may for a moment.
    meeting: Option<Instant>,
    /// What has happened on the way here; no part of the state.
    pub(crate) story: Story,
}

impl PartialEq for System {
    fn eq(&self, other: &Self) -> bool {
        let rest = |it: &Self| (it.now, it.faults, it.end, it.two, it.meeting);
        rest(self) == rest(other)
            && self.hosts.iter().zip(&other.hosts).all(|(a, b)| a.print() == b.print())
            && self.flights == other.flights
            && self.store == other.store
    }
}

impl Hash for System {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.now, self.faults, self.end, self.two, self.meeting).hash(state);
        for host in &self.hosts {
            host.print().hash(state);
        }
        host::print(&(&self.flights, &*self.store)).hash(state);
    }
}

impl System {
    /// Nothing runs yet; clocks differ by as much as the design allows.
    pub(crate) fn new(layer: Layer) -> Self {
        let host = |index, ppm| Arc::new(Host::new(index, ppm, layer));
        Self {
            now: Instant::START,
            hosts: [host(0, -500), host(1, 500), host(2, 0)],
            flights: Vec::new(),
            store: Arc::default(),
            faults: 0,
            end: Instant::START,
            two: None,
            meeting: None,
            story: Story::default(),
        }
    }

    pub(crate) fn host(&mut self, index: usize) -> &mut Host {
        let host = Arc::make_mut(&mut self.hosts[index]);
        host.unseal();
        host
    }

    /// To be called after a move.
    pub(crate) fn seal(&mut self) {
        for host in &mut self.hosts {
            if host.is_unsealed() {
                Arc::make_mut(host).seal();
            }
        }
    }

    pub(crate) fn answering(&self) -> impl Iterator<Item = usize> {
        self.hosts.iter().filter(|host| host.answers(self.now)).map(|host| host.index)
    }

    /// A daemon starts: its drivers tell it what there is.
    pub(crate) fn start(&mut self, index: usize) {
        let now = self.now;
        let (candidates, lease) = (self.store.candidates(&host::name(index)), self.store.read());
        let host = self.host(index);
        host.start();
        host.look(now);
        host.hear(Event::Cordoned(false));
        host.hear(Event::Candidates(candidates));
        host.unseen = Some(lease);
    }

    pub(crate) fn tell(&mut self, index: usize, event: Event) {
        let now = self.now;
        self.host(index).tell(event, now);
    }

    /// The oldest of the orders to the kernel is carried out.
    pub(crate) fn order(&mut self, index: usize) {
        let now = self.now;
        let host = self.host(index);
        let Some(order) = host.orders.pop_front() else { return };
        host.kernel_is_slow &= !host.orders.is_empty();
        if matches!(order, Effect::Drop(_)) {
            host.address = None;
            host.ordered(now);
        } else {
            self.hold(index, order);
        }
    }

    /// The oldest of the other effects that the core wants is carried out.
    pub(crate) fn flush(&mut self, index: usize) {
        let Some(effect) = self.host(index).outbox.pop_front() else { return };
        match &effect {
            Effect::Ask(request) => self.ask(index, request.clone()),
            Effect::Hold { .. } | Effect::Drop(_) => unreachable!("orders are kept apart"),
            Effect::Announce { .. } if self.hosts[index].answers(self.now) => {
                let station = Station { mac: mac(index), address: vip().address() };
                self.broadcast(index, Said::Claim(Claim { station, to: Mac::BROADCAST }));
            }
            // The fence drops it.
            Effect::Announce { .. } | Effect::Tell(_) => {}
            Effect::Question { question, .. } => self.question(index, *question),
            Effect::Check { .. } => {
                let away = self.hosts[index].api_away;
                let local = match self.hosts[index].layer {
                    _ if !away => Health::Ready,
                    // The process serves, and what is behind it does not.
                    Layer::HoldingOn => Health::Accepts("away".into()),
                    _ => Health::Refuses("away".into()),
                };
                let elsewhere = away.then_some(true);
                self.host(index).hear(Event::Checked(Check { local, elsewhere }));
            }
            Effect::Register(candidacy) => self.register(index, candidacy.clone()),
        }
    }

    fn hold(&mut self, index: usize, effect: Effect) {
        let Effect::Hold { vip, until, voice } = effect else { return };
        let now = self.now;
        let clock = self.hosts[index].clock;
        let moment = clock.moment(now);
        if let Some(lifetime) = address_lifetime(until, moment) {
            let ends = clock.when(moment + lifetime);
            let layer = self.hosts[index].layer;
            let (goes, until) = (layer.removes(ends), clock.when(until));
            let other = self.answering().find(|other| *other != index);
            if let Some(other) = other.filter(|_| voice == Voice::Answering) {
                if layer == Layer::HoldingOn {
                    self.story.met();
                    self.meeting.get_or_insert(now);
                } else {
                    self.two = Some((other, index));
                }
            }
            self.host(index).address = Some(Address { vip, layer, ends, goes, voice, until });
            self.story.held(&self.hosts, index, voice);
        } else {
            self.host(index).hear(Event::Refused { effect, cause: "too late".into() });
        }
        self.host(index).ordered(now);
    }

    fn ask(&mut self, host: usize, request: Request) {
        let deadline = self.now.after(request.timeout);
        let there = &self.hosts[host];
        let way = if there.api_away { Way::Lost } else { Way::Going };
        let life = there.life;
        self.flights.push(Flight { host, life, request, deadline, way, awaited: true });
    }

    fn register(&mut self, index: usize, candidacy: kube_vip_core::event::Candidacy) {
        if self.hosts[index].api_away {
            return self.host(index).hear(Event::Registered(Err("away".into())));
        }
        self.story.registered(index, &candidacy);
        Arc::make_mut(&mut self.store).register(host::name(index), candidacy);
        self.host(index).hear(Event::Registered(Ok(())));
        for other in (0..self.hosts.len()).filter(|other| *other != index) {
            let candidates = self.store.candidates(&host::name(other));
            self.host(other).hear(Event::Candidates(candidates));
        }
    }

    fn broadcast(&mut self, from: usize, said: Said) {
        for other in (0..self.hosts.len()).filter(|other| *other != from) {
            self.host(other).hear(Event::Heard { from: mac(from), said });
        }
    }

    /// Kernels answer for what they have, daemons hear probes.
    fn question(&mut self, index: usize, question: Question) {
        let wanted = question.address;
        for other in (0..self.hosts.len()).filter(|other| *other != index) {
            let there = &self.hosts[other];
            let answers = wanted == own_address(other)
                || wanted == vip().address() && there.answers(self.now);
            if answers {
                let station = Station { mac: mac(other), address: wanted };
                let said = Said::Claim(Claim { station, to: question.asker.mac });
                self.host(index).hear(Event::Heard { from: mac(other), said });
            }
            if question.asker.address.is_unspecified() && wanted == vip().address() {
                let said = Said::Question(question);
                self.host(other).hear(Event::Heard { from: mac(index), said });
            }
        }
    }

    /// A request reaches the store; `way`: how its answer goes on.
    pub(crate) fn serve(&mut self, flight: usize, way: fn(Outcome) -> Way) {
        let Flight { host, life, request, awaited, .. } = self.flights[flight].clone();
        self.story.arrived(awaited);
        let before = self.store.read();
        let outcome = Arc::make_mut(&mut self.store).serve(&request.call, self.now);
        let after = self.store.read();
        if before != after {
            self.story.wrote(before.as_ref(), after.as_ref());
            for host in &mut self.hosts {
                if host.lives() {
                    let host = Arc::make_mut(host);
                    host.unseal();
                    host.unseen = Some(after.clone());
                }
            }
        }
        let there = &self.hosts[host];
        if self.flights[flight].awaited && there.lives() && there.life == life {
            self.flights[flight].way = way(outcome);
        } else {
            self.flights.remove(flight);
        }
    }

    /// The answer of a request reaches the core.
    pub(crate) fn answer(&mut self, flight: usize) {
        let Flight { host, request, way, .. } = self.flights.remove(flight);
        let (Way::Answered(outcome) | Way::AnsweredLate(outcome)) = way else { return };
        self.tell(host, Event::Answered(Answer { id: request.id, outcome }));
    }

    /// The driver has waited long enough.
    pub(crate) fn time_out(&mut self, flight: usize) {
        let Flight { host, request, .. } = self.flights[flight].clone();
        if self.flights[flight].way == Way::Late {
            self.flights[flight].awaited = false;
        } else {
            self.flights.remove(flight);
        }
        let outcome = Err(Failure::Timeout);
        self.tell(host, Event::Answered(Answer { id: request.id, outcome }));
    }

    /// The daemon of a host is gone. What it has sent arrives all the same.
    pub(crate) fn stop(&mut self, index: usize, process: Process) {
        self.host(index).stop(process);
        self.orphan(index);
    }

    /// Nobody waits any more for the answers of a host that has stopped.
    pub(crate) fn orphan(&mut self, index: usize) {
        let hopeful = |way: &Way| matches!(way, Way::Going | Way::Late);
        self.flights.retain(|flight| flight.host != index || hopeful(&flight.way));
        for flight in self.flights.iter_mut().filter(|flight| flight.host == index) {
            flight.awaited = false;
        }
    }

    /// Time goes on, and kernels remove what is over.
    pub(crate) fn advance(&mut self, to: Instant) {
        self.meet(to);
        self.now = to;
        for index in 0..self.hosts.len() {
            if self.hosts[index].address.is_some_and(|address| address.goes <= to) {
                self.host(index).address = None;
                self.host(index).look(to);
            }
        }
    }
}

impl System {
    /// Two that answer now, and go on until `to` or the end of one of them.
    fn meet(&mut self, to: Instant) {
        let answering: Vec<usize> = self.answering().collect();
        let (Some(since), [one, other, ..]) = (self.meeting, &answering[..]) else {
            self.meeting = None;
            return;
        };
        let until = |index: &usize| self.hosts[*index].address.map_or(to, |it| it.until);
        let end = until(one).min(until(other)).min(to);
        if end > since.after(MEETING) {
            self.two = Some((*one, *other));
        }
    }
}

/// How the store answers.
pub(crate) type Outcome = Result<Option<Observation>, Failure>;

impl Flight {
    /// The same request once more, of which nobody knows.
    pub(crate) fn repeated(&self) -> Self {
        Self { way: Way::Late, awaited: false, ..self.clone() }
    }

    pub(crate) fn delay_answer(&mut self) {
        if let Way::Answered(outcome) = &self.way {
            self.way = Way::AnsweredLate(outcome.clone());
        }
    }
}
