//! Kubernetes Events about the election's Lease: for whoever asks `kubectl describe lease`.
//!
//! Best effort, and never in the way: a bounded queue, a connection of its own, and nobody waits
//! for it. The first Event of a reason goes out at once; what follows for the same reason within a
//! minute is one Event with a count. Only the right to create Events is needed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube_vip_core::plan::Plan;
use kube_vip_core::status::Notice;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Shared;
use super::asks;
use super::client::{CallError, Client};
use super::watch::{jittered, pause, random};
use news::{News, news};

mod news;
#[cfg(test)]
mod tests;

/// What waits to be sent.
const QUEUE: usize = 64;

/// The same reason makes one Event in so long.
const WINDOW: Duration = Duration::from_secs(60);

/// News that could not be sent for so long are none any more.
const STALE: Duration = Duration::from_secs(600);

/// After a refusal for want of rights nothing is sent for so long.
const RARELY: Duration = Duration::from_secs(600);

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(10);

/// The longest message, in bytes (`events.k8s.io` refuses more than 1 KiB).
const MESSAGE: usize = 1000;

/// The way out for news.
#[derive(Debug)]
pub(super) struct Events {
    plan: Plan,
    /// The last holder that is known by name: between two there is mostly nobody.
    holder: Option<String>,
    /// None: no more is taken.
    queue: Option<Sender<Item>>,
    task: JoinHandle<()>,
}

impl Drop for Events {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// News, and when they were.
#[derive(Clone, Debug)]
struct Item {
    news: News,
    at: Instant,
    time: Timestamp,
}

impl Events {
    pub(super) fn start(plan: &Plan, shared: &Arc<Shared>, client: Client) -> Self {
        let (queue, items) = channel(QUEUE);
        let post = Post {
            shared: Arc::clone(shared),
            client,
            silent_until: None,
            told: false,
            number: random(),
        };
        let task = tokio::spawn(run(items, post));
        Self { plan: plan.clone(), holder: None, queue: Some(queue), task }
    }

    /// Tells of a notice, if it is worth an Event and there is room for it.
    pub(super) fn tell(&mut self, notice: &Notice) {
        let news = news(notice, &self.plan, self.holder.as_deref());
        if let Notice::HolderChanged { to: Some(to), .. } = notice {
            self.holder = Some(to.clone());
        }
        if let (Some(news), Some(queue)) = (news, &self.queue) {
            let item = Item { news, at: Instant::now(), time: Timestamp::now() };
            // A full queue means that the API server is away: the newest is left out.
            drop(queue.try_send(item));
        }
    }

    /// Takes no more, and waits that long at most until all is sent.
    pub(super) async fn finish(&mut self, patience: Duration) {
        self.queue = None;
        // What is left then is lost.
        let _ = timeout(patience, &mut self.task).await;
    }
}

async fn run(mut items: Receiver<Item>, mut post: Post) {
    let mut windows = Windows::default();
    loop {
        let due = windows.due();
        let item = tokio::select! {
            item = items.recv() => item,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                for report in windows.close(Instant::now()) {
                    post.send(&report).await;
                }
                continue;
            }
        };
        let Some(item) = item else { break };
        if let Some(report) = windows.take(item) {
            post.send(&report).await;
        }
    }
    // Nothing more will come.
    for report in windows.close_all() {
        post.send(&report).await;
    }
}

/// What becomes one Event.
#[derive(Clone, Debug)]
struct Report {
    /// The last of them.
    item: Item,
    /// When the first of them was.
    first: Timestamp,
    count: u32,
}

/// What was said lately, by reason.
#[derive(Debug, Default)]
struct Windows(BTreeMap<&'static str, Window>);

#[derive(Debug)]
struct Window {
    ends: Instant,
    /// What came since it began, and is not said yet.
    held_back: Option<Report>,
}

impl Windows {
    /// What is to be said at once.
    fn take(&mut self, item: Item) -> Option<Report> {
        let ends = item.at + WINDOW;
        let report = Report { first: item.time, count: 1, item };
        let reason = report.item.news.reason;
        let Some(window) = self.0.get_mut(reason).filter(|window| report.item.at < window.ends)
        else {
            let window = Window { ends, held_back: None };
            let before = self.0.insert(reason, window).and_then(|before| before.held_back);
            return Some(merged(before, report));
        };
        window.held_back = Some(merged(window.held_back.take(), report));
        None
    }

    /// When the next window ends.
    fn due(&self) -> Option<Instant> {
        self.0.values().map(|window| window.ends).min()
    }

    /// Ends the windows that are over: what was held back is said, and begins the next.
    fn close(&mut self, now: Instant) -> Vec<Report> {
        let mut reports = Vec::new();
        self.0.retain(|_, window| {
            if window.ends > now {
                return true;
            }
            window.ends = now + WINDOW;
            let report = window.held_back.take();
            let goes_on = report.is_some();
            reports.extend(report);
            goes_on
        });
        reports
    }

    fn close_all(self) -> impl Iterator<Item = Report> {
        self.0.into_values().filter_map(|window| window.held_back)
    }
}

fn merged(before: Option<Report>, report: Report) -> Report {
    match before {
        None => report,
        Some(Report { first, count, .. }) => {
            Report { first, count: count + report.count, ..report }
        }
    }
}

/// Sends Events.
struct Post {
    shared: Arc<Shared>,
    client: Client,
    /// Rights are missing; not before then.
    silent_until: Option<Instant>,
    /// People know that rights are missing.
    told: bool,
    /// Makes the names of Events unique.
    number: u64,
}

impl Post {
    /// Sends one, as soon as there is an API server to send it to.
    async fn send(&mut self, report: &Report) {
        if self.silent_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.number = self.number.wrapping_add(1);
        let object = self.object(report);
        let ask = asks::event(&self.shared.plan.namespace, &object);
        let patience = self.shared.patience();
        let mut failures = 0;
        while report.item.at.elapsed() < STALE {
            match timeout(patience, self.client.call(&ask)).await {
                Ok(Ok(reply)) if reply.status.is_server_error() => {}
                Ok(Ok(reply)) => {
                    if !reply.status.is_success() {
                        tracing::debug!(cause = reply.words(), "an Event was not taken");
                    }
                    return;
                }
                Ok(Err(CallError::Refused(cause))) => return self.refused(&cause),
                Ok(Err(_)) | Err(_) => {}
            }
            let pause = jittered(pause(failures, LONGEST), random());
            let answered = self.shared.answered.notified();
            failures = failures.saturating_add(1);
            sleep(pause / 4).await;
            let _ = timeout(pause, answered).await;
        }
    }

    fn refused(&mut self, cause: &str) {
        self.silent_until = Some(Instant::now() + RARELY);
        if !self.told {
            self.told = true;
            tracing::info!(
                cause,
                "no right to create Kubernetes Events; there are none of this node"
            );
        }
    }

    fn object(&self, report: &Report) -> Value {
        let Shared { plan, node, kept, .. } = self.shared.as_ref();
        let News { severity, reason, message } = &report.item.news;
        let (first, last) = (report.first, report.item.time);
        let prefix: String = plan.name.chars().take(200).collect();
        let mut regarding = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "namespace": plan.namespace,
            "name": plan.name,
        });
        if let Some(uid) = kept.uid() {
            regarding["uid"] = uid.into();
        }
        json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": format!("{prefix}.{:016x}", self.number),
                "namespace": plan.namespace,
            },
            "involvedObject": regarding,
            "type": severity.name(),
            "reason": reason,
            "message": shortened(message),
            "count": report.count,
            "firstTimestamp": format!("{first:.0}"),
            "lastTimestamp": format!("{last:.0}"),
            "source": { "component": "kube-vip", "host": node.as_str() },
            "reportingComponent": "kube-vip",
            "reportingInstance": node.as_str().chars().take(128).collect::<String>(),
        })
    }
}

fn shortened(text: &str) -> String {
    let mut end = text.len().min(MESSAGE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
