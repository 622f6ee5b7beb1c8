//! What the tests share: a driver on a temporary directory, kubeconfigs, objects.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube_vip::drivers::lease::{Here, Lease, Places};
use kube_vip::metrics::requests::Requests;
use kube_vip::settings::config::Credentials;
use kube_vip_core::address::{LinkName, Mac, NodeName, Vip};
use kube_vip_core::event::{
    Call, Candidacy, Candidate, Check, Event, Failure, LeaseWrite, Marks, Nonce, Observation,
    Request, Stamp, Version,
};
use kube_vip_core::plan::{Conduct, LeasePlan, Plan, Timings, Vips};
use kube_vip_core::status::Notice;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// The address of the plan; TEST-NET-1, so that a packet to it would go nowhere.
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

/// This host's own address.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);

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
        Self::in_dir("node1", tempfile::tempdir().unwrap(), credentials, service)
    }

    /// A driver of `node1` that finds that `admin.conf`.
    pub(crate) fn admin(kubeconfig: &str) -> Self {
        Self::of("node1", kubeconfig)
    }

    /// A driver of that node that finds that `admin.conf`.
    pub(crate) fn of(node: &str, kubeconfig: &str) -> Self {
        Self::in_dir(node, with_admin(kubeconfig), |_| Credentials::default(), None)
    }

    /// A driver that finds that `admin.conf`, and whose node's API server is `here`.
    pub(crate) fn near(kubeconfig: &str, here: impl Into<Here>) -> Self {
        let dir = with_admin(kubeconfig);
        let places = places(dir.path());
        Self::begin("node1", dir, places, here.into())
    }

    fn in_dir(
        node: &str,
        dir: TempDir,
        credentials: impl FnOnce(&Path) -> Credentials,
        service: Option<(String, u16)>,
    ) -> Self {
        let places = Places {
            credentials: credentials(dir.path()),
            service_host: service.as_ref().map(|(host, _)| host.clone()),
            service_port: service.map(|(_, port)| port.to_string()),
            ..places(dir.path())
        };
        Self::begin(node, dir, places, 6443.into())
    }

    fn begin(node: &str, dir: TempDir, places: Places, here: Here) -> Self {
        let (sender, events) = unbounded_channel();
        let lease = Lease::start(&plan(node), places, here, sender);
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

    /// Writes its candidate Lease and waits until it is written, or is not.
    pub(crate) async fn register(&mut self, candidacy: Candidacy) -> Result<(), String> {
        self.start_register(candidacy);
        self.registered().await
    }

    /// Writes its candidate Lease, and goes on.
    pub(crate) fn start_register(&mut self, candidacy: Candidacy) {
        self.lease.as_mut().expect("not dropped yet").register(candidacy);
    }

    /// Tells the cluster of a notice.
    pub(crate) fn report(&mut self, notice: &Notice) {
        self.lease.as_mut().expect("not dropped yet").report(notice);
    }

    /// The requests as they are counted.
    pub(crate) fn requests(&self) -> Requests {
        self.lease.as_ref().expect("not dropped yet").requests().clone()
    }

    /// The node has the address, or has not.
    pub(crate) fn hold(&self, holds: bool) {
        self.lease.as_ref().expect("not dropped yet").hold(holds);
    }

    /// Waits until all Events are sent and the label is right.
    pub(crate) async fn finish(&mut self) {
        self.lease.as_mut().expect("not dropped yet").finish(LONG).await;
    }

    /// What became of a candidate Lease next.
    pub(crate) async fn registered(&mut self) -> Result<(), String> {
        self.until(|event| match event {
            Event::Registered(outcome) => Some(outcome.clone()),
            _ => None,
        })
        .await
    }

    /// The other candidates as the watch shows them next.
    pub(crate) async fn candidates(&mut self) -> Vec<Candidate> {
        self.until(|event| match event {
            Event::Candidates(all) => Some(all.clone()),
            _ => None,
        })
        .await
    }

    /// Whether the Node is cordoned, as the watch shows it next.
    pub(crate) async fn cordoned(&mut self) -> bool {
        self.until(|event| match event {
            Event::Cordoned(cordoned) => Some(*cordoned),
            _ => None,
        })
        .await
    }

    /// Looks at the API servers, and waits for what that shows.
    pub(crate) async fn check(&mut self, time: Duration) -> Check {
        self.lease.as_mut().expect("not dropped yet").check(time);
        self.until(|event| match event {
            Event::Checked(check) => Some(check.clone()),
            _ => None,
        })
        .await
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

/// A directory with that `admin.conf`.
fn with_admin(kubeconfig: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(&dir.path().join("etc/kubernetes/admin.conf"), kubeconfig);
    dir
}

/// That directory's places, without settings.
fn places(root: &Path) -> Places {
    Places {
        credentials: Credentials::default(),
        only: None,
        root: root.to_owned(),
        service_host: None,
        service_port: None,
        addresses: || vec![ADDRESS.into(), VIP.into()],
    }
}

fn plan(node: &str) -> Plan {
    let seconds = Duration::from_secs;
    Plan {
        node: NodeName::new(node).unwrap(),
        link: LinkName::new("eth0").unwrap(),
        vips: Vips::new(vec![Vip::new(VIP.into(), 32).unwrap()]).unwrap(),
        lease: LeasePlan {
            namespace: "kube-system".to_owned(),
            name: "plndr-cp-lock".to_owned(),
            timings: Timings::new(seconds(15), seconds(10), seconds(2)).unwrap(),
        },
        announce_every: seconds(3),
        conduct: Conduct::default(),
        boot: "boot-1".to_owned(),
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

/// A node that is well, and says yes to that offer.
pub(crate) fn candidacy(consent: Option<&str>) -> Candidacy {
    Candidacy {
        fit: true,
        cordoned: false,
        priority: 3,
        mac: Some(Mac([2, 0, 0, 0, 0, 1])),
        address: Some(ADDRESS.into()),
        boot: "boot-1".to_owned(),
        consent: consent.map(|nonce| Nonce(nonce.to_owned())),
    }
}

/// The text of a failure that has one.
pub(crate) fn text(outcome: Result<Option<Observation>, Failure>) -> String {
    match outcome {
        Err(Failure::Unavailable(text)) => text,
        other => panic!("expected Unavailable, got {other:?}"),
    }
}
