//! A control plane to be checked, commands that check it, and what they say.

use std::cell::Cell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use http::Method;
use jiff::Timestamp;
use kube_vip_lab::net::Host;
use kube_vip_lab::pki::{Kubeconfig, User};
use kube_vip_lab::stage::{ControlPlaneKind, LEASE, PORT, Stage, StageSpec, VIP};
use serde_json::{Value, json};

#[path = "../support/program.rs"]
mod program;

use program::program;

/// So long a command may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Within that the candidates have said that they are fit.
const SETTLED: Duration = Duration::from_secs(40);

/// The nodes, and what their names are.
const NODES: usize = 3;

/// Where a command runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum From {
    Node(usize),
    /// On a node, without the capabilities of kube-vip.
    Unprivileged(usize),
    /// On a host of the segment that is no node.
    Client,
}

/// A control plane, and where its files are.
pub(crate) struct Site {
    pub(crate) stage: Stage,
    program: PathBuf,
    directory: tempfile::TempDir,
    files: Cell<usize>,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    code: i32,
    errors: String,
    document: Value,
}

impl Site {
    /// The control plane alone.
    pub(crate) fn build() -> Self {
        let (program, directory) = (program(), tempfile::tempdir().expect("a directory"));
        let spec = StageSpec {
            control_plane: ControlPlaneKind::Real,
            ..StageSpec::of(&program, directory.path())
        };
        let stage = Stage::build(spec, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"));
        let site = Self { stage, program, directory, files: Cell::new(0) };
        let labels = json!({ "node-role.kubernetes.io/control-plane": "true" });
        for node in 0..NODES {
            let path = format!("/api/v1/nodes/{}", site.name(node));
            let patch = json!({ "metadata": { "labels": labels } });
            site.request(Method::PATCH, &path, &patch);
        }
        site
    }

    fn name(&self, node: usize) -> &str {
        self.stage.world().node(node).name()
    }

    pub(crate) fn request(&self, method: Method, path: &str, object: &Value) {
        let done = self.stage.request(0, (method, path), Some(object));
        done.unwrap_or_else(|error| panic!("{error}"));
    }

    pub(crate) fn delete(&self, path: &str) {
        let path = format!("{path}?gracePeriodSeconds=0");
        let done = self.stage.request(0, (Method::DELETE, &path), None);
        done.unwrap_or_else(|error| panic!("{error}"));
    }

    /// A pool of MetalLB with these addresses, and what MetalLB's installation makes for it.
    pub(crate) fn pool_of_metallb(&self, addresses: &str) {
        let kinds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let schema = json!({
            "type": "object",
            "properties": { "spec": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            } },
        });
        let kind = json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": "ipaddresspools.metallb.io" },
            "spec": {
                "group": "metallb.io",
                "scope": "Namespaced",
                "names": { "plural": "ipaddresspools", "kind": "IPAddressPool" },
                "versions": [{
                    "name": "v1beta1", "served": true, "storage": true,
                    "schema": { "openAPIV3Schema": schema },
                }],
            },
        });
        self.request(Method::POST, kinds, &kind);
        let pool = json!({
            "apiVersion": "metallb.io/v1beta1",
            "kind": "IPAddressPool",
            "metadata": { "name": "taken", "namespace": "kube-system" },
            "spec": { "addresses": [addresses] },
        });
        let pools = "/apis/metallb.io/v1beta1/namespaces/kube-system/ipaddresspools";
        let made = || self.stage.request(0, (Method::POST, pools), Some(&pool)).is_ok();
        self.stage
            .wait("the kind is served", SETTLED, made)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Starts a daemon on each node, and makes the pods that kubelets would show for them.
    pub(crate) fn deploy(&mut self) {
        self.stage.start_all().unwrap_or_else(|error| panic!("{error}"));
        for node in 0..NODES {
            self.make_pod(node, "kube-vip", "kube-vip:test");
        }
        self.settle();
    }

    /// Waits until all is well.
    pub(crate) fn settle(&self) {
        let began = Instant::now();
        while self.verify(From::Node(0), &[]).code != 0 {
            if began.elapsed() > SETTLED {
                let logs = fs::read_to_string(self.stage.log(0)).unwrap_or_default();
                panic!("not well: {:?}\n{logs}", self.verify(From::Node(0), &[]));
            }
            sleep(Duration::from_millis(500));
        }
    }

    /// One more pod on a node.
    pub(crate) fn pod(&self, node: usize, image: &str) {
        self.make_pod(node, "kube-vip-again", image);
    }

    fn make_pod(&self, node: usize, name: &str, image: &str) {
        let all = "/api/v1/namespaces/kube-system/pods";
        let name = format!("{name}-{}", self.name(node));
        let env = [("address", VIP.to_string()), ("vip_leasename", LEASE.to_owned())];
        let env = env.map(|(name, value)| json!({ "name": name, "value": value }));
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": "kube-system",
                // Nobody adds a service account to what a kubelet shows of a static pod.
                "annotations": { "kubernetes.io/config.mirror": "0" },
            },
            "spec": {
                "nodeName": self.name(node),
                "hostNetwork": true,
                "containers": [
                    { "name": "kube-vip", "image": image, "args": ["manager"], "env": env },
                ],
            },
        });
        self.request(Method::POST, all, &pod);
        let status = json!({ "status": {
            "phase": "Running",
            "conditions": [{ "type": "Ready", "status": "True" }],
        } });
        self.request(Method::PATCH, &format!("{all}/{name}/status"), &status);
    }

    /// Kills all daemons, and waits until their terms are over.
    pub(crate) fn kill_daemons(&self) {
        for node in 0..NODES {
            self.stage.daemon(node).expect("it runs").kill().expect("it runs");
        }
        sleep(self.stage.spec().lease_duration() * 2 + Duration::from_secs(2));
    }

    /// A file below the site's directory.
    fn file(&self, ending: &str) -> PathBuf {
        self.files.set(self.files.get() + 1);
        self.directory.path().join(format!("{}.{ending}", self.files.get()))
    }

    fn keep(&self, kubeconfig: &Kubeconfig) -> String {
        let path = self.file("kubeconfig");
        kubeconfig.write(&path).expect("a file");
        path.to_str().expect("a plain name").to_owned()
    }

    /// An administrator's kubeconfig for that URL.
    pub(crate) fn kubeconfig_for(&self, url: &str) -> String {
        self.keep(&self.stage.pki().admin_kubeconfig(url).expect("a kubeconfig"))
    }

    /// The kubeconfig of somebody who may do nothing.
    pub(crate) fn kubeconfig_without_rights(&self) -> String {
        let url = format!("https://127.0.0.1:{PORT}");
        let made = self.stage.pki().kubeconfig(&url, &User::without_rights());
        self.keep(&made.expect("a kubeconfig"))
    }

    /// The manifest that is handed to users, with the first node's kubeconfig.
    pub(crate) fn manifest(&self) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/static-pod.yaml");
        let text = fs::read_to_string(path).expect("the manifest");
        let kubeconfig = self.stage.control_plane().kubeconfig(0);
        let text = text.replace("/etc/rancher/k3s/k3s.yaml", &kubeconfig.to_string_lossy());
        let path = self.file("yaml");
        fs::write(&path, text).expect("a file");
        path.to_str().expect("a plain name").to_owned()
    }

    pub(crate) fn preflight(&self, from: From, arguments: &[&str]) -> Said {
        self.run(from, &[&["preflight"], arguments].concat(), &[])
    }

    /// With other settings than the stage's.
    pub(crate) fn preflight_with(&self, from: From, settings: &[(&str, &str)]) -> Said {
        self.run(from, &["preflight"], settings)
    }

    pub(crate) fn verify(&self, from: From, arguments: &[&str]) -> Said {
        self.run(from, &[&["verify"], arguments].concat(), &[])
    }

    fn run(&self, from: From, arguments: &[&str], settings: &[(&str, &str)]) -> Said {
        let world = self.stage.world();
        let host: &Host = match from {
            From::Node(node) | From::Unprivileged(node) => world.node(node),
            From::Client => world.client(),
        };
        let mut command = match from {
            From::Unprivileged(_) => {
                let mut command = Command::new("setpriv");
                command.args(["--bounding-set", "-net_admin,-net_raw"]).arg(&self.program);
                command
            }
            From::Node(_) | From::Client => Command::new(&self.program),
        };
        let (out, err) = (self.file("json"), self.file("err"));
        let kubeconfig = match from {
            From::Node(node) | From::Unprivileged(node) => {
                self.stage.control_plane().kubeconfig(node).to_string_lossy().into_owned()
            }
            From::Client => {
                let address = world.node(1).address().expect("a node has one");
                self.kubeconfig_for(&format!("https://{address}:{PORT}"))
            }
        };
        command
            .args(arguments)
            .args(["-o", "json"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs([("vip_arp", "true"), ("cp_enable", "true"), ("vip_leaderelection", "true")])
            .envs([("vip_interface", host.interface()), ("vip_leasename", LEASE)])
            .env("address", VIP.to_string())
            .env("KUBECONFIG", kubeconfig)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(File::create(&out).expect("a file"))
            .stderr(File::create(&err).expect("a file"));
        let mut process = host.spawn(command).unwrap_or_else(|error| panic!("{error}"));
        let ended = process.wait(PATIENCE).unwrap_or_else(|error| panic!("{error}"));
        let code = ended.unwrap_or_else(|| panic!("{arguments:?} has not ended")).code();
        let (text, errors) = (fs::read_to_string(&out), fs::read_to_string(&err));
        let errors = errors.expect("a file");
        let document = serde_json::from_str(&text.expect("a file"));
        let document = document.unwrap_or_else(|_| panic!("{arguments:?} says no JSON: {errors}"));
        Said { code: code.expect("an exit code"), errors, document }
    }
}

impl Said {
    fn rows(&self) -> &[Value] {
        self.document["rows"].as_array().expect("rows")
    }

    /// The exit code, and the rows that failed: all of them, each named once.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, failed: &[&str]) {
        let mut found: Vec<_> = self
            .rows()
            .iter()
            .filter(|row| row["result"] == "failed")
            .filter_map(|row| row["check"].as_str())
            .collect();
        found.sort_unstable();
        found.dedup();
        let mut wanted = failed.to_vec();
        wanted.sort_unstable();
        assert_eq!((self.code, found), (code, wanted), "{self:#?}");
        assert_eq!(self.errors, "");
        for row in self.rows() {
            let remedy = row["remedy"].as_str().unwrap_or_default();
            let needs = row["result"] == "failed" || row["result"] == "unknown";
            assert!(!needs || !remedy.is_empty(), "a remedy for {row}");
        }
    }

    /// The worst result of the rows of that check.
    #[track_caller]
    pub(crate) fn is(&self, check: &str, result: &str) {
        let order = ["skipped", "ok", "warning", "unknown", "failed"];
        let results = self.rows().iter().filter(|row| row["check"] == check);
        let worst = results
            .filter_map(|row| order.iter().position(|known| row["result"] == *known))
            .max()
            .unwrap_or_else(|| panic!("no row {check}: {self:#?}"));
        assert_eq!(order[worst], result, "{check}: {self:#?}");
    }

    /// What the rows of that check say.
    pub(crate) fn evidence(&self, check: &str) -> String {
        let rows = self.rows().iter().filter(|row| row["check"] == check);
        rows.filter_map(|row| row["evidence"].as_str()).collect::<Vec<_>>().join("\n")
    }

    /// What the row of that check says about somebody.
    pub(crate) fn evidence_of(&self, check: &str, subject: &str) -> &str {
        let is = |row: &&Value| row["check"] == check && row["subject"] == subject;
        let row = self.rows().iter().find(is);
        row.and_then(|row| row["evidence"].as_str()).unwrap_or_default()
    }
}

/// A certificate for these names, in PEM.
pub(crate) fn certificate(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    rcgen::generate_simple_self_signed(names).expect("a certificate").cert.pem()
}

/// The Lease of an election beside the stage's, just renewed.
pub(crate) fn other_election() -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": "kube-vip-cp", "namespace": "kube-system" },
        "spec": {
            "holderIdentity": "node-2",
            "leaseDurationSeconds": 15,
            "renewTime": format!("{:.6}", Timestamp::now()),
        },
    })
}
