//! A stage, and the command on its client host, with a kubeconfig that names the address itself.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use http::Method;
use kube_vip_lab::cluster::assets::Assets;
use kube_vip_lab::net::{Host, Process};
use kube_vip_lab::stage::{ControlPlaneKind, PORT, Stage, StageSpec, VIP};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

#[path = "../support/program.rs"]
mod program;

use program::program;

/// A test that takes longer hangs.
const AT_MOST: Duration = Duration::from_secs(120);

/// Within that, whatever is waited for happens.
const PATIENCE: Duration = Duration::from_secs(30);

const NODES: &str = "/api/v1/nodes";
const PODS: &str = "/api/v1/namespaces/default/pods";
const SYSTEM_PODS: &str = "/api/v1/namespaces/kube-system/pods";

/// The annotation on a Node that a test has cordoned.
const MARK: &str = "kube-vip.io/failover-test";

/// A cluster whose address a node holds.
pub(crate) struct Scene {
    stage: Stage,
    directory: TempDir,
}

/// A test that runs.
pub(crate) struct Testing<'a> {
    scene: &'a Scene,
    process: Process,
}

/// What a test came to.
pub(crate) struct Tested {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    logs: String,
}

impl Scene {
    /// Three nodes with a real control plane.
    pub(crate) fn new() -> Self {
        let mut scene = Self::empty();
        scene.stage.start_all().expect("one node answers");
        scene.wait("all candidates are there", || scene.candidates() == 3);
        scene
    }

    /// The same, with an original that holds.
    pub(crate) fn with_original(original: usize) -> Self {
        let mut scene = Self::empty();
        let elector = Assets::find().program("elector").unwrap_or_else(|error| panic!("{error}"));
        scene.stage.start_program(original, &elector).expect("started");
        scene.wait("the original holds", || {
            scene.stage.holder(0).is_ok_and(|holder| holder == Some(original))
        });
        for node in (0..3).filter(|node| *node != original) {
            scene.stage.start(node).expect("started");
        }
        scene.wait("all candidates are there", || scene.candidates() == 2);
        scene
    }

    fn empty() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let spec = StageSpec {
            control_plane: ControlPlaneKind::Real,
            ..StageSpec::of(&program(), directory.path())
        };
        let stage = Stage::build(spec, &mut |_| {});
        let stage = stage.expect("a stage; it needs root and `cargo xtask assets`");
        let own = std::fs::read_to_string(stage.control_plane().kubeconfig(0)).expect("readable");
        let through = own.replace("127.0.0.1", &VIP.to_string());
        assert_ne!(own, through, "the kubeconfig names the node itself");
        std::fs::write(directory.path().join("kubeconfig"), through).expect("written");
        let scene = Self { stage, directory };
        let account = json!({ "metadata": { "name": "default" } });
        for namespace in ["default", "kube-system"] {
            let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
            scene.ask(Method::POST, &accounts, Some(&account));
        }
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs a test to its end.
    pub(crate) fn test(&self, args: &[&str]) -> Tested {
        self.begin(args).end()
    }

    /// Begins a test on the client host.
    pub(crate) fn begin(&self, args: &[&str]) -> Testing<'_> {
        let mut command = self.command(args);
        command.env("address", VIP.to_string()).env("KUBECONFIG", self.path("kubeconfig"));
        self.on(self.stage.world().client(), command)
    }

    /// Runs a test on the client host that has to find out what the address is.
    pub(crate) fn test_unaware(&self, args: &[&str]) -> Tested {
        let mut command = self.command(args);
        command.env("KUBECONFIG", self.path("kubeconfig"));
        self.on(self.stage.world().client(), command).end()
    }

    /// Runs a test on a node, with the node's own kubeconfig.
    pub(crate) fn test_on(&self, node: &str, args: &[&str]) -> Tested {
        let index = self.nodes().iter().position(|name| name == node).expect("such a node");
        let mut command = self.command(args);
        let kubeconfig = self.stage.control_plane().kubeconfig(index);
        command.env("address", VIP.to_string()).env("KUBECONFIG", kubeconfig);
        self.on(self.stage.world().node(index), command).end()
    }

    fn command(&self, args: &[&str]) -> Command {
        let to = |name: &str| File::create(self.path(name)).expect("a file");
        let mut command = Command::new(&self.stage.spec().program);
        command.arg("failover-test").args(args).env_clear().env("port", PORT.to_string());
        command.stdin(Stdio::null()).stdout(to("out")).stderr(to("err"));
        command
    }

    fn on(&self, host: &Host, command: Command) -> Testing<'_> {
        Testing { scene: self, process: host.spawn(command).expect("started") }
    }

    pub(crate) fn nodes(&self) -> Vec<String> {
        self.stage.world().nodes().iter().map(|host| host.name().to_owned()).collect()
    }

    /// Whom the Lease names; empty: nobody.
    pub(crate) fn holder(&self) -> String {
        let holder = self.stage.lease(0).expect("the Lease is there");
        holder["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
    }

    /// The Nodes that are cordoned.
    pub(crate) fn cordoned(&self) -> Vec<String> {
        let all = self.ask(Method::GET, NODES, None);
        let cordoned = each(&all).filter(|node| node["spec"]["unschedulable"] == true);
        cordoned.map(name).collect()
    }

    /// Whether a Node bears the mark of a test.
    pub(crate) fn marked(&self) -> bool {
        let all = self.ask(Method::GET, NODES, None);
        each(&all).any(|node| node["metadata"]["annotations"].get(MARK).is_some())
    }

    pub(crate) fn set_cordoned(&self, node: &str, cordoned: bool) {
        let value = if cordoned { json!(true) } else { Value::Null };
        let patch = json!({ "spec": { "unschedulable": value } });
        self.ask(Method::PATCH, &format!("{NODES}/{node}"), Some(&patch));
    }

    /// A Pod on a Node, which nobody runs.
    pub(crate) fn pod(&self, name: &str, node: &str, mut metadata: Value) {
        metadata["name"] = name.into();
        let pod = json!({ "metadata": metadata, "spec": {
            "nodeName": node,
            "terminationGracePeriodSeconds": 0,
            "containers": [{ "name": "one", "image": "none" }],
        } });
        self.ask(Method::POST, PODS, Some(&pod));
    }

    /// A Pod as kube-vip has one, with its environment.
    pub(crate) fn pod_of_kube_vip(&self, node: &str) {
        let environment = json!([{ "name": "address", "value": VIP }]);
        let pod = json!({ "metadata": { "name": format!("kube-vip-{node}") }, "spec": {
            "nodeName": node,
            "containers": [{ "name": "kube-vip", "image": "none", "env": environment }],
        } });
        self.ask(Method::POST, SYSTEM_PODS, Some(&pod));
    }

    pub(crate) fn delete_pod(&self, name: &str) {
        self.ask(Method::DELETE, &format!("{PODS}/{name}"), None);
    }

    pub(crate) fn pods(&self) -> Vec<String> {
        let all = self.ask(Method::GET, PODS, None);
        each(&all).map(name).collect()
    }

    fn candidates(&self) -> usize {
        let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
        let all = self.ask(Method::GET, leases, None);
        each(&all).filter(|one| one["metadata"]["annotations"]["kube-vip.io/fit"] == "true").count()
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        self.stage.request(0, (method, path), body).expect("the API server does so")
    }

    #[track_caller]
    pub(crate) fn wait(&self, what: &str, so: impl FnMut() -> bool) {
        if let Err(error) = self.stage.wait(what, PATIENCE, so) {
            panic!("{error}\n{}", self.logs());
        }
    }

    fn logs(&self) -> String {
        let node = |node| read(&self.stage.log(node));
        (0..3).map(|index| format!("--- node{}\n{}\n", index + 1, node(index))).collect()
    }
}

impl Testing<'_> {
    /// Sends a signal, and waits for the end.
    pub(crate) fn strike(self, signal: Signal) -> Tested {
        let pid = i32::try_from(self.process.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process"), signal).expect("it still runs");
        self.end()
    }

    fn end(mut self) -> Tested {
        let status = self.process.wait(AT_MOST).expect("the kernel says");
        let (out, err) = (read(&self.scene.path("out")), read(&self.scene.path("err")));
        let logs = self.scene.logs();
        let code = status.expect("it ends in time").code();
        Tested { code, out, err, logs }
    }
}

impl Tested {
    /// What is on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }
}

impl fmt::Display for Tested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, out, err, logs } = self;
        write!(f, "code {code:?}\n--- stdout\n{out}\n--- stderr\n{err}\n{logs}")
    }
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
