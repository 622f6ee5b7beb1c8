//! The way of a request: to the host's own API server, or another host's where that is dead, to the
//! store, and back.

use std::time::Duration;

use kube_vip_core::event::{Answer, Call, Candidacy, Event, Failure, Observation, Request};

use crate::timeline::Part;

use super::Sabotage;
use super::scenario::Cue;
use super::world::{Item, World};

/// A request under way.
#[derive(Debug)]
pub(super) struct Flight {
    host: usize,
    daemon: u64,
    /// Whose API server is asked.
    via: usize,
    what: What,
    /// The driver's wall clock when it sent, in microseconds since the Unix epoch.
    wall: i64,
    sent: Duration,
    /// What the store said, once it was reached.
    outcome: Option<Result<Option<Observation>, Failure>>,
    /// The daemon has an answer, or has given up.
    done: bool,
    /// Messages of earlier attempts are void.
    attempt: u32,
}

/// What is asked for.
#[derive(Clone, Debug)]
enum What {
    /// Something about the election's Lease.
    Lease(Request),
    /// The daemon's own candidate Lease.
    Candidacy(Candidacy),
}

/// A candidate Lease that cannot be written in this time is given up.
const REGISTER_WITHIN: Duration = Duration::from_secs(3);

/// Connections older than this are closed by both sides: nothing of theirs happens any more.
const FORGOTTEN: Duration = Duration::from_secs(60);

impl World {
    /// The daemon asks an API server about the Lease.
    pub(super) fn ask(&mut self, host: usize, daemon: u64, request: Request) {
        self.cue(Cue::Asks, Some(host));
        let timeout = request.timeout;
        self.set_out(host, daemon, What::Lease(request), timeout);
    }

    /// The daemon writes its candidate Lease.
    pub(super) fn register(&mut self, host: usize, daemon: u64, candidacy: Candidacy) {
        self.set_out(host, daemon, What::Candidacy(candidacy), REGISTER_WITHIN);
    }

    fn set_out(&mut self, host: usize, daemon: u64, what: What, timeout: Duration) {
        let wall = self.wall(host);
        let timeout = self.hosts[host].daemon(daemon).map(|d| d.clock.span(timeout));
        let via = self.server(host);
        let flight = self.flights.len();
        self.flights.push(Flight {
            host,
            daemon,
            via: via.unwrap_or(host),
            what,
            wall,
            sent: self.now,
            outcome: None,
            done: false,
            attempt: 0,
        });
        if via.is_none() && !self.hosts[host].has(Part::ApiProcess) {
            return self.fail_soon(flight, "connection refused");
        }
        self.after(timeout.unwrap_or_default(), Item::GiveUp { flight });
        let slow = !self.hosts[via.unwrap_or(host)].has(Part::ApiPace);
        if slow && self.rng.percent(20) {
            return;
        }
        let leg = if slow { self.slow_leg() } else { self.leg() };
        self.after(leg, Item::Land { flight, attempt: 0 });
    }

    /// Whose API server the host's daemon would get an answer from: its own; if that is dead, any
    /// other one that it knows of.
    pub(super) fn server(&self, host: usize) -> Option<usize> {
        let there = &self.hosts[host];
        if there.has(Part::ApiProcess) {
            return self.serves(host).then_some(host);
        }
        let knows = there.daemon.as_ref().is_some_and(|daemon| daemon.knows_others);
        let others = (0..self.hosts.len()).filter(|other| *other != host);
        others.filter(|_| knows && there.is_connected()).find(|other| self.serves(*other))
    }

    pub(super) fn slow_leg(&mut self) -> Duration {
        self.rng.skewed(Duration::from_millis(5), Duration::from_secs(10))
    }

    /// The host's wall clock, in microseconds since the Unix epoch: some day in 2026, and its
    /// error.
    pub(super) fn wall(&self, host: usize) -> i64 {
        let now = i64::try_from(self.now.as_micros()).unwrap_or(i64::MAX);
        now.saturating_add(1_780_000_000_000_000).saturating_add(self.hosts[host].wall)
    }

    /// The host's API server answers requests.
    pub(super) fn serves(&self, host: usize) -> bool {
        let connected = self.hosts.iter().filter(|host| host.is_connected()).count();
        let quorum = !self.store_away && connected * 2 > self.hosts.len();
        self.hosts[host].has_api() && self.hosts[host].is_connected() && quorum
    }

    /// The request reaches the store, or waits until it can.
    pub(super) fn land(&mut self, flight: usize, attempt: u32) {
        let Flight { via, outcome, attempt: current, .. } = &self.flights[flight];
        let host = *via;
        if outcome.is_some() || *current != attempt {
            return;
        }
        if !self.serves(host) {
            return self.hosts[host].parked.push(flight);
        }
        self.carry_out(flight);
        if self.hosts[host].has(Part::ApiPace) {
            let leg = self.leg();
            return self.after(leg, Item::Answer { flight, attempt, failure: None });
        }
        if self.rng.percent(10) {
            let leg = self.slow_leg();
            self.after(leg, Item::LandAgain { flight });
        }
        let lost = self.rng.percent(20);
        let twice = self.rng.percent(15);
        for _ in 0..usize::from(!lost) + usize::from(twice) {
            let leg = self.slow_leg();
            self.after(leg, Item::Answer { flight, attempt, failure: None });
        }
    }

    /// The request reaches the store for the second time: somebody on the way repeated it. From
    /// now on the answer is the second one.
    pub(super) fn land_again(&mut self, flight: usize) {
        if self.serves(self.flights[flight].via) {
            self.carry_out(flight);
        }
    }

    /// The store does what is asked.
    fn carry_out(&mut self, flight: usize) {
        let apart = self.rng.below(4);
        let Flight { host, what, wall, .. } = &self.flights[flight];
        let outcome = match what {
            What::Lease(Request { call: Call::Read, .. }) => Ok(self.store.read()),
            What::Lease(Request { call: Call::Write(write), .. }) => {
                let pretended = self.store.pretend(write, *wall);
                let written = self.store.write(write, *wall, apart).map(Some);
                if written.is_ok() {
                    self.record_lease();
                    self.show_lease();
                }
                self.overlook_conflict(pretended, written)
            }
            What::Candidacy(candidacy) => {
                let node = self.hosts[*host].plan.node.clone();
                self.store.register(node, candidacy.clone());
                self.show_candidates();
                Ok(None)
            }
        };
        self.flights[flight].outcome = Some(outcome);
    }

    /// The answer reaches the daemon; perhaps for the second time, or after it gave up.
    pub(super) fn answer(&mut self, index: usize, attempt: u32, failure: Option<Failure>) {
        let heard_late = self.rng.percent(30);
        let flight = &mut self.flights[index];
        if flight.attempt != attempt || (flight.done && !heard_late) {
            return;
        }
        let outcome = match (failure, &flight.outcome) {
            (Some(failure), _) => Err(failure),
            (None, Some(outcome)) => outcome.clone(),
            (None, None) => return,
        };
        flight.done = true;
        let (host, daemon) = (flight.host, flight.daemon);
        let event = flight.what.answer(outcome);
        if self.sabotage == Sabotage::TermFromAnswer {
            let took = self.now.saturating_sub(flight.sent);
            if let Some(daemon) = self.hosts[host].daemon(daemon) {
                daemon.clock.set_back(took);
            }
        }
        self.deliver(host, daemon, event);
    }

    /// The daemon gives the request up; frozen, it may yet find the answer when it is thawed.
    pub(super) fn give_up(&mut self, index: usize) {
        let Flight { host, daemon, what, done, .. } = &self.flights[index];
        if *done {
            return;
        }
        let (host, id) = (*host, *daemon);
        if !self.hosts[host].has(Part::Schedule) && self.rng.percent(50) {
            if let Some(daemon) = self.hosts[host].daemon(id) {
                daemon.overdue.push(index);
            }
            return;
        }
        let outcome = match what {
            What::Lease(Request { call: Call::Write(write), .. })
                if self.sabotage == Sabotage::LostIsLanded =>
            {
                Ok(Some(self.store.pretend(write, self.flights[index].wall)))
            }
            _ => Err(Failure::Timeout),
        };
        let event = what.answer(outcome);
        self.flights[index].done = true;
        self.deliver(host, id, event);
    }

    fn fail_soon(&mut self, flight: usize, cause: &str) {
        let wait = self.micros(50, 1500);
        let failure = Some(Failure::Unavailable(cause.to_owned()));
        let attempt = self.flights[flight].attempt;
        self.after(wait, Item::Answer { flight, attempt, failure });
    }

    /// The requests to a host's API server that are under way.
    fn under_way(&self, host: usize) -> Vec<usize> {
        // Old ones are long over: the search ends where they begin.
        let young = |(_, flight): &(usize, &Flight)| self.now - flight.sent < FORGOTTEN;
        let open = |flight: &Flight| !flight.done || flight.outcome.is_none();
        let recent = self.flights.iter().enumerate().rev().take_while(young);
        recent.filter(|(_, f)| f.via == host && open(f)).map(|(index, _)| index).collect()
    }

    /// The API server is fast again: what was under way arrives at last.
    pub(super) fn hurry(&mut self, host: usize) {
        for flight in self.under_way(host) {
            self.flights[flight].attempt += 1;
            let attempt = self.flights[flight].attempt;
            let wait = self.millis(1, 100);
            let item = match self.flights[flight].outcome {
                None => Item::Land { flight, attempt },
                Some(_) => Item::Answer { flight, attempt, failure: None },
            };
            self.after(wait, item);
        }
    }

    /// The API server is no more: connections are reset; what it had passed on may still land.
    pub(super) fn reset(&mut self, host: usize) {
        self.hosts[host].parked.clear();
        for flight in self.under_way(host) {
            let lands = self.flights[flight].outcome.is_none() && self.rng.percent(50);
            self.flights[flight].attempt += 1;
            let attempt = self.flights[flight].attempt;
            if lands && self.quorum_without(host) {
                self.carry_out(flight);
            }
            if !self.flights[flight].done {
                let failure = Some(Failure::Unavailable("connection reset".to_owned()));
                let wait = self.micros(50, 1500);
                self.after(wait, Item::Answer { flight, attempt, failure });
            }
        }
    }

    /// The store takes what this host's API server had passed on to it.
    fn quorum_without(&self, host: usize) -> bool {
        let connected = self.hosts.iter().filter(|host| host.is_connected()).count();
        !self.store_away && self.hosts[host].is_connected() && connected * 2 > self.hosts.len()
    }

    /// After anything that was done to the world: which API servers answer again, and whom?
    pub(super) fn settle_paths(&mut self) {
        for host in 0..self.hosts.len() {
            let serves = self.serves(host);
            let served = std::mem::replace(&mut self.hosts[host].served, serves);
            if serves && !served {
                self.release_parked(host);
            }
        }
        for host in 0..self.hosts.len() {
            let server = self.server(host);
            let before = std::mem::replace(&mut self.hosts[host].server, server);
            if server.is_some() && server != before {
                self.reconnect_watch(host);
            }
        }
    }

    /// What waited in the API server lands after all, or fails.
    fn release_parked(&mut self, host: usize) {
        for flight in std::mem::take(&mut self.hosts[host].parked) {
            let attempt = self.flights[flight].attempt;
            let wait = self.millis(1, 200);
            let failure = Some(Failure::Unavailable("etcdserver: request timed out".to_owned()));
            let item = if self.rng.percent(50) {
                Item::Land { flight, attempt }
            } else {
                Item::Answer { flight, attempt, failure }
            };
            self.after(wait, item);
        }
    }
}

impl What {
    /// What the daemon is told.
    fn answer(&self, outcome: Result<Option<Observation>, Failure>) -> Event {
        match self {
            Self::Lease(request) => Event::Answered(Answer { id: request.id, outcome }),
            Self::Candidacy(_) => Event::Registered(match outcome {
                Ok(_) => Ok(()),
                Err(failure) => Err(format!("{failure:?}")),
            }),
        }
    }
}
