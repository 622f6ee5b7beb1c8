//! One node: composes the election, the facts, the decision and the announcements.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::address::Vip;
use crate::announce::Herald;
use crate::desired::{Desired, Fitness, LETTING_GO, desired, fitness};
use crate::election::{Elector, Wish};
use crate::event::{Effect, Event, Fence, Snapshot};
use crate::facts::{Facts, concerns};
use crate::moment::Moment;
use crate::plan::Plan;
use crate::reconcile::{changes, settled};
use crate::status::{FitnessStatus, LeaseStatus, Notice, Reason, Status, VipStatus};

/// How long an orderly end may wait for the API server to take the Lease back.
const RELEASE_WITHIN: Duration = Duration::from_secs(3);

/// One node. Tell it what happened, do what it says, come back at its deadline.
#[derive(Clone, Debug)]
pub struct Node {
    plan: Plan,
    elector: Elector,
    facts: Facts,
    heralds: BTreeMap<Ipv4Addr, Herald>,
    effects: VecDeque<Effect>,
    fitness: Fitness,
    shutdown: Option<Moment>,
    finished: bool,
    deadline: Option<Moment>,
}

impl Node {
    /// A node that knows nothing yet. The seed must differ from any other process's: it marks this
    /// one's writes, and spreads its retries.
    #[must_use]
    pub fn new(plan: Plan, seed: u64) -> Self {
        Self {
            elector: Elector::new(&plan.lease, plan.node.clone(), seed),
            plan,
            facts: Facts::default(),
            heralds: BTreeMap::new(),
            effects: VecDeque::new(),
            fitness: Fitness::Unknown,
            shutdown: None,
            finished: false,
            deadline: Some(Moment::START),
        }
    }

    /// Something happened, at `now`.
    pub fn handle(&mut self, event: Event, now: Moment) {
        match event {
            Event::Tick
            | Event::Candidates(_)
            | Event::Registered(_)
            | Event::Cordoned(_)
            | Event::Checked(_)
            | Event::Heard { .. } => {}
            Event::Answered(answer) => self.elector.answered(answer, now),
            Event::Watched(seen) => self.elector.watched(seen, now),
            Event::Kernel(snapshot) => self.saw(snapshot, now),
            Event::Refused { effect, cause } => self.refused(&effect, cause, now),
            Event::Shutdown => {
                self.shutdown.get_or_insert(now);
            }
        }
        self.settle(now);
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to come back with [`Event::Tick`] if nothing happens before.
    #[must_use]
    pub const fn deadline(&self) -> Option<Moment> {
        self.deadline
    }

    /// Everything is let go of, after [`Event::Shutdown`].
    #[must_use]
    pub const fn finished(&self) -> bool {
        self.finished
    }

    /// What this node does, and why.
    #[must_use]
    pub fn status(&self) -> Status {
        let sight = self.elector.sight();
        let lease = sight.map_or_else(LeaseStatus::default, |sight| LeaseStatus {
            holder: sight.holder().map(ToOwned::to_owned),
            acquired: sight.record.acquired,
            transitions: sight.record.transitions,
            seen: Some(sight.changed),
        });
        let vip = |vip| VipStatus { vip, present: self.facts.has(&self.plan, vip), voice: None };
        Status {
            node: self.plan.node.clone(),
            reason: self.reason(),
            lease,
            term: self.elector.term(),
            vips: self.plan.vips.iter().map(vip).collect(),
            api: self.elector.api().clone(),
            fence: Fence::Unknown,
            fitness: FitnessStatus::default(),
            holding_on: None,
            handing_over: None,
            candidates: Vec::new(),
            rival: None,
        }
    }

    fn reason(&self) -> Reason {
        match self.fitness {
            Fitness::ShuttingDown => return Reason::ShuttingDown,
            Fitness::LinkDown => return Reason::LinkDown,
            Fitness::KernelRefuses => return Reason::KernelRefuses,
            Fitness::Unknown | Fitness::Fit => {}
        }
        let holder = self.elector.sight().map(|sight| sight.holder());
        match holder {
            _ if self.elector.term().is_some() => Reason::Elected,
            None => Reason::Starting,
            Some(Some(holder)) if holder != self.plan.node.as_str() => Reason::OtherHolds,
            Some(_) => self.elector.ended().unwrap_or(Reason::Claiming),
        }
    }

    fn saw(&mut self, snapshot: Snapshot, now: Moment) {
        let had: Vec<Vip> =
            self.plan.vips.iter().filter(|v| self.facts.has(&self.plan, *v)).collect();
        let was_up = self.facts.is_known().then(|| self.facts.link_is_up());
        self.facts.saw(snapshot);
        for vip in had.into_iter().filter(|vip| !self.facts.has(&self.plan, *vip)) {
            // By ourselves, or by the end of its lifetime? Else somebody else removed it.
            let due = self.facts.given(vip.address()).is_none_or(|given| given.expires <= now);
            let due = due || self.elector.term().is_none();
            self.effects.push_back(Effect::Tell(if due {
                Notice::AddressRemoved(vip)
            } else {
                Notice::AddressLost(vip)
            }));
        }
        let up = self.facts.link_is_up();
        if was_up != Some(up) {
            self.tell(Notice::LinkChanged { up });
        }
    }

    fn refused(&mut self, effect: &Effect, cause: String, now: Moment) {
        // A request that cannot be made is answered as such.
        let Some(address) = concerns(effect) else { return };
        if self.facts.refused(effect, now) {
            self.tell(Notice::KernelRefused { address, cause });
        }
    }

    /// Brings everything into line with what is known now.
    fn settle(&mut self, now: Moment) {
        self.fitness = fitness(&self.facts, self.shutdown, now);
        self.aim();
        self.elector.tick(now);
        let desired = desired(&self.elector, self.fitness, now);
        let changes = changes(&self.plan, desired, &mut self.facts, now);
        self.effects.extend(changes);
        self.announce(desired, now);
        if let Some(request) = self.elector.poll(now) {
            self.effects.push_back(Effect::Ask(request));
        }
        while let Some(notice) = self.elector.notice() {
            self.tell(notice);
        }
        self.finish(now);
        self.deadline = self.next_deadline(now);
    }

    /// First the kernel, then the Lease.
    fn aim(&mut self) {
        let unfit = if settled(&self.facts) { Wish::Release } else { Wish::Silent };
        let (wish, reason) = match self.fitness {
            Fitness::Fit => (Wish::Hold, Reason::Elected),
            Fitness::Unknown => (Wish::Silent, Reason::Starting),
            Fitness::LinkDown => (unfit, Reason::LinkDown),
            Fitness::KernelRefuses => (unfit, Reason::KernelRefuses),
            Fitness::ShuttingDown => (unfit, Reason::ShuttingDown),
        };
        self.elector.aim(wish, reason);
    }

    fn announce(&mut self, desired: Desired, now: Moment) {
        for vip in self.plan.vips.iter() {
            let address = vip.address();
            let mac = self.facts.link_mac().filter(|_| self.facts.has(&self.plan, vip));
            let (Desired::Here(_), Some(mac)) = (desired, mac) else {
                self.heralds.remove(&address);
                continue;
            };
            let known = self.heralds.get(&address).is_some_and(|herald| herald.mac() == mac);
            if !known {
                self.heralds.insert(address, Herald::begin(mac, now));
                self.effects.push_back(Effect::Tell(Notice::AddressAdded(vip)));
            }
            let herald = self.heralds.get_mut(&address);
            if herald.is_some_and(|herald| herald.announce(now, self.plan.announce_every)) {
                self.effects.push_back(Effect::Announce { address, mac });
            }
        }
    }

    fn finish(&mut self, now: Moment) {
        let Some(since) = self.shutdown else { return };
        if settled(&self.facts) && self.elector.has_released() {
            self.finished = true;
        } else if now >= since + RELEASE_WITHIN && !self.finished {
            self.finished = true;
            let cause = self.elector.api().error.clone();
            let cause = cause.unwrap_or_else(|| "no answer in time".to_owned());
            self.tell(Notice::NotReleased { cause });
        }
    }

    fn next_deadline(&self, now: Moment) -> Option<Moment> {
        let heralds = self.heralds.values().map(Herald::due).min();
        let leave = self.elector.term().map(|term| term.until - LETTING_GO).filter(|at| *at > now);
        let shutdown = self.shutdown.map(|since| since + RELEASE_WITHIN);
        let pause = self.facts.pause_ends(now);
        let election = self.elector.deadline();
        [heralds, leave, shutdown, pause, election].into_iter().flatten().min()
    }

    fn tell(&mut self, notice: Notice) {
        self.effects.push_back(Effect::Tell(notice));
    }
}
