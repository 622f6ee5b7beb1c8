//! What the tests share: a driver on a temporary directory, kubeconfigs, objects.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube_vip::drivers::lease::{Lease, Places};
use kube_vip::settings::config::Credentials;
use kube_vip_core::address::Vip;
use kube_vip_core::event::{
    Call, Event, Failure, LeaseWrite, Marks, Nonce, Observation, Request, Stamp, Version,
};
use kube_vip_core::plan::{LeasePlan, Timings, Vips};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// The address of the plan; TEST-NET-1, so that a packet to it would go nowhere.
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

/// Long enough for anything that is expected to come.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A driver, its events, and the directory that its kubeconfigs are in.
pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    lease: Option<Lease>,
    events: UnboundedReceiver<Event>,
    waiting: Vec<Event>,
    id: u64,
}

impl Bench {
    /// A driver that looks for kubeconfigs below an empty directory.
    pub(crate) fn new() -> Self {
        Self::with(|_| Credentials::default())
    }

    /// The same with settings.
    pub(crate) fn with(credentials: impl FnOnce(&Path) -> Credentials) -> Self {
        Self::with_service(credentials, None)
    }

    /// The same with the address of the service `kubernetes` in the environment.
    pub(crate) fn with_service(
        credentials: impl FnOnce(&Path) -> Credentials,
        service: Option<(String, u16)>,
    ) -> Self {
        Self::in_dir(tempfile::tempdir().unwrap(), credentials, service)
    }

    /// A driver that finds that `admin.conf`.
    pub(crate) fn admin(kubeconfig: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        put(&dir.path().join("etc/kubernetes/admin.conf"), kubeconfig);
        Self::in_dir(dir, |_| Credentials::default(), None)
    }

    fn in_dir(
        dir: TempDir,
        credentials: impl FnOnce(&Path) -> Credentials,
        service: Option<(String, u16)>,
    ) -> Self {
        let (sender, events) = unbounded_channel();
        let places = Places {
            credentials: credentials(dir.path()),
            root: dir.path().to_owned(),
            service_host: service.as_ref().map(|(host, _)| host.clone()),
            service_port: service.map(|(_, port)| port.to_string()),
        };
        let vips = Vips::new(vec![Vip::new(VIP, 32).unwrap()]).unwrap();
        let lease = Lease::start(plan(), places, &vips, 6443, sender);
        Self { dir, lease: Some(lease), events, waiting: Vec::new(), id: 0 }
    }

    pub(crate) fn admin_conf(&self) -> PathBuf {
        self.dir.path().join("etc/kubernetes/admin.conf")
    }

    /// Asks and waits for the answer.
    pub(crate) async fn ask(&mut self, call: Call) -> Result<Option<Observation>, Failure> {
        self.ask_within(call, LONG).await
    }

    /// Asks with that timeout and waits for the answer.
    pub(crate) async fn ask_within(
        &mut self,
        call: Call,
        time: Duration,
    ) -> Result<Option<Observation>, Failure> {
        let id = self.start(call, time);
        let answered = |event: &Event| match event {
            Event::Answered(answer) if answer.id == id => Some(answer.outcome.clone()),
            _ => None,
        };
        self.until(answered).await
    }

    /// Asks and goes on.
    pub(crate) fn start(&mut self, call: Call, time: Duration) -> u64 {
        self.id += 1;
        let request = Request { id: self.id, timeout: time, call };
        self.lease.as_mut().expect("not dropped yet").ask(request);
        self.id
    }

    /// The Lease as the watch shows it next.
    pub(crate) async fn watched(&mut self) -> Option<Observation> {
        self.until(|event| match event {
            Event::Watched(lease) => Some(lease.clone()),
            _ => None,
        })
        .await
    }

    /// Takes the first event, past or to come, that `wanted` finds something in.
    async fn until<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        if let Some(index) = self.waiting.iter().position(|event| wanted(event).is_some()) {
            return wanted(&self.waiting.remove(index)).expect("was found");
        }
        timeout(2 * LONG, async {
            loop {
                let event = self.events.recv().await.expect("the driver lives");
                match wanted(&event) {
                    Some(found) => return found,
                    None => self.waiting.push(event),
                }
            }
        })
        .await
        .expect("the event comes")
    }

    /// Ends the driver.
    pub(crate) fn stop(&mut self) {
        self.lease = None;
    }

    /// Waits until no task of the driver can send any more.
    pub(crate) async fn ended(&mut self) {
        let end = async {
            while let Some(event) = self.events.recv().await {
                self.waiting.push(event);
            }
        };
        timeout(LONG, end).await.expect("all tasks of the driver end");
    }

    /// The events that nobody asked for so far.
    pub(crate) fn rest(&mut self) -> Vec<Event> {
        while let Ok(event) = self.events.try_recv() {
            self.waiting.push(event);
        }
        std::mem::take(&mut self.waiting)
    }
}

fn plan() -> LeasePlan {
    let seconds = Duration::from_secs;
    LeasePlan {
        namespace: "kube-system".to_owned(),
        name: "plndr-cp-lock".to_owned(),
        timings: Timings::new(seconds(15), seconds(10), seconds(2)).unwrap(),
    }
}

/// Writes a file, with its directories.
pub(crate) fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A kubeconfig for that server, with that token.
pub(crate) fn kubeconfig(server: &str, token: &str) -> String {
    full_kubeconfig(&json!({ "server": server }), &json!({ "token": token }))
}

/// A kubeconfig of that cluster and that user (JSON is YAML).
pub(crate) fn full_kubeconfig(cluster: &Value, user: &Value) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{ "name": "here", "context": { "cluster": "c", "user": "u" } }],
        "clusters": [{ "name": "c", "cluster": cluster }],
        "users": [{ "name": "u", "user": user }],
    })
    .to_string()
}

/// The Lease at that version with that holder.
pub(crate) fn lease(version: &str, holder: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": "plndr-cp-lock",
            "namespace": "kube-system",
            "resourceVersion": version,
            "uid": "u-1",
        },
        "spec": { "holderIdentity": holder, "leaseDurationSeconds": 15 },
    })
}

/// A list at that version.
pub(crate) fn list(version: &str, items: &[Value]) -> Value {
    json!({ "kind": "LeaseList", "metadata": { "resourceVersion": version }, "items": items })
}

/// What the API server says when it refuses.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "code": code, "reason": reason, "message": message })
}

/// A write against that version.
pub(crate) fn write(version: Option<&str>, holder: &str) -> Call {
    Call::Write(LeaseWrite {
        version: version.map(|text| Version(text.to_owned())),
        holder: holder.to_owned(),
        duration: Duration::from_secs(15),
        transitions: 1,
        acquired: Stamp::Now,
        nonce: Nonce("n-1".to_owned()),
        marks: Marks::default(),
    })
}

/// The text of a failure that has one.
pub(crate) fn text(outcome: Result<Option<Observation>, Failure>) -> String {
    match outcome {
        Err(Failure::Unavailable(text)) => text,
        other => panic!("expected Unavailable, got {other:?}"),
    }
}
