//! A cluster under test: what is done to it, waited for and checked, told as it goes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use kube_vip_lab::client::{Client, ClientReport, ClientSpec};
use kube_vip_lab::cluster::assets::Assets;
use kube_vip_lab::cluster::containerd::Image;
use kube_vip_lab::cluster::pods::Container;
use kube_vip_lab::cluster::{Cluster, ClusterSpec, Kubeconfigs, Who};
use kube_vip_lab::oracle::{Bounds, Guarantee, judge};
use kube_vip_lab::pki::Distribution;
use kube_vip_lab::recorder::{Recorder, RecorderSpec};
use kube_vip_lab::report;
use kube_vip_lab::stage::{LEASE, PORT, VIP};
use kube_vip_lab::timeline::{Fault, Timeline, What};
use serde_json::Value;

#[path = "../support/given.rs"]
mod given;
#[path = "../support/program.rs"]
mod program;

use given::given;
use program::program;

/// As in the document.
pub(crate) const NODES: usize = 3;

/// The lease duration by default, which the document's manifest does not change.
pub(crate) const LEASE_DURATION: Duration = Duration::from_secs(15);

/// Whatever is waited for comes within this time, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

const MIRRORS: &str = "/api/v1/namespaces/kube-system/pods";

/// A cluster needs the whole machine.
pub(crate) fn exclusively() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The manifest that is handed to users.
pub(crate) fn manifest() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/static-pod.yaml");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The image under test, under the name that the manifest has for it.
pub(crate) fn image() -> Image {
    let manifest = manifest();
    let names: Vec<&str> =
        manifest.lines().filter_map(|line| line.trim().strip_prefix("image: ")).collect();
    let [known_as] = names.as_slice() else { panic!("one image, not {names:?}") };
    Image {
        tar: PathBuf::from(given("KUBE_VIP_IMAGE")),
        name: given("KUBE_VIP_IMAGE_NAME"),
        known_as: (*known_as).to_owned(),
    }
}

/// A cluster under test. Dropped in a panic, it tells the ends of all logs.
pub(crate) struct Trial {
    name: &'static str,
    began: Instant,
    folder: PathBuf,
    eyes: Option<(Recorder, Client)>,
    cluster: Cluster,
}

impl Drop for Trial {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let mut text = self.cluster.report();
        if let Some((recorder, client)) = self.eyes.take()
            && client.stop().is_ok()
            && let Ok(recording) = recorder.stop()
        {
            text += &recording.timeline.text(|what| !matches!(what, What::Announced { .. }));
        }
        self.say(&text);
    }
}

impl Trial {
    /// Makes the nodes and begins to record.
    pub(crate) fn begin(name: &'static str, distribution: Distribution) -> Self {
        Self::with(name, distribution, vec![image()])
    }

    /// The same with these images.
    pub(crate) fn with(name: &'static str, distribution: Distribution, images: Vec<Image>) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static-pod").join(name);
        let began = Instant::now();
        let spec = ClusterSpec {
            nodes: NODES,
            distribution,
            images,
            beside: Vec::new(),
            names: vec![VIP.to_string()],
            kubeconfigs: Kubeconfigs::AtOnce,
            folder: folder.clone(),
        };
        let cluster = Cluster::build(spec, Assets::find()).unwrap_or_else(|error| fail(&error));
        let recorder = Recorder::start(cluster.world(), &RecorderSpec::of(VIP));
        // The API servers write a line for each connection that says nothing.
        let client = ClientSpec {
            probe_period: Duration::from_millis(5),
            connect_period: Duration::from_millis(500),
            ..ClientSpec::of(SocketAddrV4::new(VIP, PORT))
        };
        let client = Client::start(cluster.world(), &client).expect("a client");
        let eyes = Some((recorder.expect("a recorder"), client));
        let trial = Self { name, began, folder, eyes, cluster };
        // The harness has begun a line with the test's name.
        let _ = writeln!(io::stderr());
        trial.say(&format!("{NODES} nodes; their files are below {}", trial.folder.display()));
        trial
    }

    /// Tells at once, also where the tests' output is caught.
    pub(crate) fn say(&self, text: &str) {
        let at = self.began.elapsed().as_secs_f64();
        // With stderr gone there is nobody to tell.
        let _ = writeln!(io::stderr(), "{:>8} {at:>7.2} s  {text}", self.name);
    }

    /// Waits until something is found.
    pub(crate) fn until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&Cluster) -> Option<T>,
    ) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look(&self.cluster) {
                let took = began.elapsed().as_secs_f64();
                self.say(&format!("{what} (after {took:.2} s)"));
                return found;
            }
            self.cluster.still_running().unwrap_or_else(|error| fail(&error));
            assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Starts kubelets, which find no API server, and puts the manifest into their directories:
    /// the pods start all the same.
    pub(crate) fn start_without_api_servers(&mut self, manifest: &str) {
        for node in 0..NODES {
            self.cluster().deploy(node, manifest).unwrap_or_else(|error| fail(&error));
            self.cluster().start_kubelet(node).unwrap_or_else(|error| fail(&error));
        }
        self.until("without any API server, each kubelet has started the pod", |cluster| {
            (0..NODES).all(|node| cluster.container(node).is_some()).then_some(())
        });
        self.daemons_wait("the daemons wait for an API server", "Connection refused");
        for node in 0..NODES {
            self.cluster.world().journal().note_now(What::Fault(Fault::Started(node)));
        }
    }

    /// Starts everything at once; without a manifest, no daemon.
    pub(crate) fn start(&mut self, manifest: Option<&str>) {
        self.start_api_servers();
        for node in 0..NODES {
            match manifest {
                Some(text) => self.cluster.deploy(node, text).unwrap_or_else(|error| fail(&error)),
                // Kubelets want the directory from their start.
                None => {
                    let empty = format!("{}/.empty", self.cluster.machine(node).manifests());
                    self.write(node, &empty, "");
                }
            }
            self.cluster.start_kubelet(node).unwrap_or_else(|error| fail(&error));
        }
    }

    /// Runs commands on a node as its administrator does; what they write to stdout.
    pub(crate) fn run(&mut self, node: usize, script: &str) -> String {
        let machine = self.cluster.machine(node);
        let name = machine.name().to_owned();
        let (out, err) = (self.folder.join("script.out"), self.folder.join("script.err"));
        let file = |path: &Path| fs::File::create(path).expect("a file");
        let mut command = Command::new("sh");
        command
            .args(["-euc", script])
            .env_clear()
            .env("PATH", programs())
            .env("KUBECONFIG", machine.kubeconfig())
            .env("address", VIP.to_string())
            .env("node", &name)
            .stdin(Stdio::null())
            .stdout(file(&out))
            .stderr(file(&err));
        self.say(&format!("── on {name}: {}", script.lines().next().unwrap_or_default()));
        let process = self.cluster.world().node(node).spawn(command);
        let ended = process.and_then(|mut process| process.wait(PATIENCE));
        let status = ended.unwrap_or_else(|error| fail(&error)).expect("it ends in time");
        let said = fs::read_to_string(out).expect("text");
        let err = fs::read_to_string(err).expect("text");
        assert!(status.success(), "{status} of\n{script}\n{said}\n{err}");
        said
    }

    /// Writes a file of a node's own.
    pub(crate) fn write(&self, node: usize, path: &str, text: &str) {
        self.cluster.machine(node).layout().write(path, text).expect("written");
    }

    /// Waits until those have the address.
    pub(crate) fn owner(&mut self, what: &str, fits: impl Fn(&[usize]) -> bool) {
        self.until(what, |cluster| fits(&owners(cluster)).then_some(()));
    }

    /// Waits until the daemons on these nodes give that reason for what they do.
    pub(crate) fn daemons_say(&mut self, what: &str, nodes: &[usize], reason: &str) {
        let says = |cluster: &Cluster, node: &usize| {
            status(cluster, *node).is_some_and(|status| status["reason"] == reason)
        };
        self.until(what, |cluster| nodes.iter().all(|node| says(cluster, node)).then_some(()));
    }

    /// Waits until the daemon on a node knows all others as candidates, each of which writes its
    /// Lease again ten seconds after it could not, and their API servers.
    pub(crate) fn knows_others(&mut self, node: usize) {
        self.until("the holder knows all others", |cluster| {
            let candidates = status(cluster, node)?["candidates"].as_array()?.len();
            let wrote = cluster.pods_wrote(node);
            let (_, servers) = wrote.rsplit_once(" these are asked servers=")?;
            let servers = servers.lines().next()?.split(',').count();
            (candidates == NODES - 1 && servers == NODES - 1).then_some(())
        });
    }

    pub(crate) fn name_of(&self, node: usize) -> String {
        self.cluster.machine(node).name().to_owned()
    }

    /// How many nftables tables a node has.
    pub(crate) fn tables(&self, node: usize) -> usize {
        self.cluster.world().node(node).tables().expect("the kernel's tables").len()
    }

    pub(crate) fn start_api_servers(&mut self) {
        self.say("starting etcd and kube-apiserver");
        let started = self.cluster.start_control_plane(PATIENCE, |_| {});
        started.unwrap_or_else(|error| fail(&error));
        self.say("all API servers are ready");
    }

    /// Waits until each daemon's `/status` tells of this error of the API server's; nobody holds.
    pub(crate) fn daemons_wait(&mut self, what: &str, error: &str) {
        self.until(what, |cluster| {
            let told = |node| status(cluster, node)?["api"]["error"].as_str().map(str::to_owned);
            (0..NODES).all(|node| told(node).is_some_and(|told| told.contains(error))).then_some(())
        });
        assert!(self.owners().is_empty(), "{what}, but one holds");
    }

    /// The nodes whose kernels have the address.
    fn owners(&self) -> Vec<usize> {
        owners(&self.cluster)
    }

    /// Waits until exactly one node has the address, a fitting one, and the Lease names it.
    pub(crate) fn holder(&mut self, what: &str, fits: impl Fn(usize) -> bool) -> usize {
        let names: Vec<String> =
            (0..NODES).map(|node| self.cluster.machine(node).name().to_owned()).collect();
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/{LEASE}");
        let holder = self.until(what, |cluster| {
            let [holder] = owners(cluster)[..] else { return None };
            let lease = json(cluster, holder, &path)?;
            let named = lease["spec"]["holderIdentity"] == names[holder];
            (fits(holder) && named).then_some(holder)
        });
        self.say(&format!("    {} holds, and so says the Lease", names[holder]));
        holder
    }

    /// Checks what a client and a neighbour see of the holder.
    pub(crate) fn check(&mut self, holder: usize, anonymous: u16) {
        assert_eq!(self.owners(), [holder], "exactly one node holds");
        for node in 0..NODES {
            match status(&self.cluster, node) {
                Some(status) => assert_eq!(status["holding"], node == holder, "{status:#}"),
                // One that was told to end may be gone.
                None => assert_ne!(node, holder, "the holder tells no status"),
            }
        }
        assert_eq!(self.answers_at_vip(Who::Administrator), (200, "ok".to_owned()));
        assert_eq!(self.answers_at_vip(Who::Nobody).0, anonymous, "without credentials");
        let world = self.cluster.world();
        let neighbour = world.client_neighbour(VIP).expect("a table").expect("an entry");
        assert_eq!(neighbour.mac, Some(world.node(holder).mac()), "the client's ARP entry");
        self.say(&format!(
            "    https://{VIP}:{PORT}/healthz answers the client: ok (with credentials), \
             {anonymous} (without); its ARP entry is the holder's {}",
            world.node(holder).mac(),
        ));
    }

    /// What `/healthz` answers through the address to the client's host.
    fn answers_at_vip(&self, who: Who) -> (u16, String) {
        let place = (self.cluster.world().client(), SocketAddr::from((VIP, PORT)));
        let answer = self.cluster.get(place, who, "/healthz");
        let answer = answer.unwrap_or_else(|error| panic!("no answer through {VIP}: {error}"));
        (answer.status.as_u16(), answer.body)
    }

    /// Waits until the mirror pods of all nodes are running.
    pub(crate) fn all_pods_run(&mut self) {
        self.pods_run("three mirror pods are Running and ready", |_| true);
        let resident = (0..NODES).map(|node| {
            let bytes = u32::try_from(self.container(node).resident).expect("less than 4 GiB");
            format!("{:.1} MiB", f64::from(bytes) / f64::from(1 << 20))
        });
        let resident: Vec<_> = resident.collect();
        self.say(&format!("    resident memory of the daemons: {}", resident.join(", ")));
    }

    /// Waits until the mirror pods that are there are those of these nodes, and all run.
    pub(crate) fn pods_run(&mut self, what: &str, wanted: impl Fn(usize) -> bool) {
        let wanted = (0..NODES).filter(|node| wanted(*node));
        let wanted: BTreeSet<String> =
            wanted.map(|node| self.cluster.machine(node).name().to_owned()).collect();
        self.until(what, |cluster| {
            let [holder] = owners(cluster)[..] else { return None };
            let list = json(cluster, holder, MIRRORS)?;
            let pods = list["items"].as_array()?;
            let nodes: Option<BTreeSet<String>> = pods.iter().map(runs_on).collect();
            (nodes? == wanted).then_some(())
        });
    }

    pub(crate) fn container(&self, node: usize) -> Container {
        self.cluster.container(node).expect("the daemon runs in its container")
    }

    pub(crate) fn deploy(&mut self, node: usize, manifest: &str) {
        self.cluster.deploy(node, manifest).unwrap_or_else(|error| fail(&error));
        let name = self.cluster.machine(node).name().to_owned();
        self.until(&format!("the manifest is back on {name}, and the daemon"), |cluster| {
            cluster.container(node)
        });
        self.cluster.world().journal().note_now(What::Fault(Fault::Started(node)));
    }

    /// Deletes the manifest on a node.
    pub(crate) fn withdraw(&mut self, node: usize) {
        self.say(&format!("── deleting the manifest on {}", self.cluster.machine(node).name()));
        self.cluster.withdraw(node).unwrap_or_else(|error| fail(&error));
    }

    /// Stops API server, etcd and kubelet on a node; with k3s, also containerd.
    pub(crate) fn stop_services(&mut self, node: usize) {
        let name = self.cluster.machine(node).name();
        self.say(&format!("── stopping the API server and kubelet on {name}; its pod lives on"));
        self.cluster.stop_services(node);
    }

    /// Starts them again, and waits until kubelet is at work.
    pub(crate) fn start_services(&mut self, node: usize) {
        let name = self.cluster.machine(node).name().to_owned();
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}");
        let renewed = |cluster: &Cluster, at: usize| {
            json(cluster, at, &path).map(|lease| lease["spec"]["renewTime"].to_string())
        };
        let [holder] = self.owners()[..] else { panic!("one holder, not {:?}", self.owners()) };
        let before = renewed(&self.cluster, holder);
        self.cluster.start_services(node).unwrap_or_else(|error| fail(&error));
        self.until(&format!("API server and kubelet work again on {name}"), |cluster| {
            renewed(cluster, node).filter(|after| Some(after) != before.as_ref())
        });
    }

    /// Gives kubeadm's administrators their rights.
    pub(crate) fn grant_administrators(&self) {
        self.cluster.grant_administrators().expect("they are given");
    }

    /// The cluster itself, for what only one test does.
    pub(crate) const fn cluster(&mut self) -> &mut Cluster {
        &mut self.cluster
    }

    /// Checks that the daemon's root file system is mounted read-only.
    pub(crate) fn root_is_read_only(&self, node: usize) {
        let path = format!("/proc/{}/mounts", self.container(node).pid);
        let mounts = fs::read_to_string(path).expect("the daemon's mounts");
        let root = mounts.lines().find(|line| line.split(' ').nth(1) == Some("/"));
        let options = root.and_then(|line| line.split(' ').nth(3)).expect("a root");
        assert!(options.split(',').any(|option| option == "ro"), "{mounts}");
    }

    /// Ends the recording: never did two nodes answer. Removes the files.
    pub(crate) fn end_without_two(mut self) {
        let (recorder, client) = self.eyes.take().expect("it ends once");
        let client = client.stop().expect("a client's report");
        let recording = recorder.stop().expect("a recording");
        self.say(&summary(&recording.timeline, &client));
        let both = report::time_with_two_owners(&recording.timeline);
        let text = recording.timeline.text(|what| !matches!(what, What::Announced { .. }));
        assert_eq!((both, recording.strangers), (Duration::ZERO, Vec::new()), "{text}");
        let folder = self.folder.clone();
        drop(self);
        fs::remove_dir_all(folder).expect("nothing holds the files");
    }

    /// Ends the recording and judges it, these guarantees among others; removes the files.
    pub(crate) fn end(mut self, occasions: &[Guarantee]) {
        let (recorder, client) = self.eyes.take().expect("it ends once");
        // The oracle wants to see that things stay as they are.
        thread::sleep(LEASE_DURATION + Duration::from_secs(3));
        let client = client.stop().expect("a client's report");
        let recording = recorder.stop().expect("a recording");
        self.say(&summary(&recording.timeline, &client));
        let resolution = RecorderSpec::of(VIP).period * 2;
        // Nothing was amiss before the first fault, and pauses between attempts are 2 s.
        let settled = Duration::from_secs(3);
        let bounds = Bounds { settled, ..Bounds::with_lifetimes(LEASE_DURATION, resolution) };
        let verdict = judge(&recording.timeline, &bounds);
        let text = recording.timeline.text(|what| !matches!(what, What::Announced { .. }));
        assert_eq!(verdict.violations, [], "{text}");
        assert_eq!(recording.strangers, [], "{text}");
        for guarantee in occasions {
            assert!(
                verdict.occasions.contains_key(guarantee),
                "no occasion for {guarantee}: {text}"
            );
        }
        let pids: Vec<u32> = (0..NODES).map(|node| self.container(node).pid).collect();
        let folder = self.folder.clone();
        drop(self);
        for pid in pids {
            assert!(!Path::new(&format!("/proc/{pid}")).exists(), "a daemon is left: {pid}");
        }
        fs::remove_dir_all(folder).expect("nothing holds the files");
    }
}

/// Where a node finds kubectl, this kube-vip, and what every system has.
fn programs() -> OsString {
    let asset = |name| Assets::find().program(name).unwrap_or_else(|error| fail(&error));
    let lab = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static-pod/programs/systemctl");
    fs::create_dir_all(lab.with_file_name("")).expect("a directory");
    fs::write(&lab, include_str!("systemctl.sh")).expect("written");
    fs::set_permissions(&lab, fs::Permissions::from_mode(0o755)).expect("a program");
    let places = [lab, asset("kubectl"), program()].map(|path| path.with_file_name(""));
    let system = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from);
    env::join_paths(places.into_iter().chain(system)).expect("no colon is in them")
}

pub(crate) fn fail(error: &dyn std::error::Error) -> ! {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    let causes: String = causes.map(|cause| format!(": {cause}")).collect();
    panic!("{error}{causes}")
}

fn owners(cluster: &Cluster) -> Vec<usize> {
    let has = |node: &usize| {
        let addresses = cluster.world().node(*node).rtnl().addresses();
        addresses.expect("the kernel's addresses").contains(&VIP.into())
    };
    (0..NODES).filter(has).collect()
}

/// What a node's API server has at a path; none: nothing yet.
pub(crate) fn json(cluster: &Cluster, node: usize, path: &str) -> Option<Value> {
    let answer = cluster.ask(node, path).ok()?;
    (answer.status == 200).then(|| serde_json::from_str(&answer.body).expect("JSON"))
}

/// What the daemon on a node says of itself; none: nothing.
fn status(cluster: &Cluster, node: usize) -> Option<Value> {
    let place = SocketAddr::from((Ipv4Addr::LOCALHOST, 2112));
    let limit = Duration::from_secs(2);
    let mut text = String::new();
    let connected = cluster.world().node(node).run(|| TcpStream::connect_timeout(&place, limit));
    let mut stream = connected.expect("the node's network").ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    stream.write_all(b"GET /status HTTP/1.1\r\nhost: localhost\r\n\r\n").ok()?;
    stream.read_to_string(&mut text).ok()?;
    serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()
}

/// The node of a mirror pod that is running and ready; none: it is something else.
fn runs_on(pod: &Value) -> Option<String> {
    let node = pod["spec"]["nodeName"].as_str()?;
    let metadata = &pod["metadata"];
    let mirror = metadata["annotations"]["kubernetes.io/config.mirror"].is_string();
    let ready = pod["status"]["containerStatuses"][0]["ready"] == true;
    let running = pod["status"]["phase"] == "Running" && metadata["deletionTimestamp"].is_null();
    let named = metadata["name"] == format!("kube-vip-{node}");
    (mirror && ready && running && named).then(|| node.to_owned())
}

/// The strip, and how long each move took.
fn summary(timeline: &Timeline, client: &ClientReport) -> String {
    let mut text = format!("the whole\n{}", report::strip(timeline, 100));
    for (index, entry) in timeline.entries.iter().enumerate() {
        let What::Fault(fault @ (Fault::Terminated(victim) | Fault::ApiKilled(victim))) =
            entry.what
        else {
            continue;
        };
        let later = &timeline.entries[index..];
        let when = |wanted: &dyn Fn(usize, bool) -> bool| {
            let found = later.iter().find(|entry| match entry.what {
                What::Answers { node, on } => wanted(node, on),
                _ => false,
            });
            found.map_or(f64::NAN, |found| found.at.as_secs_f64() - entry.at.as_secs_f64())
        };
        let silent = when(&|node, on| node == victim && !on);
        let taken = when(&|node, on| node != victim && on);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{}: {}; it is silent after {silent:.3} s, another node answers after {taken:.3} s",
            timeline.name(victim),
            fault.text(),
        );
    }
    let outages = client.service.probes.outages.iter().map(|outage| outage.length);
    let outages: Vec<String> = outages.map(report::human).collect();
    let both = report::human(report::time_with_two_owners(timeline));
    let connects = &client.service.connects;
    let _ = write!(
        text,
        "the client's outages: {}; of {} connects {} were made, {} refused (no API server there); \
         two nodes answered: {both}",
        outages.join(", "),
        connects.tried,
        connects.made,
        connects.refused,
    );
    text
}
