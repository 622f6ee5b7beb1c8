//! What a test does to the cluster, and how it is undone.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use kube_vip_core::event::MOVE_ANNOTATION;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::record::PutBack;
use super::sights::{Sight, Teller};
use crate::cli::cluster::{Cluster, ClusterError, Pod};
use kube_vip_measure::clock::Stamp;

/// The annotation on a Node that a test has cordoned; its value is that test's own.
pub(super) const MARK: &str = "kube-vip.io/failover-test";

/// How often a write is tried anew because somebody else was faster.
const TRIES: usize = 5;

/// For how long it is tried to put things back, and the pause after a failure. The API may be out
/// of reach just now: that is what is being tested.
const PERSISTENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);

/// A write that nobody answered may still arrive within this time.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// The pause before a Pod is evicted again that a disruption budget protects, as `kubectl drain`
/// has it.
const BUDGET_PAUSE: Duration = Duration::from_secs(5);

/// A Node that this test cordons, under a mark of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cordoned {
    pub(super) node: String,
    pub(super) mark: String,
}

impl Cordoned {
    fn path(&self) -> String {
        format!("/api/v1/nodes/{}", self.node)
    }

    /// Cordons it.
    ///
    /// # Errors
    /// If it is cordoned already, or cannot be; the text is for people.
    pub(super) async fn cordon(&self, cluster: &Cluster) -> Result<(), String> {
        for _ in 0..TRIES {
            let node = cluster.object(&self.path()).await.map_err(|error| error.to_string())?;
            let node = node.ok_or_else(|| format!("there is no Node {}", self.node))?;
            if node["spec"]["unschedulable"] == true {
                return Err(format!("{} has been cordoned by somebody else", self.node));
            }
            let change = json!({ "unschedulable": true });
            match self.write(cluster, &node, (json!(self.mark), change)).await {
                Err(ClusterError::Answer { status: StatusCode::CONFLICT, .. }) => {}
                done => return done.map_err(|error| format!("cannot cordon it: {error}")),
            }
        }
        Err(format!("cannot cordon {}: others keep changing the Node", self.node))
    }

    /// Uncordons it if it still bears the mark; else somebody else has done what was to be done.
    async fn uncordon(&self, cluster: &Cluster) -> Result<PutBack, ClusterError> {
        let Some(node) = cluster.object(&self.path()).await? else {
            return Ok(PutBack::Done(format!("there is no Node {} any more", self.node)));
        };
        let mark = &node["metadata"]["annotations"][MARK];
        if mark.as_str() != Some(&self.mark) {
            return Ok(PutBack::Nothing);
        }
        let change = json!({ "unschedulable": null });
        self.write(cluster, &node, (Value::Null, change)).await?;
        Ok(PutBack::Done(format!("{} is uncordoned", self.node)))
    }

    async fn write(
        &self,
        cluster: &Cluster,
        node: &Value,
        (mark, spec): (Value, Value),
    ) -> Result<(), ClusterError> {
        let version = &node["metadata"]["resourceVersion"];
        let metadata = json!({ "resourceVersion": version, "annotations": { MARK: mark } });
        let patch = json!({ "metadata": metadata, "spec": spec });
        cluster.patch(&self.path(), &patch).await.map(drop)
    }

    /// Puts the Node back as it was, whatever it takes, a minute at most. `sure`: it is known to
    /// bear the mark; else a write of it may still be on its way.
    pub(super) async fn put_back(&self, cluster: &Cluster, sure: Sure) -> PutBack {
        let began = Instant::now();
        loop {
            let failure = match self.uncordon(cluster).await {
                Ok(PutBack::Nothing) if sure == Sure::No && began.elapsed() < ON_ITS_WAY => None,
                Ok(PutBack::Nothing) if sure == Sure::Yes => {
                    let text = "somebody else has uncordoned it, or cordoned it anew";
                    return PutBack::Done(format!("{}: {text}", self.node));
                }
                Ok(done) => return done,
                Err(error) => Some(error.to_string()),
            };
            if let Some(failure) = failure
                && began.elapsed() > PERSISTENCE
            {
                let node = &self.node;
                return PutBack::Failed(format!(
                    "{node} is still cordoned: {failure}; kubectl uncordon {node}"
                ));
            }
            sleep(PAUSE).await;
        }
    }
}

/// Whether something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sure {
    Yes,
    No,
}

/// Asks the holder to move the address to that node; none: asks no longer.
pub(super) async fn ask_to_move(cluster: &Cluster, to: Option<&str>) -> Result<(), ClusterError> {
    let patch = json!({ "metadata": { "annotations": { MOVE_ANNOTATION: to } } });
    cluster.patch(&cluster.lease_path(), &patch).await.map(drop)
}

/// What `kubectl drain --ignore-daemonsets --delete-emptydir-data` does to a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays: a static pod, or a DaemonSet's.
    Stays,
    /// It is evicted.
    Evicted,
    /// Nobody would start it elsewhere: without `--force` the whole drain is refused.
    Refused,
}

impl Fate {
    pub(super) fn of(pod: &Pod) -> Self {
        let over = ["Succeeded", "Failed"].contains(&pod.phase.as_str());
        match pod.owner.as_str() {
            _ if pod.mirror => Self::Stays,
            _ if over => Self::Evicted,
            "DaemonSet" => Self::Stays,
            "" => Self::Refused,
            _ => Self::Evicted,
        }
    }
}

/// Evicts a Pod, however long a disruption budget protects it, and tells.
pub(super) async fn evict(cluster: Arc<Cluster>, pod: Pod, tell: Teller) {
    let name = format!("{}/{}", pod.namespace, pod.name);
    let mut lost = 0;
    let outcome = loop {
        match cluster.evict(&pod).await {
            Ok(()) => break Ok(()),
            Err(ClusterError::Answer { status: StatusCode::TOO_MANY_REQUESTS, .. }) => {
                sleep(BUDGET_PAUSE).await;
            }
            // The connection may have gone with the address; evicting twice does no harm.
            Err(ClusterError::Call(_)) if lost < TRIES => {
                lost += 1;
                sleep(PAUSE).await;
            }
            Err(error) => break Err(format!("{name}: {error}")),
        }
    };
    tell.tell(Stamp::now(), Sight::Evicted(outcome));
}

#[cfg(test)]
mod tests;
