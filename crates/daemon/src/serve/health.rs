//! Whether this process works, and whether it is of use.

use std::time::Duration;

use kube_vip_core::moment::Moment;
use kube_vip_core::status::Reason;

use crate::logging::span;
use crate::published::{HEARTBEAT, Published};
use crate::resolve::Unresolved;

/// A loop that has published nothing for so long hangs: five times [`HEARTBEAT`].
pub const HUNG: Duration = Duration::from_secs(10);

/// `/healthz` and `/livez`: the control loop turns. Standing by and waiting for an API server are
/// healthy; a restart would help neither.
///
/// # Errors
/// Why not, for people.
pub fn healthy(published: &Published, now: Moment) -> Result<(), String> {
    let silent = now.since(published.at);
    if silent < HUNG {
        Ok(())
    } else {
        Err(format!(
            "the control loop has not reported for {}; it should every {}",
            span(silent),
            span(HEARTBEAT)
        ))
    }
}

/// `/readyz`: healthy, and it either has the addresses or could have them, because the API server
/// answers.
///
/// # Errors
/// Why not, for people.
pub fn ready(published: &Published, now: Moment) -> Result<(), String> {
    healthy(published, now)?;
    let status = &published.status;
    if status.reason == Reason::ShuttingDown {
        return Err("told to end".to_owned());
    }
    if published.holds(now) {
        return Ok(());
    }
    let api = &status.api;
    match (api.failing_since, &api.error, api.answered) {
        (None, _, Some(_)) => Ok(()),
        (None, _, None) => Err("the API server has not answered yet".to_owned()),
        (Some(since), error, _) => Err(format!(
            "the API server has not answered for {}: {}",
            span(now.since(since)),
            error.as_deref().unwrap_or("no answer in time")
        )),
    }
}

/// Why a process that waits for names is not ready, for people.
#[must_use]
pub fn waiting(unresolved: &Unresolved) -> String {
    let causes: Vec<_> =
        unresolved.iter().map(|(name, cause)| format!("{name}: {cause}")).collect();
    match causes.join("; ") {
        none if none.is_empty() => "the names of the addresses are being resolved".to_owned(),
        causes => format!("waiting for the addresses, by their names: {causes}"),
    }
}
