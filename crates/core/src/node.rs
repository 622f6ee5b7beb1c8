//! One node: composes the election, the facts, the decision and the announcements.

mod deadline;
mod heard;
mod outlook;
mod shown;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Vip;
use crate::announce::Herald;
use crate::candidates::Candidates;
use crate::damping::Damping;
use crate::desired::{Desired, Fitness, LETTING_GO, desired, fitness};
use crate::election::{Elector, Message, Wish};
use crate::event::{Effect, Event, Fence, Snapshot, Voice};
use crate::facts::{Facts, concerns};
use crate::handover::{Moves, Stance};
use crate::health::ApiServer;
use crate::holding_on::HoldingOn;
use crate::moment::Moment;
use crate::plan::Plan;
use crate::probes::Probes;
use crate::quiet::Quiet;
use crate::reconcile::{changes, settled};
use crate::registration::Registration;
use crate::rivals::Rivals;
use crate::status::{HoldingOnEnd, Notice, Reason};
use crate::vigil::Vigil;

/// How long an orderly end may wait for the API server to take the Lease back.
const RELEASE_WITHIN: Duration = Duration::from_secs(3);

/// A node that is called so late is starved or was frozen: answers may have waited for it.
const LATE: Duration = Duration::from_millis(200);

/// So long after that it has caught up.
const PUNCTUAL_AFTER: Duration = Duration::from_secs(2);

/// So long before the kernel removes an address it is decided whether to keep it.
const KEEPING: Duration = Duration::from_millis(500);

/// How long it may wait until the others know that this node ends.
const FAREWELL_WITHIN: Duration = Duration::from_millis(500);

/// One node. Tell it what happened, do what it says, come back at its deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    plan: Plan,
    elector: Elector,
    facts: Facts,
    api_server: ApiServer,
    cordoned: bool,
    candidates: Candidates,
    registration: Registration,
    moves: Moves,
    damping: Damping,
    holding_on: Option<HoldingOn>,
    rivals: Rivals,
    quiet: Quiet,
    vigil: Vigil,
    probes: Probes,
    heralds: BTreeMap<IpAddr, Herald>,
    effects: VecDeque<Effect>,
    fitness: Fitness,
    shutdown: Option<Moment>,
    /// When a hand-over was last under way.
    moved: Moment,
    finished: bool,
    /// When it was last told something.
    now: Moment,
    /// It was called late, and what it finds says little about others, until then.
    punctual: Moment,
    deadline: Option<Moment>,
}

impl Node {
    /// A node that knows nothing yet. The seed must differ from any other process's: it marks this
    /// one's writes, and spreads its retries.
    #[must_use]
    pub fn new(plan: Plan, seed: u64) -> Self {
        Self {
            elector: Elector::new(&plan, seed),
            facts: Facts::default(),
            api_server: ApiServer::new(plan.conduct.health),
            cordoned: false,
            candidates: Candidates::default(),
            registration: Registration::default(),
            moves: Moves::default(),
            damping: Damping::default(),
            holding_on: None,
            rivals: Rivals::default(),
            quiet: Quiet::default(),
            vigil: Vigil::default(),
            probes: Probes::default(),
            heralds: BTreeMap::new(),
            effects: VecDeque::new(),
            fitness: Fitness::Unknown,
            shutdown: None,
            moved: Moment::START,
            finished: false,
            now: Moment::START,
            punctual: Moment::START,
            deadline: Some(Moment::START),
            plan,
        }
    }

    /// Something happened, at `now`.
    pub fn handle(&mut self, event: Event, now: Moment) {
        // What was due at once was due when this node was last told something.
        let before = std::mem::replace(&mut self.now, now);
        if self.deadline.is_some_and(|due| now.since(due.max(before)) > LATE) {
            self.punctual = now + PUNCTUAL_AFTER;
        }
        match event {
            Event::Tick => {}
            Event::Answered(answer) => self.elector.answered(answer, now),
            Event::Watched(seen) => self.elector.watched(seen, now),
            Event::Candidates(all) => self.candidates.saw(all, now),
            Event::Registered(outcome) => {
                let notice = self.registration.registered(outcome, now);
                self.tell_of(notice);
            }
            Event::Cordoned(cordoned) => self.cordoned(cordoned),
            Event::Checked(check) => {
                let notice = self.api_server.checked(check, now);
                self.tell_of(notice);
                if self.api_server.is_in_doubt() && self.elector.term().is_some() {
                    self.elector.doubt();
                }
            }
            Event::Heard { from: _, said } => self.heard(&said, now),
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

    fn cordoned(&mut self, cordoned: bool) {
        if std::mem::replace(&mut self.cordoned, cordoned) != cordoned {
            self.tell(Notice::Cordoned(cordoned));
        }
    }

    fn saw(&mut self, snapshot: Snapshot, now: Moment) {
        let had: Vec<Vip> =
            self.plan.vips.iter().filter(|v| self.facts.has(&self.plan, *v)).collect();
        let was_up = self.facts.is_known().then(|| self.facts.link_is_up());
        let fence = self.facts.fence();
        self.facts.saw(snapshot);
        let gone = had.into_iter().filter(|vip| !self.facts.has(&self.plan, *vip));
        for vip in gone.collect::<Vec<_>>() {
            // By ourselves, or by the end of its lifetime? Else somebody else removed it.
            let due = self.facts.given(vip.address()).is_none_or(|given| given.expires <= now);
            let due = due || (self.elector.term().is_none() && self.holding_on.is_none());
            if !due {
                self.facts.lost(vip.address(), now);
            }
            self.tell(if due { Notice::AddressRemoved(vip) } else { Notice::AddressLost(vip) });
        }
        let up = self.facts.link_is_up();
        if was_up != Some(up) {
            self.tell(Notice::LinkChanged { up });
        }
        if self.facts.fence() != fence {
            self.tell(Notice::FenceChanged(self.facts.fence()));
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
        let answer = self.elector.api().answered;
        self.api_server.answers(self.elector.is_unanswered(now), answer, now);
        self.hand_over(now);
        self.ask_the_segment(now);
        self.aim(now);
        self.elector.tick(now);
        self.hold_on(now);
        let stance = self.moves.stance();
        let desired = desired(&self.elector, self.fitness, stance, self.holding_on, now);
        let changes = changes(&self.plan, desired, &mut self.facts, now);
        self.effects.extend(changes);
        self.announce(desired, now);
        if let Some(request) = self.elector.poll(now) {
            self.effects.push_back(Effect::Ask(request));
        }
        while let Some(notice) = self.elector.notice() {
            if let Notice::HolderChanged { to: Some(to), .. } = &notice {
                self.damping.holds(to, now);
            }
            let kept = self.holding_on.is_some()
                && notice == Notice::TermEnded { reason: Reason::TermOver };
            if !kept {
                self.tell(notice);
            }
        }
        if self.shutdown.is_none() {
            self.effects.extend(self.api_server.poll(now));
        }
        self.register(now);
        self.finish(now);
        self.deadline = self.next_deadline(now);
    }

    fn hand_over(&mut self, now: Moment) {
        let vips = self.plan.vips.addresses();
        let sound = matches!(self.fitness, Fitness::Fit | Fitness::ShuttingDown);
        if !sound || self.facts.fence() != Fence::Ready || !self.facts.link_is_up() {
            // Without a fence nothing can accept and be silent.
            self.moves.abandon();
            return;
        }
        let mut moves = std::mem::take(&mut self.moves);
        let notices = moves.advance(&self.view(now), &vips);
        self.moves = moves;
        self.effects.extend(notices.into_iter().map(Effect::Tell));
    }

    /// First the kernel, then the Lease.
    fn aim(&mut self, now: Moment) {
        let unfit = if settled(&self.facts) { Wish::Release } else { Wish::Silent };
        let (wish, reason) = match (self.fitness, self.moves.stance()) {
            (Fitness::Unknown, _) => (Wish::Silent, Reason::Starting),
            (Fitness::LinkDown, _) => (unfit, Reason::LinkDown),
            (Fitness::KernelRefuses, _) => (unfit, Reason::KernelRefuses),
            (_, Stance::Release(_)) => (Wish::Release, Reason::HandingOver),
            (Fitness::ShuttingDown, _) if !self.moves.is_under_way() => {
                (unfit, Reason::ShuttingDown)
            }
            (_, Stance::Hold) if self.quiet.is_in_the_way() => (Wish::Silent, Reason::Stranger),
            _ if self.holding_on.is_some() => (Wish::Keep, Reason::HoldingOn),
            (_, Stance::Hold | Stance::Accept(_) | Stance::Reclaim(_)) => {
                (Wish::Hold, Reason::Elected)
            }
        };
        self.elector.aim(wish, reason);
        self.elector.stand(self.standing(now));
        self.elector.say(Message {
            offer: self.moves.offer(),
            successor: self.moves.successor().cloned(),
            unmet: self.moves.unmet().cloned(),
        });
    }

    /// Past the term, if the API is away for all.
    fn hold_on(&mut self, now: Moment) {
        let grounds = self.grounds(now);
        let entitled = self.elector.term().filter(|term| now + LETTING_GO < term.until);
        if let Some(mut holding_on) = self.holding_on.take() {
            let end = if entitled.is_some_and(|term| term.until > holding_on.past) {
                Err(HoldingOnEnd::Renewed)
            } else {
                holding_on.go_on(&grounds, now)
            };
            match end {
                Ok(()) => {
                    if matches!(self.moves.stance(), Stance::Reclaim(_)) {
                        self.moves.abandon();
                    }
                    self.holding_on = Some(holding_on);
                }
                Err(end) => self.tell(Notice::HeldOn { since: holding_on.since, end }),
            }
            return;
        }
        let goes = self.leaving().is_some_and(|at| at <= now);
        // An API that is only slow may yet carry out our release, and a successor's claim.
        let takes_back = matches!(self.moves.stance(), Stance::Reclaim(_))
            && entitled.is_none()
            && self.elector.api().failing_since.is_some()
            && !self.elector.is_writing()
            && !self.moves.is_partly_taken();
        if !goes && !takes_back {
            return;
        }
        let past = self.elector.term().map_or(now, |term| term.until);
        self.holding_on = HoldingOn::begin(&grounds, past, now);
        if self.holding_on.is_some() {
            self.moves.abandon();
            let cause = self.elector.api().error.clone().unwrap_or_default();
            self.tell(Notice::HoldingOn { cause });
        }
    }

    /// When the addresses go unless the term is renewed, with the time it takes to keep them.
    fn leaving(&self) -> Option<Moment> {
        let term = self.elector.term()?;
        let given = self.plan.vips.iter().filter_map(|vip| self.facts.given(vip.address()));
        let lifetimes = given.map(|given| given.expires - KEEPING);
        lifetimes.chain([term.until - LETTING_GO]).min()
    }

    fn announce(&mut self, desired: Desired, now: Moment) {
        for vip in self.plan.vips.iter() {
            let address = vip.address();
            let here = matches!(desired, Desired::Here { voice: Voice::Answering, .. })
                && self.facts.has(&self.plan, vip)
                && self.facts.speaks(vip, Voice::Answering);
            let Some(mac) = self.facts.link_mac().filter(|_| here) else {
                self.heralds.remove(&address);
                continue;
            };
            let known = self.heralds.get(&address).is_some_and(|herald| herald.mac() == mac);
            if !known {
                self.heralds.insert(address, Herald::begin(mac, now));
                self.effects.push_back(Effect::Tell(Notice::AddressAdded(vip)));
            }
            // One that holds on speaks only when it is asked: it may have a successor.
            let due = self.holding_on.is_none()
                && self
                    .heralds
                    .get_mut(&address)
                    .is_some_and(|herald| herald.announce(now, self.plan.announce_every));
            if due {
                self.effects.push_back(Effect::Announce { address, mac });
            }
        }
    }

    fn register(&mut self, now: Moment) {
        if self.facts.is_known() {
            let candidacy = self.candidacy();
            self.effects.extend(self.registration.poll(candidacy, now));
        }
    }

    fn finish(&mut self, now: Moment) {
        let Some(since) = self.shutdown else { return };
        let said = self.registration.is_done() || now >= since + FAREWELL_WITHIN;
        if self.moves.is_under_way() {
            self.moved = now;
        }
        if settled(&self.facts) && self.elector.has_released() && said {
            self.finished = true;
        } else if now >= since.max(self.moved) + RELEASE_WITHIN && !self.finished {
            self.finished = true;
            if self.elector.has_released() {
                return;
            }
            let cause = self.elector.api().error.clone();
            let cause = cause.unwrap_or_else(|| "no answer in time".to_owned());
            self.tell(Notice::NotReleased { cause });
        }
    }

    fn tell(&mut self, notice: Notice) {
        self.effects.push_back(Effect::Tell(notice));
    }

    fn tell_of(&mut self, notice: Option<Notice>) {
        self.effects.extend(notice.map(Effect::Tell));
    }
}
