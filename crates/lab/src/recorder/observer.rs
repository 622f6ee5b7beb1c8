//! The observer: asks the segment who has the address, and hears who announces it.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use kube_vip_core::address::Mac;
use kube_vip_core::segment::{Question, Said, Station};

use super::Journal;
use super::answers::Answers;
use crate::sys::clock::{Stamp, Ticks};
use crate::sys::packet::RawSocket;
use crate::sys::worker::Term;
use crate::timeline::What;

/// The longest frame that matters, a neighbour advertisement; padding may follow.
const FRAME_BYTES: usize = 128;

/// Everything the observer needs; it runs on a thread of its own.
#[derive(Debug)]
pub(super) struct Observer {
    pub(super) socket: RawSocket,
    pub(super) address: IpAddr,
    /// Who asks: the observer's Ethernet address, and the address in whose name it asks.
    pub(super) asker: Station,
    /// Which node has which Ethernet address.
    pub(super) nodes: BTreeMap<Mac, usize>,
    pub(super) period: Duration,
    pub(super) journal: Journal,
}

/// What the observer brings back besides what it wrote into the journal.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    pub(super) questions: u64,
    pub(super) replies: u64,
    /// Who spoke for the address and is no node of ours: when first.
    pub(super) strangers: BTreeMap<Mac, Stamp>,
}

impl Observer {
    /// Asks and listens until its term is over.
    pub(super) fn run(&self, term: &Term) -> io::Result<Observed> {
        let question = Question { asker: self.asker, address: self.address };
        let question = question.frame(Mac::BROADCAST);
        let mut answers = Answers::new(self.nodes.len());
        let mut observed = Observed::default();
        let mut ticks = Ticks::every(self.period);
        while term.goes_on() {
            self.hear(&mut answers, &mut observed)?;
            for (node, at) in answers.ask() {
                self.journal.note(at, What::Answers { node, on: false });
            }
            match self.socket.send(&question) {
                Err(error) if error.raw_os_error() != Some(libc::ENOBUFS) => return Err(error),
                _ => observed.questions += 1,
            }
            ticks.wait();
        }
        self.hear(&mut answers, &mut observed)?;
        Ok(observed)
    }

    /// Takes in every frame that has come.
    fn hear(&self, answers: &mut Answers, observed: &mut Observed) -> io::Result<()> {
        let mut buffer = [0; FRAME_BYTES];
        while let Some(received) = self.socket.receive(&mut buffer)? {
            let Ok((_, said)) = Said::parse(&buffer[..received.bytes]) else {
                continue;
            };
            let sender = said.sender();
            let reply = said.answers(self.asker.mac);
            let announcement = said.announces();
            if sender.address != self.address || !(announcement || reply) {
                continue;
            }
            let at = received.at();
            observed.replies += u64::from(reply);
            match self.nodes.get(&sender.mac) {
                None => {
                    observed.strangers.entry(sender.mac).or_insert(at);
                }
                Some(&node) if announcement => self.journal.note(at, What::Announced { node }),
                Some(&node) => {
                    if answers.replied(node, at) {
                        self.journal.note(at, What::Answers { node, on: true });
                    }
                }
            }
        }
        Ok(())
    }
}
