//! TCP connects at a fixed period, on a thread of their own: what a client of the address feels.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kube_vip_measure::clock::Stamp;
use kube_vip_measure::connect::{Connector, End, News};
use kube_vip_measure::figures::{Connects, NOTICEABLE, Tally};
use kube_vip_measure::gaps::{Gap, Gaps};

/// The thread ends by itself after this time.
const AT_MOST: Duration = Duration::from_secs(3600);

/// What the probes saw of one address.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// Connections begun before the act.
    pub(super) before: Connects,
    /// Those begun after it.
    pub(super) after: Connects,
    /// The longest time without one that came about, before the act …
    pub(super) calm: Duration,
    /// … and after it.
    pub(super) longest: Duration,
    /// The noticeable ones of both.
    pub(super) gaps: Vec<Gap>,
}

/// The running probes. Dropping them ends them.
#[derive(Debug)]
pub(super) struct Probes {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<io::Result<Probed>>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    acted: OnceLock<Stamp>,
    made: AtomicU64,
}

/// What was seen of all addresses.
#[derive(Clone, Debug, Default)]
pub(super) struct Probed {
    /// In the order in which they were given.
    pub(super) seen: Vec<Seen>,
    /// The longest time in which this host did not let the probes run: what is not longer says
    /// nothing about the address.
    pub(super) paused: Duration,
}

impl Probes {
    /// Begins to connect to each of the targets, every `period`.
    pub(super) fn start(targets: &[SocketAddr], period: Duration) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let connector = Connector::new(targets, period)?;
        let work = Work {
            shared: Arc::clone(&shared),
            targets: targets.iter().map(|_| Target::default()).collect(),
        };
        let thread = thread::Builder::new().name("probes".to_owned());
        let thread = thread.spawn(move || work.run(connector, period))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// From now on the act counts as done.
    pub(super) fn act(&self) -> Stamp {
        *self.shared.acted.get_or_init(Stamp::now)
    }

    /// How many connections came about so far.
    pub(super) fn made(&self) -> u64 {
        self.shared.made.load(Ordering::Relaxed)
    }

    /// Ends them.
    pub(super) fn stop(mut self) -> io::Result<Probed> {
        self.shared.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(probed)) => probed,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(Probed::default()),
        }
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

/// What the thread knows.
#[derive(Debug)]
struct Work {
    shared: Arc<Shared>,
    targets: Vec<Target>,
}

#[derive(Debug, Default)]
struct Target {
    before: Tally,
    after: Tally,
    gaps: Gaps,
    found: Vec<Gap>,
    longest: [Duration; 2],
}

impl Work {
    fn run(mut self, connector: Connector, period: Duration) -> io::Result<Probed> {
        let (shared, started) = (Arc::clone(&self.shared), Stamp::now());
        let (mut looked, mut paused) = (started, Duration::ZERO);
        connector.run(
            || {
                let now = Stamp::now();
                paused = paused.max(now.since(looked).saturating_sub(period));
                looked = now;
                !shared.stop.load(Ordering::Relaxed) && now.since(started) < AT_MOST
            },
            |news| self.hear(&news),
        )?;
        Ok(self.end(paused))
    }

    fn hear(&mut self, news: &News) {
        let acted = self.shared.acted.get().copied();
        let target = &mut self.targets[news.target()];
        let begun = match *news {
            News::Begun { at, .. } => at,
            News::Over(over) => over.begun,
        };
        let later = acted.is_some_and(|acted| begun >= acted);
        if later { &mut target.after } else { &mut target.before }.count(news);
        match *news {
            News::Begun { at, .. } => target.gaps.sent(at),
            News::Over(over) if over.end == End::Made => {
                self.shared.made.fetch_add(1, Ordering::Relaxed);
                if let Some(gap) = target.gaps.answered(over.at) {
                    target.note(gap, acted);
                }
            }
            News::Over(_) => {}
        }
    }

    fn end(self, paused: Duration) -> Probed {
        let (acted, now) = (self.shared.acted.get().copied(), Stamp::now());
        let seen = self.targets.into_iter().map(|mut target| {
            if let Some(gap) = target.gaps.so_far(now) {
                target.note(gap, acted);
            }
            let [calm, longest] = target.longest;
            let (before, after) = (target.before.end(), target.after.end());
            Seen { before, after, calm, longest, gaps: target.found }
        });
        Probed { seen: seen.collect(), paused }
    }
}

impl Target {
    /// A gap that the act fell into counts as one after it.
    fn note(&mut self, gap: Gap, acted: Option<Stamp>) {
        let later = acted.is_some_and(|acted| gap.from + gap.length >= acted);
        let longest = &mut self.longest[usize::from(later)];
        *longest = gap.length.max(*longest);
        if gap.length >= NOTICEABLE {
            self.found.push(gap);
        }
    }
}

#[cfg(test)]
mod tests;
