//! The site under test: what is done on it, waited for and checked, told as it goes.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kube_vip_lab::cluster::assets::Assets;
use kube_vip_lab::operations::caller::Caller;
use kube_vip_lab::operations::standin::Restart;
use kube_vip_lab::operations::{Operations, OperationsError, Ran};
use kube_vip_lab::pki::Distribution;

#[path = "../support/given.rs"]
mod given;

pub(crate) use given::given;

/// As in the document.
pub(crate) const NODES: usize = 3;

/// Whatever is waited for comes within this time, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command takes so long at most.
const PLAY: Duration = Duration::from_secs(400);

/// Where the workstation's user works.
const WORK: &str = "/var/lib/site";

/// What a playbook did, by its last lines.
pub(crate) struct Recap {
    pub(crate) text: String,
    /// How many tasks changed something, on all hosts together.
    pub(crate) changed: u32,
}

impl Recap {
    fn of(text: String) -> Self {
        let number = |word: &str| word.strip_prefix("changed=")?.parse::<u32>().ok();
        let (_, recap) = text.rsplit_once("PLAY RECAP").unwrap_or_default();
        let changed = recap.split_whitespace().filter_map(number).sum();
        assert!(recap.contains("changed="), "no recap:\n{text}");
        Self { text, changed }
    }
}

/// A site needs the whole machine.
pub(crate) fn exclusively() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A site under test. Dropped in a panic, it tells the ends of all logs.
pub(crate) struct Site {
    name: &'static str,
    began: Instant,
    pub(crate) folder: std::path::PathBuf,
    pub(crate) operations: Operations,
}

impl Drop for Site {
    fn drop(&mut self) {
        if thread::panicking() {
            self.say(&self.operations.cluster().report());
        }
    }
}

impl Site {
    /// Makes three hosts for k3s. Nothing runs on them but sshd.
    pub(crate) fn begin(name: &'static str) -> Self {
        Self::of(name, NODES, Distribution::K3s)
    }

    /// The same for either distribution.
    pub(crate) fn of(name: &'static str, nodes: usize, distribution: Distribution) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("operations").join(name);
        let began = Instant::now();
        let operations = done(Operations::build(nodes, distribution, &folder, Assets::find()));
        let work = operations.workstation().1.outside(WORK);
        std::fs::create_dir_all(work).expect("a directory to work in");
        let site = Self { name, began, folder, operations };
        // The harness has begun a line with the test's name.
        let _ = writeln!(io::stderr());
        site.say(&format!("{nodes} nodes; their files are below {}", site.folder.display()));
        site
    }

    /// Tells at once, also where the tests' output is caught.
    pub(crate) fn say(&self, text: &str) {
        let at = self.began.elapsed().as_secs_f64();
        // With stderr gone there is nobody to tell.
        let _ = writeln!(io::stderr(), "{:>8} {at:>7.2} s  {text}", self.name);
    }

    /// Writes an inventory of this site's hosts beside the variables of the sample inventory, and
    /// links the playbooks: both are found in the working directory, as in the document.
    pub(crate) fn give_playbooks(&mut self) {
        let mut nodes = String::new();
        for node in 0..self.operations.cluster().size() {
            let machine = self.operations.cluster().machine(node);
            nodes +=
                &format!("        {}: {{ansible_host: {}}}\n", machine.name(), machine.address());
        }
        let text = format!(
            "all:\n\
             \x20 vars:\n\
             \x20   ansible_user: root\n\
             \x20   kube_vip_image: {}\n\
             \x20   kube_vip_image_archive: {}\n\
             \x20   migration_hosts_file: /etc/hosts\n\
             \x20   migration_front_stop_command: [systemctl, stop, haproxy]\n\
             \x20   calico_wait_seconds: 0\n\
             \x20 children:\n\
             \x20   tp_cluster_controlplane:\n\
             \x20     hosts:\n{nodes}\
             \x20   k8s_api_front:\n\
             \x20     hosts:\n\
             \x20       front:\n\
             \x20   k8s_api_clients:\n\
             \x20     hosts:\n\
             \x20       localhost: {{ansible_connection: local}}\n",
            given("KUBE_VIP_IMAGE_NAME"),
            given("KUBE_VIP_IMAGE"),
        );
        let (_, layout) = self.operations.workstation();
        let written = layout.write(&format!("{WORK}/ansible/inventory/hosts.yml"), &text);
        written.expect("the inventory");
        let playbooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ansible");
        let playbooks = playbooks.canonicalize().expect("the playbooks");
        self.must(&format!(
            "cp -r {0}/inventory/group_vars ansible/inventory; ln -s {0}/*.yml {0}/roles ansible",
            playbooks.display()
        ));
    }

    /// Runs a playbook as the document writes it, with these arguments; it must succeed.
    pub(crate) fn play(&mut self, arguments: &str) -> Recap {
        self.follow(&format!("ansible-playbook -i ansible/inventory/hosts.yml ansible/{arguments}"))
    }

    /// Runs a command that runs a playbook; it must succeed.
    pub(crate) fn follow(&mut self, command: &str) -> Recap {
        Recap::of(self.must(command))
    }

    /// Runs a playbook that must refuse to go on, and what it says.
    pub(crate) fn refuses(&mut self, arguments: &str) -> String {
        self.refused(&format!(
            "ansible-playbook -i ansible/inventory/hosts.yml ansible/{arguments}"
        ))
    }

    /// Starts k3s, as far as there is one here, or what kubeadm starts, on all nodes.
    pub(crate) fn start_cluster(&mut self) {
        done(self.operations.start_cluster(PATIENCE));
        self.say("the cluster runs on all nodes");
    }

    /// Starts HAProxy on the front.
    pub(crate) fn start_front(&mut self) {
        done(self.operations.start_front());
        self.comes("the front answers", "kubectl get --raw=/readyz");
    }

    /// Begins to ask the API server of that name or address, every 50 ms.
    pub(crate) fn call(&self, server: &str) -> Caller {
        self.say(&format!("a client begins to ask {server} every 50 ms"));
        done(self.operations.call(server))
    }

    /// Ends a caller, of whose requests none may have failed.
    pub(crate) fn hang_up(&self, caller: Caller) {
        let name = caller.name.clone();
        let tally = caller.stop();
        self.say(&format!(
            "the client of {name}: {} requests, {} repeated after a reset, {} failed; the slowest \
             took {:.0?}",
            tally.requests,
            tally.resets,
            tally.failures.len(),
            tally.slowest
        ));
        assert!(tally.requests > 0, "{name} was never asked");
        assert_eq!(tally.failures, [], "requests through {name} failed");
    }

    /// The restarts of k3s so far.
    pub(crate) fn restarts(&self) -> &[Restart] {
        self.operations.restarts()
    }

    /// Waits, and meanwhile does what the stand-ins are asked for.
    pub(crate) fn wait(&mut self, span: Duration) {
        done(self.operations.wait(span));
    }

    /// Runs a command on the workstation, and says what came of it.
    pub(crate) fn run(&mut self, script: &str) -> Ran {
        let ran = done(self.operations.run(&format!("cd {WORK}; {script}"), PLAY));
        self.say(&format!("$ {script}  ({:.1} s, {})", ran.took.as_secs_f64(), ran.status));
        ran
    }

    /// What a command on the workstation says, which must succeed.
    pub(crate) fn must(&mut self, script: &str) -> String {
        let ran = self.run(script);
        assert!(ran.status.success(), "{script}: {}\n{}", ran.status, ran.said);
        ran.said
    }

    /// What a command on the workstation says, which must fail.
    pub(crate) fn refused(&mut self, script: &str) -> String {
        let ran = self.run(script);
        assert!(!ran.status.success(), "{script} was to be refused:\n{}", ran.said);
        ran.said
    }

    /// Runs a command on the workstation until it succeeds.
    pub(crate) fn comes(&mut self, what: &str, script: &str) -> String {
        let began = Instant::now();
        loop {
            let ran = done(self.operations.run(&format!("cd {WORK}; {script}"), PLAY));
            let took = began.elapsed();
            if ran.status.success() {
                self.say(&format!("{what} (after {:.1} s): {script}", took.as_secs_f64()));
                return ran.said;
            }
            assert!(took < PATIENCE, "not within {PATIENCE:?}: {what}\n{script}\n{}", ran.said);
            self.wait(Duration::from_millis(300));
        }
    }

    /// Ends the callers and the site, and removes its files.
    pub(crate) fn end(self, callers: Vec<Caller>) {
        for caller in callers {
            self.hang_up(caller);
        }
        let folder = self.folder.clone();
        drop(self);
        std::fs::remove_dir_all(folder).expect("nothing holds the files");
    }
}

fn done<T>(result: Result<T, OperationsError>) -> T {
    result.unwrap_or_else(|error| {
        let first: &dyn std::error::Error = &error;
        let causes = std::iter::successors(first.source(), |&error| error.source());
        let causes: String = causes.map(|cause| format!(": {cause}")).collect();
        panic!("{error}{causes}")
    })
}
