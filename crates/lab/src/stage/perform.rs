//! One act from beginning to end: record, strike the owner, wait for what comes of it, mend, judge.

use std::time::{Duration, Instant};

use super::{Act, Stage, StageError, Take, Then, VIP};
use crate::oracle::{Bounds, Verdict, judge};
use crate::recorder::{RecorderSpec, Stranger};
use crate::report::Run;
use crate::timeline::{Fault, Timeline, What};

/// Before the owner is struck, it has answered for so long.
const CALM: Duration = Duration::from_secs(1);
/// The stricken one is brought back so long after another has answered …
const ALONE: Duration = Duration::from_millis(1500);
/// … and then it is seen for so long that the address stays where it is.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// What a daemon says may be wrong for so long: a second, and what its own API server shows late
/// whose etcd has been away.
const CATCHES_UP: Duration = Duration::from_secs(4);

/// Somebody who is told how an act goes on.
pub trait Audience {
    /// The recording has begun.
    fn begins(&mut self, stage: &Stage, take: &Take);
    /// What is being waited for from now on.
    fn waits_for(&mut self, what: &str);
    /// The owner is about to be struck.
    fn strikes(&mut self, act: &Act, owner: &str);
    /// Called often; whether to go on.
    fn looks(&mut self, stage: &Stage, take: &Take) -> bool;
}

/// Nobody looks.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Audience for Nobody {
    fn begins(&mut self, _: &Stage, _: &Take) {}
    fn waits_for(&mut self, _: &str) {}
    fn strikes(&mut self, _: &Act, _: &str) {}
    fn looks(&mut self, _: &Stage, _: &Take) -> bool {
        true
    }
}

/// What came of an act.
#[derive(Clone, Debug)]
pub struct Performance {
    /// What happened, and what the client saw.
    pub run: Run,
    /// What the oracle says.
    pub verdict: Verdict,
    /// Who held the address before.
    pub owner: usize,
    /// Who held it in the end.
    pub heir: usize,
    /// Who spoke for the address and is no node.
    pub strangers: Vec<Stranger>,
}

impl Performance {
    /// How often the address moved: another node began to answer than the last one that had.
    #[must_use]
    pub fn moves(&self) -> usize {
        let began = self.run.timeline.entries.iter().filter_map(|entry| match entry.what {
            What::Answers { node, on: true } => Some(node),
            _ => None,
        });
        let mut owners: Vec<usize> = began.collect();
        owners.dedup();
        owners.len().saturating_sub(1)
    }

    /// How long the first owner went on answering after the first fault; none: to the end.
    #[must_use]
    pub fn silent_after(&self) -> Option<Duration> {
        let Timeline { entries, .. } = &self.run.timeline;
        let fault = |what: &What| matches!(what, What::Fault(_));
        let first = entries.iter().position(|entry| fault(&entry.what))?;
        let silent = What::Answers { node: self.owner, on: false };
        // The moment of a silence is that of the last answer, which may lie before the fault.
        let early = entries[first].at.saturating_sub(RecorderSpec::of(VIP).resolution());
        let silences = entries.iter().filter(|entry| entry.what == silent && entry.at >= early);
        Some(silences.map(|entry| entry.at).next()?.saturating_sub(entries[first].at))
    }

    /// How often, from the first such fault on, a node announced the address.
    #[must_use]
    pub fn announcements_after(&self, fault: Fault) -> usize {
        let entries = self.run.timeline.entries.iter();
        let later = entries.skip_while(|entry| entry.what != What::Fault(fault));
        later.filter(|entry| matches!(entry.what, What::Announced { .. })).count()
    }
}

/// A recording under way, for what is more than one act.
#[derive(Debug)]
pub struct Play {
    take: Take,
    owner: usize,
}

impl Play {
    /// Starts to record, and waits until one node has answered for a while.
    ///
    /// # Errors
    /// As of [`perform`]; so also below.
    pub fn begin(stage: &Stage, audience: &mut dyn Audience) -> Result<Self, StageError> {
        let take = stage.record()?;
        audience.begins(stage, &take);
        audience.waits_for("one node to answer");
        let mut play = Self { take, owner: 0 };
        play.owner = play.until(stage, audience, |_| true)?;
        play.pass(stage, audience, CALM)?;
        Ok(play)
    }

    /// Who answered at the beginning.
    #[must_use]
    pub const fn owner(&self) -> usize {
        self.owner
    }

    /// The recording.
    #[must_use]
    pub const fn take(&self) -> &Take {
        &self.take
    }

    /// Waits until a node that fits answers alone.
    ///
    /// # Errors
    /// As above.
    pub fn until(
        &self,
        stage: &Stage,
        audience: &mut dyn Audience,
        fits: impl Fn(usize) -> bool,
    ) -> Result<usize, StageError> {
        let mut owner = None;
        let mut goes_on = true;
        stage.wait("the right node alone answers", stage.patience(), || {
            goes_on = audience.looks(stage, &self.take);
            owner = stage.owner().filter(|node| fits(*node));
            owner.is_some() || !goes_on
        })?;
        owner.filter(|_| goes_on).ok_or(StageError::Stopped)
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// As above.
    pub fn pass(
        &self,
        stage: &Stage,
        audience: &mut dyn Audience,
        span: Duration,
    ) -> Result<(), StageError> {
        let began = Instant::now();
        while began.elapsed() < span {
            if !audience.looks(stage, &self.take) {
                return Err(StageError::Stopped);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Ends the recording and has it judged.
    ///
    /// # Errors
    /// As above.
    pub fn end(self, stage: &Stage, title: &str, heir: usize) -> Result<Performance, StageError> {
        let lease = stage.spec().lease_duration();
        let taken = self.take.stop()?;
        let resolution = RecorderSpec::of(VIP).period * 2;
        let timeline = taken.recording.timeline;
        // Recordings begin with all nodes able, and that for longer than the calm before the fault.
        let bounds = Bounds {
            settled: CALM / 2,
            honest: CATCHES_UP,
            ..Bounds::with_lifetimes(lease, resolution)
        };
        let mut verdict = judge(&timeline, &bounds);
        for other in &taken.others {
            verdict.add(judge(&other.timeline, &bounds));
        }
        let run = Run { title: title.to_owned(), timeline, client: taken.client };
        let strangers = taken.recording.strangers;
        Ok(Performance { run, verdict, owner: self.owner, heir, strangers })
    }
}

/// Performs an act.
///
/// # Errors
/// [`StageError::Waited`] if nobody, or nobody else, comes to answer; [`StageError::Stopped`] if
/// the audience has had enough; else what the kernel says.
pub fn perform(
    stage: &mut Stage,
    act: &Act,
    audience: &mut dyn Audience,
) -> Result<Performance, StageError> {
    let play = Play::begin(stage, audience)?;
    let owner = play.owner;
    audience.strikes(act, stage.world().node(owner).name());
    (act.strike)(stage, owner)?;
    match act.then {
        Then::Moves => {
            audience.waits_for("another node to answer");
            play.until(stage, audience, |node| node != owner)?;
            play.pass(stage, audience, ALONE)?;
        }
        Then::Lasts(span) => {
            audience.waits_for("a while, to see what comes of it");
            play.pass(stage, audience, span)?;
        }
    }
    (act.mend)(stage, owner)?;
    audience.waits_for("a while, to see that it stays so");
    let heir = play.until(stage, audience, |_| true)?;
    play.pass(stage, audience, AFTERWARDS)?;
    play.end(stage, act.title, heir)
}
