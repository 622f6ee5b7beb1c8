//! What a daemon with a service account asks of the API servers, as they tell it themselves.

use std::fs;
use std::io;

use serde_json::{Value, json};

use super::Cluster;
use super::control_plane::Program;

/// Whose requests are told of.
const ACCOUNT: &str = "system:serviceaccount:kube-system:kube-vip";

/// The file of one API server, a line for each event.
pub(super) const FILE: &str = "audit.log";

/// Tells of the requests of [`ACCOUNT`], of watches when they begin and of all when they end.
pub(super) fn policy() -> String {
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{ "level": "Metadata", "users": [ACCOUNT] }, { "level": "None" }],
    });
    policy.to_string()
}

impl Cluster {
    /// What daemons with the service account `kube-system/kube-vip` have asked of a node's API
    /// server: events of `audit.k8s.io`, in the order of time.
    ///
    /// # Errors
    /// If that cannot be read.
    pub fn asked_by_account(&self, node: usize) -> io::Result<Vec<Value>> {
        let plane = self.plane.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let text = fs::read_to_string(plane.log(node, Program::ApiServer).with_file_name(FILE))?;
        // The last line may not be whole yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).map_err(io::Error::from)).collect()
    }
}
