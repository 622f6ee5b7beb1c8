//! What daemons say of themselves at `/status`.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::drivers::lease::visit::Visit;

/// What one question may take: a daemon answers within milliseconds, or is in trouble.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a daemon said, and where it was asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) at: SocketAddr,
    pub(super) seen: Seen,
    /// All of it, as it came.
    pub(super) whole: Value,
}

/// The parts of `/status` that are compared; docs/reference/status.md describes them. Fields that
/// a version lacks are as they are in an empty answer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Seen {
    pub(super) node: String,
    pub(super) holding: bool,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) holder: Option<HolderSeen>,
    pub(super) term: Option<TermSeen>,
    pub(super) holding_on: Option<HoldingOnSeen>,
    pub(super) handing_over: Option<String>,
    pub(super) addresses: Vec<AddressSeen>,
    pub(super) fence: FenceSeen,
    pub(super) fitness: FitnessSeen,
    pub(super) candidates: Vec<CandidateSeen>,
    pub(super) rival: Option<RivalSeen>,
    pub(super) lease: LeaseSeen,
    pub(super) api: ApiSeen,
    pub(super) reported_at: String,
    pub(super) version: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct HolderSeen {
    pub(super) node: String,
    pub(super) since: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct TermSeen {
    pub(super) since: String,
    pub(super) until: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct HoldingOnSeen {
    pub(super) since: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct AddressSeen {
    pub(super) address: String,
    pub(super) prefix: u8,
    pub(super) interface: String,
    pub(super) present: bool,
    pub(super) voice: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct FenceSeen {
    pub(super) state: String,
    pub(super) missing: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FitnessSeen {
    pub(super) fit: bool,
    pub(super) cordoned: bool,
    pub(super) api_server: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CandidateSeen {
    pub(super) node: String,
    pub(super) fit: bool,
    pub(super) cordoned: bool,
    pub(super) seconds_since_seen: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RivalSeen {
    pub(super) address: String,
    pub(super) mac: String,
    pub(super) node: Option<String>,
    pub(super) heard_at: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct LeaseSeen {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) transitions: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ApiSeen {
    pub(super) answering: bool,
    pub(super) failing_since: Option<String>,
    pub(super) error: Option<String>,
}

/// Asks the daemon there for its `/status`.
///
/// # Errors
/// Why it did not say anything that makes sense, for people.
pub(super) async fn ask(at: SocketAddr) -> Result<Said, String> {
    match timeout(PATIENCE, answer(at)).await {
        Ok(said) => said,
        Err(_) => Err(format!("no answer within {PATIENCE:?}")),
    }
}

async fn answer(at: SocketAddr) -> Result<Said, String> {
    let mut visit = Visit::plain(at).await.map_err(|error| error.to_string())?;
    let (status, whole) = visit.get("/status").await.map_err(|error| error.to_string())?;
    if !status.is_success() {
        return Err(format!("{status} for /status; the original kube-vip has none"));
    }
    let seen = Seen::deserialize(&whole);
    let seen = seen.map_err(|error| format!("what it says is no status: {error}"))?;
    if seen.node.is_empty() || seen.lease.name.is_empty() {
        return Err("what it says is no status: it names no node and no Lease".to_owned());
    }
    Ok(Said { at, seen, whole })
}
