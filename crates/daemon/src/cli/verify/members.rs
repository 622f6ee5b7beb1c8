//! The pods, the Lease and the candidates.

use jiff::{SignedDuration, Timestamp};

use super::counted;
use crate::cli::checks::api::Api;
use crate::cli::checks::list;
use crate::cli::cluster::{CandidateLease, ElectionLease, Node, Pod};
use crate::cli::report::Row;
use crate::settings::Election;

#[cfg(test)]
mod tests;

/// A pod of kube-vip, of ours or the original.
pub(super) fn is_kube_vip(pod: &Pod) -> bool {
    let runs = pod.args.iter().any(|word| word == "manager");
    let named = |text: &String| text.contains("kube-vip");
    runs && (named(&pod.name) || pod.images.iter().any(named))
}

/// A row for each node of the control plane.
pub(super) fn pods(pods: &[Pod], api: &Api) -> Vec<Row> {
    let nodes = match &api.nodes {
        Ok(nodes) => nodes,
        Err(error) => {
            let remedy = "these credentials must be allowed to list Nodes";
            return vec![Row::unknown("pods", error.to_string(), remedy)];
        }
    };
    let marked = nodes.iter().any(|node| node.control_plane);
    // Where nothing says who belongs to the control plane, whoever has a pod does.
    let counts = |node: &&Node| {
        if marked { node.control_plane } else { pods.iter().any(|pod| pod.node == node.name) }
    };
    let candidates = api.candidates.as_deref().unwrap_or_default();
    let rows: Vec<_> = nodes
        .iter()
        .filter(counts)
        .map(|node| {
            let own: Vec<_> = pods.iter().filter(|pod| pod.node == node.name).collect();
            pod(&own, takes_part(candidates, &node.name)).of(node.name.clone())
        })
        .collect();
    if rows.is_empty() {
        let evidence = "no Node is marked as one of the control plane, and none has a pod";
        let remedy = "kubectl label node NAME node-role.kubernetes.io/control-plane=true";
        return vec![Row::unknown("pods", evidence, remedy)];
    }
    rows
}

fn takes_part(candidates: &[CandidateLease], node: &str) -> bool {
    let is = |lease: &CandidateLease| lease.candidate.node.as_str() == node && lease.gone.is_none();
    candidates.iter().any(is)
}

/// `renews`: the node renews its candidate Lease.
fn pod(own: &[&Pod], renews: bool) -> Row {
    const CHECK: &str = "pods";
    let live: Vec<_> = own.iter().filter(|pod| !pod.ending).collect();
    match live.as_slice() {
        [] if renews => {
            Row::ok(CHECK, "no pod, but its candidate Lease is renewed: it runs as a service")
        }
        [] => Row::failed(
            CHECK,
            "no pod of kube-vip",
            "put the manifest into the kubelet's directory (k3s: \
             /var/lib/rancher/k3s/agent/pod-manifests, kubeadm: /etc/kubernetes/manifests); the \
             kubelet's log says what it refuses",
        ),
        [pod] if pod.phase == "Running" && pod.ready => {
            let again = match pod.restarts {
                0 => String::new(),
                some => format!(", started again {some} times"),
            };
            Row::ok(CHECK, format!("{} runs{again}", pod.name))
        }
        [pod] => Row::failed(
            CHECK,
            match pod.waiting.as_str() {
                "" => format!("{} is {} and not ready", pod.name, pod.phase),
                waiting => format!("{} is {}: {waiting}", pod.name, pod.phase),
            },
            format!("kubectl -n {} logs {}, or describe pod", pod.namespace, pod.name),
        ),
        several => Row::failed(
            CHECK,
            format!("{} pods: {}", several.len(), list(several.iter().map(|pod| &pod.name))),
            "keep one manifest on the node, and either static pods or the DaemonSet",
        ),
    }
}

/// The row about the Lease and who holds it.
pub(super) fn lease(election: &Election, api: &Api) -> Row {
    let name = format!("{}/{}", election.namespace, election.name);
    match &api.lease {
        Err(error) => Row::unknown("lease", error.to_string(), "see the row api"),
        Ok(lease) => held(lease.as_ref(), api.nodes.as_deref().unwrap_or_default(), api.now()),
    }
    .of(name)
}

fn held(lease: Option<&ElectionLease>, nodes: &[Node], now: Timestamp) -> Row {
    const CHECK: &str = "lease";
    let Some(lease) = lease else {
        return Row::failed(
            CHECK,
            "there is no such Lease: no kube-vip elects by it",
            "kubectl get lease -A shows which there are; --lease names another",
        );
    };
    let holder = &lease.record.holder;
    if holder.is_empty() {
        return Row::failed(
            CHECK,
            "nobody holds it",
            "kube-vip status, or the logs of the pods, say why no node takes it",
        );
    }
    let old = lease.renewed().map_or(SignedDuration::ZERO, |renewed| now.duration_since(renewed));
    // The holder's clock is compared with the API server's, which tells whole seconds.
    let most = lease.record.duration + std::time::Duration::from_secs(3);
    if old.is_positive() && old.unsigned_abs() > most {
        return Row::failed(
            CHECK,
            format!("{holder} has not renewed it for {}s", old.as_secs()),
            format!("look at kube-vip on {holder}: it is gone, or its clock is wrong"),
        );
    }
    let evidence = format!("{holder} holds it; {} transitions", lease.record.transitions);
    if !nodes.is_empty() && !nodes.iter().any(|node| node.name.eq_ignore_ascii_case(holder)) {
        return Row::warning(
            CHECK,
            format!("{evidence}; there is no Node of that name"),
            "set vip_nodename to the Node's name: a drain would not move the address",
        );
    }
    Row::ok(CHECK, evidence)
}

/// A row for each candidate, and for each node of the control plane that is none.
pub(super) fn candidates(api: &Api) -> Vec<Row> {
    const CHECK: &str = "candidate";
    let leases = match &api.candidates {
        Ok(leases) => leases,
        Err(error) => {
            let remedy = "these credentials must be allowed to list Leases";
            return vec![Row::unknown(CHECK, error.to_string(), remedy)];
        }
    };
    let mut rows: Vec<_> = leases.iter().map(candidate).collect();
    for node in api.control_plane() {
        let is = |lease: &CandidateLease| lease.candidate.node.as_str() == node.name;
        if !leases.iter().any(is) {
            rows.push(
                Row::warning(
                    CHECK,
                    "it has no candidate Lease: it runs the original or nothing, or may not \
                     create Leases; hand-overs go past it",
                    "deploy this kube-vip there, with the rights of deploy/rbac.yaml",
                )
                .of(node.name.clone()),
            );
        }
    }
    if rows.is_empty() {
        rows.push(Row::skipped(CHECK, "there are no candidate Leases, as only ours writes them"));
    }
    rows
}

fn candidate(lease: &CandidateLease) -> Row {
    const CHECK: &str = "candidate";
    let says = &lease.candidate.candidacy;
    let name = lease.candidate.node.to_string();
    let row = if let Some(gone) = lease.gone {
        Row::failed(
            CHECK,
            format!("it has not renewed its candidate Lease for {}s", gone.as_secs()),
            format!(
                "start kube-vip on {name} again; if the node is gone for good, delete its Node"
            ),
        )
    } else if !says.fit {
        Row::failed(
            CHECK,
            "it is not fit: its API server is unwell, or its interface is down",
            format!("kube-vip status on {name} says which"),
        )
    } else if says.cordoned {
        Row::warning(
            CHECK,
            "it is cordoned, and takes the address only if nobody else can",
            format!("kubectl uncordon {name}, when its maintenance is over"),
        )
    } else {
        Row::ok(CHECK, "fit to hold the address")
    };
    row.of(name)
}

/// The row about which versions run.
pub(super) fn versions(pods: &[Pod]) -> Row {
    const CHECK: &str = "versions";
    let images = || pods.iter().flat_map(|pod| &pod.images).map(String::as_str);
    let counts = counted(images().filter(|image| image.contains("kube-vip")));
    let counts = if counts.is_empty() { counted(images()) } else { counts };
    let texts = list(counts.iter().map(|(image, count)| format!("{count}× {image}")));
    match counts.len() {
        0 => Row::skipped(CHECK, "there are no pods to compare"),
        1 => Row::ok(CHECK, texts),
        _ => Row::warning(
            CHECK,
            texts,
            "finish the upgrade, one node after the other: several versions elect together, but \
             each with its own abilities",
        ),
    }
}
