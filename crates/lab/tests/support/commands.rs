//! A stage of three daemons, and the program's commands on its nodes: what they write, and with
//! which code they end.

use std::fs::{self, File};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kube_vip_lab::net::nft::Table;
use kube_vip_lab::net::{Host, Process};
use kube_vip_lab::stage::{ControlPlaneKind, Reach, Stage, StageSpec, VIP};
use kube_vip_lab::sys::terminal::Terminal;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

#[path = "program.rs"]
mod program;

pub(crate) use program::program;

/// What takes longer than this does not happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Three daemons of which one answers, and which.
pub(crate) fn stage() -> (Stage, usize, TempDir) {
    stage_with(ControlPlaneKind::Embedded)
}

/// The same with a real control plane.
pub(crate) fn real_stage() -> (Stage, usize, TempDir) {
    stage_with(ControlPlaneKind::Real)
}

/// The same as the first, with these addresses, of both families.
pub(crate) fn stage_of_both_families(addresses: Vec<IpAddr>) -> (Stage, usize, TempDir) {
    staged(|spec| StageSpec { addresses, reach: Reach::DualStack, ..spec })
}

fn stage_with(control_plane: ControlPlaneKind) -> (Stage, usize, TempDir) {
    staged(|spec| StageSpec { control_plane, ..spec })
}

fn staged(change: impl FnOnce(StageSpec) -> StageSpec) -> (Stage, usize, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let spec = change(StageSpec::of(&program(), directory.path()));
    let stage = Stage::build(spec, &mut |_| {});
    let mut stage = stage.expect("a stage; it needs root, and `cargo xtask assets` if it is real");
    let owner = stage.start_all().expect("one node answers");
    (stage, owner, directory)
}

/// Tells every daemon to end, and waits until all have.
pub(crate) fn end_all(stage: &Stage) {
    let nodes = 0..stage.spec().nodes;
    for node in nodes.clone() {
        stage.daemon(node).expect("it runs").terminate().expect("it lives");
    }
    nodes.for_each(|node| gone(stage, node));
}

/// Leaves on a host what an original leaves after its SIGKILL: the address for ever, and the table
/// of its egress.
pub(crate) fn leave_as_the_original(host: &Host) {
    host.rtnl().add_address(host.interface(), VIP, 32).expect("it is free");
    // `NFPROTO_IPV4`.
    let table = Table { family: 2, name: "kube_vip_v4".to_owned() };
    host.add_table(&table).expect("a table");
}

/// What came of a command.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// What it wrote to stdout, as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A command that runs.
pub(crate) struct Started {
    process: Process,
    files: [PathBuf; 2],
}

impl Started {
    /// Waits until it has written this to stdout.
    pub(crate) fn until(&self, stage: &Stage, text: &str) {
        let said = || fs::read_to_string(&self.files[0]).is_ok_and(|all| all.contains(text));
        let waited = stage.wait(&format!("{text:?} is written"), PATIENCE, said);
        let all = || fs::read_to_string(&self.files[0]).unwrap_or_default();
        waited.unwrap_or_else(|error| panic!("{error}\n{}", all()));
    }

    /// SIGINT, as from Ctrl-C, and how it ends.
    pub(crate) fn interrupt(self) -> Run {
        let pid = Pid::from_raw(self.process.pid().cast_signed()).expect("a process has a number");
        kill_process(pid, Signal::INT).expect("it runs");
        self.end()
    }

    /// How it ends.
    pub(crate) fn end(mut self) -> Run {
        let ended = self.process.wait(PATIENCE).expect("the kernel says");
        let status = ended.unwrap_or_else(|| panic!("it did not end: {:?}", self.files));
        let read = |file: &PathBuf| fs::read_to_string(file).expect("text");
        let [out, err] = &self.files;
        Run { code: status.code().unwrap_or(-1), out: read(out), err: read(err) }
    }
}

/// A command that a person has started.
pub(crate) struct Seated {
    process: Process,
    terminal: Terminal,
}

impl Seated {
    /// Waits until this is shown since the screen was last drawn anew, whatever space is in it.
    pub(crate) fn until(&mut self, stage: &Stage, text: &str) {
        let mut shown = String::new();
        let waited = stage.wait(&format!("{text:?} is shown"), PATIENCE, || {
            shown = self.terminal.shown();
            let screen = shown.rsplit(HOME).next().unwrap_or_default();
            screen.split_whitespace().collect::<Vec<_>>().join(" ").contains(text)
        });
        waited.unwrap_or_else(|error| panic!("{error}\n{shown}"));
    }

    /// Types, and waits how it ends: with which code, and all that was shown.
    pub(crate) fn press(mut self, keys: &str) -> (Option<i32>, String) {
        self.terminal.press(keys).expect("somebody reads");
        let ended = self.process.wait(PATIENCE).expect("the kernel says");
        let shown = self.terminal.shown();
        let status = ended.unwrap_or_else(|| panic!("it did not end\n{shown}"));
        (status.code(), shown)
    }
}

/// What begins a screen that is drawn anew (ECMA-48: home, and all below erased).
const HOME: &str = "\u{1b}[H\u{1b}[J";

/// Starts the program at a terminal of that host, with this environment and no other.
pub(crate) fn seat(
    stage: &Stage,
    host: &Host,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Seated {
    let mut terminal = Terminal::open().expect("a terminal");
    let mut command = terminal.seat(&stage.spec().program, arguments).expect("it is free");
    command.env_clear().env("TERM", "xterm").envs(environment.iter().copied());
    Seated { process: host.spawn(command).expect("it can be started"), terminal }
}

/// Starts the program on a node with these arguments, and the environment that its daemon has as
/// far as commands look at it.
pub(crate) fn start(stage: &Stage, node: usize, arguments: &[&str]) -> Started {
    let mut command = Command::new(&stage.spec().program);
    command.args(arguments);
    start_command(stage, node, command, &[])
}

/// The same with any command, and with more in its environment.
pub(crate) fn start_command(
    stage: &Stage,
    node: usize,
    mut command: Command,
    environment: &[(&str, &str)],
) -> Started {
    let host = stage.world().node(node);
    command
        .env_clear()
        .env("address", VIP.to_string())
        .env("vip_nodename", host.name())
        .env("KUBECONFIG", stage.control_plane().kubeconfig(node))
        .envs(environment.iter().copied());
    start_on(stage, host, command)
}

/// Starts any command on any host, with the environment that it has.
pub(crate) fn start_on(stage: &Stage, host: &Host, mut command: Command) -> Started {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let directory: &Path = &stage.spec().directory;
    let files = ["out", "err"].map(|name| directory.join(format!("command-{number}.{name}")));
    let create = |file: &PathBuf| File::create(file).expect("the directory is there");
    command.stdin(Stdio::null()).stdout(create(&files[0])).stderr(create(&files[1]));
    Started { process: host.spawn(command).expect("it can be started"), files }
}

/// Runs the program on a node with these arguments.
pub(crate) fn run(stage: &Stage, node: usize, arguments: &[&str]) -> Run {
    start(stage, node, arguments).end()
}

/// Waits until the daemon of a node has ended.
pub(crate) fn gone(stage: &Stage, node: usize) {
    let pid = stage.daemon(node).expect("it was started").process().pid();
    // Until somebody has waited for it, it is there; and has nothing open any more (proc(5)) when
    // its first thread is the last one and has ended.
    let place = PathBuf::from(format!("/proc/{pid}"));
    let ended = || {
        let threads = fs::read_dir(place.join("task")).map_or(0, Iterator::count);
        let stat = fs::read_to_string(place.join("stat"));
        threads <= 1 && stat.map_or(true, |text| text.contains(") Z "))
    };
    stage.wait("the daemon has ended", PATIENCE, ended).expect("it was told to");
}
