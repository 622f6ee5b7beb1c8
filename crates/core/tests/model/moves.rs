//! What can happen next, and what it does.
//!
//! What happens inside of one host comes before what happens between hosts, lowest host first: it
//! commutes with what the others do at the same instant. Whatever is on its way arrives before
//! time goes on, unless a fault made it late. Faults strike whole hosts at multiples of a step, and
//! wherever a daemon has decided on something that is not sent yet; they strike a message whenever
//! it is about to arrive.

use std::time::Duration;

use kube_vip_core::event::{Call, Effect, Event};

use crate::clock::Instant;
use crate::host::{Host, Process};
use crate::kernel::Layer;
use crate::system::{System, Way};

/// What lasts begins and ends at multiples of this.
pub(crate) const STEP: Duration = Duration::from_millis(500);

/// One move. Numbers are those of hosts or of messages under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    // Inside of a host.
    Flush(usize),
    Order(usize),
    Hear(usize),
    Tick(usize),
    Watch(usize),
    Answer(usize),
    TimeOut(usize),
    // Between hosts and store.
    Arrive(usize),
    Resume(usize),
    Start(usize),
    ApiReturns(usize),
    TimePasses,
    // Faults.
    Terminate(usize),
    Pause(usize),
    Kill(usize),
    ApiLeaves(usize),
    ApiLeavesAll,
    LoseRequest(usize),
    DelayRequest(usize),
    RepeatRequest(usize),
    LoseAnswer(usize),
    DelayAnswer(usize),
    DelayWatch(usize),
    DelayOrders(usize),
}

impl System {
    /// All that can happen now.
    pub(crate) fn moves(&self, moves: &mut Vec<Move>) {
        if self.two.is_some() || self.now >= self.end {
            return;
        }
        for host in self.hosts.iter().filter(|host| host.acts()) {
            self.inside(host, moves);
            if !moves.is_empty() {
                return;
            }
        }
        self.arrivals(moves);
        if moves.is_empty() {
            if self.now.is_multiple(STEP) {
                self.late(moves);
                self.strikes(moves);
            }
            moves.push(Move::TimePasses);
        } else {
            self.late_requests(moves);
            self.late_orders(moves);
        }
    }

    fn inside(&self, host: &Host, moves: &mut Vec<Move>) {
        let index = host.index;
        let faults = self.faults > 0;
        if let Some(effect) = host.outbox.front() {
            moves.push(Move::Flush(index));
            if faults && is_write(effect) && host.layer.bears_stops() {
                moves.extend([Move::Pause(index), Move::Kill(index)]);
            }
            return;
        }
        if !host.orders.is_empty() && !host.kernel_is_slow {
            moves.push(Move::Order(index));
            if faults && host.layer.bears_stops() {
                let faults = [Move::Pause(index), Move::Kill(index), Move::DelayOrders(index)];
                moves.extend(faults);
            }
            return;
        }
        let wakes = host.process == Process::Wakes;
        if !host.inbox.is_empty() {
            moves.push(Move::Hear(index));
            if !wakes {
                return;
            }
        }
        for (number, flight) in self.flights.iter().enumerate() {
            if flight.host != index || !flight.awaited {
                continue;
            }
            if matches!(flight.way, Way::Answered(_)) {
                moves.push(Move::Answer(number));
                if faults {
                    moves.extend([Move::LoseAnswer(number), Move::DelayAnswer(number)]);
                }
            }
            if flight.deadline <= self.now {
                moves.push(Move::TimeOut(number));
            }
        }
        if host.unseen.is_some() && !host.watch_is_slow && !host.api_away {
            moves.push(Move::Watch(index));
            if faults {
                moves.push(Move::DelayWatch(index));
            }
        }
        if host.is_due(self.now) {
            moves.push(Move::Tick(index));
        }
    }

    fn arrivals(&self, moves: &mut Vec<Move>) {
        for (number, flight) in self.flights.iter().enumerate() {
            if flight.way != Way::Going {
                continue;
            }
            moves.push(Move::Arrive(number));
            if self.faults > 0 && flight.awaited {
                moves.extend([Move::LoseRequest(number), Move::DelayRequest(number)]);
                if matches!(flight.request.call, Call::Write(_)) {
                    moves.push(Move::RepeatRequest(number));
                }
            }
        }
    }

    fn late_requests(&self, moves: &mut Vec<Move>) {
        for (number, flight) in self.flights.iter().enumerate() {
            if flight.way == Way::Late {
                moves.push(Move::Arrive(number));
            }
        }
    }

    fn late_orders(&self, moves: &mut Vec<Move>) {
        let slow = self.hosts.iter().filter(|host| host.acts() && host.kernel_is_slow);
        moves.extend(slow.map(|host| Move::Order(host.index)));
    }

    /// What is late may arrive, what lasts may end.
    fn late(&self, moves: &mut Vec<Move>) {
        self.late_requests(moves);
        self.late_orders(moves);
        for (number, flight) in self.flights.iter().enumerate() {
            let acts = self.hosts[flight.host].acts();
            if matches!(flight.way, Way::AnsweredLate(_)) && flight.awaited && acts {
                moves.push(Move::Answer(number));
            }
        }
        for host in &self.hosts {
            let index = host.index;
            match host.process {
                Process::Paused => moves.push(Move::Resume(index)),
                Process::Killed => moves.push(Move::Start(index)),
                Process::Runs | Process::Wakes | Process::Ended => {}
            }
            if host.acts() && host.watch_is_slow && host.unseen.is_some() {
                moves.push(Move::Watch(index));
            }
            if host.api_away {
                moves.push(Move::ApiReturns(index));
            }
        }
    }

    fn strikes(&self, moves: &mut Vec<Move>) {
        if self.hosts[0].layer == Layer::HoldingOn {
            if self.faults > 0 {
                moves.push(Move::ApiLeavesAll);
            }
            return;
        }
        for host in self.hosts.iter().filter(|host| host.acts()) {
            let index = host.index;
            if self.faults > 0 {
                moves.push(Move::Terminate(index));
                if host.layer.bears_stops() {
                    moves.extend([Move::Pause(index), Move::Kill(index)]);
                }
                if !host.api_away {
                    moves.push(Move::ApiLeaves(index));
                }
            }
        }
    }

    /// Makes a move.
    pub(crate) fn make(&mut self, step: Move) {
        match step {
            Move::Flush(host) => self.flush(host),
            Move::Order(host) => self.order(host),
            Move::Hear(host) => {
                if let Some(event) = self.host(host).inbox.pop_front() {
                    self.tell(host, event);
                }
            }
            Move::Tick(host) => self.tell(host, Event::Tick),
            Move::Watch(host) => {
                let there = self.host(host);
                there.watch_is_slow = false;
                if let Some(seen) = there.unseen.take() {
                    self.tell(host, Event::Watched(seen));
                }
            }
            Move::Answer(flight) => self.answer(flight),
            Move::TimeOut(flight) => self.time_out(flight),
            Move::Arrive(flight) => self.serve(flight, Way::Answered),
            Move::Resume(host) => {
                self.story.woke_up(host);
                self.host(host).process = Process::Wakes;
            }
            Move::Start(host) => {
                self.story.started(&self.hosts[host], self.now);
                self.start(host);
            }
            Move::ApiReturns(host) => self.host(host).api_away = false,
            Move::TimePasses => self.pass(),
            fault => {
                self.faults -= 1;
                self.strike(fault);
            }
        }
        self.fall_asleep();
    }

    fn strike(&mut self, fault: Move) {
        match fault {
            Move::Pause(host) => {
                self.story.paused(&self.hosts[host], self.now);
                self.host(host).process = Process::Paused;
            }
            Move::Terminate(host) => self.tell(host, Event::Shutdown),
            Move::Kill(host) => self.stop(host, Process::Killed),
            Move::ApiLeaves(host) => self.host(host).api_away = true,
            Move::ApiLeavesAll => {
                for index in 0..self.hosts.len() {
                    self.host(index).api_away = true;
                }
            }
            Move::LoseRequest(flight) => self.flights[flight].way = Way::Lost,
            Move::DelayRequest(flight) => self.flights[flight].way = Way::Late,
            Move::RepeatRequest(flight) => {
                let again = self.flights[flight].repeated();
                self.serve(flight, Way::Answered);
                self.flights.push(again);
            }
            Move::LoseAnswer(flight) => {
                self.story.lost();
                self.flights[flight].way = Way::Lost;
            }
            Move::DelayAnswer(flight) => self.flights[flight].delay_answer(),
            Move::DelayWatch(host) => self.host(host).watch_is_slow = true,
            Move::DelayOrders(host) => self.host(host).kernel_is_slow = true,
            _ => unreachable!("no fault"),
        }
    }

    /// A daemon that has ended leaves nothing to wait for; one that woke up and has dealt with what
    /// had waited is as any other.
    fn fall_asleep(&mut self) {
        for index in 0..self.hosts.len() {
            if self.hosts[index].process == Process::Ended {
                self.orphan(index);
            }
            if self.hosts[index].process == Process::Wakes {
                let mut left = Vec::new();
                self.inside(&self.hosts[index], &mut left);
                if left.is_empty() {
                    self.host(index).process = Process::Runs;
                }
            }
        }
    }

    /// To the next instant at which something is due.
    fn pass(&mut self) {
        let mut next = self.end;
        let mut at = |instant: Instant| next = next.min(instant);
        for host in &self.hosts {
            if let Some(deadline) = host.node.deadline().filter(|_| host.acts()) {
                at(host.clock.when(deadline));
            }
            if let Some(address) = &host.address {
                at(address.goes);
            }
        }
        for flight in self.flights.iter().filter(|flight| flight.awaited) {
            if self.hosts[flight.host].acts() {
                at(flight.deadline);
            }
        }
        if self.is_open() {
            at(self.now.next_multiple(STEP));
        }
        assert!(next > self.now, "time does not pass: {self:?}");
        self.advance(next);
    }

    /// Something may happen at the next step that does not happen by itself.
    fn is_open(&self) -> bool {
        let lasts = |host: &Host| {
            let waits = matches!(host.process, Process::Paused | Process::Killed);
            waits || host.api_away || host.watch_is_slow || host.kernel_is_slow
        };
        let late = |way: &Way| matches!(way, Way::Late | Way::AnsweredLate(_));
        self.faults > 0
            || self.hosts.iter().any(|host| lasts(host))
            || self.flights.iter().any(|flight| late(&flight.way))
    }
}

/// A write of the Lease, with which in hand a daemon may be struck.
fn is_write(effect: &Effect) -> bool {
    matches!(effect, Effect::Ask(request) if matches!(request.call, Call::Write(_)))
}
