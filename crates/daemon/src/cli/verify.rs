//! `kube-vip verify`: what must be true after kube-vip has been deployed.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};

use super::checks::aim::Aim;
use super::checks::api::Api;
use super::checks::elections;
use super::cluster::{Cluster, Pod};
use super::command::{Entry, Read};
use super::report::{Console, Report, Row};
use super::{Task, place, runtime};
use crate::settings::Inputs;
use aims::Aims;

mod address;
mod aims;
mod members;
mod phases;

const NAME: &str = "verify";
const DNS_NAME: &str = "dns-name";
const FRONT: &str = "front";

/// The line of `command::TASKS`.
pub(super) const ENTRY: Entry = Entry { name: NAME, command, read };

fn command() -> Command {
    let flag = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).num_args(1).help(help)
    };
    Aim::flags(Command::new(NAME).about("Check what must be true after kube-vip is deployed"))
        .arg(flag(DNS_NAME, "NAME", "The name by which people reach the API server"))
        .arg(flag(FRONT, "HOST[:PORT]", "The old way in, which is to go: a load balancer's"))
        .after_help(
            "What no setting, manifest or flag says is taken from the pods of kube-vip: from a\n\
             workstation a kubeconfig is enough. Rows about ARP need root on a host of the\n\
             address's subnet.\n\
             \n\
             Exit codes: 0 nothing failed; 1 a row failed, or a setting is refused; 2 nothing\n\
             failed, but a row could not be told",
        )
}

fn read(matches: &ArgMatches, inputs: Inputs) -> Read {
    let lease_is_given = inputs.environment.contains_key("vip_leasename")
        || inputs.flags.contains_key("leaseName")
        || place::text(matches, super::command::LEASE).is_some();
    let aim = Aim::read(matches, inputs)?;
    let lease_is_given = lease_is_given || aim.manifest.is_some();
    Ok(Box::new(Verify {
        aim,
        lease_is_given,
        dns_name: place::text(matches, DNS_NAME),
        front: place::text(matches, FRONT),
    }))
}

/// What a command line asks for.
#[derive(Debug)]
struct Verify {
    aim: Aim,
    /// Which Lease is meant was said.
    lease_is_given: bool,
    dns_name: Option<String>,
    front: Option<String>,
}

impl Task for Verify {
    fn run(&self, console: &mut Console<'_>) -> ExitCode {
        match runtime() {
            Ok(runtime) => runtime.block_on(self.look()).show(self.aim.place.format, console),
            Err(error) => super::finish(console.err, &format!("{error}\n"), ExitCode::FAILURE),
        }
    }
}

impl Verify {
    async fn look(&self) -> Report {
        let mut report = Report::new(NAME);
        let pods = self.pods().await;
        let aims = Aims::of(&self.aim, self.lease_is_given, pods.as_deref().unwrap_or_default());
        let cluster = Cluster::new(&aims.place);
        let api = Api::ask(&cluster).await;
        report.push(api.row());
        if api.version.is_ok() {
            match &pods {
                Ok(pods) => report.extend(members::pods(pods, &api)),
                Err(error) => report.push(Row::unknown("pods", error, "see the row api")),
            }
            report.push(members::lease(&aims.place.election, &api));
            report.push(elections::row(&aims.place.election.name, &api.leases, api.now()));
            report.extend(members::candidates(&api));
            report.push(members::versions(pods.as_deref().unwrap_or_default()));
            report.push(api.clock(None));
        }
        if aims.vips.is_empty() {
            report.push(Row::unknown(
                "address-answers",
                "which address is meant is not known: no pod of kube-vip says so",
                "give --address, or --manifest",
            ));
        }
        for vip in &aims.vips {
            self.address(&cluster, &api, (*vip, aims.port), &mut report).await;
        }
        let phases = phases::Phases {
            vips: &aims.vips,
            port: aims.port,
            dns_name: self.dns_name.as_deref(),
            front: self.front.as_deref(),
        };
        report.extend(phases.rows(&cluster, &api).await);
        report
    }

    /// The pods of kube-vip in the namespace.
    async fn pods(&self) -> Result<Vec<Pod>, String> {
        let cluster = Cluster::new(&self.aim.place);
        let namespace = cluster.election().namespace.clone();
        let pods = cluster.pods(Some(&namespace), "").await.map_err(|error| error.to_string())?;
        Ok(pods.into_iter().filter(members::is_kube_vip).collect())
    }

    /// The rows about one address.
    async fn address(
        &self,
        cluster: &Cluster,
        api: &Api,
        (vip, port): (IpAddr, u16),
        report: &mut Report,
    ) {
        let (with, without) = address::answers(cluster, (vip, port)).await;
        report.push(with.of(vip.to_string()));
        report.push(without.of(vip.to_string()));
        let arp = address::arp(api, vip).await;
        report.extend(arp.into_iter().map(|row| row.of(vip.to_string())));
    }
}

/// How often each of some texts is there.
fn counted<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    counts
}
