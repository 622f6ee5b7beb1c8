//! What the control loop has of the black box: it is told everything, and decides when to write.

use std::fmt::Display;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use kube_vip_core::event::{Effect, Event};
use kube_vip_core::moment::Moment;
use kube_vip_core::node::Node;
use kube_vip_core::status::Status;
use tracing::{error, info};

use super::dump::Dumps;
use super::lookout::{Lookout, Violation};
use super::{BlackBox, Origin};
use crate::clock::{Clock, Wall};

/// For so long a process that is about to end waits for its black box to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The black box of a running daemon.
#[derive(Debug)]
pub struct Recorder {
    kept: Arc<Kept>,
    lookout: Lookout,
    /// Noticed, and not written yet: a dump ends with a whole entry.
    noticed: Option<Violation>,
}

/// What a panic can still get at. The control loop alone tells the black box anything; the lock is
/// there for whoever panics.
#[derive(Debug)]
struct Kept {
    black_box: Mutex<BlackBox>,
    origin: Origin,
    dumps: Dumps,
    clock: Clock,
}

type Hook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

/// While it is there, a panic writes the black box.
pub struct OnPanic(Arc<Hook>);

impl Drop for OnPanic {
    fn drop(&mut self) {
        // A thread that panics may not change what is done about it.
        if !thread::panicking() {
            let before = Arc::clone(&self.0);
            panic::set_hook(Box::new(move |panic| before(panic)));
        }
    }
}

impl Recorder {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(origin: Origin, dumps: Dumps, clock: Clock) -> Self {
        let kept = Kept { black_box: Mutex::default(), origin, dumps, clock };
        Self { kept: Arc::new(kept), lookout: Lookout::default(), noticed: None }
    }

    /// From now on a panic of whatever thread writes the black box, after what was done about it
    /// before and before the process ends: at most a second later, and without it if the black box
    /// itself is what it came from.
    #[must_use]
    pub fn write_on_panic(&self) -> OnPanic {
        let kept = Arc::clone(&self.kept);
        let before: Arc<Hook> = panic::take_hook().into();
        let first = Arc::clone(&before);
        panic::set_hook(Box::new(move |panic| {
            first(panic);
            kept.panicked(panic);
        }));
        OnPanic(before)
    }

    /// Something happened, and the node is about to be told; its status as it is until then.
    pub fn happened(&mut self, event: &Event, at: Moment, node: &Node, status: &Status) {
        self.kept.lock().happened(event, at, node);
        self.noticed = self.lookout.woke(status, node.deadline(), at);
    }

    /// What followed.
    pub fn followed(&mut self, effect: &Effect, status: &Status) {
        self.kept.lock().followed(effect);
        if let Effect::Tell(notice) = effect {
            self.noticed = self.noticed.take().or_else(|| Lookout::told(notice, status));
        }
    }

    /// All of that was carried out; the status before and after it.
    pub fn handled(&mut self, before: &Status, after: &Status) {
        let now = self.kept.clock.now();
        let handled = self.lookout.handled(before, after, now);
        let Some(violation) = self.noticed.take().or(handled) else { return };
        let written = self.lookout.may_write(now);
        let what = if written { "is written to stdout" } else { "was written a while ago" };
        error!("something happened that must not be, and the black box {what}: {violation}");
        if written {
            self.kept.write(&violation);
        }
    }

    /// Somebody wants to see it.
    pub fn asked(&self) {
        info!("the black box is written to stdout");
        self.kept.write(&"SIGUSR1");
    }
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, BlackBox> {
        self.black_box.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, cause: &impl Display) {
        let wall = Wall::read(self.clock);
        let lines = self.lock().lines(&self.origin, wall, cause);
        self.dumps.write(lines, wall);
    }

    fn panicked(&self, panic: &PanicHookInfo<'_>) {
        // Who panics may be who holds it.
        let Ok(black_box) = self.black_box.try_lock() else { return };
        let wall = Wall::read(self.clock);
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        let cause = format!("a fault in kube-vip itself at {place}: {message}");
        let lines = black_box.lines(&self.origin, wall, &cause);
        drop(black_box);
        self.dumps.write_last(lines, wall, LAST_WORDS);
    }
}
