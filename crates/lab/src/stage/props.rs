//! What goes on beside an act: somebody who talks, something that takes the processors' time.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::net::{Error, World};
use crate::sys::worker::{Term, Worker};

/// The port for discarding (RFC 863); nobody listens there.
const DISCARD: u16 = 9;

/// How often company makes itself heard.
const TALK: Duration = Duration::from_millis(200);

/// Company ends by itself after this time.
const COMPANY_AT_MOST: Duration = Duration::from_secs(10 * 60);

/// A burden looks at the clock after so many rounds.
const ROUNDS: u32 = 100_000;

/// What an act has set going.
#[derive(Debug, Default)]
pub(super) struct Props {
    pub(super) burden: Option<Burden>,
    pub(super) company: Option<Company>,
}

/// The stranger sends something to a node, five times a second.
#[derive(Debug)]
pub(super) struct Company {
    _worker: Worker<()>,
}

impl Company {
    pub(super) fn keep(world: &World, node: usize) -> Result<Self, Error> {
        let stranger = world.stranger();
        let socket = stranger
            .open("make a socket".to_owned(), || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))?;
        let to = (world.node(node).address().unwrap_or(Ipv4Addr::BROADCAST), DISCARD);
        let talk = move |term: &Term| -> io::Result<()> {
            while term.goes_on() {
                // Refused, or not to be reached: the question was heard all the same.
                let _ = socket.send_to(&[0], to);
                thread::sleep(TALK / 2);
            }
            Ok(())
        };
        Ok(Self { _worker: Worker::start("company", COMPANY_AT_MOST, talk)? })
    }
}

/// Threads that do nothing, two for each processor.
#[derive(Debug)]
pub(super) struct Burden {
    _workers: Vec<Worker<()>>,
}

impl Burden {
    pub(super) fn start(at_most: Duration) -> Result<Self, Error> {
        let count = 2 * thread::available_parallelism().map_or(1, usize::from);
        let spin = |term: &Term| -> io::Result<()> {
            while term.goes_on() {
                for round in 0..ROUNDS {
                    std::hint::black_box(round);
                }
            }
            Ok(())
        };
        let workers = (0..count).map(|_| Worker::start("burden", at_most, spin));
        Ok(Self { _workers: workers.collect::<Result<_, _>>()? })
    }
}
