//! `kube-vip status`: who holds the addresses, why, since when and until when, who could take over,
//! and who else is heard; from the daemons' own `/status`, the Leases and the Events.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::place::{self, Place};
use super::report::{Console, Format};
use super::{Task, command};
use crate::settings::{Inputs, Settings};
use gather::{Gatherer, Whom};
use picture::Picture;

mod changes;
mod daemons;
mod gather;
mod picture;
mod text;
pub(super) mod watch;

const DAEMON: &str = "daemon";
const LOCAL: &str = "local";

/// The exit code where all is well.
const WELL: u8 = 0;
/// The exit code where nothing could be told.
const UNKNOWN: u8 = 1;
/// The exit code where something is wrong.
const WRONG: u8 = 2;

/// What a command line asks for.
#[derive(Debug)]
pub(super) struct Order {
    place: Place,
    whom: Whom,
}

/// The command line.
pub(super) fn command() -> Command {
    let command = Command::new("status")
        .about("Say who holds the address, why, since when, and who could take over");
    Place::output(flags(command)).after_help(
        "It asks the daemon on this host (at prometheus_server, :2112), the Leases and Events\n\
         through a kubeconfig, and the other nodes' daemons at the addresses that their Leases\n\
         tell; what could not be asked is said. Without --lease it shows every election that it\n\
         finds.\n\
         \n\
         Exit codes: 0 all is well; 1 refused, or nothing could be told; 2 something is wrong,\n\
         and it is said what",
    )
}

/// The flags that `status` and `watch` share.
fn flags(command: Command) -> Command {
    Place::flags(command)
        .arg(
            Arg::new(DAEMON)
                .long(DAEMON)
                .value_name("ADDRESS:PORT")
                .action(ArgAction::Append)
                .help("Where a daemon's /status is; more than once for several"),
        )
        .arg(
            Arg::new(LOCAL)
                .long(LOCAL)
                .action(ArgAction::SetTrue)
                .help("Ask the daemon on this host alone, no API server and no other node"),
        )
}

impl Whom {
    /// Whom the command line says to ask.
    fn read(matches: &ArgMatches, inputs: &Inputs) -> Result<Self, String> {
        let given = command::words(matches, DAEMON);
        let parsed = |text: &String| {
            let wrong = |_| format!("--daemon: {text:?} is no address with a port\n");
            text.parse::<SocketAddr>().map_err(wrong)
        };
        Ok(Self {
            listen: Settings::read(inputs).values().metrics,
            daemons: given.iter().map(parsed).collect::<Result<_, _>>()?,
            everybody: !matches.get_flag(LOCAL),
            only: place::text(matches, command::LEASE).is_some(),
        })
    }
}

impl Order {
    /// The order that stands on the command line, with the environment's settings where it says
    /// nothing.
    pub(super) fn read(matches: &ArgMatches, inputs: Inputs) -> Result<Self, String> {
        let whom = Whom::read(matches, &inputs)?;
        Ok(Self { place: Place::read(matches, inputs)?, whom })
    }
}

impl Task for Order {
    fn run(&self, console: &mut Console<'_>) -> ExitCode {
        let picture = match super::runtime() {
            Ok(runtime) => {
                let gatherer = Gatherer::new(&self.place, &self.whom);
                runtime.block_on(async { Picture::of(gatherer.gather().await) })
            }
            Err(error) => {
                drop(writeln!(console.err, "status: {error}"));
                return ExitCode::from(UNKNOWN);
            }
        };
        let text = match self.place.format {
            Format::Table => text::table(&picture, console.style),
            Format::Json => picture.json(),
        };
        super::finish(console.out, &text, ExitCode::from(picture.code()))
    }
}

impl Picture {
    /// The exit code of a command that shows it.
    fn code(&self) -> u8 {
        match (self.elections.is_empty(), self.is_well()) {
            (true, _) => UNKNOWN,
            (false, true) => WELL,
            (false, false) => WRONG,
        }
    }
}
