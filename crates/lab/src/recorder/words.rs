//! What the daemons say of themselves: `/status`, asked on their own hosts.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::Journal;
use crate::net::{Error, World};
use crate::sys::clock::Stamp;
use crate::sys::namespace::Namespaces;
use crate::sys::worker::{Term, Worker};
use crate::timeline::What;

/// Where daemons tell it by default.
const PORT: u16 = 2112;

/// How often each is asked.
const PERIOD: Duration = Duration::from_millis(100);

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_millis(50);

/// An answer may have this many bytes.
const MOST_BYTES: u64 = 1 << 16;

/// Somebody who asks every daemon again and again. Daemons that do not know the question say
/// nothing.
#[derive(Debug)]
pub struct Words(Vec<Worker<()>>);

/// One daemon, and what it said last: that it holds, and whom it takes for the holder.
struct Word {
    node: usize,
    host: Namespaces,
    names: Vec<String>,
    last: Option<(bool, Option<usize>)>,
    journal: Journal,
}

impl Words {
    /// Starts to ask, for `at_most` so long; what is said is written into the world's journal.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn listen(world: &World, at_most: Duration) -> Result<Self, Error> {
        let names: Vec<String> = world.nodes().iter().map(|node| node.name().to_owned()).collect();
        let workers = world.nodes().iter().enumerate().map(|(node, host)| {
            let (host, names) = (host.namespaces().clone(), names.clone());
            let word = Word { node, host, names, last: None, journal: world.journal().clone() };
            Worker::start("listener", at_most, move |term| word.run(term))
        });
        Ok(Self(workers.collect::<Result<_, _>>()?))
    }

    /// Ends it.
    ///
    /// # Errors
    /// If a host's network could not be entered.
    pub fn stop(self) -> Result<(), Error> {
        self.0.into_iter().try_for_each(Worker::stop)
    }
}

impl Word {
    fn run(mut self, term: &Term) -> io::Result<()> {
        self.host.enter_network()?;
        while term.goes_on() {
            let at = Stamp::now();
            // One that is dead, frozen or of another make says nothing.
            if let Some(said) = ask().ok().as_deref().and_then(|text| self.understand(text))
                && self.last != Some(said)
            {
                let (holds, holder) = said;
                self.journal.note(at, What::Says { node: self.node, holds, holder });
                self.last = Some(said);
            }
            thread::sleep(PERIOD);
        }
        Ok(())
    }

    fn understand(&self, answer: &str) -> Option<(bool, Option<usize>)> {
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status: Value = serde_json::from_str(body).ok().filter(|_| head.contains(" 200 "))?;
        let holder = status["holder"]["node"].as_str();
        let holder = self.names.iter().position(|name| Some(name.as_str()) == holder);
        Some((status["holding"].as_bool()?, holder))
    }
}

fn ask() -> io::Result<String> {
    let mut stream =
        TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MOST_BYTES).read_to_string(&mut answer)?;
    Ok(answer)
}
