//! What the daemon must be allowed to do, and what goes without it. The same is in
//! docs/reference/kubernetes.md and deploy/rbac.yaml.

use super::list;
use crate::cli::cluster::{Access, Cluster, ClusterError};
use crate::cli::report::Row;

#[cfg(test)]
mod tests;

/// Verbs of one resource that are needed for one purpose.
struct Right {
    resource: &'static str,
    group: &'static str,
    verbs: &'static [&'static str],
    place: Place,
    /// What goes without them; none: nothing does.
    without: Option<&'static str>,
}

/// Where a right is needed.
enum Place {
    Cluster,
    /// In the Lease's namespace.
    Election,
    Namespace(&'static str),
}

const RIGHTS: [Right; 5] = [
    Right {
        resource: "leases",
        group: "coordination.k8s.io",
        verbs: &["get", "create", "update"],
        place: Place::Election,
        without: None,
    },
    Right {
        resource: "leases",
        group: "coordination.k8s.io",
        verbs: &["list", "watch"],
        place: Place::Election,
        without: Some("hand-overs go to nobody in particular, and the Lease is asked for instead"),
    },
    Right {
        resource: "nodes",
        group: "",
        verbs: &["get", "list", "watch"],
        place: Place::Cluster,
        without: Some("a cordon moves nothing"),
    },
    Right {
        resource: "endpointslices",
        group: "discovery.k8s.io",
        verbs: &["list"],
        place: Place::Namespace("default"),
        without: Some("no other API server is asked while the node's own is silent"),
    },
    Right {
        resource: "events",
        group: "",
        verbs: &["create"],
        place: Place::Election,
        without: Some("there are no Events"),
    },
];

/// Asks for each verb, with the credentials that the daemon would use; a row for each purpose.
pub(in crate::cli) async fn rows(cluster: &Cluster) -> Vec<Row> {
    let mut rows = Vec::new();
    for right in &RIGHTS {
        let namespace = match right.place {
            Place::Cluster => None,
            Place::Election => Some(cluster.election().namespace.clone()),
            Place::Namespace(name) => Some(name.to_owned()),
        };
        let mut answers = Vec::new();
        for verb in right.verbs {
            let Right { group, resource, .. } = *right;
            let namespace = namespace.clone();
            let access = Access { verb, group, resource, namespace, name: None };
            answers.push((*verb, cluster.may(&access).await));
        }
        rows.push(judge(right, namespace.as_deref(), answers));
    }
    rows
}

fn judge(
    right: &Right,
    namespace: Option<&str>,
    answers: Vec<(&'static str, Result<bool, ClusterError>)>,
) -> Row {
    let place = namespace.map_or("the cluster".to_owned(), |name| format!("namespace {name}"));
    let (mut refused, mut trouble) = (Vec::new(), None);
    for (verb, answer) in answers {
        match answer {
            Ok(true) => {}
            Ok(false) => refused.push(verb),
            Err(error) => trouble = Some(error),
        }
    }
    let subject = format!("{} {}", right.verbs.join(","), right.resource);
    let row = if let Some(error) = trouble {
        Row::unknown("rights", error.to_string(), "see the row api")
    } else if refused.is_empty() {
        Row::ok("rights", format!("allowed in {place}"))
    } else {
        let evidence = format!("not allowed in {place}: {}", list(refused));
        let remedy = "kubectl apply -f deploy/rbac.yaml, or an administrator's kubeconfig";
        match right.without {
            None => Row::failed("rights", evidence, remedy),
            Some(without) => Row::warning("rights", format!("{evidence}; {without}"), remedy),
        }
    };
    row.of(subject)
}
