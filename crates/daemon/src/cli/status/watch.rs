//! `kube-vip watch`: the same as `status`, live. On a terminal it is drawn anew; elsewhere each
//! change is a line.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::gather::{Gatherer, Whom};
use super::picture::Picture;
use super::{changes, text};
use crate::cli::Task;
use crate::cli::moving::duration;
use crate::cli::place::{self, Place};
use crate::cli::report::{Console, Style};
use crate::settings::Inputs;

const INTERVAL: &str = "interval";

/// Control sequences (ECMA-48, and xterm's for the second screen): it is entered and the cursor
/// hidden; home, and all below erased; and both undone.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const HOME: &str = "\u{1b}[H\u{1b}[J";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";

/// What a command line asks for.
#[derive(Debug)]
pub(in crate::cli) struct Order {
    place: Place,
    whom: Whom,
    every: Duration,
}

/// The command line.
pub(in crate::cli) fn command() -> Command {
    let command =
        Command::new("watch").about("Show live what status shows, or each change as a line");
    super::flags(command)
        .arg(
            Arg::new(INTERVAL)
                .long(INTERVAL)
                .value_name("TIME")
                .num_args(1)
                .default_value("2s")
                .help("How often to look: 2s, 500ms"),
        )
        .after_help(
            "On a terminal it is drawn anew each time; elsewhere the first look and then each\n\
             change is a line with its time. It ends with Ctrl-C.\n\
             \n\
             Exit codes: 0 ended by a signal; 1 refused",
        )
}

impl Order {
    /// The order that stands on the command line, with the environment's settings where it says
    /// nothing.
    pub(in crate::cli) fn read(matches: &ArgMatches, inputs: Inputs) -> Result<Self, String> {
        let whom = Whom::read(matches, &inputs)?;
        let every = place::text(matches, INTERVAL).unwrap_or_default();
        let every = duration(&every).filter(|every| *every >= Duration::from_millis(100));
        Ok(Self {
            place: Place::read(matches, inputs)?,
            whom,
            every: every.ok_or("--interval: write 2s or 500ms, 100ms at least\n")?,
        })
    }
}

impl Task for Order {
    fn run(&self, console: &mut Console<'_>) -> ExitCode {
        let watched = crate::cli::runtime().and_then(|runtime| {
            runtime.block_on(self.watch(console)).map_err(|error| error.to_string())
        });
        match watched {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                drop(writeln!(console.err, "watch: {error}"));
                ExitCode::FAILURE
            }
        }
    }
}

impl Order {
    async fn watch(&self, console: &mut Console<'_>) -> io::Result<()> {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let terminal = io::stdout().is_terminal();
        let style = console.style;
        let mut screen = Screen::enter(console.out, terminal)?;
        let gatherer = Gatherer::new(&self.place, &self.whom);
        let mut before = None;
        loop {
            let looked = tokio::select! {
                looked = gatherer.gather() => looked,
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
            };
            let picture = Picture::of(looked);
            match screen.show(before.as_ref(), &picture, style) {
                // The reader has gone.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                other => other?,
            }
            before = Some(picture);
            tokio::select! {
                () = sleep(self.every) => {}
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
            }
        }
        Ok(())
    }
}

/// Where it is shown. A terminal is as it was when this is dropped.
struct Screen<'a> {
    out: &'a mut dyn Write,
    terminal: bool,
}

impl<'a> Screen<'a> {
    fn enter(out: &'a mut dyn Write, terminal: bool) -> io::Result<Self> {
        if terminal {
            out.write_all(ENTER.as_bytes())?;
        }
        Ok(Self { out, terminal })
    }

    fn show(&mut self, before: Option<&Picture>, now: &Picture, style: Style) -> io::Result<()> {
        if self.terminal {
            let text = text::table(now, style);
            let head = format!("{:.0}   (Ctrl-C ends this)", now.at);
            write!(self.out, "{HOME}{head}\n\n{text}")?;
        } else {
            for line in changes::between(before, now) {
                writeln!(self.out, "{:.3} {line}", Timestamp::now())?;
            }
        }
        self.out.flush()
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        if self.terminal {
            // A terminal that cannot be written to has gone.
            let _ = self.out.write_all(LEAVE.as_bytes());
            let _ = self.out.flush();
        }
    }
}
