//! The test itself: measure, act, wait for the move, measure on, put everything back.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube_vip_measure::clock::Stamp;
use kube_vip_measure::drawing::human;
use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::act::{self, Cordoned, Sure};
use super::guard::Guard;
use super::prepare::Prepared;
use super::probes::{Probed, Probes};
use super::record::{Address, Claim, Evidence, PutBack, Record};
use super::sights::{Looks, Sight, Who};
use super::{How, Interrupted, Order, wire};

/// How long it is measured after everything was put back, which nobody should notice either.
const AFTER: Duration = Duration::from_secs(1);

/// How long answers to the last question on the wire are waited for.
const ANSWERS: Duration = Duration::from_millis(300);

/// Why a test ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// By a signal of that name.
    Signal(&'static str),
    /// Something failed.
    Failed(String),
}

/// Runs it to its end, however it ends; what was seen.
///
/// # Errors
/// If it could not even be begun; the text is for people.
pub(super) async fn run(
    order: &Order,
    prepared: Prepared,
    err: &mut dyn Write,
) -> Result<(Record, Interrupted), String> {
    let failed = |error: io::Error| format!("cannot measure: {error}");
    let signals = Signals::new().map_err(failed)?;
    let probes = Probes::start(&prepared.targets, order.period).map_err(failed)?;
    let mut trial = Trial::new(order, prepared, (signals, probes, err));
    let stopped = trial.act_through().await.err();
    if let Some(Stopped::Signal(name)) = &stopped {
        trial.say(&format!("{name}: putting everything back"));
    }
    trial.put_back().await;
    if stopped.is_none() {
        trial.linger().await;
    }
    Ok((trial.end().map_err(failed)?, stopped))
}

/// Asks a segment who has an address.
type Asker = Box<dyn Fn() -> io::Result<()>>;

struct Trial<'a> {
    order: &'a Order,
    prepared: Prepared,
    signals: Signals,
    probes: Probes,
    looks: Looks,
    askers: Vec<Asker>,
    started: Stamp,
    record: Record,
    cordoned: Option<(Cordoned, Sure)>,
    guard: Option<Guard>,
    asked_to_move: bool,
    err: &'a mut dyn Write,
}

impl<'a> Trial<'a> {
    fn new(
        order: &'a Order,
        prepared: Prepared,
        (signals, probes, err): (Signals, Probes, &'a mut dyn Write),
    ) -> Self {
        let mut record = Record {
            how: order.how,
            holder: prepared.holder.clone(),
            nodes: prepared.nodes.clone(),
            ours: prepared.ours,
            ..Record::default()
        };
        let mut looks = Looks::new();
        let first = prepared.targets[0];
        looks.lease(&prepared.cluster);
        looks.requests(&prepared.visitor, first);
        looks.status(first.ip());
        let mut askers: Vec<Asker> = Vec::new();
        for evidence in [Evidence::Arp, Evidence::Ndp] {
            let mut addresses = prepared.targets.iter().map(SocketAddr::ip);
            let Some(address) = addresses.find(|address| evidence.is_about(*address)) else {
                continue;
            };
            match wire::find(address) {
                Ok(wire) => {
                    askers.push(Box::new(wire.asker()));
                    looks.wire(evidence, wire);
                }
                Err(why) => drop(record.missing.insert(evidence, why)),
            }
        }
        if prepared.certificates.is_empty() {
            let why = "the nodes' API servers show the same one, or cannot be reached one by one";
            record.missing.insert(Evidence::Certificate, why.to_owned());
        }
        Self {
            order,
            prepared,
            signals,
            probes,
            looks,
            askers,
            started: Stamp::now(),
            record,
            cordoned: None,
            guard: None,
            asked_to_move: false,
            err,
        }
    }

    /// From the first probe to the last before everything is put back.
    async fn act_through(&mut self) -> Result<(), Stopped> {
        self.ask_the_wire();
        self.pass(self.order.baseline).await?;
        if self.probes.made() == 0 {
            let text = "the address does not answer at all: there is nothing to test".to_owned();
            return Err(Stopped::Failed(text));
        }
        if self.record.last_holder() != self.prepared.holder {
            let text = match self.record.last_holder() {
                "" => "nobody holds the Lease any more, before anything was done".to_owned(),
                other => format!("{other} has taken over before anything was done"),
            };
            return Err(Stopped::Failed(text));
        }
        self.act().await?;
        let until = Instant::now() + self.order.limits.moving;
        while self.record.moved().is_none() && Instant::now() < until {
            self.look(until).await?;
        }
        let pods = self.prepared.pods.len();
        let settled = |record: &Record| record.evictions.evicted + record.evictions.failed();
        while settled(&self.record) < pods && Instant::now() < until {
            self.look(until).await?;
        }
        self.record.evictions.left = pods - self.record.evictions.evicted;
        match self.record.moved() {
            Some(_) => self.pass(self.order.settle).await,
            None => Ok(()),
        }
    }

    async fn act(&mut self) -> Result<(), Stopped> {
        let node = self.prepared.node.clone();
        let failed = |text: String| Stopped::Failed(text);
        let acted = self.probes.act().since(self.started);
        self.record.acted = Some(acted);
        if let Some(to) = self.prepared.to.clone() {
            self.mark(format!("{node} is asked to hand over to {to}"));
            self.asked_to_move = true;
            let asked = act::ask_to_move(&self.prepared.cluster, Some(&to)).await;
            return asked.map_err(|error| failed(format!("cannot ask for a move: {error}")));
        }
        let mark = format!("{}-{}", Timestamp::now(), std::process::id());
        let cordoned = Cordoned { node: node.clone(), mark };
        match Guard::start(&self.order.place, &cordoned) {
            Ok(guard) => self.guard = Some(guard),
            Err(error) => self.say(&format!(
                "no process can be started to watch over this one ({error}): do not kill it"
            )),
        }
        self.cordoned = Some((cordoned.clone(), Sure::No));
        self.mark(format!("{node} is cordoned"));
        cordoned.cordon(&self.prepared.cluster).await.map_err(failed)?;
        self.cordoned = Some((cordoned, Sure::Yes));
        if self.order.how == How::Drain {
            self.mark(format!("{} Pods are evicted", self.prepared.pods.len()));
        }
        for pod in self.prepared.pods.clone() {
            let cluster = Arc::clone(&self.prepared.cluster);
            let tell = self.looks.teller();
            self.looks.spawn(act::evict(cluster, pod, tell));
        }
        Ok(())
    }

    /// Undoes what was done, whatever has happened and whoever interrupts.
    async fn put_back(&mut self) {
        let cluster = Arc::clone(&self.prepared.cluster);
        if self.asked_to_move && self.record.moved().is_none() {
            let withdrawn = act::ask_to_move(&cluster, None).await;
            self.record.put_back = match withdrawn {
                Ok(()) => PutBack::Done("the request is withdrawn".to_owned()),
                Err(error) => {
                    PutBack::Failed(format!("the request to move cannot be withdrawn: {error}"))
                }
            };
        }
        if let Some((cordoned, sure)) = self.cordoned.take() {
            self.record.put_back = cordoned.put_back(&cluster, sure).await;
        }
        if let Some(guard) = self.guard.take() {
            match &self.record.put_back {
                // It tries once more, for as long.
                PutBack::Failed(_) => drop(guard),
                _ => guard.dismiss(),
            }
        }
        match self.record.put_back.clone() {
            PutBack::Done(text) => self.mark(text),
            PutBack::Failed(text) => self.say(&text),
            PutBack::Nothing => {}
        }
    }

    /// Looks on for a while after everything is over.
    async fn linger(&mut self) {
        self.ask_the_wire();
        // Nothing is left that a signal would have to undo.
        drop(self.pass(AFTER.max(ANSWERS)).await);
    }

    fn end(mut self) -> io::Result<Record> {
        let ended = Stamp::now();
        drop(self.looks);
        let Probed { seen, paused } = self.probes.stop()?;
        let started = self.started;
        let addresses = self.prepared.targets.iter().zip(seen).map(|(target, seen)| Address {
            ip: target.ip(),
            tried: seen.after.tried,
            failed: seen.after.failed,
            refused: seen.after.refused,
            slow: seen.after.slow,
            median: seen.before.median,
            calm: seen.calm,
            longest: seen.longest,
            gaps: seen.gaps.iter().map(|gap| (gap.from.since(started), gap.length)).collect(),
        });
        self.record.addresses = addresses.collect();
        self.record.paused = paused;
        self.record.ended = ended.since(started);
        if !self.record.claims.iter().any(|claim| claim.evidence == Evidence::Status) {
            let why = "no /status of kube-vip answers at the address (prometheus_server)";
            self.record.missing.insert(Evidence::Status, why.to_owned());
        }
        Ok(self.record)
    }

    /// Asks at a moment when an answer hides no outage.
    fn ask_the_wire(&mut self) {
        let failed: Vec<_> = self.askers.iter().filter_map(|ask| ask().err()).collect();
        for error in failed {
            self.say(&format!("cannot ask the segment: {error}"));
        }
    }

    /// Looks for so long.
    async fn pass(&mut self, time: Duration) -> Result<(), Stopped> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.look(until).await?;
        }
        Ok(())
    }

    /// Takes in the next thing that is seen, if there is one by then.
    async fn look(&mut self, until: Instant) -> Result<(), Stopped> {
        select! {
            name = self.signals.next() => Err(Stopped::Signal(name)),
            Some((at, sight)) = self.looks.next() => {
                self.take(at.since(self.started), sight);
                Ok(())
            }
            () = sleep_until(until) => Ok(()),
        }
    }

    fn take(&mut self, at: Duration, sight: Sight) {
        match sight {
            Sight::Holder(holder) => {
                if self.record.holders.last().is_none_or(|(_, last)| *last != holder) {
                    if !self.record.holders.is_empty() {
                        let who = if holder.is_empty() { "nobody" } else { &holder };
                        self.say_at(at, &format!("the Lease names {who}"));
                    }
                    self.record.holders.push((at, holder));
                }
            }
            Sight::Claim(evidence, who) => {
                let who = match who {
                    Who::Node(node) => Some(node),
                    Who::Mac(mac) => {
                        let known = self.prepared.macs.get(&mac).cloned();
                        Some(known.unwrap_or_else(|| mac.to_string()))
                    }
                    Who::Certificate(der) => self.prepared.certificates.get(&der).cloned(),
                };
                self.record.claims.extend(who.map(|who| Claim { at, evidence, who }));
            }
            Sight::Asked { end, gap } => {
                let acted = self.record.acted.is_some();
                self.record.requests.count(end, gap, acted);
            }
            Sight::Evicted(Ok(())) => self.record.evictions.evicted += 1,
            Sight::Evicted(Err(text)) => self.record.evictions.failures.push(text),
        }
    }

    /// Something is done now.
    fn mark(&mut self, text: String) {
        let at = Stamp::now().since(self.started);
        self.say_at(at, &text);
        self.record.marks.push((at, text));
    }

    fn say_at(&mut self, at: Duration, text: &str) {
        self.say(&format!("{:>8}  {text}", human(at)));
    }

    fn say(&mut self, text: &str) {
        // Nobody may be left who reads it.
        drop(writeln!(self.err, "{text}"));
    }
}

/// The signals that end a test. From their start they do nothing else to this process.
struct Signals([(Signal, &'static str); 3]);

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self([
            (signal(SignalKind::interrupt())?, "SIGINT"),
            (signal(SignalKind::terminate())?, "SIGTERM"),
            (signal(SignalKind::hangup())?, "SIGHUP"),
        ]))
    }

    async fn next(&mut self) -> &'static str {
        let [(interrupt, _), (terminate, _), (hangup, _)] = &mut self.0;
        let index = select! {
            _ = interrupt.recv() => 0,
            _ = terminate.recv() => 1,
            _ = hangup.recv() => 2,
        };
        self.0[index].1
    }
}
