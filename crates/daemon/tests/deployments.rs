//! What becomes of kube-vip as people deploy it: each record starts, warns or is refused as it is
//! written beside it.

#[path = "support/deployments.rs"]
mod records;

use kube_vip::cli::{Outcome, decide};
use kube_vip::settings::Refusal;
use kube_vip::settings::config::Config;
use kube_vip::settings::host::{Host, HostLink};
use kube_vip::settings::names::Resolved;
use kube_vip_core::address::{LinkName, Mac};
use records::Record;

fn host(record: &Record) -> Host {
    let link = |name: &str, addresses: &[&str]| HostLink {
        name: LinkName::new(name).expect("a name"),
        up: true,
        loopback: name == "lo",
        mac: (name != "lo").then_some(Mac([2, 0, 0, 0, 0, 1])),
        addresses: addresses.iter().filter_map(|text| address(text)).collect(),
    };
    let mut links = vec![link("lo", &["127.0.0.1/8"])];
    links.extend(record.links.iter().map(|(name, addresses)| link(name, addresses)));
    Host {
        links,
        without_ipv6: Vec::new(),
        default_route_link: record
            .links
            .first()
            .map(|(name, _)| LinkName::new(name).expect("a name")),
        host_name: "Node-1".to_owned(),
        boot: "a-boot".to_owned(),
    }
}

fn address<A: std::str::FromStr>(text: &str) -> Option<(A, u8)> {
    let (address, prefix) = text.split_once('/')?;
    Some((address.parse().ok()?, prefix.parse().ok()?))
}

/// What names stand for; where a record does not say, that is not what it is about.
fn names(record: &Record) -> Resolved {
    let address = |text: &str| text.parse().expect("an address");
    let mut names: Resolved =
        record.hosts.iter().map(|(text, name)| ((*name).to_owned(), vec![address(text)])).collect();
    names.entry("api.cluster.example".to_owned()).or_insert_with(|| vec![address("10.58.0.10")]);
    names
}

/// The plan, as a record has it.
fn plan(config: &Config) -> String {
    let plan = &config.plan;
    let vips: Vec<_> = plan.vips.iter().map(|vip| vip.to_string()).collect();
    let (lease, times) = (&plan.lease, plan.lease.timings);
    let seconds = [times.duration(), times.renew_deadline(), times.retry()];
    let seconds = seconds.map(|span| span.as_secs().to_string()).join("/");
    let metrics = config.metrics.map_or("off".to_owned(), |listen| listen.to_string());
    let vips = vips.join(",");
    let lease = format!("{}/{}", lease.namespace, lease.name);
    format!("{} {} {vips} {lease} {seconds} {metrics}", plan.node, plan.link)
}

fn check_started(record: &Record, config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    match record.starts {
        Some(starts) if starts == plan(config) => {}
        _ => faults.push(format!("it starts: {}", plan(config))),
    }
    let mut warnings: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    for expected in &record.warns {
        match warnings.iter().position(|warning| warning.starts_with(expected)) {
            Some(at) => drop(warnings.remove(at)),
            None => faults.push(format!("no such warning: {expected}")),
        }
    }
    faults.extend(warnings.into_iter().map(|warning| format!("warning: {warning}")));
    faults
}

fn check_refused(record: &Record, refusal: &Refusal) -> Vec<String> {
    let mut faults = Vec::new();
    let told = |problem: &kube_vip::settings::Problem| {
        format!("{}: {}", problem.label, problem.wrong.wrong)
    };
    let mut problems: Vec<_> = refusal.problems.iter().map(told).collect();
    for expected in &record.refuses {
        let (label, part) = expected.split_once(": ").expect("a setting and a part of why");
        let fits = |problem: &String| {
            problem.strip_prefix(label).is_some_and(|rest| rest.starts_with(':'))
                && problem.contains(part)
        };
        match problems.iter().position(fits) {
            Some(at) => drop(problems.remove(at)),
            None => faults.push(format!("it is not refused for {expected}")),
        }
    }
    faults.extend(problems.into_iter().map(|problem| format!("it is refused: {problem}")));
    faults
}

/// What is otherwise than it is written.
fn faults(record: &Record) -> Vec<String> {
    let args = record.command_line().into_iter().map(Into::into);
    let pod = record.pod.map(str::to_owned);
    match decide(args, record.environment.clone(), pod) {
        Outcome::Manager(settings) => match settings.config_with(&host(record), &names(record)) {
            Ok(config) => check_started(record, &config),
            Err(refusal) => check_refused(record, &refusal),
        },
        Outcome::Err(_) if record.no_command_line => Vec::new(),
        Outcome::Err(text) => {
            let named = |refusal: &&str| text.contains(refusal);
            match record.refuses.as_slice() {
                [refusal] if named(refusal) => Vec::new(),
                _ => vec![text],
            }
        }
        other => vec![format!("not even a daemon: {other:?}")],
    }
}

#[test]
fn every_deployment_comes_to_what_is_written_beside_it() {
    let records = records::all();
    assert!(records.len() >= 60, "only {} records", records.len());
    let mut text = String::new();
    for record in &records {
        for fault in faults(record) {
            text = format!("{text}\n{}\n  {fault}", record.title);
        }
    }
    assert!(text.is_empty(), "{text}");
}

#[test]
fn no_two_records_are_alike() {
    let records = records::all();
    for (index, one) in records.iter().enumerate() {
        for other in &records[index + 1..] {
            let same = one.environment == other.environment
                && one.command_line() == other.command_line()
                && one.pod == other.pod;
            assert!(!same, "{} and {}", one.title, other.title);
        }
    }
}
