//! What holds for every sequence of events, sensible or not.

use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac, NodeName, Vip};
use kube_vip_core::event::{
    Answer, Call, Effect, Event, Failure, Fence, Held, LeaseRecord, LeaseWrite, Link, Observation,
    Snapshot, Version,
};
use kube_vip_core::moment::Moment;
use kube_vip_core::node::Node;
use kube_vip_core::plan::{Conduct, LeasePlan, Plan, Timings, Vips};
use proptest::prelude::*;

const DURATION: Duration = Duration::from_secs(5);

fn vip() -> Vip {
    Vip::new([10, 0, 0, 9].into(), 32).expect("a unicast address")
}

fn plan() -> Plan {
    let timings = Timings::new(DURATION, Duration::from_secs(3), Duration::from_secs(1));
    Plan {
        node: NodeName::new("a").expect("a name"),
        link: LinkName::new("eth0").expect("a name"),
        vips: Vips::new(vec![vip()]).expect("one address"),
        lease: LeasePlan {
            namespace: "kube-system".into(),
            name: "plndr-cp-lock".into(),
            timings: timings.expect("5/3/1 is fine"),
        },
        announce_every: Duration::from_secs(3),
        conduct: Conduct::default(),
        boot: "boot-a".to_owned(),
    }
}

/// Something that may happen, before it is known what it happens to.
#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Kernel { up: bool, has: bool },
    Answer(Outcome),
    Watch { ours: bool, version: u8, holder: u8 },
    Refuse,
    Shutdown,
}

#[derive(Clone, Debug)]
enum Outcome {
    Done,
    Other { version: u8, holder: u8 },
    Nothing,
    Conflict,
    Gone,
    Timeout,
    Unavailable,
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Done),
        2 => (any::<u8>(), 0..4_u8)
            .prop_map(|(version, holder)| Outcome::Other { version, holder }),
        1 => Just(Outcome::Nothing),
        1 => Just(Outcome::Conflict),
        1 => Just(Outcome::Gone),
        1 => Just(Outcome::Timeout),
        1 => Just(Outcome::Unavailable),
    ];
    prop_oneof![
        6 => (0..3000_u64).prop_map(Step::Wait),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(up, has)| Step::Kernel { up, has }),
        8 => outcome.prop_map(Step::Answer),
        2 => (any::<bool>(), any::<u8>(), 0..4_u8)
            .prop_map(|(ours, version, holder)| Step::Watch { ours, version, holder }),
        1 => Just(Step::Refuse),
        1 => Just(Step::Shutdown),
    ]
}

/// One node and a world without any sense, that remembers what would entitle.
struct Judge {
    node: Node,
    now: Moment,
    asked: Option<(u64, Call)>,
    claims: Vec<(LeaseWrite, Moment)>,
    /// The latest end of a term that an acknowledged write can give.
    entitled: Moment,
    present: bool,
    told: Option<Effect>,
    count: u64,
    shutdown: Option<Moment>,
}

impl Judge {
    fn new() -> Self {
        Self {
            node: Node::new(plan(), 3),
            now: Moment::START,
            asked: None,
            claims: Vec::new(),
            entitled: Moment::START,
            present: false,
            told: None,
            count: 0,
            shutdown: None,
        }
    }

    fn handle(&mut self, event: Event) {
        self.node.handle(event, self.now);
        while let Some(effect) = self.node.poll() {
            match &effect {
                Effect::Ask(request) => {
                    assert!(self.asked.is_none(), "one request at a time");
                    self.asked = Some((request.id, request.call.clone()));
                    if let Call::Write(write) = &request.call {
                        self.claims.push((write.clone(), self.now));
                    }
                }
                Effect::Hold { until, .. } => {
                    assert!(self.shutdown.is_none(), "takes an address after being told to end");
                    assert!(*until <= self.entitled, "holds until {until} by {}", self.entitled);
                    self.told = Some(effect);
                    self.count += 1;
                }
                Effect::Announce { .. } => {
                    assert!(self.present, "announces what the kernel does not have");
                    assert!(self.now < self.entitled, "announces without a term");
                }
                Effect::Drop(_) => {
                    self.told = Some(effect);
                    self.count += 1;
                }
                Effect::Question { .. }
                | Effect::Check { .. }
                | Effect::Register(_)
                | Effect::Tell(_) => {}
            }
        }
    }

    /// The write happened at this version, and the node hears of it.
    fn happened(&mut self, version: u64) -> Option<Observation> {
        let (write, sent) = self.claims.last()?;
        if !write.holder.is_empty() {
            self.entitled = self.entitled.max(*sent + DURATION);
        }
        let record = LeaseRecord {
            holder: write.holder.clone(),
            duration: write.duration,
            renewed: Some(1),
            nonce: Some(write.nonce.clone()),
            ..LeaseRecord::default()
        };
        Some(Observation { version: Version(version.to_string()), record })
    }

    fn step(&mut self, step: Step) {
        let event = match step {
            Step::Wait(span) => return self.wait(span),
            Step::Kernel { up, has } => {
                self.present = has;
                let held = Held { vip: vip(), link: plan().link, lifetime: None, voice: None };
                let link = Some(Link {
                    mac: Mac([2, 0, 0, 0, 0, 1]),
                    up,
                    addresses: Vec::new(),
                    gateways: Vec::new(),
                });
                let held = has.then_some(held).into_iter().collect();
                Event::Kernel(Snapshot {
                    link,
                    held,
                    carried_out: self.count,
                    fence: Fence::Unknown,
                })
            }
            Step::Answer(outcome) => match self.answer(outcome) {
                Some(event) => event,
                None => return,
            },
            Step::Watch { ours: true, version, .. } => {
                Event::Watched(self.happened(u64::from(version)))
            }
            Step::Watch { ours: false, version, holder } => {
                Event::Watched(Some(other(version, holder)))
            }
            Step::Refuse => match self.told.take() {
                Some(effect) => Event::Refused { effect, cause: "no".into() },
                None => return,
            },
            Step::Shutdown => {
                self.shutdown.get_or_insert(self.now);
                Event::Shutdown
            }
        };
        self.handle(event);
    }

    fn answer(&mut self, outcome: Outcome) -> Option<Event> {
        let (id, call) = self.asked.take()?;
        let outcome = match (outcome, call) {
            (Outcome::Done, Call::Write(_)) => Ok(self.happened(300)),
            (Outcome::Done | Outcome::Nothing, _) => Ok(None),
            (Outcome::Other { version, holder }, call) => {
                let shown = other(version, holder);
                if matches!(call, Call::Write(write) if write.holder == shown.record.holder) {
                    // Without its mark, but an answer to this very write.
                    self.happened(300);
                }
                Ok(Some(shown))
            }
            (Outcome::Conflict, _) => Err(Failure::Conflict),
            (Outcome::Gone, _) => Err(Failure::Gone),
            (Outcome::Timeout, _) => Err(Failure::Timeout),
            (Outcome::Unavailable, _) => Err(Failure::Unavailable("no".into())),
        };
        Some(Event::Answered(Answer { id, outcome }))
    }

    fn wait(&mut self, span: u64) {
        let until = self.now + Duration::from_millis(span);
        let mut idle = 0;
        while let Some(due) = self.node.deadline().filter(|due| *due <= until) {
            idle = if due <= self.now { idle + 1 } else { 0 };
            assert!(idle < 5, "wakes again and again at {}", self.now);
            self.now = self.now.max(due);
            self.handle(Event::Tick);
            if self.node.finished() {
                break;
            }
        }
        self.now = until;
    }
}

fn other(version: u8, holder: u8) -> Observation {
    let holder = ["", "a", "b", "c"][usize::from(holder)];
    let record = LeaseRecord {
        holder: holder.into(),
        duration: DURATION,
        renewed: Some(i64::from(version)),
        ..LeaseRecord::default()
    };
    Observation { version: Version(version.to_string()), record }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_is_held_or_announced_without_an_acknowledged_write(
        steps in prop::collection::vec(step(), 1..80)
    ) {
        let mut judge = Judge::new();
        for step in steps {
            judge.step(step);
        }
    }

    #[test]
    fn an_orderly_end_takes_at_most_three_seconds(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        let mut judge = Judge::new();
        for step in steps {
            judge.step(step);
        }
        judge.step(Step::Shutdown);
        judge.wait(3001);
        prop_assert!(judge.node.finished());
    }
}
