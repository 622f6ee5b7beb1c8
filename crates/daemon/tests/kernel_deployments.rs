//! The built program in the deployments of `deployments/records.txt`: each in a network, with a
//! host name and a service account of its own, up to the line with which it starts or the error
//! with which it ends.

#[path = "support/deployments.rs"]
mod records;

use std::fs;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use kube_vip_lab::net::Bind;
use kube_vip_lab::sys::namespace::Namespaces;
use netlink_packet_route::link::{LinkAttribute, State};
use records::Record;
use rtnetlink::{Handle, LinkUnspec, LinkVeth, RouteMessageBuilder};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kube-vip");

/// The line with which a daemon starts.
const STARTS: &str = "INFO kube-vip starts ";

/// A process says one or the other within a second, but machines may be slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// A host as a record has it.
fn host(record: &Record, directory: &Path) -> Namespaces {
    let account = directory.join("account");
    fs::create_dir_all(&account).expect("a directory");
    if let Some(namespace) = record.pod {
        fs::write(account.join("namespace"), namespace).expect("a file");
    }
    let target = "/var/run/secrets/kubernetes.io/serviceaccount".into();
    let hosts = directory.join("hosts");
    let lines: String =
        record.hosts.iter().map(|(address, name)| format!("{address} {name}\n")).collect();
    fs::write(&hosts, lines).expect("a file");
    let hosts = Bind { source: hosts, target: "/etc/hosts".into() };
    let host = Namespaces::host("Node-1", &[Bind { source: account, target }, hosts])
        .expect("a host; it needs root, or `unshare -Urn`");
    host.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime needs a few files only").block_on(plug_in(record));
    })
    .expect("its network");
    host
}

async fn plug_in(record: &Record) {
    let (connection, ip, _) = rtnetlink::new_connection().expect("a netlink socket");
    tokio::spawn(connection);
    let mut near = Vec::new();
    for (number, (name, addresses)) in record.links.iter().enumerate() {
        let far = format!("far{number}");
        let pair = LinkVeth::new(name, &far).build();
        ip.link().add(pair).execute().await.expect("two interfaces");
        let index = up(&ip, name).await;
        up(&ip, &far).await;
        near.push(index);
        for text in addresses {
            let (address, prefix) =
                text.split_once('/').expect("an address with its prefix length");
            let address: IpAddr = address.parse().expect("an address");
            let prefix = prefix.parse().expect("a prefix length");
            ip.address().add(index, address, prefix).execute().await.expect("an address");
        }
        if number == 0 {
            let route = RouteMessageBuilder::<Ipv4Addr>::new().output_interface(index).build();
            ip.route().add(route).execute().await.expect("a default route");
        }
    }
    for index in near {
        // The kernel may put off what follows from a carrier.
        while !is_up(&ip, index).await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn is_up(ip: &Handle, index: u32) -> bool {
    let mut links = ip.link().get().match_index(index).execute();
    let link = links.try_next().await.expect("an answer").expect("the interface is there");
    link.attributes.contains(&LinkAttribute::OperState(State::Up))
}

async fn up(ip: &Handle, name: &str) -> u32 {
    let mut links = ip.link().get().match_name(name.to_owned()).execute();
    let link = links.try_next().await.expect("an answer").expect("the interface is there");
    let index = link.header.index;
    let up = LinkUnspec::new_with_index(index).up().build();
    ip.link().set(up).execute().await.expect("the interface is set");
    index
}

/// What the program says until it starts or ends, and its exit code if it has ended.
fn said(record: &Record, directory: &Path) -> (String, Option<i32>) {
    let host = host(record, directory);
    let log = directory.join("log");
    let file = fs::File::create(&log).expect("a log");
    let mut command = Command::new(PROGRAM);
    command
        .args(&record.command_line()[1..])
        .env_clear()
        .envs(&record.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file);
    let mut process = host.spawn(command).expect("the built program can be started");
    let began = Instant::now();
    loop {
        let ended = process.try_wait().expect("the kernel says");
        let mut text = String::new();
        let mut file = fs::File::open(&log).expect("a log");
        file.read_to_string(&mut text).expect("text");
        // The warnings follow the first line at once, in one write each.
        let whole = text.matches(" WARN ").count() >= record.warns.len();
        let started = text.contains(STARTS) || hides_its_start(record);
        if ended.is_some() || (started && whole) || began.elapsed() > PATIENCE {
            return (text, ended.and_then(|status| status.code()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The level is one at which only warnings about settings are shown.
fn hides_its_start(record: &Record) -> bool {
    record.warns.iter().any(|warning| warning.starts_with("vip_loglevel="))
}

/// The part of a record's plan that is in the first line.
fn first_line(starts: &str) -> Vec<String> {
    let words: Vec<_> = starts.split(' ').collect();
    let [node, link, vips, lease, ..] = words[..] else { panic!("{starts}: five words at least") };
    [("node", node), ("interface", link), ("address", vips), ("lease", lease)]
        .map(|(key, value)| format!(" {key}={value}"))
        .into()
}

fn fault(record: &Record, directory: &Path) -> Option<String> {
    let (text, code) = said(record, directory);
    let missing = match record.starts {
        Some(_) if hides_its_start(record) => code.map(|_| "daemon that goes on".to_owned()),
        Some(starts) => {
            let line = text.lines().find(|line| line.contains(STARTS)).unwrap_or_default();
            let line = format!("{line} ");
            first_line(starts).into_iter().find(|part| !line.contains(&format!("{part} ")))
        }
        None if code != Some(1) => Some("exit code 1".to_owned()),
        None => record.refuses.iter().find_map(|refusal| {
            let (label, _) = refusal.split_once(": ")?;
            (!text.contains(label)).then(|| label.to_owned())
        }),
    };
    missing.map(|missing| format!("{}: no {missing}; exit code {code:?}\n{text}", record.title))
}

#[test]
fn the_built_program_does_what_is_written_beside_every_deployment() {
    let faults: Vec<_> = records::all()
        .iter()
        .filter_map(|record| {
            let directory = tempfile::tempdir().expect("a directory");
            fault(record, directory.path())
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
