//! One node with a kernel that obeys and an API server that answers.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac, NodeName, Vip, bits};
use kube_vip_core::event::{
    Answer, Call, Candidacy, Check, Effect, Event, Failure, Fence, Health, Held, LeaseRecord,
    LeaseWrite, Link, Nonce, Observation, Request, Snapshot, Stamp, Version, Voice,
};
use kube_vip_core::moment::Moment;
use kube_vip_core::node::Node;
use kube_vip_core::plan::{Conduct, LeasePlan, Plan, Timings, Vips};
use kube_vip_core::reconcile::address_lifetime;
use kube_vip_core::segment::{Claim, Question, Said, Station};

const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
const NEIGHBOUR: Mac = Mac([2, 0, 0, 0, 0, 0xfe]);
/// The elected address, the node's own and the router's.
const IPV4: [&str; 3] = ["192.168.20.140", "192.168.20.1", "192.168.20.254"];
const IPV6: [&str; 3] = ["fd00:20::140", "fe80::1", "fe80::fe"];
const KERNEL_LATENCY: Duration = Duration::from_millis(1);
/// How late the kernel removes what has expired.
const KERNEL_LATENESS: Duration = Duration::from_millis(200);
pub(crate) const USUAL_LATENCY: Duration = Duration::from_millis(3);

/// How the API server behaves.
#[derive(Clone, Copy)]
pub(crate) enum Api {
    Answers(Duration),
    Refuses,
    Hangs,
    Loses,
    Strips,
}

#[expect(clippy::struct_excessive_bools, reason = "each is set by a word of its own")]
pub(crate) struct World {
    node: Node,
    now: Moment,
    out: String,
    /// What will be told to the node, and when.
    coming: Vec<(Moment, Event)>,
    version: u64,
    lease: Option<LeaseRecord>,
    pub(crate) api: Api,
    /// The interface is up; none: it is absent.
    pub(crate) up: Option<bool>,
    /// The address is here until then; inner none: for ever.
    pub(crate) has: Option<Option<Moment>>,
    pub(crate) kernel_refuses: bool,
    /// The kernel can fence; then the address has a voice, until that moment.
    pub(crate) fences: bool,
    voice: (Voice, Moment),
    /// What a look at the API servers shows.
    pub(crate) health: Check,
    /// The neighbours on the segment answer.
    pub(crate) alive: bool,
    /// There is a default route.
    pub(crate) routed: bool,
    /// Who else answers for the address.
    pub(crate) rival: Option<Mac>,
    vip: Vip,
    own: IpAddr,
    gateway: IpAddr,
    candidacy: Option<Candidacy>,
    carried_out: u64,
    finished: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        let (vip, own, gateway) = addresses(IPV4);
        Self {
            node: Node::new(plan(vip), 7),
            vip,
            own,
            gateway,
            now: Moment::START,
            out: String::new(),
            coming: Vec::new(),
            version: 6,
            lease: None,
            api: Api::Answers(USUAL_LATENCY),
            up: Some(true),
            has: None,
            kernel_refuses: false,
            fences: false,
            voice: (Voice::Silent, Moment::START),
            health: Check { local: Health::Ready, elsewhere: None },
            alive: true,
            routed: true,
            rival: None,
            candidacy: None,
            carried_out: 0,
            finished: false,
        }
    }

    /// The elected address and all others are IPv6 addresses.
    pub(crate) fn speak_ipv6(&mut self) {
        (self.vip, self.own, self.gateway) = addresses(IPV6);
        self.node = Node::new(plan(self.vip), 7);
    }

    /// Lets everything happen that is due before `until`; what the node did.
    pub(crate) fn run_until(&mut self, until: Moment) -> String {
        let mut spins = 0;
        while let Some((at, event)) = self.next().filter(|(at, _)| *at < until) {
            spins = if at > self.now { 0 } else { spins + 1 };
            assert!(spins < 100, "the node spins at {}: {event:?}\n{}", self.now, self.out);
            self.now = self.now.max(at);
            match event {
                Some(index) => {
                    let (_, event) = self.coming.remove(index);
                    self.tell(event);
                }
                None if self.expires() == Some(at) => self.delete(),
                None => self.tell(Event::Tick),
            }
        }
        self.now = until;
        std::mem::take(&mut self.out)
    }

    /// When the next thing happens, and which of those to come it is (none: of themselves).
    fn next(&self) -> Option<(Moment, Option<usize>)> {
        if self.finished {
            return None;
        }
        let coming = self.coming.iter().enumerate().map(|(index, (at, _))| (*at, Some(index)));
        let own = [self.node.deadline(), self.expires()].into_iter().flatten().map(|at| (at, None));
        coming.chain(own).min_by_key(|(at, _)| *at)
    }

    fn expires(&self) -> Option<Moment> {
        self.has.flatten().map(|until| until + KERNEL_LATENESS)
    }

    /// Tells the node something, now.
    pub(crate) fn tell(&mut self, event: Event) {
        self.node.handle(event, self.now);
        let mut lines = String::new();
        while let Some(effect) = self.node.poll() {
            if let Some(line) = self.obey(&effect) {
                let _ = writeln!(lines, "    {line}");
            }
        }
        if self.node.finished() && !self.finished {
            self.finished = true;
            lines.push_str("    finished\n");
        }
        if !lines.is_empty() {
            let _ = write!(self.out, "  {:.3}\n{lines}", self.now.since_start().as_secs_f64());
        }
    }

    /// Does what it is told; what to write down of it.
    fn obey(&mut self, effect: &Effect) -> Option<String> {
        Some(match effect {
            Effect::Ask(request) => self.ask(request),
            Effect::Hold { vip, until, voice } => {
                let lifetime = address_lifetime(*until, self.now);
                self.voice = (*voice, *until);
                let obeys = lifetime.filter(|_| !self.kernel_refuses);
                if let Some(lifetime) = obeys {
                    self.has = Some(Some(self.now + lifetime));
                }
                self.kernel_did(effect, obeys.is_some());
                let quietly = if *voice == Voice::Answering { "" } else { " silently" };
                format!("hold {vip}{quietly} for {:?}", lifetime.unwrap_or_default())
            }
            Effect::Drop(held) => {
                self.has = None;
                self.kernel_did(effect, true);
                format!("drop {} from {}", held.vip, held.link)
            }
            Effect::Announce { address, .. } => format!("announce {address}"),
            Effect::Question { question, to } => self.question(*question, *to),
            Effect::Check { .. } => {
                self.coming.push((self.now + KERNEL_LATENCY, Event::Checked(self.health.clone())));
                return None;
            }
            Effect::Register(candidacy) => {
                self.coming.push((self.now + USUAL_LATENCY, Event::Registered(Ok(()))));
                let before = self.candidacy.replace(candidacy.clone());
                if before.is_none() || before.as_ref() == Some(candidacy) {
                    return None;
                }
                let consent = candidacy.consent.as_ref().map(|nonce| format!(" to {}", nonce.0));
                let fit = if candidacy.fit { "fit" } else { "unfit" };
                let cordoned = if candidacy.cordoned { ", cordoned" } else { "" };
                format!("register {fit}{cordoned}{}", consent.unwrap_or_default())
            }
            Effect::Tell(notice) => format!("tell {notice:?}"),
        })
    }

    /// The neighbours and the rival answer.
    fn question(&mut self, question: Question, to: Mac) -> String {
        let wanted = question.address;
        assert_eq!(question.asker.address, self.own, "in the node's own name");
        let answers = if wanted == self.vip.address() {
            self.rival.filter(|mac| to == Mac::BROADCAST || to == *mac)
        } else {
            Some(NEIGHBOUR).filter(|_| self.alive)
        };
        if let Some(mac) = answers {
            let said = claims(mac, wanted, question.asker.mac);
            self.coming.push((self.now + KERNEL_LATENCY, Event::Heard { from: mac, said }));
        }
        if to == Mac::BROADCAST {
            format!("ask for {wanted}")
        } else {
            format!("ask {to} for {wanted}")
        }
    }

    /// Another station announces the address.
    pub(crate) fn announced(&mut self, mac: Mac) {
        let said = claims(mac, self.vip.address(), Mac::BROADCAST);
        self.tell(Event::Heard { from: mac, said });
    }

    /// Another station answers a question of this host's kernel, for an address of its own.
    pub(crate) fn answered(&mut self, mac: Mac, address: IpAddr) {
        self.tell(Event::Heard { from: mac, said: claims(mac, address, MAC) });
    }

    /// The offer that stands in the Lease.
    pub(crate) fn offered(&self) -> Option<Nonce> {
        let offer = self.lease.as_ref()?.marks.offer.as_ref()?;
        Some(offer.nonce.clone())
    }

    fn kernel_did(&mut self, effect: &Effect, obeyed: bool) {
        self.carried_out += 1;
        if !obeyed {
            let cause = "not permitted".to_owned();
            let refused = Event::Refused { effect: effect.clone(), cause };
            self.coming.push((self.now + KERNEL_LATENCY, refused));
        }
        self.coming.push((self.now + KERNEL_LATENCY, Event::Kernel(self.snapshot())));
    }

    fn ask(&mut self, request: &Request) -> String {
        let done = match self.api {
            Api::Answers(_) | Api::Loses | Api::Strips => self.call(&request.call),
            Api::Refuses => Err(Failure::Unavailable("connection refused".to_owned())),
            Api::Hangs => Err(Failure::Timeout),
        };
        let (latency, outcome) = match self.api {
            Api::Answers(latency) if latency <= request.timeout => (latency, done),
            Api::Refuses => (KERNEL_LATENCY, done),
            Api::Strips => (USUAL_LATENCY, done),
            Api::Answers(_) | Api::Hangs | Api::Loses => (request.timeout, Err(Failure::Timeout)),
        };
        let answer = Answer { id: request.id, outcome };
        self.coming.push((self.now + latency, Event::Answered(answer)));
        match &request.call {
            Call::Read => "read".to_owned(),
            Call::Write(write) => describe(write),
        }
    }

    fn call(&mut self, call: &Call) -> Result<Option<Observation>, Failure> {
        let Call::Write(write) = call else { return Ok(self.observation()) };
        let known = write.version.as_ref().map(|version| version.0.clone());
        let actual = self.lease.as_ref().map(|_| self.version.to_string());
        if known != actual {
            return Err(if actual.is_none() { Failure::Gone } else { Failure::Conflict });
        }
        let acquired = match write.acquired {
            Stamp::Now => Some(self.now_in_micros()),
            Stamp::Keep(acquired) => acquired,
        };
        self.store(Some(LeaseRecord {
            holder: write.holder.clone(),
            duration: write.duration,
            acquired,
            renewed: Some(self.now_in_micros()),
            transitions: write.transitions,
            nonce: Some(write.nonce.clone()).filter(|_| !matches!(self.api, Api::Strips)),
            marks: write.marks.clone(),
        }));
        Ok(self.observation())
    }

    /// The API server has this now.
    pub(crate) fn store(&mut self, lease: Option<LeaseRecord>) {
        self.version += 1;
        self.lease = lease;
    }

    /// The API server has this now, at a version lower than any before.
    pub(crate) fn restore(&mut self, lease: Option<LeaseRecord>) {
        self.version = 1;
        self.lease = lease;
    }

    /// The watch shows what the API server has.
    pub(crate) fn watch(&mut self) {
        self.tell(Event::Watched(self.observation()));
    }

    pub(crate) fn record(&self) -> Option<LeaseRecord> {
        self.lease.clone()
    }

    pub(crate) fn observation(&self) -> Option<Observation> {
        let version = Version(self.version.to_string());
        self.lease.clone().map(|record| Observation { version, record })
    }

    pub(crate) fn link(&mut self, up: bool) {
        self.up = Some(up);
        self.look();
    }

    /// Somebody, or the end of its lifetime, removes the address.
    pub(crate) fn delete(&mut self) {
        self.has = None;
        self.look();
    }

    /// The kernel tells what it has.
    pub(crate) fn look(&mut self) {
        self.tell(Event::Kernel(self.snapshot()));
    }

    fn snapshot(&self) -> Snapshot {
        let addresses = vec![self.own];
        let gateways = Vec::from_iter(self.routed.then_some(self.gateway));
        let link = self.up.map(|up| Link { mac: MAC, up, addresses, gateways });
        let speaks = if self.now < self.voice.1 { self.voice.0 } else { Voice::Silent };
        let held = self.has.map(|until| Held {
            vip: self.vip,
            link: link_name(),
            lifetime: until.map(|until| Duration::from_secs(until.since(self.now).as_secs())),
            voice: self.fences.then_some(speaks),
        });
        Snapshot {
            link,
            held: held.into_iter().collect(),
            carried_out: self.carried_out,
            fence: if self.fences { Fence::Ready } else { Fence::Unknown },
        }
    }

    pub(crate) fn now_in_micros(&self) -> i64 {
        i64::try_from(self.now.since_start().as_micros()).expect("scenarios are short")
    }
}

fn describe(write: &LeaseWrite) -> String {
    let over = write.version.as_ref().map_or("a new Lease".to_owned(), |v| format!("v{}", v.0));
    let holder = if write.holder.is_empty() { "nobody" } else { &write.holder };
    let since = if write.acquired == Stamp::Now { ", acquired now" } else { "" };
    let (duration, transitions) = (write.duration, write.transitions);
    let marks = &write.marks;
    let offer = marks.offer.as_ref().map(|offer| format!(", offers it to {}", offer.to));
    let successor = marks.successor.as_ref().map(|node| format!(", for {node}"));
    let move_to = marks.move_to.as_ref().map(|node| format!(", to move to {node}"));
    let marks: String = [offer, successor, move_to].into_iter().flatten().collect();
    format!("write {over}: {holder} for {duration:?}, transitions {transitions}{since}{marks}")
}

fn addresses(texts: [&str; 3]) -> (Vip, IpAddr, IpAddr) {
    let [vip, own, gateway] = texts.map(|text| text.parse().expect("an address"));
    (Vip::new(vip, bits(vip)).expect("a unicast address"), own, gateway)
}

fn claims(mac: Mac, address: IpAddr, to: Mac) -> Said {
    Said::Claim(Claim { station: Station { mac, address }, to })
}

fn link_name() -> LinkName {
    LinkName::new("end0").expect("a name")
}

fn plan(vip: Vip) -> Plan {
    let seconds = Duration::from_secs;
    let timings = Timings::new(seconds(5), seconds(3), seconds(1)).expect("5/3/1 is fine");
    Plan {
        node: NodeName::new("a").expect("a name"),
        link: link_name(),
        vips: Vips::new(vec![vip]).expect("one address"),
        lease: LeasePlan { namespace: "kube-system".into(), name: "plndr-cp-lock".into(), timings },
        announce_every: seconds(3),
        conduct: Conduct::default(),
        boot: "boot-a".to_owned(),
    }
}
