//! Connections that stay open, as a `kubectl get -w` has one: when they end, and how.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::time::Timespec;

use crate::net::{Error, World};
use crate::sys::clock::Stamp;
use crate::sys::worker::{Term, Worker};

/// How long one connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often the thread looks whether it shall stop.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// Open connections from the client's host on which nobody says anything.
#[derive(Debug)]
pub struct Held(Worker<Vec<Option<Ending>>>);

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// When the client's kernel knew.
    pub at: Stamp,
    /// It was reset; else it was closed in order.
    pub reset: bool,
}

impl Held {
    /// Opens so many connections to a service, and holds them, `at_most` so long.
    ///
    /// # Errors
    /// If one does not come about.
    pub fn open(
        world: &World,
        (service, count): (SocketAddr, usize),
        at_most: Duration,
    ) -> Result<Self, Error> {
        let connect = || -> io::Result<Vec<TcpStream>> {
            (0..count).map(|_| TcpStream::connect_timeout(&service, PATIENCE)).collect()
        };
        let step = format!("connect to {service}");
        let streams = world.client().open(step, connect)?;
        Ok(Self(Worker::start("holder", at_most, move |term| hold(streams, term))?))
    }

    /// When and how each of them ended; none: it is open. Those are closed now.
    ///
    /// # Errors
    /// If they could not be watched.
    pub fn endings(self) -> Result<Vec<Option<Ending>>, Error> {
        self.0.stop()
    }
}

fn hold(mut streams: Vec<TcpStream>, term: &Term) -> io::Result<Vec<Option<Ending>>> {
    let mut endings = vec![None; streams.len()];
    while term.goes_on() {
        let open: Vec<usize> = (0..streams.len()).filter(|i| endings[*i].is_none()).collect();
        let mut files: Vec<_> =
            open.iter().map(|index| PollFd::new(&streams[*index], PollFlags::IN)).collect();
        match poll(&mut files, Some(&LOOK)) {
            Err(Errno::INTR) => continue,
            done => done?,
        };
        let at = Stamp::now();
        let ready: Vec<usize> = files
            .iter()
            .zip(&open)
            .filter_map(|(file, index)| (!file.revents().is_empty()).then_some(*index))
            .collect();
        for index in ready {
            endings[index] = match streams[index].read(&mut [0; 64]) {
                Ok(0) => Some(Ending { at, reset: false }),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    Some(Ending { at, reset: true })
                }
                _ => None,
            };
        }
    }
    Ok(endings)
}
