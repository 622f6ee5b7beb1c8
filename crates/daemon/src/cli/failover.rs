//! `kube-vip failover-test`: moves the address on purpose, measures what clients feel of it, and
//! puts everything back.
//!
//! Exit codes: 0 it moved, within the bound, and one node owned it throughout; 1 refused or failed,
//! or something could not be put back; 2 it moved, but the outage was longer than `--max-outage`,
//! or two nodes spoke for it; 3 nothing moved; 4 interrupted, and everything put back.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};

use self::judge::{Code, Limits, judge};
use self::prepare::Prepared;
use self::record::Record;
use super::moving::duration;
use super::place::{Place, text};
use super::question::agreed;
use super::report::{Console, Format};
use super::{Task, command, runtime};
use crate::settings::Inputs;

mod act;
pub(super) mod guard;
mod judge;
mod picture;
mod prepare;
mod probes;
mod record;
mod sights;
mod trial;
mod wire;

/// The command.
pub(super) const NAME: &str = "failover-test";

const HOW: &str = "how";
const YES: &str = "yes";
const MAX_OUTAGE: &str = "max-outage";
const BASELINE: &str = "baseline";
const SETTLE: &str = "settle";
const PERIOD: &str = "probe-every";
const OUT: &str = "out";

/// What is done to the holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum How {
    /// Its Node is cordoned.
    #[default]
    Cordon,
    /// And the Pods are evicted from it.
    Drain,
    /// It is asked to hand over.
    Move,
}

impl How {
    const fn word(self) -> &'static str {
        match self {
            Self::Cordon => "cordon",
            Self::Drain => "drain",
            Self::Move => "move",
        }
    }
}

/// What a command line asks for.
#[derive(Clone, Debug)]
pub(super) struct Order {
    place: Place,
    how: How,
    to: Option<String>,
    yes: bool,
    limits: Limits,
    /// How long it is looked before the act.
    baseline: Duration,
    /// How long it is looked after the move.
    settle: Duration,
    /// How often a connection is begun.
    period: Duration,
    out: Option<PathBuf>,
}

/// The command line.
pub(super) fn command() -> Command {
    let flag = |name: &'static str, value: &'static str| {
        Arg::new(name).long(name).value_name(value).num_args(1)
    };
    let time = |name, default: &'static str, help: &'static str| {
        flag(name, "TIME").default_value(default).help(help)
    };
    let command = Command::new(NAME)
        .about("Move the address on purpose, and measure what clients feel of it")
        .arg(
            flag(HOW, "WAY")
                .value_parser(["cordon", "drain", "move"])
                .default_value("cordon")
                .help("What is done to the holder"),
        )
        .arg(
            flag(command::TO, "NODE")
                .help("With --how move, who is to take over [default: a fit candidate]"),
        )
        .arg(
            Arg::new(YES)
                .long(YES)
                .short('y')
                .action(ArgAction::SetTrue)
                .help("Do not ask; needed where stdin is no terminal"),
        )
        .arg(time(MAX_OUTAGE, "1s", "The longest outage that passes"))
        .arg(time(command::TIMEOUT, "30s", "How long to wait for the move, and for evictions"))
        .arg(time(BASELINE, "2s", "How long to measure before"))
        .arg(time(SETTLE, "4s", "How long to measure after the move"))
        .arg(time(PERIOD, "1ms", "How often to begin a TCP connection"))
        .arg(flag(OUT, "FILE").help("Write the timeline there: FILE.svg or FILE.json"));
    Place::output(Place::flags(command)).after_help(
        "cordon: its Node is cordoned. drain: and its Pods are evicted, as kubectl drain \
         --ignore-daemonsets\n--delete-emptydir-data does. move: it is asked to hand over, as by \
         kube-vip move.\n\
         \n\
         The addresses are those of the setting address (--address), or else what the Pods of \
         kube-vip\nhave there. What was cordoned is uncordoned at the end, after a signal, and \
         also if this process is\nkilled.\n\
         \n\
         Exit codes: 0 moved, within the bound, one owner throughout; 1 refused or failed, or \
         something\ncould not be put back; 2 the outage was longer than --max-outage, or two nodes \
         spoke for the\naddress; 3 nothing moved; 4 interrupted, and everything put back",
    )
}

/// The task on the command line.
pub(super) fn read(matches: &ArgMatches, inputs: Inputs) -> Result<Box<dyn Task>, String> {
    let time = |name: &str| {
        let given = text(matches, name).unwrap_or_default();
        duration(&given).ok_or_else(|| {
            format!("--{name}: {given:?} is no time; write 30s, 500ms or 2m, up to a day\n")
        })
    };
    let how = match text(matches, HOW).as_deref() {
        Some("drain") => How::Drain,
        Some("move") => How::Move,
        _ => How::Cordon,
    };
    let to = text(matches, command::TO);
    if to.is_some() && how != How::Move {
        return Err("--to needs --how move: a cordoned holder chooses its successor\n".to_owned());
    }
    let out = text(matches, OUT).map(PathBuf::from);
    if let Some(out) = &out
        && !["svg", "json"].contains(&extension(out))
    {
        return Err(format!("--out: {} ends neither in .svg nor in .json\n", out.display()));
    }
    Ok(Box::new(Order {
        place: Place::read(matches, inputs)?,
        how,
        to,
        yes: matches.get_flag(YES),
        limits: Limits { outage: time(MAX_OUTAGE)?, moving: time(command::TIMEOUT)? },
        baseline: time(BASELINE)?,
        settle: time(SETTLE)?,
        period: time(PERIOD)?,
        out,
    }))
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

impl Task for Order {
    fn run(&self, console: &mut Console<'_>) -> ExitCode {
        let done = runtime().and_then(|runtime| runtime.block_on(self.carry_out(console)));
        match done {
            Ok((record, interrupted)) => self.tell(&record, interrupted, console).into(),
            Err(text) => {
                // A reader who has gone is no failure of its own.
                drop(writeln!(console.err, "{text}"));
                Code::Failed.into()
            }
        }
    }
}

/// Why a test ended before its time.
type Interrupted = Option<trial::Stopped>;

impl Order {
    async fn carry_out(&self, console: &mut Console<'_>) -> Result<(Record, Interrupted), String> {
        let prepared = Prepared::new(self).await?;
        drop(writeln!(console.err, "{}", prepared.plan(self)));
        self.confirm(console)?;
        trial::run(self, prepared, console.err).await
    }

    /// Asks whoever sits at the terminal.
    fn confirm(&self, console: &mut Console<'_>) -> Result<(), String> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(
                "stdin is no terminal, so nobody can be asked; --yes goes on without asking"
                    .to_owned(),
            );
        }
        match agreed(console.err, "Go on?") {
            Ok(true) => Ok(()),
            Ok(false) => Err("nothing was done".to_owned()),
            Err(error) => Err(format!("cannot ask: {error}")),
        }
    }

    /// Shows what came of it, and writes the file.
    fn tell(&self, record: &Record, stopped: Interrupted, console: &mut Console<'_>) -> Code {
        let judged = judge(record, &self.limits, stopped.as_ref());
        let panel = picture::panel(record);
        let mut code = judged.code;
        let text = match self.place.format {
            Format::Json => judged.report.json(),
            Format::Table => {
                let strip = picture::strip(&panel, console.style);
                format!("\n{strip}\n{}", judged.report.table(console.style))
            }
        };
        drop(console.out.write_all(text.as_bytes()).and_then(|()| console.out.flush()));
        if let Some(out) = &self.out {
            let content = match extension(out) {
                "svg" => picture::svg(&panel, record),
                _ => judged.report.json(),
            };
            if let Err(error) = std::fs::write(out, content) {
                drop(writeln!(console.err, "cannot write {}: {error}", out.display()));
                code = Code::Failed;
            }
        }
        code
    }
}
