//! `kube-vip move`: asks the holder to hand over to a certain node, and waits until it has.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use kube_vip_core::address::NodeName;
use kube_vip_core::event::LeaseRecord;
use tokio::time::sleep;

use super::place::{self, Place};
use super::report::Console;
use super::{Task, command};
use crate::drivers::lease::mover::{Member, Mover, MoverError};
use crate::settings::Inputs;

#[cfg(test)]
mod tests;

/// How often it looks whether the node has taken over.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is said of a holder that cannot be asked.
pub(super) const UNAWARE: &str = "is no candidate and knows no moves: it may run the original \
                                  kube-vip, or lack the right to write Leases";

/// The exit code where the node did not take over in time.
const LATE: u8 = 2;

/// What a command line asks for.
#[derive(Clone, Debug)]
pub(super) struct Order {
    to: NodeName,
    place: Place,
    timeout: Duration,
}

impl Order {
    /// The order that stands on the command line, with the environment's settings where it says
    /// nothing.
    pub(super) fn read(matches: &clap::ArgMatches, inputs: Inputs) -> Result<Self, String> {
        let to = place::text(matches, command::TO).unwrap_or_default();
        let timeout = place::text(matches, command::TIMEOUT).unwrap_or_default();
        Ok(Self {
            to: NodeName::new(&to).map_err(|error| format!("--to: {error}\n"))?,
            place: Place::read(matches, inputs)?,
            timeout: duration(&timeout).ok_or_else(|| {
                format!("--timeout: {timeout:?} is no time; write 30s, 500ms or 2m, up to a day\n")
            })?,
        })
    }
}

/// A number with `ms`, `s` or `m`; seconds without.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 = digits.parse().ok()?;
    let unit = match &text[digits.len()..] {
        "ms" => Duration::from_millis(1),
        "" | "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        _ => return None,
    };
    let time = unit.checked_mul(number)?;
    (!time.is_zero() && time <= Duration::from_secs(86_400)).then_some(time)
}

impl Task for Order {
    /// Carries the order out. What happened goes to stdout, what went wrong to stderr.
    fn run(&self, console: &mut Console<'_>) -> ExitCode {
        let ended = match super::runtime() {
            Ok(runtime) => runtime.block_on(self.carry_out()),
            Err(error) => Ended::Refused(error),
        };
        let election = &self.place.election;
        let lease = format!("{}/{}", election.namespace, election.name);
        // A reader who has gone is no failure of the move.
        match ended {
            Ended::Moved(text) => {
                drop(writeln!(console.out, "{lease}: {text}"));
                ExitCode::SUCCESS
            }
            Ended::Refused(text) => {
                drop(writeln!(console.err, "{lease}: {text}"));
                ExitCode::FAILURE
            }
            Ended::Late(text) => {
                drop(writeln!(console.err, "{lease}: {text}"));
                ExitCode::from(LATE)
            }
        }
    }
}

/// What came of it, for people.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Moved(String),
    Refused(String),
    Late(String),
}

impl From<MoverError> for Ended {
    fn from(error: MoverError) -> Self {
        Self::Refused(match error {
            MoverError::NoLease => "there is no such Lease: no kube-vip elects by it; -n and \
                                    --lease name another"
                .to_owned(),
            error => error.to_string(),
        })
    }
}

impl Order {
    async fn carry_out(&self) -> Ended {
        let mover = Mover::new(&self.place.election, &self.to, &self.place.places());
        match self.begin(&mover).await {
            Err(ended) => ended,
            Ok(from) => self.wait(&mover, &from).await,
        }
    }

    /// Asks for the move, if it can be; the holder that is to give.
    async fn begin(&self, mover: &Mover) -> Result<String, Ended> {
        let record = mover.lease().await?;
        let members = mover.members().await?;
        let from = check(&self.to, &record, &members)?;
        mover.request(Some(&self.to)).await?;
        Ok(from)
    }

    /// Waits until the node holds the Lease.
    async fn wait(&self, mover: &Mover, from: &str) -> Ended {
        let (began, to) = (Instant::now(), &self.to);
        let mut trouble = None;
        while began.elapsed() < self.timeout {
            // Connections through the address itself are reset when it moves.
            match mover.lease().await {
                Ok(record) if record.holder == to.as_str() => {
                    let seconds = began.elapsed().as_secs_f64();
                    return Ended::Moved(format!("moved from {from} to {to} in {seconds:.1}s"));
                }
                Ok(record) if turned_down(&record, from) => {
                    return Ended::Refused(format!(
                        "{from} did not hand over to {to}; its log and the Events of the Lease \
                         say why"
                    ));
                }
                Ok(_) => trouble = None,
                Err(error) => trouble = Some(error.to_string()),
            }
            sleep(LOOK_EVERY).await;
        }
        let mut text = format!("{to} did not take over within {:?}", self.timeout);
        let withdrawn = match mover.request(None).await {
            Ok(record) if record.holder == to.as_str() => {
                return Ended::Moved(format!("moved from {from} to {to}"));
            }
            Ok(record) if record.holder.is_empty() => "; nobody holds it now".to_owned(),
            Ok(record) => format!("; {} holds it, and the request is withdrawn", record.holder),
            Err(error) => format!("; the request stands, as it cannot be withdrawn: {error}"),
        };
        text.push_str(&withdrawn);
        if let Some(trouble) = trouble {
            // Writing to a text cannot fail.
            let _ = write!(text, "; the last look failed: {trouble}");
        }
        Ended::Late(text)
    }
}

/// The holder took the request out of the Lease and still holds it.
fn turned_down(record: &LeaseRecord, from: &str) -> bool {
    record.holder == from && record.marks.move_to.is_none() && record.marks.offer.is_none()
}

/// Whether it makes sense to ask; the holder that is to give.
fn check(to: &NodeName, record: &LeaseRecord, members: &[Member]) -> Result<String, Ended> {
    let holder = record.holder.as_str();
    if holder == to.as_str() {
        return Err(Ended::Moved(format!("{to} holds it already")));
    }
    let known = members.iter().find(|member| member.node == *to);
    let refused = |text: String| Err(Ended::Refused(format!("{text}; {}", all(holder, members))));
    let Some(member) = known else {
        return refused(format!("{to} is no candidate"));
    };
    if let Some(gone) = member.gone {
        return refused(format!(
            "{to} has not renewed its candidate Lease for {}s",
            gone.as_secs()
        ));
    }
    if !member.fit {
        return refused(format!(
            "{to} is not fit to hold it: its API server is unwell, its interface is down, or it is \
             ending"
        ));
    }
    if member.cordoned {
        return refused(format!("{to} is cordoned, and would hand over again"));
    }
    if holder.is_empty() {
        return refused("nobody holds it now, so that nobody can hand it over".to_owned());
    }
    if !members.iter().any(|member| member.node.as_str() == holder) {
        return refused(format!("its holder {holder} {UNAWARE}"));
    }
    Ok(holder.to_owned())
}

/// Who takes part, and who of them could not take over, for people.
pub(super) fn all(holder: &str, members: &[Member]) -> String {
    if members.is_empty() {
        return "there are no candidates".to_owned();
    }
    let one = |member: &Member| match marks(holder, member).as_slice() {
        [] => member.node.to_string(),
        marks => format!("{} ({})", member.node, marks.join(", ")),
    };
    let names: Vec<_> = members.iter().map(one).collect();
    format!("candidates: {}", names.join(", "))
}

/// Why a node could not take over from that holder, in words; empty: it could.
pub(super) fn marks(holder: &str, member: &Member) -> Vec<&'static str> {
    let marks = [
        (member.node.as_str() == holder, "holder"),
        (!member.fit, "not fit"),
        (member.cordoned, "cordoned"),
        (member.gone.is_some(), "gone"),
    ];
    marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect()
}
