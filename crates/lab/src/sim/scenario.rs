//! One scenario: hosts, their clocks, their election's times, and the faults that will strike.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use kube_vip_core::plan::Timings;

use crate::timeline::Timeline;

use super::rng::Rng;

mod kind;

pub use kind::Kind;

/// Everything about a run that is not drawn while it goes on.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What everything is drawn from, also while it goes on.
    pub seed: u64,
    /// The addresses that follow the election.
    pub addresses: Vec<IpAddr>,
    /// The hosts.
    pub hosts: Vec<HostPlan>,
    /// The faults, in the order of time.
    pub faults: Vec<Planned>,
    /// When the run is over.
    pub ends: Duration,
    /// The shortest and the longest way of a message, one way.
    pub legs: (Duration, Duration),
    /// There is a router on the segment.
    pub gateway: bool,
    /// Holders hold on while the API is away.
    pub holds_on: bool,
    /// Whoever is preferred takes the address back.
    pub fail_back: bool,
    /// Whom the Lease names at the beginning, from a former life; none: there is no Lease.
    pub inherited: Option<usize>,
}

/// One host.
#[derive(Clone, Copy, Debug)]
pub struct HostPlan {
    /// Its election's times.
    pub timings: Timings,
    /// How much faster than the world's time its clock runs, in parts per million.
    pub ppm: i32,
    /// When its daemon first starts.
    pub starts: Duration,
    /// What its monotonic clock shows then.
    pub first: Duration,
    /// Its wall clock's error, in microseconds.
    pub wall: i64,
    /// Its kernel can fence.
    pub fence: bool,
    /// Higher is preferred.
    pub priority: u32,
}

/// A fault that will strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When.
    pub at: Duration,
    /// What it waits for then; if that does not come within a lease duration, it never strikes.
    pub cue: Cue,
    /// For how long; of no meaning for what is over in an instant.
    pub span: Duration,
    /// What.
    pub kind: Kind,
    /// Whom.
    pub target: Target,
}

/// Whom a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Who answers when it strikes, else whom the Lease names, else the first host.
    Holder,
    /// This host.
    Host(usize),
}

/// What a fault waits for, so that it strikes in the middle of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cue {
    /// Nothing.
    None,
    /// The Lease gets another holder, or none.
    LeaseMoves,
    /// A host gets the address, or loses it.
    AddressMoves,
    /// A daemon asks its API server.
    Asks,
    /// A fault strikes, or ends.
    Fault,
    /// A daemon has read the clock and is about to call the kernel: it strikes before that acts.
    Calls,
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Scenario {
    /// Draws a scenario: three, five or seven hosts, and ten to sixteen faults of which at
    /// least five nearly always find something to hit.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x5ce0_a210);
        let count = *rng.pick(&[3, 3, 3, 5, 5, 7]);
        let timings = timings(&mut rng);
        let other = timings_of(5, 3, 1);
        let mixed = rng.percent(8);
        let (old, ranked) = (rng.percent(25), rng.percent(15));
        let host = |rng: &mut Rng| HostPlan {
            timings: if mixed && rng.percent(50) { other } else { timings },
            ppm: i32::try_from(rng.below(401)).unwrap_or_default() - 200,
            starts: rng.span(Duration::ZERO, Duration::from_secs(2)),
            first: if rng.percent(50) { Duration::ZERO } else { rng.skewed(millis(1), HOUR) },
            wall: i64::try_from(rng.below(20_000_000)).unwrap_or_default() - 10_000_000,
            fence: !old || rng.percent(50),
            priority: if ranked { u32::try_from(rng.below(3)).unwrap_or_default() } else { 0 },
        };
        let hosts: Vec<HostPlan> = (0..count).map(|_| host(&mut rng)).collect();
        let far = *rng.pick(&[200, 2_000, 20_000]);
        let inherited = rng.percent(40).then(|| rng.index(count));
        let addresses = addresses(seed, rng.percent(25));
        let legs = (Duration::from_micros(20), Duration::from_micros(far));
        let mut scenario = Self {
            seed,
            addresses,
            hosts,
            faults: Vec::new(),
            ends: Duration::ZERO,
            legs,
            gateway: rng.percent(80),
            holds_on: rng.percent(90),
            fail_back: ranked && rng.percent(30),
            inherited,
        };
        match rng.below(100) {
            0..=9 => scenario.draw_faults(&mut rng, Kind::weather),
            10..=15 => {
                scenario.roll(&mut rng);
                scenario.draw_faults(&mut rng, Kind::draw);
            }
            _ => scenario.draw_faults(&mut rng, Kind::draw),
        }
        scenario
    }

    /// The same without the faults of some kinds.
    #[must_use]
    pub fn without(mut self, kinds: &[Kind]) -> Self {
        self.faults.retain(|fault| !kinds.contains(&fault.kind));
        self
    }

    /// The longest lease duration of any host.
    #[must_use]
    pub fn lease_duration(&self) -> Duration {
        self.hosts.iter().map(|host| host.timings.duration()).max().unwrap_or_default()
    }

    /// Most faults wait for nothing.
    const CUES: [Cue; 10] = [
        Cue::None,
        Cue::None,
        Cue::None,
        Cue::None,
        Cue::None,
        Cue::LeaseMoves,
        Cue::AddressMoves,
        Cue::Asks,
        Cue::Fault,
        Cue::Calls,
    ];

    /// A rolling replacement: at first the original runs everywhere.
    fn roll(&mut self, rng: &mut Rng) {
        let lease = self.lease_duration();
        for host in 0..self.hosts.len() {
            self.faults.push(Planned {
                at: self.hosts[host].starts + millis(1),
                cue: Cue::None,
                span: rng.span(lease, lease * 6),
                kind: Kind::Revert,
                target: Target::Host(host),
            });
        }
    }

    fn draw_faults(&mut self, rng: &mut Rng, draw: impl Fn(&mut Rng) -> Kind) {
        let lease = self.lease_duration();
        let (first, last) = (millis(500), lease * 8);
        let wanted = self.faults.len() + 10 + rng.index(7);
        while self.faults.len() < wanted {
            let at = rng.span(first, last);
            let kind = draw(rng);
            if rng.percent(6) {
                self.faults.extend(everywhere(rng, self.hosts.len(), kind, (at, lease)));
                continue;
            }
            let target = if rng.percent(60) {
                Target::Holder
            } else {
                Target::Host(rng.index(self.hosts.len()))
            };
            let cue = *rng.pick(&Self::CUES);
            let cue = if kind == Kind::FreezeInCall { Cue::Calls } else { cue };
            let span = rng.skewed(millis(5), lease * 2);
            self.faults.push(Planned { at, cue, span, kind, target });
        }
        self.faults.sort_by_key(|fault| fault.at);
        let over = self.faults.iter().map(|fault| fault.at + fault.span).max().unwrap_or_default();
        self.ends = over + lease * 3 + Duration::from_secs(5);
    }
}

/// The same to every host, at nearly the same time.
fn everywhere(
    rng: &mut Rng,
    hosts: usize,
    kind: Kind,
    (at, lease): (Duration, Duration),
) -> Vec<Planned> {
    let span = rng.skewed(millis(5), lease * 2);
    let apart = rng.skewed(millis(1), millis(500));
    let one = |host| Planned {
        at: at + rng.span(Duration::ZERO, apart),
        cue: Cue::None,
        span: span + rng.span(Duration::ZERO, apart),
        kind,
        target: Target::Host(host),
    };
    (0..hosts).map(one).collect()
}

const HOUR: Duration = Duration::from_secs(3600);

/// One address or two, of RFC 5737 and RFC 3849: half of the pairs are one of each family, and a
/// fourth of all the rest IPv6.
fn addresses(seed: u64, two: bool) -> Vec<IpAddr> {
    let four = |last| IpAddr::from(Ipv4Addr::new(192, 0, 2, last));
    let six = |last| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last));
    match (two, seed % 4) {
        (false, 3) => vec![six(10)],
        (false, _) => vec![four(10)],
        (true, 0) => vec![four(10), four(11)],
        (true, 1) => vec![four(10), six(10)],
        (true, 2) => vec![six(10), four(10)],
        (true, _) => vec![six(10), six(11)],
    }
}

fn timings(rng: &mut Rng) -> Timings {
    match rng.below(10) {
        0..=5 => timings_of(5, 3, 1),
        6 => timings_of(3, 2, 1),
        7 => timings_of(8, 6, 2),
        _ => timings_of(15, 10, 2),
    }
}

fn timings_of(duration: u64, renew_deadline: u64, retry: u64) -> Timings {
    let [duration, renew_deadline, retry] =
        [duration, renew_deadline, retry].map(Duration::from_secs);
    Timings::new(duration, renew_deadline, retry).expect("constants that make an election")
}

/// How often each kind of fault struck something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(pub BTreeMap<Kind, usize>);

impl Tally {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Counts another run's as well.
    pub fn add(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            *self.0.entry(*kind).or_default() += count;
        }
    }
}

/// What became of a scenario.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What happened to each address.
    pub timelines: Vec<Timeline>,
    /// The faults that hit something.
    pub tally: Tally,
    /// What each core was told and what it did, if that was wanted.
    pub trace: Vec<String>,
}
