//! The binary `kube-vip-lab`: parse, dispatch, exit code.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kube_vip_lab::interrupt::Interrupt;
use kube_vip_lab::{bench, demo, replay, sim, sys};

/// A laboratory for kube-vip: nodes against each other, on real kernels and simulated
#[derive(Debug, Parser)]
#[command(name = "kube-vip-lab", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str =
    "Exit codes: 0 every guarantee was kept (replay: the same came out); 1 not; 2 it could not run";

#[derive(Debug, Subcommand)]
enum Command {
    /// Three nodes and a client on this machine; the holder is lost in four ways
    ///
    /// Needs root, or a kernel that allows user namespaces; nothing outside them is touched, and
    /// nothing is left behind.
    Demo(demo::Args),
    /// Clusters in virtual time: one seed as a timeline, or many as a summary
    Sim(sim::Args),
    /// A daemon's black box, run through the same core: a timeline, and whether the same comes out
    Replay(replay::Args),
    /// Each fault many times, one daemon beside another; figures as Markdown
    Bench(bench::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // With stderr gone there is nobody to tell.
            let _ = writeln!(io::stderr(), "kube-vip-lab: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<bool, Box<dyn Error>> {
    Ok(match command {
        Command::Demo(args) => demo::cli(&args, &prepare()?)?,
        Command::Sim(args) => sim::cli(args, &mut io::stdout())?,
        Command::Replay(args) => replay::cli(&args, &mut io::stdout().lock())?,
        Command::Bench(args) => bench::cli(&args, &prepare()?)?,
    })
}

/// What the kernel world needs, while there is only one thread: the kernel gives a process with
/// several no user namespace.
fn prepare() -> Result<Interrupt, Box<dyn Error>> {
    sys::user::become_root()?;
    Ok(Interrupt::listen()?)
}
