//! TCP connections at a fixed period, each closed at once.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::time::Timespec;
use socket2::{Domain, Socket, Type};

use crate::clock::{Stamp, Ticks};
use crate::figures::SLOW;

/// A connection that has not come about after this time has failed.
pub const DEADLINE: Duration = Duration::from_secs(3);

/// What happened to a connection. Targets are numbers in the order in which they were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It was begun.
    Begun {
        /// To whom.
        target: usize,
        /// When.
        at: Stamp,
    },
    /// It came about or failed.
    Over(Over),
}

impl News {
    /// To whom the connection is.
    #[must_use]
    pub const fn target(&self) -> usize {
        match self {
            Self::Begun { target, .. } | Self::Over(Over { target, .. }) => *target,
        }
    }
}

/// A connection that came about or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// To whom.
    pub target: usize,
    /// When it was begun.
    pub begun: Stamp,
    /// When the kernel told.
    pub at: Stamp,
    /// How it ended.
    pub end: End,
}

impl Over {
    /// How long it took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.at.since(self.begun)
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It came about. One that was reset before this program looked came about too: where nothing
    /// listens the kernel says [refused](Self::Refused) (`tcp_reset()` in `net/ipv4/tcp_input.c`).
    Made,
    /// A host answered, and nothing listens there.
    Refused,
    /// The [deadline](DEADLINE) passed, or no host was there.
    Failed,
}

/// Connects; it runs on a thread of its own.
#[derive(Debug)]
pub struct Connector {
    epoll: OwnedFd,
    period: Duration,
    targets: Vec<SocketAddr>,
    /// Connections under way, in slots that are used again.
    attempts: Vec<Option<Attempt>>,
    free: Vec<usize>,
    /// Slots in the order of their attempts' beginnings; the attempt may be over.
    oldest: VecDeque<(usize, Stamp)>,
}

#[derive(Debug)]
struct Attempt {
    socket: Socket,
    begun: Stamp,
    target: usize,
}

impl Connector {
    /// For a connection to each of the targets, every `period`.
    ///
    /// # Errors
    /// If the kernel refuses an epoll.
    pub fn new(targets: &[SocketAddr], period: Duration) -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            period,
            targets: targets.to_vec(),
            attempts: Vec::new(),
            free: Vec::new(),
            oldest: VecDeque::new(),
        })
    }

    /// Connects, from the network of the calling thread, as long as it `goes_on`, and then waits
    /// for connections under way, as long as one may take that is not [slow](SLOW).
    ///
    /// # Errors
    /// If the kernel has no socket or no port left: that is this host's failure, not the targets'.
    pub fn run(
        mut self,
        mut goes_on: impl FnMut() -> bool,
        mut tell: impl FnMut(News),
    ) -> io::Result<()> {
        let mut ticks = Ticks::every(self.period);
        while goes_on() {
            let now = Stamp::now();
            if ticks.due() <= now {
                for target in 0..self.targets.len() {
                    self.begin(target, &mut tell)?;
                }
                ticks.advance(now);
            }
            self.settle(ticks.due(), &mut tell)?;
        }
        let until = Stamp::now() + SLOW;
        while self.oldest.iter().any(|entry| self.is_open(entry)) && Stamp::now() < until {
            self.settle(until, &mut tell)?;
        }
        Ok(())
    }

    /// Begins a connection.
    fn begin(&mut self, target: usize, tell: &mut impl FnMut(News)) -> io::Result<()> {
        let address = self.targets[target];
        let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
        // Closing resets: nothing of the connection stays in either kernel.
        socket.set_linger(Some(Duration::ZERO))?;
        let begun = Stamp::now();
        tell(News::Begun { target, at: begun });
        let attempt = Attempt { socket, begun, target };
        match attempt.socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
                return self.keep(attempt);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => return Err(error),
            done => over(&attempt, &done, tell),
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
    fn settle(&mut self, due: Stamp, tell: &mut impl FnMut(News)) -> io::Result<()> {
        let now = Stamp::now();
        while let Some(&(slot, begun)) = self.oldest.front() {
            if self.is_open(&(slot, begun)) {
                if now.since(begun) < DEADLINE {
                    break;
                }
                self.finish(slot, &Err(io::ErrorKind::TimedOut.into()), tell);
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
                self.finish(slot, &done, tell);
            }
        }
        Ok(())
    }

    /// A connection under way came about or failed. Its socket is closed here.
    fn finish(&mut self, slot: usize, done: &io::Result<()>, tell: &mut impl FnMut(News)) {
        if let Some(attempt) = self.attempts[slot].take() {
            over(&attempt, done, tell);
            self.free.push(slot);
        }
    }

    fn is_open(&self, &(slot, begun): &(usize, Stamp)) -> bool {
        self.attempts[slot].as_ref().is_some_and(|attempt| attempt.begun == begun)
    }
}

impl End {
    /// The end that the kernel's word on a connection means.
    fn of(done: &io::Result<()>) -> Self {
        match done.as_ref().map_err(io::Error::kind) {
            Ok(()) | Err(io::ErrorKind::ConnectionReset) => Self::Made,
            Err(io::ErrorKind::ConnectionRefused) => Self::Refused,
            Err(_) => Self::Failed,
        }
    }
}

fn over(attempt: &Attempt, done: &io::Result<()>, tell: &mut impl FnMut(News)) {
    let Attempt { begun, target, .. } = *attempt;
    tell(News::Over(Over { target, begun, at: Stamp::now(), end: End::of(done) }));
}

#[cfg(test)]
mod tests;
