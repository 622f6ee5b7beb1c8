//! `kube-vip preflight`: what must be true before kube-vip is deployed.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use kube_vip_core::address::LinkName;

use super::checks::aim::Aim;
use super::checks::api::Api;
use super::checks::image::{self, Policy, Wanted};
use super::checks::owner::{self, Owners, Segment};
use super::checks::{elections, list, others, pools, rights};
use super::cluster::Cluster;
use super::command::{Entry, Read};
use super::place;
use super::report::{Console, Report, Row};
use super::{Task, runtime};
use crate::drivers::kernel;
use crate::settings::Inputs;
use crate::settings::config::Config;
use crate::settings::host::Host;
use crate::sys::timex;
use here::Here;

mod here;
mod machine;
mod reach;

const NAME: &str = "preflight";
const IMAGE: &str = "image";

/// The variable by which programs are told whose certificates to trust (OpenSSL, Go).
const AUTHORITIES: &str = "SSL_CERT_FILE";

/// The line of `command::TASKS`.
pub(super) const ENTRY: Entry = Entry { name: NAME, command, read };

fn command() -> Command {
    let image = Arg::new(IMAGE)
        .long(IMAGE)
        .value_name("IMAGE")
        .num_args(1)
        .help("The image that the node should have or can pull [default: the manifest's]");
    Aim::flags(Command::new(NAME).about("Check what must be true before kube-vip is deployed"))
        .arg(image)
        .after_help(
            "Settings are read as by manager (environment and flags), or from --manifest. On a\n\
             node, run it as root; elsewhere, rows that need a node are skipped.\n\
             \n\
             Exit codes: 0 nothing failed; 1 a row failed, or a setting is refused; 2 nothing\n\
             failed, but a row could not be told",
        )
}

fn read(matches: &ArgMatches, inputs: Inputs) -> Read {
    let authorities = inputs.environment.get(AUTHORITIES).map(PathBuf::from);
    let aim = Aim::read(matches, inputs)?;
    let image = place::text(matches, IMAGE)
        .or_else(|| aim.manifest.as_ref().map(|(_, manifest)| manifest.image.clone()));
    let image = image.filter(|image| !image.is_empty());
    Ok(Box::new(Preflight { aim, image, authorities }))
}

/// What a command line asks for.
#[derive(Debug)]
struct Preflight {
    aim: Aim,
    image: Option<String>,
    /// A file with the authorities that prove registries.
    authorities: Option<PathBuf>,
}

impl Task for Preflight {
    fn run(&self, console: &mut Console<'_>) -> ExitCode {
        match runtime() {
            Ok(runtime) => runtime.block_on(self.look()).show(self.aim.place.format, console),
            Err(error) => super::finish(console.err, &format!("{error}\n"), ExitCode::FAILURE),
        }
    }
}

impl Preflight {
    async fn look(&self) -> Report {
        let cluster = Cluster::new(&self.aim.place);
        let host = kernel::host().unwrap_or_default();
        let api = Api::ask(&cluster).await;
        let here = Here::of(&host, &api.nodes, self.aim.manifest.is_some());
        let mut report = Report::new(NAME);
        let config = self.settings(&host, &here, &mut report);
        let link = config.as_ref().map(|config| config.plan.link.clone());
        let vips = config
            .as_ref()
            .map_or_else(|| self.aim.vips().to_vec(), |config| config.plan.vips.addresses());
        if let Some((path, manifest)) = &self.aim.manifest {
            report.push(manifest.judge(path));
        }
        for vip in &vips {
            report.push(here::subnet(&host, link.as_ref(), *vip, &here));
        }
        report.extend(self.unused(&host, link.as_ref(), &vips, &api).await);
        report.extend(machine::rows(&here, &host, config.as_ref(), &vips));
        report.push(self.image(&here).await);
        report.push(match &here {
            Here::Node => others::row(Path::new("/"), &vips),
            Here::Elsewhere(why) => Row::skipped("other-daemons", *why),
        });
        let scene = Scene { cluster: &cluster, api: &api, here: &here, vips: &vips };
        report.extend(self.reach(scene).await);
        report
    }

    /// The settings' rows; the configuration, if they are all right here.
    fn settings(&self, host: &Host, here: &Here, report: &mut Report) -> Option<Config> {
        let (rows, config) = here::settings(&self.aim.settings, host, here);
        report.extend(rows);
        config
    }

    /// Who has the addresses.
    async fn unused(
        &self,
        host: &Host,
        link: Option<&LinkName>,
        vips: &[IpAddr],
        api: &Api,
    ) -> Vec<Row> {
        const CHECK: &str = "address-unused";
        let mut rows = Vec::new();
        for vip in vips {
            let segment = match link {
                Some(link) => Segment::of(host, link),
                None => Segment::around(host, *vip),
            };
            let Some(segment) = segment else {
                let why = "this host is not on the address's segment: run it on a node";
                rows.push(Row::skipped(CHECK, why).of(vip.to_string()));
                continue;
            };
            let candidates = api.candidates.as_deref().unwrap_or_default();
            let lease = api.lease.as_ref().ok().and_then(Option::as_ref);
            let mut owners = Owners::of(lease, candidates);
            owners.complete(api.nodes.as_deref().unwrap_or_default(), &segment).await;
            rows.push(
                match segment.ask(*vip).await {
                    Ok(seen) => owner::unused(&seen, &owners, &segment.link),
                    Err(error) => Row::unknown(
                        CHECK,
                        format!("{}: {error}", segment.link),
                        "run it as root (CAP_NET_RAW), and bring the interface up",
                    ),
                }
                .of(vip.to_string()),
            );
        }
        rows
    }

    async fn image(&self, here: &Here) -> Row {
        match (&self.image, here) {
            (None, _) => Row::skipped("image", "which one is not known: --image or --manifest"),
            (Some(image), Here::Elsewhere(why)) => Row::skipped("image", *why).of(image),
            (Some(image), Here::Node) => {
                let manifest = self.aim.manifest.as_ref().map(|(_, manifest)| manifest);
                let policy = manifest.and_then(|manifest| manifest.pull_policy.as_deref());
                image::row(Wanted {
                    image,
                    policy: Policy::of(policy, image),
                    root: Path::new("/"),
                    authorities: self.authorities.as_deref(),
                })
                .await
            }
        }
    }

    /// What has to do with the API server.
    async fn reach(&self, scene: Scene<'_>) -> Vec<Row> {
        let Scene { cluster, api, here, vips } = scene;
        let port = self.aim.place.election.port;
        let mut rows = vec![
            reach::kubeconfig(&cluster.kubeconfigs()),
            reach::server(cluster, here, vips, port).await,
            api.row(),
            api.clock(matches!(here, Here::Node).then(timex::synchronised).flatten()),
        ];
        let wanted: Vec<_> = vips.iter().map(IpAddr::to_string).collect();
        rows.extend(reach::certificates(scene, &wanted, port).await);
        if api.version.is_err() {
            let why = "the API server does not answer: see the row api";
            let checks = ["serving-secret", "rights", "one-election", "address-pools"];
            rows.extend(checks.map(|check| Row::skipped(check, why)));
            return rows;
        }
        rows.push(reach::secret(cluster, &wanted, api.now()).await);
        rows.extend(rights::rows(cluster).await);
        rows.push(elections::row(&self.aim.place.election.name, &api.leases, api.now()));
        rows.extend(pools::rows(cluster, vips).await);
        rows
    }
}

/// What the checks of the API server need to know.
#[derive(Clone, Copy)]
struct Scene<'a> {
    cluster: &'a Cluster,
    api: &'a Api,
    here: &'a Here,
    vips: &'a [IpAddr],
}

/// The texts of settings' warnings.
fn warnings(config: &Config) -> Vec<Row> {
    let all = config.warnings.iter();
    all.map(|warning| {
        let remedy = "see kube-vip settings NAME";
        Row::warning("settings", warning.text.clone(), remedy).of(warning.setting.clone())
    })
    .collect()
}

/// What the settings come to, in one line.
fn summary(config: &Config) -> String {
    let plan = &config.plan;
    format!(
        "{} on {} by the Lease {}/{}, as {}",
        list(plan.vips.iter()),
        plan.link,
        plan.lease.namespace,
        plan.lease.name,
        plan.node
    )
}
