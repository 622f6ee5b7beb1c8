//! Elections of our nodes together with one of the original, about one Lease on a real control
//! plane: hand-over both ways, and never two who answer.
//!
//! The original's part is played by client-go's own elector (`lab/control-plane/elector`). Needs
//! root, the programs of `cargo xtask assets`, and `KUBE_VIP_BIN`: `cargo xtask test cluster` makes
//! and names everything.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kube_vip_lab::cluster::assets::Assets;
use kube_vip_lab::net::Daemon;
use kube_vip_lab::oracle::{Bounds, Guarantee, judge};
use kube_vip_lab::recorder::RecorderSpec;
use kube_vip_lab::stage::{ControlPlaneKind, Stage, StageSpec, Take, VIP};

#[path = "support/program.rs"]
mod program;

use program::program;

/// Our nodes, and the original's.
const OURS: [usize; 2] = [0, 1];
const ORIGINAL: usize = 2;

/// The stage's retry period: so old a renewal may be when its writer is struck.
const RETRY: Duration = Duration::from_secs(1);

/// What the machine may take to do as it is told.
const GRAIN: Duration = Duration::from_secs(1);

/// Within that, whatever is waited for happens.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long an owner is watched before and after each hand-over.
const CALM: Duration = Duration::from_millis(1500);

/// A mixed cluster that is being recorded.
struct Mixed {
    stage: Stage,
    elector: PathBuf,
    take: Option<Take>,
    _directory: tempfile::TempDir,
}

impl Mixed {
    /// The control plane alone. `linger`: for how many milliseconds the original's address
    /// outlives its release.
    fn new(linger: u32) -> Self {
        let elector = Assets::find().program("elector").unwrap_or_else(|error| panic!("{error}"));
        let directory = tempfile::tempdir().expect("a directory");
        let spec = StageSpec {
            control_plane: ControlPlaneKind::Real,
            environment: vec![("elector_linger".into(), linger.to_string().into())],
            ..StageSpec::of(&program(), directory.path())
        };
        let stage = Stage::build(spec, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"));
        let take = stage.record().expect("a recording");
        Self { stage, elector, take: Some(take), _directory: directory }
    }

    fn start(&mut self, node: usize) {
        let started = match node {
            ORIGINAL => self.stage.start_program(node, &self.elector),
            _ => self.stage.start(node),
        };
        started.expect("started");
    }

    fn daemon(&self, node: usize) -> &Daemon {
        self.stage.daemon(node).expect("it was started")
    }

    /// Waits until one of these answers, alone, and for a while.
    fn owner(&self, among: &[usize]) -> usize {
        let mut owner = None;
        let waited =
            self.stage.wait("one of the right nodes answers", self.stage.patience(), || {
                owner = self.stage.owner().filter(|node| among.contains(node));
                owner.is_some()
            });
        waited.unwrap_or_else(|error| panic!("{error}\n{}", self.logs()));
        std::thread::sleep(CALM);
        assert_eq!(self.stage.owner(), owner, "it stays so\n{}", self.logs());
        owner.expect("found")
    }

    fn logs(&self) -> String {
        let log = |node| std::fs::read_to_string(self.stage.log(node)).unwrap_or_default();
        (0..3).map(|node| format!("--- node {}\n{}\n", node + 1, log(node))).collect()
    }

    /// Ends the recording. Nobody but the original may have answered beside another, and that for
    /// `at_most` in all.
    fn end(mut self, at_most: Duration) {
        let taken = self.take.take().expect("ended once").stop().expect("a whole recording");
        let timeline = taken.recording.timeline;
        let resolution = RecorderSpec::of(VIP).resolution();
        let bounds = Bounds::with_lifetimes(self.stage.spec().lease_duration(), resolution);
        let verdict = judge(&timeline, &bounds);
        let story = || timeline.text(|_| true);
        assert!(verdict.occasions.contains_key(&Guarantee::OneOwner), "{}", story());
        let original = timeline.name(ORIGINAL);
        let mut both = Duration::ZERO;
        for violation in &verdict.violations {
            if violation.guarantee == Guarantee::OneOwner {
                assert!(violation.text.contains(&original), "{violation}\n{}", story());
                both += violation.span;
            }
        }
        assert!(both <= at_most, "two owners for {both:?}\n{}{}", story(), self.logs());
    }
}

/// A holder of ours that goes on without the API meets its successor at once.
const MEETING: Duration = Duration::from_millis(250);

/// The original holds, and ours are candidates.
fn original_first(linger: u32) -> Mixed {
    let mut mixed = Mixed::new(linger);
    mixed.start(ORIGINAL);
    mixed.owner(&[ORIGINAL]);
    for node in OURS {
        mixed.start(node);
    }
    std::thread::sleep(CALM);
    mixed
}

#[test]
fn an_original_takes_over_from_ours() {
    let mut mixed = Mixed::new(0);
    mixed.start(0);
    mixed.owner(&[0]);
    mixed.start(ORIGINAL);
    std::thread::sleep(CALM);
    mixed.daemon(0).terminate().expect("told");
    mixed.owner(&[ORIGINAL]);

    // Back, and once more the hard way.
    mixed.start(1);
    std::thread::sleep(CALM);
    mixed.daemon(ORIGINAL).terminate().expect("told");
    mixed.owner(&[1]);
    mixed.start(ORIGINAL);
    std::thread::sleep(CALM);
    mixed.daemon(1).kill().expect("killed");
    mixed.owner(&[ORIGINAL]);
    mixed.end(Duration::ZERO);
}

/// Its address goes beside the release: nothing orders the two.
#[test]
fn ours_take_over_from_an_original_that_is_told_to_end() {
    let mixed = original_first(0);
    mixed.daemon(ORIGINAL).terminate().expect("told");
    mixed.owner(&OURS);
    mixed.end(Duration::ZERO);
}

/// It releases, and removes the address later: ours wait for its silence.
#[test]
fn ours_take_over_from_an_original_that_lingers() {
    let mixed = original_first(400);
    mixed.daemon(ORIGINAL).terminate().expect("told");
    mixed.owner(&OURS);
    mixed.end(Duration::ZERO);
}

/// It gives up at its renew deadline, tries for as long again to release, and only then removes the
/// address, when the Lease is long over.
#[test]
fn ours_take_over_from_an_original_without_api() {
    let mixed = original_first(0);
    mixed.stage.control_plane().freeze(ORIGINAL).expect("frozen");
    mixed.owner(&OURS);
    mixed.end(Duration::ZERO);
}

/// Its address stays in its kernel and answers until it is started again, by whom it may be then.
#[test]
fn ours_wait_for_a_killed_original_to_come_back() {
    let mut mixed = original_first(0);
    mixed.daemon(ORIGINAL).kill().expect("killed");
    std::thread::sleep(mixed.stage.spec().lease_duration() + 3 * RETRY);
    assert_eq!(mixed.stage.owner(), Some(ORIGINAL), "it still answers, alone");
    mixed.start(ORIGINAL);
    mixed.owner(&[0, 1, ORIGINAL]);
    mixed.end(Duration::ZERO);
}

/// Ours wait for one lease duration after they could claim: what is dead for longer may stand
/// before an API server that is dead as well.
#[test]
fn ours_take_over_from_an_original_that_is_dead_for_good() {
    let mut mixed = original_first(0);
    mixed.daemon(ORIGINAL).kill().expect("killed");
    let killed = Instant::now();
    let both = |mixed: &Mixed| mixed.stage.answering().len() > 1;
    let waited = mixed.stage.wait("one of ours answers as well", PATIENCE, || both(&mixed));
    waited.unwrap_or_else(|error| panic!("{error}\n{}", mixed.logs()));
    let waited = killed.elapsed();
    let least = mixed.stage.spec().lease_duration() * 2 - RETRY;
    assert!(waited >= least, "only {waited:?}\n{}", mixed.logs());
    // It comes back, removes what it has left, and is a candidate as any other.
    mixed.start(ORIGINAL);
    mixed.owner(&OURS);
    mixed.end(GRAIN);
}

/// A node that goes back to the original: its candidate Lease of before vouches for nobody.
#[test]
fn ours_wait_for_an_original_where_one_of_ours_was() {
    let mut mixed = Mixed::new(400);
    mixed.stage.start(ORIGINAL).expect("started");
    mixed.owner(&[ORIGINAL]);
    mixed.start(0);
    std::thread::sleep(2 * CALM);
    mixed.daemon(ORIGINAL).kill().expect("killed");
    mixed.start(ORIGINAL);
    mixed.owner(&[ORIGINAL]);
    mixed.daemon(ORIGINAL).terminate().expect("told");
    mixed.owner(&[0]);
    mixed.end(Duration::ZERO);
}

/// Without any API ours goes on. When it is back, one of the two is faster; if it is the original,
/// ours hears it.
#[test]
fn ours_meet_an_original_when_the_api_returns() {
    let mut mixed = Mixed::new(0);
    mixed.start(0);
    mixed.owner(&[0]);
    mixed.start(ORIGINAL);
    std::thread::sleep(CALM);
    let api = |node| (mixed.stage.control_plane(), node);
    for (plane, node) in [0, 1, ORIGINAL].map(api) {
        plane.freeze(node).expect("frozen");
    }
    std::thread::sleep(mixed.stage.spec().lease_duration() * 2);
    assert_eq!(mixed.stage.owner(), Some(0), "it goes on\n{}", mixed.logs());
    for (plane, node) in [ORIGINAL, 1, 0].map(api) {
        plane.thaw(node).expect("thawed");
    }
    std::thread::sleep(mixed.stage.spec().lease_duration());
    mixed.owner(&[0, ORIGINAL]);
    mixed.end(MEETING);
}
