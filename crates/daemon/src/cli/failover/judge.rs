//! What a test came to: rows, figures for programs, an exit code. Pure.

use std::process::ExitCode;
use std::time::Duration;

use kube_vip_measure::drawing::human;
use serde_json::{Value, json};

use super::record::{Address, PutBack, Record};
use super::trial::Stopped;
use super::{How, NAME};
use crate::cli::report::{Report, Row};

/// A pause of this host that is worth a word.
const PAUSED: Duration = Duration::from_millis(20);

/// What passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// The longest outage.
    pub(super) outage: Duration,
    /// The longest time until the move.
    pub(super) moving: Duration,
}

/// The exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// It moved, within the bound, and one node owned it throughout.
    Moved = 0,
    /// Refused or failed, or something could not be put back.
    Failed = 1,
    /// The outage was too long, or two nodes spoke for the address.
    Outage = 2,
    /// Nothing moved.
    Nothing = 3,
    /// Interrupted, and everything put back.
    Interrupted = 4,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// What it came to.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) report: Report,
    pub(super) code: Code,
}

/// Judges what was seen.
pub(super) fn judge(record: &Record, limits: &Limits, stopped: Option<&Stopped>) -> Judged {
    let mut report = Report::new(NAME);
    let mut code = Code::Moved;
    let mut worse = |is: bool, than: Code| {
        if is && code == Code::Moved {
            code = than;
        }
    };
    worse(matches!(record.put_back, PutBack::Failed(_)), Code::Failed);
    match stopped {
        Some(Stopped::Failed(text)) => {
            report.push(Row::failed("test", text.clone(), "kube-vip verify tells how things are"));
            worse(true, Code::Failed);
        }
        Some(Stopped::Signal(name)) => {
            let evidence = format!("interrupted by {name}");
            report.push(Row::failed("test", evidence, "test again"));
            worse(true, Code::Interrupted);
        }
        None => {
            worse(record.moved().is_none(), Code::Nothing);
            let outage = |address: &Address| too_long(address, record, limits);
            let two = record.evidences().any(|evidence| record.two(evidence).is_some());
            worse(record.addresses.iter().any(outage) || two, Code::Outage);
            report.push(moved(record, limits));
            record.addresses.iter().for_each(|seen| report.push(connections(seen, record, limits)));
            report.push(requests(record));
            report.push(one_owner(record));
        }
    }
    if record.how == How::Drain && record.acted.is_some() {
        report.push(evictions(record));
    }
    report.push(put_back(record));
    if record.paused >= PAUSED {
        report.push(Row::warning(
            "this-host",
            format!("it had no time for the measurement for up to {}", human(record.paused)),
            "gaps up to that may be its own; test from a calmer host",
        ));
    }
    report.detail = detail(record, limits, code);
    Judged { report, code }
}

/// What the network has of gaps by itself is not counted, nor what this host may have made.
fn too_long(address: &Address, record: &Record, limits: &Limits) -> bool {
    address.longest > limits.outage + address.calm + record.paused
}

fn moved(record: &Record, limits: &Limits) -> Row {
    let holder = &record.holder;
    let Some((at, to)) = record.moved() else {
        let evidence = match record.last_holder() {
            "" => format!("nobody has taken over from {holder} within {:?}", limits.moving),
            last => format!("nothing moved within {:?}: {last} still holds", limits.moving),
        };
        let remedy = if record.ours {
            format!("the log of {holder} and the Events of the Lease say why it stayed")
        } else {
            format!(
                "{holder} says nothing of itself, so it may run the original kube-vip, which knows \
                 no cordon: stop its kube-vip to move the address, or replace its image"
            )
        };
        return Row::failed("moved", evidence, remedy);
    };
    let after = at.saturating_sub(record.acted.unwrap_or_default());
    let (what, moves) = (record.how.word(), record.moves());
    let evidence = format!("from {holder} to {to}, {} after the {what}", human(after));
    match moves {
        0 | 1 => Row::ok("moved", evidence),
        _ => Row::warning(
            "moved",
            format!("{evidence}, and it moved {moves} times in all"),
            "the Events of the Lease say why it moved on",
        ),
    }
}

fn connections(seen: &Address, record: &Record, limits: &Limits) -> Row {
    let evidence = format!(
        "longest time without a connection {} (before the test {}); of {} connects {} failed, {} \
         were refused, {} slow (over 200 ms; half take {})",
        human(seen.longest),
        human(seen.calm),
        seen.tried,
        seen.failed,
        seen.refused,
        seen.slow,
        human(seen.median),
    );
    let row = if too_long(seen, record, limits) {
        let remedy = format!("at most {} was to be; the timeline shows when", human(limits.outage));
        Row::failed("outage", evidence, remedy)
    } else {
        Row::ok("outage", evidence)
    };
    row.of(seen.ip.to_string())
}

fn requests(record: &Record) -> Row {
    let seen = &record.requests;
    let evidence = format!(
        "{} requests over a connection that is kept, {} answered, {} of them with an error of the \
         server; {} resets, each repeated once; longest time without an answer {}",
        seen.tried,
        seen.answered,
        seen.unwell,
        seen.resets,
        human(seen.longest),
    );
    match &seen.error {
        None => Row::ok("requests", evidence),
        Some(error) => Row::warning(
            "requests",
            format!("{evidence}; {} failed: {error}", seen.failed),
            "clients that repeat a request only once have seen an error",
        ),
    }
}

fn one_owner(record: &Record) -> Row {
    let name = |who: &str| if who.is_empty() { "nobody".to_owned() } else { who.to_owned() };
    let names: Vec<_> = record.holders.iter().map(|(_, who)| name(who)).collect();
    let mut said = vec![format!("Lease: {}", names.join(", then "))];
    let mut two = Vec::new();
    for evidence in record.evidences() {
        let runs = record.runs(evidence);
        if runs.is_empty() {
            let why = record.missing.get(&evidence).map_or("nothing was heard", String::as_str);
            said.push(format!("{}: not known, as {why}", evidence.word()));
            continue;
        }
        let who: Vec<_> = runs.iter().map(|(who, ..)| *who).collect();
        said.push(format!("{}: {}", evidence.word(), shortened(&who)));
        if let Some((who, span)) = record.two(evidence) {
            two.push(format!("{who} at once for {} ({})", human(span), evidence.word()));
        }
    }
    if two.is_empty() {
        return Row::ok("one-owner", said.join("; "));
    }
    let remedy = "kube-vip verify tells who answers now; end kube-vip on whoever should not, and \
                  look for a leftover address there with kube-vip cleanup";
    Row::failed("one-owner", format!("{}; {}", two.join("; "), said.join("; ")), remedy)
}

/// One after the other; many are only counted.
fn shortened(who: &[&str]) -> String {
    match who {
        [first, second, .., last] if who.len() > 6 => {
            format!("{first}, then {second}, … {} changes, then {last}", who.len() - 1)
        }
        who => who.join(", then "),
    }
}

fn evictions(record: &Record) -> Row {
    let seen = &record.evictions;
    let evidence = format!("{} Pods evicted, {} not", seen.evicted, seen.left);
    if seen.left == 0 {
        return Row::ok("evictions", evidence);
    }
    let why = if seen.failures.is_empty() {
        "disruption budgets were in the way for all the time".to_owned()
    } else {
        seen.failures.join("; ")
    };
    Row::warning("evictions", format!("{evidence}: {why}"), "kubectl get pdb -A")
}

fn put_back(record: &Record) -> Row {
    match &record.put_back {
        PutBack::Nothing => Row::skipped("put-back", "there was nothing to put back"),
        PutBack::Done(text) => Row::ok("put-back", text.clone()),
        PutBack::Failed(text) => Row::failed("put-back", text.clone(), "do it by hand"),
    }
}

/// Figures for programs; times in milliseconds since the start.
fn detail(record: &Record, limits: &Limits, code: Code) -> Value {
    let named = |(at, who): &(Duration, String)| json!({ "atMs": ms(*at), "node": who });
    let addresses = record.addresses.iter().map(|seen| {
        let gap =
            |(from, length): &(Duration, Duration)| json!({ "atMs": ms(*from), "ms": ms(*length) });
        json!({
            "address": seen.ip,
            "outageMs": ms(seen.longest),
            "baselineMs": ms(seen.calm),
            "medianMs": ms(seen.median),
            "connects": seen.tried,
            "failed": seen.failed,
            "refused": seen.refused,
            "slow": seen.slow,
            "gaps": seen.gaps.iter().map(gap).collect::<Vec<_>>(),
        })
    });
    let owners = record.evidences().map(|evidence| {
        let run = |(who, from, to): &(&str, Duration, Duration)| {
            json!({ "node": who, "fromMs": ms(*from), "toMs": ms(*to) })
        };
        json!({
            "evidence": evidence.word(),
            "found": record.runs(evidence).iter().map(run).collect::<Vec<_>>(),
            "missing": record.missing.get(&evidence),
        })
    });
    let requests = &record.requests;
    let after = record.moved().map(|(at, _)| at.saturating_sub(record.acted.unwrap_or_default()));
    json!({
        "code": code as u8,
        "how": record.how.word(),
        "holder": { "before": record.holder, "after": record.last_holder() },
        "movedAfterMs": after.map(ms),
        "maxOutageMs": ms(limits.outage),
        "addresses": addresses.collect::<Vec<_>>(),
        "requests": {
            "made": requests.tried,
            "answered": requests.answered,
            "serverErrors": requests.unwell,
            "resets": requests.resets,
            "failed": requests.failed,
            "longestMs": ms(requests.longest),
        },
        "lease": record.holders.iter().map(named).collect::<Vec<_>>(),
        "owners": owners.collect::<Vec<_>>(),
        "evictions": { "evicted": record.evictions.evicted, "left": record.evictions.left },
        "done": record.marks.iter().map(|(at, text)| json!({ "atMs": ms(*at), "text": text }))
            .collect::<Vec<_>>(),
        "pausedMs": ms(record.paused),
        "lastedMs": ms(record.ended),
    })
}

/// Milliseconds to a tenth.
fn ms(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e4).round() / 10.0
}

#[cfg(test)]
mod tests;
