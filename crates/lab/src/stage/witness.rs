//! What happens to the Lease of a real control plane, as each of its API servers shows it.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt;
use http::Request;
use serde_json::Value;

use super::LEASE;
use super::proxy::Behind;
use crate::net::World;
use crate::recorder::Journal;
use crate::sys::clock::Stamp;
use crate::sys::namespace::Namespaces;
use crate::timeline::What;

/// After a watch has ended, the next one begins so much later.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that is silent for so long is given up: its server may be frozen, and come back as
/// another one. Holders write more often.
const SILENCE: Duration = Duration::from_secs(10);

/// What all watches together have seen. Clones are the same witness.
#[derive(Clone, Debug)]
pub(super) struct Witness {
    seen: Arc<Mutex<Seen>>,
    nodes: Arc<[String]>,
    journal: Journal,
}

#[derive(Debug, Default)]
struct Seen {
    /// Each version is shown by each server.
    versions: BTreeSet<String>,
    holder: Option<Option<usize>>,
}

impl Witness {
    /// Watches the Lease at each API server, and notes in the world's journal what happens to it.
    /// The tasks end with the runtime around them.
    pub(super) fn watch(world: &World, behind: &Behind) -> Self {
        let witness = Self {
            seen: Arc::default(),
            nodes: world.nodes().iter().map(|node| node.name().to_owned()).collect(),
            journal: world.journal().clone(),
        };
        for node in world.nodes() {
            let (witness, behind) = (witness.clone(), behind.clone());
            let network = node.namespaces().clone();
            tokio::spawn(async move {
                loop {
                    // Whatever ends a watch, there is another one.
                    let _ = witness.follow(&network, &behind).await;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        witness
    }

    /// Writes down whom the Lease names, if that is known.
    pub(super) fn tell(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = seen.holder {
            self.journal.note_now(What::Lease { holder });
        }
        seen.holder.is_some()
    }

    /// One watch, until it ends.
    async fn follow(&self, network: &Namespaces, behind: &Behind) -> io::Result<()> {
        let stream = behind.connect(network).await?;
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let opened = tokio::time::timeout(SILENCE, behind.https.open(stream)).await;
        let (mut sender, connection) = opened.map_err(late)??;
        let connection = tokio::spawn(connection);
        let path = format!(
            "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases\
             ?watch=true&fieldSelector=metadata.name={LEASE}"
        );
        let request =
            Request::get(path).header("host", behind.address().to_string()).body(Body::empty());
        let request = request.map_err(io::Error::other)?;
        let answer = tokio::time::timeout(SILENCE, sender.send_request(request)).await;
        let answer = answer.map_err(late)?.map_err(io::Error::other)?;
        let mut lines = Vec::new();
        let mut body = Body::new(answer.into_body()).into_data_stream();
        while let Ok(Some(bytes)) = tokio::time::timeout(SILENCE, body.next()).await {
            let at = Stamp::now();
            lines.extend_from_slice(&bytes.map_err(io::Error::other)?);
            while let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = lines.drain(..=end).collect();
                self.note(at, &serde_json::from_slice(&line)?);
            }
        }
        connection.abort();
        Ok(())
    }

    /// One event of one watch.
    fn note(&self, at: Stamp, event: &Value) {
        let lease = &event["object"];
        let Some(version) = lease["metadata"]["resourceVersion"].as_str() else { return };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.versions.insert(version.to_owned()) {
            return;
        }
        let gone = event["type"] == "DELETED";
        let name = lease["spec"]["holderIdentity"].as_str().filter(|_| !gone);
        let holder = self.nodes.iter().position(|node| Some(node.as_str()) == name);
        match holder {
            Some(node) if seen.holder == Some(holder) => {
                self.journal.note(at, What::Renewed { node });
            }
            _ if seen.holder == Some(holder) => {}
            _ => self.journal.note(at, What::Lease { holder }),
        }
        seen.holder = Some(holder);
    }
}
