//! TCP connections at a fixed period to the service and to the control, each closed at once.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::time::Timespec;
use socket2::{Domain, Socket, Type};

use super::Live;
use super::report::{Connects, SLOW};
use crate::sys::clock::{Stamp, Ticks};
use crate::sys::namespace::Namespaces;
use crate::sys::worker::Term;

/// A connection that has not come about after this time has failed.
pub const DEADLINE: Duration = Duration::from_secs(3);

/// Room for the times of so many connections before the list has to grow.
const ROOM: usize = 1 << 17;

/// Connects; it runs on a thread of its own.
#[derive(Debug)]
pub(super) struct Connector {
    epoll: OwnedFd,
    period: Duration,
    targets: [Target; 2],
    /// Connections under way, in slots that are used again.
    attempts: Vec<Option<Attempt>>,
    free: Vec<usize>,
    /// Slots in the order of their attempts' beginnings; the attempt may be over.
    oldest: VecDeque<(usize, Stamp)>,
    live: Live,
}

#[derive(Debug)]
struct Target {
    address: SocketAddrV4,
    seen: Connects,
    /// Of the connections made, in microseconds.
    times: Vec<u32>,
    /// When the first one began of those that were refused or failed since the last that was not.
    barred: Option<Stamp>,
    /// When the last one began that came about.
    came: Option<Stamp>,
}

#[derive(Debug)]
struct Attempt {
    socket: Socket,
    begun: Stamp,
    target: usize,
}

impl Connector {
    /// For connections to the service and to the control.
    pub(super) fn new(
        targets: [SocketAddrV4; 2],
        period: Duration,
        live: Live,
    ) -> io::Result<Self> {
        let target = |address| Target {
            address,
            seen: Connects::default(),
            times: Vec::with_capacity(ROOM),
            barred: None,
            came: None,
        };
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            period,
            targets: targets.map(target),
            attempts: Vec::new(),
            free: Vec::new(),
            oldest: VecDeque::new(),
            live,
        })
    }

    /// Connects until its term is over, and then waits a little for connections under way; what
    /// was seen of the service and of the control.
    pub(super) fn run(mut self, client: &Namespaces, term: &Term) -> io::Result<[Connects; 2]> {
        client.enter_network()?;
        let mut ticks = Ticks::every(self.period);
        while term.goes_on() {
            let now = Stamp::now();
            if ticks.due() <= now {
                self.begin(0)?;
                self.begin(1)?;
                ticks.advance(now);
            }
            self.settle(ticks.due())?;
            let seen = &self.targets[0].seen;
            self.live.connects(seen.tried, seen.refused + seen.failed, seen.slow);
        }
        let until = Stamp::now() + SLOW;
        while self.oldest.iter().any(|entry| self.is_open(entry)) && Stamp::now() < until {
            self.settle(until)?;
        }
        Ok(self.targets.map(|mut target| {
            let seen = &mut target.seen;
            seen.unfinished = seen.tried - seen.made - seen.refused - seen.failed;
            seen.distribute(&mut target.times);
            target.seen
        }))
    }

    /// Begins a connection.
    fn begin(&mut self, number: usize) -> io::Result<()> {
        let target = &mut self.targets[number];
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
        // Closing resets: nothing of the connection stays in either kernel.
        socket.set_linger(Some(Duration::ZERO))?;
        target.seen.tried += 1;
        let begun = Stamp::now();
        let attempt = Attempt { socket, begun, target: number };
        match attempt.socket.connect(&SocketAddr::from(target.address).into()) {
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
                return self.keep(attempt);
            }
            // No port is left: that is the client's own failure, not the service's.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => return Err(error),
            done => target.over(begun, done),
        }
        Ok(())
    }

    /// Keeps a connection under way until the kernel has news of it.
    fn keep(&mut self, attempt: Attempt) -> io::Result<()> {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.attempts.push(None);
            self.attempts.len() - 1
        });
        let data = EventData::new_u64(slot as u64);
        epoll::add(&self.epoll, &attempt.socket, data, EventFlags::OUT)?;
        self.oldest.push_back((slot, attempt.begun));
        self.attempts[slot] = Some(attempt);
        Ok(())
    }

    /// Waits for news until `due`, and settles connections that came about or failed.
    fn settle(&mut self, due: Stamp) -> io::Result<()> {
        let now = Stamp::now();
        while let Some(&(slot, begun)) = self.oldest.front() {
            if self.is_open(&(slot, begun)) {
                if now.since(begun) < DEADLINE {
                    break;
                }
                self.finish(slot, Err(io::ErrorKind::TimedOut.into()));
            }
            self.oldest.pop_front();
        }
        let rest = Timespec::try_from(due.since(now)).map_err(io::Error::other)?;
        let mut events: [Event; 64] =
            [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; 64];
        let count = match epoll::wait(&self.epoll, &mut events, Some(&rest)) {
            Err(Errno::INTR) => 0,
            done => done?,
        };
        for event in &events[..count] {
            let Ok(slot) = usize::try_from(event.data.u64()) else {
                continue;
            };
            if let Some(attempt) = &self.attempts[slot] {
                let done = attempt.socket.take_error()?.map_or(Ok(()), Err);
                self.finish(slot, done);
            }
        }
        Ok(())
    }

    /// A connection under way came about or failed. Its socket is closed here.
    fn finish(&mut self, slot: usize, done: io::Result<()>) {
        if let Some(attempt) = self.attempts[slot].take() {
            self.targets[attempt.target].over(attempt.begun, done);
            self.free.push(slot);
        }
    }

    fn is_open(&self, &(slot, begun): &(usize, Stamp)) -> bool {
        self.attempts[slot].as_ref().is_some_and(|attempt| attempt.begun == begun)
    }
}

impl Target {
    fn over(&mut self, begun: Stamp, done: io::Result<()>) {
        let seen = &mut self.seen;
        if done.is_ok() {
            let barred = self.barred.take_if(|since| *since < begun);
            seen.barred = seen.barred.max(barred.map_or(Duration::ZERO, |s| begun.since(s)));
            self.came = self.came.max(Some(begun));
        } else if self.came < Some(begun) {
            self.barred.get_or_insert(begun);
        }
        match done {
            Ok(()) => {
                let time = Stamp::now().since(begun);
                seen.made += 1;
                seen.slow += u64::from(time > SLOW);
                self.times.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => seen.refused += 1,
            Err(_) => seen.failed += 1,
        }
    }
}
