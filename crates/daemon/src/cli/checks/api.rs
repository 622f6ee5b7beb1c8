//! What the API server says about the election and the nodes, asked once.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::cli::cluster::{CandidateLease, Cluster, ClusterError, ElectionLease, Node};
use crate::cli::report::Row;
use crate::drivers::lease::caller::{Answered, CallerError};

#[cfg(test)]
mod tests;

/// A clock that differs by more is worth a warning: the API server tells whole seconds.
const SKEW: i64 = 2;

/// Its answers.
#[derive(Debug)]
pub(in crate::cli) struct Api {
    pub(in crate::cli) version: Result<Answered, CallerError>,
    pub(in crate::cli) lease: Result<Option<ElectionLease>, ClusterError>,
    pub(in crate::cli) leases: Result<BTreeMap<String, ElectionLease>, ClusterError>,
    pub(in crate::cli) candidates: Result<Vec<CandidateLease>, ClusterError>,
    pub(in crate::cli) nodes: Result<Vec<Node>, ClusterError>,
    /// This host's clock when it told its version.
    asked: Timestamp,
}

impl Api {
    /// Asks it.
    pub(in crate::cli) async fn ask(cluster: &Cluster) -> Self {
        let version = cluster.get("/version").await;
        let asked = Timestamp::now();
        if let Err(error) = &version {
            // The others would fail alike, each after seconds.
            let text = error.to_string();
            let alike = || CallerError::Unreachable(text.clone()).into();
            let (lease, leases) = (Err(alike()), Err(alike()));
            let (candidates, nodes) = (Err(alike()), Err(alike()));
            return Self { version, lease, leases, candidates, nodes, asked };
        }
        Self {
            version,
            asked,
            lease: cluster.lease().await,
            leases: cluster.all_leases().await,
            candidates: cluster.candidates().await,
            nodes: cluster.nodes().await,
        }
    }

    /// The time by the API server's clock, or else by this host's.
    pub(in crate::cli) fn now(&self) -> Timestamp {
        self.version.as_ref().ok().and_then(|answer| answer.date).unwrap_or(self.asked)
    }

    /// The Nodes of the control plane; none where they cannot be listed.
    pub(in crate::cli) fn control_plane(&self) -> Vec<&Node> {
        let nodes = self.nodes.iter().flatten();
        nodes.filter(|node| node.control_plane).collect()
    }

    /// The row about whether it answers.
    pub(in crate::cli) fn row(&self) -> Row {
        match &self.version {
            Ok(answer) => {
                let version = answer.body["gitVersion"].as_str().unwrap_or("of no known version");
                Row::ok("api", format!("{} answers: {version}", answer.from))
            }
            Err(error @ CallerError::Refused(_)) => Row::failed(
                "api",
                error.to_string(),
                "renew the kubeconfig's credentials, or name another with --kubeconfig",
            ),
            Err(error) => Row::unknown(
                "api",
                error.to_string(),
                "name a kubeconfig whose server answers (--kubeconfig); before the first start of \
                 the API server the rows that need it cannot be told",
            ),
        }
    }

    /// The row about this host's clock. `kept`: whether the kernel says that it is kept true.
    pub(in crate::cli) fn clock(&self, kept: Option<bool>) -> Row {
        let date = self.version.as_ref().ok().and_then(|answer| answer.date);
        clock(date.map(|date| self.asked.duration_since(date).as_secs()), kept)
    }
}

/// `ahead`: by how many seconds this host's clock is ahead of the API server's.
fn clock(ahead: Option<i64>, kept: Option<bool>) -> Row {
    const REMEDY: &str = "run chrony or systemd-timesyncd on every node: certificates and logs \
                          need true clocks, even though kube-vip compares none";
    match (ahead, kept) {
        (Some(ahead), _) if ahead.abs() > SKEW => {
            let way = if ahead > 0 { "ahead of" } else { "behind" };
            let evidence = format!("this host is {} s {way} the API server", ahead.abs());
            Row::warning("clock", evidence, REMEDY)
        }
        (_, Some(false)) => Row::warning(
            "clock",
            "the kernel says that nobody keeps this host's clock true (STA_UNSYNC)",
            REMEDY,
        ),
        (Some(_), _) => Row::ok("clock", format!("within {SKEW} s of the API server's")),
        (None, Some(true)) => Row::ok("clock", "a time daemon keeps it true"),
        (None, None) => Row::skipped("clock", "there is nothing to compare it with"),
    }
}
