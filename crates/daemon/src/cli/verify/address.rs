//! Whether an address answers: TCP, TLS and HTTP through it, and ARP for it.

use std::net::{IpAddr, SocketAddr};

use http::StatusCode;

use crate::cli::checks::api::Api;
use crate::cli::checks::owner::{self, Owners, Seen, Segment};
use crate::cli::checks::wire;
use crate::cli::cluster::Cluster;
use crate::cli::report::{Row, Verdict};
use crate::drivers::kernel;
use crate::drivers::lease::caller::{Answered, CallerError};
use crate::drivers::lease::served::{self, Served, ServedError};

#[cfg(test)]
mod tests;

const PATH: &str = "/healthz";

/// The rows about requests with the kubeconfig's credentials, and without any.
pub(super) async fn answers(cluster: &Cluster, (vip, port): (IpAddr, u16)) -> (Row, Row) {
    let socket = SocketAddr::from((vip, port));
    let with = known(socket, cluster.get_at(socket, PATH).await);
    let without = anonymous(socket, served::look(socket, &vip.to_string(), PATH).await);
    (with, without)
}

fn known(socket: SocketAddr, answer: Result<Answered, CallerError>) -> Row {
    const CHECK: &str = "address-answers";
    const REMEDY: &str = "the rows lease and arp-one say whether a node holds it; kube-vip status \
                          on the holder says more";
    match answer {
        Ok(answer) if answer.status == StatusCode::OK => {
            Row::ok(CHECK, format!("https://{socket}{PATH} answers 200"))
        }
        Ok(answer) => Row::failed(
            CHECK,
            format!("https://{socket}{PATH} answers {}", answer.words),
            "the holder's API server is unwell: its /readyz?verbose says where",
        ),
        Err(CallerError::Refused(text)) => Row::unknown(CHECK, text, "see the row api"),
        Err(CallerError::NoCredentials(text)) => {
            Row::unknown(CHECK, text, "give a kubeconfig: --kubeconfig")
        }
        Err(error) => Row::failed(CHECK, error.to_string(), REMEDY),
    }
}

/// Every answer to nobody is as it should be: whether there is one is the cluster's choice.
fn anonymous(socket: SocketAddr, shown: Result<Served, ServedError>) -> Row {
    const CHECK: &str = "anonymous";
    match shown {
        Ok(Served { status: StatusCode::OK, line, .. }) => {
            Row::ok(CHECK, format!("curl -k https://{socket}{PATH} answers 200: {line}"))
        }
        Ok(Served { status, .. })
            if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN =>
        {
            let code = status.as_u16();
            Row::ok(CHECK, format!("answers, anonymous requests refused ({code}): k3s' default"))
        }
        Ok(Served { status, line, .. }) => Row::warning(
            CHECK,
            format!("curl -k https://{socket}{PATH} answers {status}: {line}"),
            "the holder's API server is unwell: its /readyz?verbose says where",
        ),
        Err(error) => Row::failed(CHECK, error.to_string(), "see the row address-answers"),
    }
}

/// The rows about who answers ARP.
pub(super) async fn arp(api: &Api, vip: IpAddr) -> Vec<Row> {
    let host = kernel::host().unwrap_or_default();
    let lease = api.lease.as_ref().ok().and_then(Option::as_ref);
    let mut owners = Owners::of(lease, api.candidates.as_deref().unwrap_or_default());
    let Some(segment) = Segment::around(&host, vip) else {
        let why = "this host is not in the address's subnet: run it on a node or beside one";
        return ["arp-one", "arp-holder"].map(|check| Row::skipped(check, why)).into();
    };
    owners.complete(api.nodes.as_deref().unwrap_or_default(), &segment).await;
    match segment.ask(vip).await {
        Ok(seen) => {
            let from = format!("asked on {} for {:?}", segment.link, wire::TIME);
            owner::answering(&seen, &owners, &from)
        }
        Err(_) => {
            // The connection of the row before has made the kernel ask.
            let local = segment.has(vip);
            let others = wire::neighbour(vip).filter(|_| local.is_none());
            from_table(&Seen { local, others: others.into_iter().collect() }, &owners)
        }
    }
}

/// What the kernel's neighbour table shows, as `arp -n` does: one who answers, not whether another
/// does as well.
fn from_table(seen: &Seen, owners: &Owners) -> Vec<Row> {
    let why = "whether exactly one answers needs root (CAP_NET_RAW) here, or on a node";
    let mut rows = vec![Row::skipped("arp-one", why)];
    if *seen == Seen::default() {
        rows.push(Row::skipped("arp-holder", why));
        return rows;
    }
    let all = owner::answering(seen, owners, "as arp -n shows it");
    rows.extend(
        all.into_iter().filter(|row| row.check == "arp-holder" || row.result == Verdict::Failed),
    );
    rows
}
