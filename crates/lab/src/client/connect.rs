//! TCP connections at a fixed period to the service and to the control, each closed at once.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use kube_vip_measure::connect::{self, News};
use kube_vip_measure::figures::{Connects, SLOW, Tally};

use super::Live;
use crate::recorder::Journal;
use crate::sys::namespace::Namespaces;
use crate::sys::worker::Term;
use crate::timeline::What;

/// Connects; it runs on a thread of its own.
#[derive(Debug)]
pub(super) struct Connector {
    connector: connect::Connector,
    journal: Journal,
    live: Live,
}

impl Connector {
    /// For connections to the service and to the control.
    pub(super) fn new(
        targets: [SocketAddr; 2],
        period: Duration,
        (journal, live): (Journal, Live),
    ) -> io::Result<Self> {
        Ok(Self { connector: connect::Connector::new(&targets, period)?, journal, live })
    }

    /// Connects until its term is over, and then waits a little for connections under way; what
    /// was seen of the service and of the control.
    pub(super) fn run(self, client: &Namespaces, term: &Term) -> io::Result<[Connects; 2]> {
        client.enter_network()?;
        let mut tallies = [Tally::default(), Tally::default()];
        self.connector.run(
            || term.goes_on(),
            |news| {
                tallies[news.target()].count(&news);
                if let News::Over(over) = news
                    && over.target == 0
                    && over.took() > SLOW
                {
                    self.journal.note(over.begun, What::Slow(over.took()));
                }
                let seen = tallies[0].so_far();
                self.live.connects(seen.tried, seen.refused + seen.failed, seen.slow);
            },
        )?;
        Ok(tallies.map(Tally::end))
    }
}
