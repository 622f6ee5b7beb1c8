//! What has to be known before a test begins, and why one is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kube_vip_core::address::Mac;
use kube_vip_measure::drawing::human;
use tokio::time::timeout;

use super::act::Fate;
use super::{How, Order};
use crate::cli::checks::aim::of_pod;
use crate::cli::cluster::{Access, CandidateLease, Cluster, Pod};
use crate::cli::moving;
use crate::drivers::lease::mover::Member;
use crate::drivers::lease::visit::Visitor;

/// How long it may take to look at a candidate's own certificate.
const PATIENCE: Duration = Duration::from_secs(1);

/// Everything that is known before the act.
pub(super) struct Prepared {
    pub(super) cluster: Arc<Cluster>,
    pub(super) visitor: Arc<Visitor>,
    /// Who holds, as the Lease has it.
    pub(super) holder: String,
    /// The holder's Node.
    pub(super) node: String,
    /// It says that it takes part; else it may be the original.
    pub(super) ours: bool,
    /// All nodes that take part, by name.
    pub(super) nodes: Vec<String>,
    /// Those who could take over.
    pub(super) fit: Vec<String>,
    /// Whom the holder is asked to hand over to.
    pub(super) to: Option<String>,
    /// The addresses, and where their API server listens.
    pub(super) targets: Vec<SocketAddr>,
    /// Whose MAC is whose.
    pub(super) macs: BTreeMap<Mac, String>,
    /// Whose certificate is whose, if each node has one of its own.
    pub(super) certificates: BTreeMap<Vec<u8>, String>,
    /// What a drain evicts.
    pub(super) pods: Vec<Pod>,
}

impl Prepared {
    /// Looks at the cluster.
    ///
    /// # Errors
    /// If there is no sense in a test; the text is for people.
    pub(super) async fn new(order: &Order) -> Result<Self, String> {
        let cluster = Arc::new(Cluster::new(&order.place));
        let election = cluster.election().clone();
        let name = format!("{}/{}", election.namespace, election.name);
        let lease = cluster.lease().await.map_err(|error| format!("{name}: {error}"))?;
        let lease = lease.ok_or_else(|| {
            format!(
                "{name}: there is no such Lease: no kube-vip elects by it; -n and --lease \
                     name another"
            )
        })?;
        let holder = lease.record.holder;
        if holder.is_empty() {
            return Err(format!("{name}: nobody holds it now, so that there is nothing to move"));
        }
        let candidates = cluster.candidates().await.map_err(|error| format!("{name}: {error}"))?;
        let (fit, why) = successors(&holder, &candidates);
        let own = candidates.iter().find(|one| one.candidate.node.as_str() == holder);
        let to = target(order, own.is_some(), &fit)
            .and_then(|to| match (own.is_some(), fit.is_empty()) {
                (true, true) => Err(format!("nobody could take over from {holder}")),
                _ => Ok(to),
            })
            .map_err(|text| format!("{name}: {text}; {why}"))?;
        let node = node_of(&cluster, &holder, own).await;
        let node = if order.how == How::Move { holder.clone() } else { node? };
        may(&cluster, order.how, &node).await?;
        let targets = targets(&cluster).await.map_err(|text| format!("{name}: {text}"))?;
        let pods = match order.how {
            How::Drain => pods(&cluster, &node).await?,
            How::Cordon | How::Move => Vec::new(),
        };
        let visitor = Visitor::new(&order.place.places())?;
        let mut nodes: BTreeSet<String> =
            candidates.iter().map(|one| one.candidate.node.to_string()).collect();
        nodes.insert(holder.clone());
        Ok(Self {
            certificates: certificates(&cluster, &visitor, &candidates).await,
            macs: candidates
                .iter()
                .filter_map(|one| {
                    Some((one.candidate.candidacy.mac?, one.candidate.node.to_string()))
                })
                .collect(),
            ours: own.is_some(),
            nodes: nodes.into_iter().collect(),
            visitor: Arc::new(visitor),
            cluster,
            holder,
            node,
            fit,
            to,
            targets,
            pods,
        })
    }

    /// What is about to happen, for whoever is asked.
    pub(super) fn plan(&self, order: &Order) -> String {
        let election = self.cluster.election();
        let addresses: Vec<_> = self.targets.iter().map(ToString::to_string).collect();
        let mut text = format!(
            "{} holds {} by the Lease {}/{}",
            self.holder,
            addresses.join(" and "),
            election.namespace,
            election.name
        );
        text.push_str(&match self.fit.as_slice() {
            [] => "; nobody says that it could take over".to_owned(),
            fit => format!("; could take over: {}", fit.join(", ")),
        });
        if !self.ours {
            text.push_str(&format!(
                "\n{} says nothing of itself: it may run the original kube-vip, which a cordon or \
                 a drain does not move",
                self.holder
            ));
        }
        let node = &self.node;
        text.push_str(&match order.how {
            How::Cordon => format!("\nThis cordons {node}"),
            How::Drain => format!(
                "\nThis cordons {node} and evicts {} Pods from it, which do not come back to it by \
                 themselves",
                self.pods.len()
            ),
            How::Move => format!(
                "\nThis asks {node} to hand over to {}",
                self.to.as_deref().unwrap_or_default()
            ),
        });
        text.push_str(match order.how {
            How::Move => ", where the address then stays",
            How::Cordon | How::Drain => {
                ", and uncordons it at the end; the address then stays \
                                         where it has gone to"
            }
        });
        text.push_str(&format!(". A connection is begun every {} meanwhile.", human(order.period)));
        text
    }
}

/// Who could take over from that holder, and how all are, for people.
fn successors(holder: &str, candidates: &[CandidateLease]) -> (Vec<String>, String) {
    let mut fit = Vec::new();
    let mut all = Vec::new();
    for one in candidates {
        let says = &one.candidate.candidacy;
        let member = Member {
            node: one.candidate.node.clone(),
            fit: says.fit,
            cordoned: says.cordoned,
            gone: one.gone,
        };
        if moving::marks(holder, &member).is_empty() {
            fit.push((std::cmp::Reverse(says.priority), member.node.to_string()));
        }
        all.push(member);
    }
    fit.sort();
    (fit.into_iter().map(|(_, node)| node).collect(), moving::all(holder, &all))
}

/// Whom the holder is to be asked to hand over to; none: it is not asked.
fn target(order: &Order, ours: bool, fit: &[String]) -> Result<Option<String>, String> {
    if order.how != How::Move {
        return Ok(None);
    }
    if !ours {
        return Err(format!("its holder {}", moving::UNAWARE));
    }
    match &order.to {
        Some(to) if fit.contains(to) => Ok(Some(to.clone())),
        Some(to) => Err(format!("{to} could not take over")),
        None => Ok(fit.first().cloned()),
    }
}

/// The holder's Node: of its name, or with the address that it says it has.
async fn node_of(
    cluster: &Cluster,
    holder: &str,
    own: Option<&CandidateLease>,
) -> Result<String, String> {
    let failed = |error| format!("cannot look for the Node of {holder}: {error}");
    let node = match cluster.node(holder).await.map_err(failed)? {
        Some(node) => node,
        None => {
            let address = own.and_then(|own| own.candidate.candidacy.address);
            let nodes = cluster.nodes().await.map_err(failed)?;
            let mut has = nodes
                .into_iter()
                .filter(|node| address.is_some_and(|a| node.addresses.contains(&a)));
            has.next().ok_or_else(|| format!("no Node is called {holder} or has its address"))?
        }
    };
    if node.cordoned {
        return Err(format!(
            "{} is cordoned already, and holds all the same; --how move asks it to hand over",
            node.name
        ));
    }
    Ok(node.name)
}

/// Refuses if these credentials may not do it. Where that cannot be asked, it shows later.
async fn may(cluster: &Cluster, how: How, node: &str) -> Result<(), String> {
    let election = cluster.election();
    let (group, resource, namespace, name) = match how {
        How::Cordon | How::Drain => ("", "nodes", None, node),
        How::Move => {
            let namespace = Some(election.namespace.clone());
            ("coordination.k8s.io", "leases", namespace, election.name.as_str())
        }
    };
    let name_of = Some(name.to_owned());
    let access = Access { verb: "patch", group, resource, namespace, name: name_of };
    match cluster.may(&access).await {
        Ok(false) => Err(format!("these credentials may not patch {resource} {name}")),
        Ok(true) | Err(_) => Ok(()),
    }
}

/// The addresses of the settings, or else those that the Pods of kube-vip have in theirs.
async fn targets(cluster: &Cluster) -> Result<Vec<SocketAddr>, String> {
    let election = cluster.election();
    if !election.vips.is_empty() {
        let all = election.vips.iter().copied();
        return Ok(all.map(|address| SocketAddr::new(address, election.port)).collect());
    }
    let unknown = "name the address with --address";
    let pods = cluster.pods(Some(&election.namespace), "").await;
    let pods = pods.map_err(|error| format!("{unknown}: Pods cannot be listed: {error}"))?;
    let theirs = pods.iter().filter_map(of_pod).filter(|theirs| theirs.name == election.name);
    let found: BTreeSet<_> = theirs
        .flat_map(|theirs| theirs.vips.into_iter().map(move |vip| (vip, theirs.port).into()))
        .collect();
    if found.is_empty() {
        let namespace = &election.namespace;
        return Err(format!("{unknown}: no Pod in {namespace} has the setting address"));
    }
    Ok(found.into_iter().collect())
}

/// What a drain of that Node evicts.
async fn pods(cluster: &Cluster, node: &str) -> Result<Vec<Pod>, String> {
    let selector = format!("fieldSelector=spec.nodeName%3D{node}");
    let pods = cluster.pods(None, &selector).await;
    let pods = pods.map_err(|error| format!("cannot list the Pods on {node}: {error}"))?;
    let name = |pod: &Pod| format!("{}/{}", pod.namespace, pod.name);
    let refused: Vec<_> =
        pods.iter().filter(|pod| Fate::of(pod) == Fate::Refused).map(name).collect();
    if !refused.is_empty() {
        return Err(format!(
            "{node} cannot be drained: nobody would start these Pods elsewhere: {}; kubectl drain \
             refuses as well, without --force",
            refused.join(", ")
        ));
    }
    Ok(pods.into_iter().filter(|pod| Fate::of(pod) == Fate::Evicted).collect())
}

/// The nodes' own certificates, if each has one that no other has, and can be asked for it.
async fn certificates(
    cluster: &Cluster,
    visitor: &Visitor,
    candidates: &[CandidateLease],
) -> BTreeMap<Vec<u8>, String> {
    let mut all = BTreeMap::new();
    for one in candidates.iter().filter(|one| one.gone.is_none()) {
        let Some(address) = cluster.address_of(&one.candidate).await else { continue };
        let socket = SocketAddr::new(address, cluster.election().port);
        let visit = timeout(PATIENCE, visitor.enter(socket)).await;
        let Ok(Ok(visit)) = visit else { return BTreeMap::new() };
        let before = all.insert(visit.certificate, one.candidate.node.to_string());
        if before.is_some() {
            return BTreeMap::new();
        }
    }
    all
}

#[cfg(test)]
mod tests;
