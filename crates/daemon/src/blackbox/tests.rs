//! A node's life, recorded, dumped and replayed through the lab's reader.

use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;
use kube_vip_core::address::{LinkName, Mac, NodeName, Vip};
use kube_vip_core::event::{
    Answer, Call, Failure, Held, LeaseRecord, Link, Observation, Request, Snapshot, Version, Voice,
};
use kube_vip_core::plan::{Conduct, LeasePlan, Timings, Vips};
use kube_vip_lab::replay::{Difference, Dump, Entry, Replayed, dumps, replay};

use super::*;

fn plan() -> Plan {
    let secs = Duration::from_secs;
    let vip = Vip::new(Ipv4Addr::new(192, 168, 20, 140).into(), 24).expect("an address");
    Plan {
        node: NodeName::new("cp-1").expect("a name"),
        link: LinkName::new("end0").expect("a name"),
        vips: Vips::new(vec![vip]).expect("one address"),
        lease: LeasePlan {
            namespace: "kube-system".to_owned(),
            name: "plndr-cp-lock".to_owned(),
            timings: Timings::new(secs(5), secs(3), secs(1)).expect("good times"),
        },
        announce_every: secs(3),
        conduct: Conduct::default(),
        boot: "a-boot".to_owned(),
    }
}

fn origin() -> Origin {
    Origin { plan: plan(), release: Release { version: "v1.0.0", build: "4a6c1d9" }, seed: 7 }
}

/// A node, the host and the API server around it, and its black box.
struct Life {
    node: Node,
    black_box: BlackBox,
    now: Moment,
    version: u64,
    record: Option<LeaseRecord>,
    held: Vec<Held>,
    carried_out: u64,
    /// What happens next.
    events: Vec<Event>,
}

impl Life {
    fn new() -> Self {
        let origin = origin();
        let mut life = Self {
            node: Node::new(origin.plan, origin.seed),
            black_box: BlackBox::new(),
            now: Moment::START,
            version: 0,
            record: None,
            held: Vec::new(),
            carried_out: 0,
            events: Vec::new(),
        };
        life.events.push(life.snapshot());
        life
    }

    fn snapshot(&self) -> Event {
        Event::Kernel(Snapshot {
            link: Some(Link {
                mac: Mac([2, 0, 0, 0, 0, 1]),
                up: true,
                addresses: vec![Ipv4Addr::new(192, 168, 20, 11).into()],
                gateways: Vec::new(),
            }),
            held: self.held.clone(),
            carried_out: self.carried_out,
            ..Snapshot::default()
        })
    }

    fn answer(&mut self, request: Request) -> Event {
        if let Call::Write(write) = request.call {
            self.version += 1;
            self.record = Some(LeaseRecord {
                holder: write.holder,
                duration: write.duration,
                transitions: write.transitions,
                renewed: Some(self.now.since_start().as_secs().cast_signed()),
                nonce: Some(write.nonce),
                ..LeaseRecord::default()
            });
        }
        // Every seventh answer is lost.
        let outcome = if request.id.is_multiple_of(7) {
            Err(Failure::Timeout)
        } else {
            let version = Version(self.version.to_string());
            Ok(self.record.clone().map(|record| Observation { version, record }))
        };
        Event::Answered(Answer { id: request.id, outcome })
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Ask(request) => {
                let answer = self.answer(request);
                self.events.push(answer);
            }
            Effect::Hold { vip, .. } => {
                let (link, lifetime) = (plan().link, Some(Duration::from_secs(4)));
                self.held = vec![Held { vip, link, lifetime, voice: Some(Voice::Answering) }];
                self.carried_out += 1;
                self.events.push(self.snapshot());
            }
            Effect::Drop(_) => {
                self.held.clear();
                self.carried_out += 1;
                self.events.push(self.snapshot());
            }
            _ => {}
        }
    }

    /// One event, and what follows, recorded.
    fn step(&mut self, event: &Event) {
        self.black_box.happened(event, self.now, &self.node);
        self.node.handle(event.clone(), self.now);
        while let Some(effect) = self.node.poll() {
            self.black_box.followed(&effect);
            self.carry_out(effect);
        }
    }

    /// So many events: what is due, else the node's deadline.
    fn live(mut self, events: usize) -> Self {
        for _ in 0..events {
            let event = if self.events.is_empty() {
                self.now = self.now.max(self.node.deadline().expect("it has one"));
                Event::Tick
            } else {
                self.now = self.now + Duration::from_micros(700);
                self.events.remove(0)
            };
            self.step(&event);
        }
        self
    }

    fn dump(&self) -> String {
        let wall = Wall::at(self.now, Timestamp::UNIX_EPOCH);
        let lines = self.black_box.lines(&origin(), wall, &"a test");
        String::from_utf8(lines).expect("JSON is text")
    }
}

fn one(text: &str) -> Dump {
    let mut dumps = dumps(text).expect("a black box");
    assert_eq!(dumps.len(), 1);
    dumps.remove(0)
}

fn replayed(text: &str) -> Replayed {
    replay(&one(text), &mut |_| Ok(())).expect("nothing is written")
}

#[test]
fn a_short_life_is_replayed_from_its_start() {
    let life = Life::new().live(60);
    assert!(life.node.status().term.is_some(), "it held the address");
    let text = life.dump();
    let replayed = replayed(&text);
    assert_eq!(replayed, Replayed { events: 60, differences: Vec::new() });
    let dump = one(&text);
    assert_eq!(dump.header.node, "cp-1");
    assert_eq!(dump.header.seed, 7);
    assert_eq!(dump.header.plan, plan());
    assert!(matches!(dump.entries[0], Entry::Checkpoint(_)));
}

#[test]
fn a_long_life_is_bounded_and_replayed_from_a_state_on_the_way() {
    let life = Life::new().live(40_000);
    let text = life.dump();
    assert!(text.len() > HALF && text.len() < 2 * HALF + 4 * LONGEST, "{}", text.len());
    let replayed = replayed(&text);
    assert_eq!(replayed.differences, Vec::new());
    assert!(replayed.events > 2_000, "{}", replayed.events);
    let states = one(&text).entries;
    let states = states.iter().filter(|entry| matches!(entry, Entry::Checkpoint(_)));
    assert_eq!(states.count(), 2);
}

#[test]
fn what_the_core_would_not_have_done_is_found() {
    let text = Life::new().live(60).dump();
    let forged = text.replacen("\"Answering\"}}", "\"Accepting\"}}", 1);
    assert_ne!(text, forged);
    let differences = replayed(&forged).differences;
    assert!(matches!(differences[..], [Difference::Effects { .. }]), "{differences:?}");
}

#[test]
fn a_dump_ends_with_a_whole_entry_whenever_it_is_made() {
    let mut life = Life::new().live(10);
    life.black_box.happened(&Event::Tick, life.now, &life.node);
    let entries = one(&life.dump()).entries;
    assert!(matches!(entries.last(), Some(Entry::Event { .. })));
}

#[test]
fn an_event_that_is_too_long_is_left_out_and_costs_nothing_else() {
    let mut life = Life::new().live(60);
    let cause = "x".repeat(2 * LONGEST);
    life.step(&Event::Registered(Err(cause)));
    let life = life.live(60);
    let text = life.dump();
    assert!(text.contains("{\"gap\":\"an event of "), "it is said");
    assert!(text.len() < HALF);
    assert_eq!(replayed(&text), Replayed { events: 120, differences: Vec::new() });
}

#[test]
fn effects_without_an_event_are_not_recorded() {
    let mut black_box = BlackBox::new();
    black_box.followed(&Effect::Check { timeout: Duration::from_secs(1) });
    let wall = Wall::at(Moment::START, Timestamp::UNIX_EPOCH);
    let lines = black_box.lines(&origin(), wall, &"a test");
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 1);
}
