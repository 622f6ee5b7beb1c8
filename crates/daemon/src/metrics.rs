//! Prometheus metrics: kube-vip's names where it has one, and our own beside them.
//!
//! Counters count notices. Gauges are not kept: each scrape computes them from what the control
//! loop published last, so that they cannot disagree with `/status`.

mod counters;
mod moves;
mod outage;
mod process;
pub mod requests;
mod state;

pub use process::Process;

use std::net::IpAddr;

use kube_vip_core::event::Voice;
use kube_vip_core::moment::Moment;
use kube_vip_core::plan::Plan;
use kube_vip_core::status::{Notice, Status};
use prometheus::core::Collector;
use prometheus::{CounterVec, GaugeVec, IntCounterVec, Opts, Registry, TextEncoder};

use crate::cli::VERSION;
use crate::published::Published;
use counters::Counters;
use moves::Moves;
use outage::Outage;
use requests::Requests;

/// The media type of a scrape.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What was built from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The version, with a leading `v`.
    pub version: &'static str,
    /// The commit, or whatever else names the build.
    pub build: &'static str,
}

impl Release {
    /// What runs here: [`VERSION`], and `KUBE_VIP_BUILD` as it was in the environment of the
    /// build.
    #[must_use]
    pub const fn this() -> Self {
        let build = match option_env!("KUBE_VIP_BUILD") {
            Some(build) => build,
            None => "unknown",
        };
        Self { version: VERSION, build }
    }
}

/// The metrics of one node.
#[derive(Debug)]
pub struct Metrics {
    plan: Plan,
    release: Release,
    registry: Registry,
    counters: Counters,
    moves: Moves,
    outage: Outage,
}

impl Metrics {
    /// All counters at zero, for every label that the plan names; and the requests to the API
    /// server, which their senders count.
    #[must_use]
    pub fn new(plan: &Plan, release: Release, requests: &Requests) -> Self {
        let registry = Registry::new();
        let counters = Counters::new(&registry);
        counters.start_at_zero(plan);
        let moves = Moves::new(&registry);
        moves.start_at_zero(plan);
        let outage = Outage::new(&registry);
        outage.start_at_zero(plan);
        requests.shown_in(&registry);
        Self { plan: plan.clone(), release, registry, counters, moves, outage }
    }

    /// Counts what a notice of `now` tells of, when `before` was the last status published.
    pub fn observe(&self, notice: &Notice, before: &Status, now: Moment) {
        self.counters.observe(notice, &self.plan);
        self.moves.observe(notice, &self.plan);
        self.outage.observe(notice, &self.plan, before, now);
    }

    /// Counts one announcement that was sent for `address`.
    pub fn announced(&self, address: IpAddr) {
        self.counters.announced(address);
    }

    /// Everything in Prometheus' text format 0.0.4, ordered by name. Without `process` (no /proc)
    /// its metrics are absent.
    ///
    /// # Errors
    /// None that is known: the encoder refuses only metrics without a name or a value.
    pub fn scrape(
        &self,
        published: &Published,
        now: Moment,
        process: Option<&Process>,
    ) -> Result<String, prometheus::Error> {
        let gauges = Registry::new();
        self.election(&gauges, published, now);
        self.addresses(&gauges, published);
        api(&gauges, published, now);
        state::gauges(&gauges, published, now);
        if let Some(process) = process {
            measure(&gauges, process);
        }
        let mut families = self.registry.gather();
        families.extend(gauges.gather());
        families.sort_by(|a, b| a.name().cmp(b.name()));
        TextEncoder::new().encode_to_string(&families)
    }

    fn election(&self, to: &Registry, published: &Published, now: Moment) {
        let Release { version, build } = self.release;
        let (node, lease) = (self.plan.node.as_str(), self.plan.lease.name.as_str());
        let left = published.term(now).map(|term| term.until.since(now));
        gauge(
            to,
            "kube_vip_build_info",
            "1; the labels tell version and build of this node",
            &["version", "build", "node"],
        )
        .with_label_values(&[version, build, node])
        .set(1.0);
        gauge(
            to,
            "kube_vip_is_leader",
            "1 while this node is entitled to the addresses, or keeps them while the API is away",
            &["node", "lease_name"],
        )
        .with_label_values(&[node, lease])
        .set(yes(published.holds(now)));
        gauge(
            to,
            "kube_vip_term_seconds_left",
            "How long this node is entitled to the addresses without a further renewal",
            &["lease_name"],
        )
        .with_label_values(&[lease])
        .set(left.unwrap_or_default().as_secs_f64());
        gauge(
            to,
            "kube_vip_lease_transitions",
            "The Lease's leaseTransitions, as this node last saw it",
            &["lease_name"],
        )
        .with_label_values(&[lease])
        .set(f64::from(published.status.lease.transitions));
        gauge(
            to,
            "kube_vip_loop_age_seconds",
            "How long ago the control loop last reported; more than a few seconds is a fault",
            &[],
        )
        .with_label_values::<&str>(&[])
        .set(now.since(published.at).as_secs_f64());
    }

    fn addresses(&self, to: &Registry, published: &Published) {
        let present = gauge(
            to,
            "kube_vip_address_present",
            "1 while the kernel of this node has the address, else 0",
            &["address", "interface"],
        );
        let answering = gauge(
            to,
            "kube_vip_address_answering",
            "1 while this node answers for the address on the wire, as far as its kernel says",
            &["address", "interface"],
        );
        for vip in &published.status.vips {
            let address = vip.vip.address().to_string();
            let labels = [address.as_str(), self.plan.link.as_str()];
            let speaks = vip.voice.is_none_or(|voice| voice == Voice::Answering);
            present.with_label_values(&labels).set(yes(vip.present));
            answering.with_label_values(&labels).set(yes(vip.present && speaks));
        }
    }
}

fn api(to: &Registry, published: &Published, now: Moment) {
    let api = &published.status.api;
    let failing = api.failing_since.map(|since| now.since(since));
    gauge(
        to,
        "kube_vip_api_failing_seconds",
        "For how long no request to the API server has succeeded; 0 while it answers",
        &[],
    )
    .with_label_values::<&str>(&[])
    .set(failing.unwrap_or_default().as_secs_f64());
    if let Some(answered) = api.answered {
        gauge(
            to,
            "kube_vip_api_last_answer_age_seconds",
            "How long ago the API server last gave a good answer; absent until the first",
            &[],
        )
        .with_label_values::<&str>(&[])
        .set(now.since(answered).as_secs_f64());
    }
}

/// What Prometheus' client libraries tell of a process, under their names.
fn measure(to: &Registry, process: &Process) {
    let cpu = CounterVec::new(
        Opts::new("process_cpu_seconds_total", "User and system CPU time spent, in seconds"),
        &[],
    );
    register(to, cpu).with_label_values::<&str>(&[]).inc_by(process.cpu.as_secs_f64());
    let plain = [
        (
            "process_resident_memory_bytes",
            "Memory of the process that is in RAM, in bytes",
            process.resident,
        ),
        (
            "process_virtual_memory_bytes",
            "Address space of the process, in bytes",
            process.virtual_memory,
        ),
        ("process_open_fds", "Open file descriptors", process.open_files),
        ("process_max_fds", "How many file descriptors may be open", process.max_files),
        (
            "process_start_time_seconds",
            "When the process started, in seconds since the Unix epoch",
            process.started,
        ),
    ];
    for (name, help, value) in plain {
        #[expect(
            clippy::cast_precision_loss,
            reason = "all far below 2^53, except an unlimited max_fds, which is only shown"
        )]
        gauge(to, name, help, &[]).with_label_values::<&str>(&[]).set(value as f64);
    }
}

fn gauge(to: &Registry, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    register(to, GaugeVec::new(Opts::new(name, help), labels))
}

fn counter(to: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    register(to, IntCounterVec::new(Opts::new(name, help), labels))
}

/// Names and labels are constants of this file; a scrape in the tests covers all of them.
fn register<C: Collector + Clone + 'static>(to: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("constant names and labels are valid");
    to.register(Box::new(collector.clone())).expect("each name is registered once");
    collector
}

const fn yes(fact: bool) -> f64 {
    if fact { 1.0 } else { 0.0 }
}
