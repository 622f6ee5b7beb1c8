//! What daemons say of themselves at `/status`.

use std::net::SocketAddr;
use std::time::Duration;

use http::Request;
use http::header::HOST;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What one question may take: a daemon answers within milliseconds, or is in trouble.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest answer that is read, in bytes.
const LONGEST: usize = 1 << 20;

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
    let stream = TcpStream::connect(at).await.map_err(|error| error.to_string())?;
    let text = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
    let connection = tokio::spawn(connection);
    let request = Request::get("/status").header(HOST, at.to_string()).body(Empty::<Bytes>::new());
    let request = request.map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(text)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LONGEST).collect().await;
    connection.abort();
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    if !status.is_success() {
        return Err(format!("{status} for /status; the original kube-vip has none"));
    }
    let no_status = |error| format!("what it says is no status: {error}");
    let whole: Value = serde_json::from_slice(&body).map_err(no_status)?;
    let seen = Seen::deserialize(&whole).map_err(no_status)?;
    if seen.node.is_empty() || seen.lease.name.is_empty() {
        return Err("what it says is no status: it names no node and no Lease".to_owned());
    }
    Ok(Said { at, seen, whole })
}
