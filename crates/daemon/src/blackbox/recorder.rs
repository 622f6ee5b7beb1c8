//! What the control loop has of the black box: it is told everything, and decides when to write.

use std::fmt::Display;

use kube_vip_core::event::{Effect, Event};
use kube_vip_core::moment::Moment;
use kube_vip_core::node::Node;
use kube_vip_core::status::Status;
use tracing::{error, info};

use super::dump::Dumps;
use super::lookout::{Lookout, Violation};
use super::{BlackBox, Origin};
use crate::clock::{Clock, Wall};

/// The black box of a running daemon.
#[derive(Debug)]
pub struct Recorder {
    black_box: BlackBox,
    lookout: Lookout,
    /// Noticed, and not written yet: a dump ends with a whole entry.
    noticed: Option<Violation>,
    origin: Origin,
    dumps: Dumps,
    clock: Clock,
}

impl Recorder {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(origin: Origin, dumps: Dumps, clock: Clock) -> Self {
        let (black_box, lookout) = (BlackBox::new(), Lookout::default());
        Self { black_box, lookout, noticed: None, origin, dumps, clock }
    }

    /// Something happened, and the node is about to be told; its status as it is until then.
    pub fn happened(&mut self, event: &Event, at: Moment, node: &Node, status: &Status) {
        self.black_box.happened(event, at, node);
        self.noticed = self.lookout.woke(status, node.deadline(), at);
    }

    /// What followed.
    pub fn followed(&mut self, effect: &Effect, status: &Status) {
        self.black_box.followed(effect);
        if let Effect::Tell(notice) = effect {
            self.noticed = self.noticed.take().or_else(|| Lookout::told(notice, status));
        }
    }

    /// All of that was carried out; the status before and after it.
    pub fn handled(&mut self, before: &Status, after: &Status) {
        let now = self.clock.now();
        let handled = self.lookout.handled(before, after, now);
        let Some(violation) = self.noticed.take().or(handled) else { return };
        let written = self.lookout.may_write(now);
        let what = if written { "is written to stdout" } else { "was written a while ago" };
        error!("something happened that must not be, and the black box {what}: {violation}");
        if written {
            self.write(&violation);
        }
    }

    /// Somebody wants to see it.
    pub fn asked(&self) {
        info!("the black box is written to stdout");
        self.write(&"SIGUSR1");
    }

    fn write(&self, cause: &impl Display) {
        let wall = Wall::read(self.clock);
        self.dumps.write(self.black_box.lines(&self.origin, wall, cause), wall);
    }
}
