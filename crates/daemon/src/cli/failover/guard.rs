//! A process that puts things back when the test cannot: killed, out of memory, or by a fault of
//! its own. It waits at a pipe whose other end only the test has, in a process group of its own, so
//! that no key on the terminal reaches it.

use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode, Stdio};

use clap::{Arg, ArgMatches};

use super::act::{Cordoned, Sure};
use super::record::PutBack;
use crate::cli::cluster::Cluster;
use crate::cli::place::Place;
use crate::cli::report::Console;
use crate::cli::{Task, runtime};
use crate::settings::Inputs;

/// The command that only a test starts.
pub(in crate::cli) const NAME: &str = "failover-guard";
const NODE: &str = "node";
const MARK: &str = "mark";

/// What the test says when nothing is left to be put back.
const DONE: &[u8] = b"done";

/// The test's end.
#[derive(Debug)]
pub(super) struct Guard(Child);

impl Guard {
    /// Starts one for that Node.
    ///
    /// # Errors
    /// If no process can be started.
    pub(super) fn start(place: &Place, cordoned: &Cordoned) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(NAME).arg("--node").arg(&cordoned.node).arg("--mark").arg(&cordoned.mark);
        if let Some(kubeconfig) = &place.kubeconfig {
            command.arg("--kubeconfig").arg(kubeconfig);
        }
        let credentials = &place.election.credentials;
        if let Some(file) = &credentials.k8s_config_file {
            command.env("k8s_config_file", file);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
        command.spawn().map(Self)
    }

    /// Nothing is left for it to do.
    pub(super) fn dismiss(mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            // It may be gone already, which is as good.
            drop(pipe.write_all(DONE));
        }
        drop(self.0.wait());
    }
}

/// The command line of the process itself.
pub(in crate::cli) fn command() -> clap::Command {
    let flag = |name: &'static str| Arg::new(name).long(name).num_args(1).required(true);
    let command = clap::Command::new(NAME).hide(true).arg(flag(NODE)).arg(flag(MARK));
    Place::flags(command.about("Put back what a fail-over test that died left cordoned"))
}

/// The process's task.
pub(in crate::cli) fn read(matches: &ArgMatches, inputs: Inputs) -> Result<Box<dyn Task>, String> {
    let text = |name| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let cordoned = Cordoned { node: text(NODE), mark: text(MARK) };
    Ok(Box::new(Watch { cordoned, place: Place::read(matches, inputs)? }))
}

/// Waits, and puts back.
#[derive(Debug)]
struct Watch {
    cordoned: Cordoned,
    place: Place,
}

impl Task for Watch {
    fn run(&self, console: &mut Console<'_>) -> ExitCode {
        let mut said = Vec::new();
        // However the pipe ends, the test has ended.
        drop(io::stdin().read_to_end(&mut said));
        if said == DONE {
            return ExitCode::SUCCESS;
        }
        let put_back = match runtime() {
            Err(text) => PutBack::Failed(text),
            Ok(runtime) => runtime.block_on(async {
                self.cordoned.put_back(&Cluster::new(&self.place), Sure::No).await
            }),
        };
        let (code, text) = match put_back {
            PutBack::Nothing => return ExitCode::SUCCESS,
            PutBack::Done(text) => (ExitCode::SUCCESS, text),
            PutBack::Failed(text) => (ExitCode::FAILURE, text),
        };
        // Nobody may be left who reads it.
        drop(writeln!(console.err, "the fail-over test has died: {text}"));
        code
    }
}
