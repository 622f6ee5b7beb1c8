//! Hears ARP and neighbour discovery on the plan's interface.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac};
use kube_vip_core::event::Event;
use kube_vip_core::plan::Plan;
use kube_vip_core::segment::Said;
use kube_vip_core::wire::{ethernet, ndp};
use rustix::net::netdevice;
use tokio::select;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tracing::{debug, warn};

use super::filter;
use super::hearing::{Attention, kind};
use crate::sys::packet::PacketListener;

/// So often it is looked whether the interface was made anew; whoever speaks on it looks as well.
const LOOK: Duration = Duration::from_secs(2);

/// So many frames are read without a break; after that somebody floods the segment.
const BATCH: u32 = 256;

/// The break that is taken then: what comes on top of the kernel's queue meanwhile is lost.
const BREAK: Duration = Duration::from_millis(20);

/// No interface has the number zero.
const NOWHERE: u32 = 0;

/// Sends [`Event::Heard`]. Dropping it ends its tasks.
#[derive(Debug)]
pub(super) struct Ear {
    /// One for each family of which the plan has addresses.
    parts: Vec<(Arc<Listener>, JoinHandle<()>)>,
}

impl Ear {
    /// Starts listening, in the network namespace of this thread; the interface need not be there
    /// yet. Must be called within a runtime.
    ///
    /// # Errors
    /// If the kernel refuses the socket.
    pub(super) fn start(plan: &Plan, events: UnboundedSender<Event>) -> io::Result<Self> {
        let mut ear = Self { parts: Vec::new() };
        let (four, six) = filter::by_family(&plan.vips.addresses());
        if !four.is_empty() {
            let socket = PacketListener::open(ethernet::ARP, &filter::arp(&four))?;
            ear.listen(plan, socket, &events);
        }
        if !six.is_empty() {
            let socket = PacketListener::open(ethernet::IPV6, &filter::neighbours(&six))?;
            ear.listen(plan, socket, &events);
        }
        Ok(ear)
    }

    fn listen(&mut self, plan: &Plan, socket: PacketListener, events: &UnboundedSender<Event>) {
        let listener = Listener { link: plan.link.clone(), socket, bound: AtomicU32::new(NOWHERE) };
        let listener = Arc::new(listener);
        listener.look();
        let task = Task {
            listener: Arc::clone(&listener),
            addresses: plan.vips.addresses(),
            events: events.clone(),
            attention: Attention::full(Instant::now()),
        };
        self.parts.push((listener, tokio::spawn(task.run())));
    }

    /// The interface has this number now.
    pub(super) fn follow(&self, link_index: u32) {
        self.parts.iter().for_each(|(listener, _)| listener.follow(link_index));
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.parts.iter().for_each(|(_, task)| task.abort());
    }
}

#[derive(Debug)]
struct Listener {
    link: LinkName,
    socket: PacketListener,
    /// The interface that is listened to.
    bound: AtomicU32,
}

impl Listener {
    /// By name: the interface may have been deleted and made anew since.
    fn look(&self) {
        match netdevice::name_to_index(&self.socket, self.link.as_str()) {
            Ok(index) => self.follow(index),
            Err(_) => self.bound.store(NOWHERE, Ordering::Relaxed),
        }
    }

    fn follow(&self, index: u32) {
        if self.bound.swap(index, Ordering::Relaxed) == index {
            return;
        }
        match self.socket.bind(index) {
            Ok(()) => debug!(link = %self.link, index, "listening"),
            Err(error) => {
                self.bound.store(NOWHERE, Ordering::Relaxed);
                // It went between the two calls, or the next look says so again.
                debug!(link = %self.link, %error, "not listening");
            }
        }
    }
}

struct Task {
    listener: Arc<Listener>,
    addresses: Vec<IpAddr>,
    events: UnboundedSender<Event>,
    attention: Attention,
}

impl Task {
    async fn run(mut self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let listener = Arc::clone(&self.listener);
        loop {
            select! {
                _ = looks.tick() => listener.look(),
                ready = listener.socket.wait() => {
                    if let Err(error) = ready {
                        warn!(%error, "no longer listening");
                        return;
                    }
                    if self.read() == Read::ABatch {
                        sleep(BREAK).await;
                    }
                }
            }
        }
    }

    fn read(&mut self) -> Read {
        let mut frame = [0; ndp::FRAME_BYTES];
        for _ in 0..BATCH {
            match self.listener.socket.receive(&mut frame) {
                Ok(length) => self.hear(frame.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Read::All,
                // The interface went down, which others notice; it is told once.
                Err(error) => debug!(link = %self.listener.link, %error, "not heard"),
            }
        }
        Read::ABatch
    }

    /// Frames come from anybody: what makes no sense is passed over.
    fn hear(&mut self, frame: &[u8]) {
        let Ok(heard) = Said::parse(frame) else { return };
        let Ok(Some(own)) = self.listener.socket.mac() else { return };
        let Some(kind) = kind(&heard, Mac(own), &self.addresses) else { return };
        if self.attention.take(kind, Instant::now()) {
            let (header, said) = heard;
            // Nobody listens any more only when the process is ending.
            let _ = self.events.send(Event::Heard { from: header.source, said });
        }
    }
}

/// How far a listener got with reading.
#[derive(PartialEq, Eq)]
enum Read {
    /// There is nothing more.
    All,
    /// There may be more.
    ABatch,
}
