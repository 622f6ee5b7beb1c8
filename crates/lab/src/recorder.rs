//! What the wire and the kernels say, as a timeline.
//!
//! The observer asks the segment who has the address, at a fixed period, and hears announcements;
//! times are those at which its kernel got the frames. A node's beginning to answer is seen up to
//! one period late and its end up to one period early: two nodes that answer at once do so for up
//! to two periods longer than recorded, and a silence is up to two periods shorter.

mod addresses;
mod answers;
mod capture;
pub mod journal;
mod observer;
mod words;

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use kube_vip_core::address::Mac;
use kube_vip_core::segment::Station;

use self::addresses::Kernels;
pub use self::answers::PATIENCE;
pub use self::capture::Capture;
pub use self::journal::Journal;
use self::observer::{Observed, Observer};
pub use self::words::Words;
use crate::net::{Error, World};
use crate::sys::clock::Stamp;
pub use crate::sys::packet::Frames;
use crate::sys::packet::RawSocket;
use crate::sys::worker::Worker;
use crate::timeline::Timeline;

/// How the observer asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// As any host asks, in the name of an address that nobody has. Only the node that answers
    /// learns something, about the observer.
    Ordinary,
    /// A probe of RFC 5227, in nobody's name. Nobody learns anything from it; but a daemon that
    /// defends its address answers each with an announcement, which refreshes the client's
    /// neighbour entry and hides outages.
    Probe,
}

/// What to record.
#[derive(Clone, Debug)]
pub struct RecorderSpec {
    /// The address.
    pub address: IpAddr,
    /// How the observer asks.
    pub question: Question,
    /// How often it asks; at least 1 ms.
    pub period: Duration,
    /// Frames to write to a file besides.
    pub capture: Option<Capture>,
    /// The recording ends by itself after this time.
    pub at_most: Duration,
}

impl RecorderSpec {
    /// An ordinary question about `address` every 5 ms, for half an hour at most.
    #[must_use]
    pub fn of(address: impl Into<IpAddr>) -> Self {
        Self {
            address: address.into(),
            question: Question::Ordinary,
            period: Duration::from_millis(5),
            capture: None,
            at_most: Duration::from_secs(30 * 60),
        }
    }

    /// What the recording cannot tell apart, for [`crate::oracle::Bounds`]: two periods.
    #[must_use]
    pub const fn resolution(&self) -> Duration {
        self.period.saturating_mul(2)
    }
}

/// A running recording.
#[derive(Debug)]
pub struct Recorder {
    started: Stamp,
    nodes: Vec<String>,
    journal: Journal,
    observer: Worker<Observed>,
    kernels: Worker<()>,
    capture: Option<Worker<u64>>,
}

/// Somebody who spoke for the address and is no node of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Who.
    pub mac: Mac,
    /// When first, since the start of the recording.
    pub at: Duration,
}

/// A finished recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// What happened.
    pub timeline: Timeline,
    /// Who spoke for the address and is no node.
    pub strangers: Vec<Stranger>,
    /// How many questions the observer asked.
    pub questions: u64,
    /// How many replies it got.
    pub replies: u64,
    /// How many frames were captured.
    pub captured: u64,
}

impl Recorder {
    /// Starts to record. The timeline begins here, with no fault in force.
    ///
    /// # Errors
    /// If the kernel refuses a socket, or the file of the capture cannot be made.
    pub fn start(world: &World, spec: &RecorderSpec) -> Result<Self, Error> {
        Self::start_apart(world, spec, world.journal())
    }

    /// As [`Self::start`], with a list of its own for what happens: of another address.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_apart(
        world: &World,
        spec: &RecorderSpec,
        journal: &Journal,
    ) -> Result<Self, Error> {
        let started = Stamp::now();
        let journal = journal.clone();
        let capture = match &spec.capture {
            Some(capture) => Some(start_capture(world, capture, spec.at_most)?),
            None => None,
        };
        let kernels = Kernels::subscribe(world.nodes(), spec.address, journal.clone())?;
        let kernels = Worker::start("address watch", spec.at_most, |term| kernels.run(term))?;
        let observer = observer(world, spec, &journal)?;
        let observer = Worker::start("observer", spec.at_most, move |term| observer.run(term))?;
        Ok(Self {
            started,
            nodes: world.nodes().iter().map(|node| node.name().to_owned()).collect(),
            journal,
            observer,
            kernels,
            capture,
        })
    }

    /// When the recording started.
    #[must_use]
    pub const fn started(&self) -> Stamp {
        self.started
    }

    /// Ends the recording. Stop clients first: what they see is part of it.
    ///
    /// # Errors
    /// If a part of it failed; then the recording has holes.
    pub fn stop(self) -> Result<Recording, Error> {
        let observed = self.observer.stop()?;
        self.kernels.stop()?;
        let captured = self.capture.map_or(Ok(0), Worker::stop)?;
        let span = (self.started, Stamp::now());
        let strangers = observed.strangers.into_iter();
        Ok(Recording {
            timeline: self.journal.timeline(self.nodes, span),
            strangers: strangers
                .map(|(mac, at)| Stranger { mac, at: at.since(self.started) })
                .collect(),
            questions: observed.questions,
            replies: observed.replies,
            captured,
        })
    }
}

fn observer(world: &World, spec: &RecorderSpec, journal: &Journal) -> Result<Observer, Error> {
    let host = world.observer();
    let interface = host.rtnl().index(host.interface())?;
    let open = || RawSocket::neighbours(spec.address, interface);
    let socket = host.open("ask for the address".to_owned(), open)?;
    let address = match (spec.question, spec.address) {
        (Question::Ordinary, address) => world.questioner(address),
        (Question::Probe, IpAddr::V4(_)) => Ipv4Addr::UNSPECIFIED.into(),
        (Question::Probe, IpAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let nodes = world.nodes().iter().enumerate();
    Ok(Observer {
        socket,
        address: spec.address,
        asker: Station { mac: host.mac(), address },
        nodes: nodes.map(|(node, host)| (host.mac(), node)).collect(),
        period: spec.period,
        journal: journal.clone(),
    })
}

fn start_capture(
    world: &World,
    capture: &Capture,
    at_most: Duration,
) -> Result<Worker<u64>, Error> {
    let step = format!("capture frames to {}", capture.file.display());
    let file = File::create(&capture.file).map_err(Error::step(&*step))?;
    let (segment, bridge) = world.segment()?;
    let socket = segment.run(|| RawSocket::frames(capture.frames, bridge))?;
    let socket = socket.map_err(Error::step(step))?;
    Worker::start("capture", at_most, move |term| capture::run(&socket, file, term))
}
