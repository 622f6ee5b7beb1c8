//! The dump's text and file; tests with real daemons are in the lab.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use jiff::Timestamp;
use kube_vip_core::address::{LinkName, Mac};
use kube_vip_core::event::Event;
use kube_vip_core::moment::Moment;
use kube_vip_core::node::Node;

use super::*;
use crate::blackbox::Origin;
use crate::blackbox::recorder::Recorder;
use crate::clock::Clock;
use crate::metrics::Release;
use crate::settings::host::{Host, HostLink};
use crate::settings::{Inputs, Settings};

fn config(file: &Path) -> Config {
    let pairs = [
        ("vip_arp", "true"),
        ("cp_enable", "true"),
        ("vip_interface", "end0"),
        ("address", "192.168.20.140"),
        ("cp_namespace", "kube-system"),
        ("vip_nodename", "cp-1"),
        ("black_box_file", file.to_str().expect("text")),
    ];
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let environment: BTreeMap<_, _> = pairs.into_iter().map(pair).collect();
    let host = Host {
        links: vec![HostLink {
            name: LinkName::new("end0").expect("a name"),
            up: true,
            loopback: false,
            mac: Some(Mac([2, 0, 0, 0, 0, 1])),
            addresses: vec![([192, 168, 20, 141].into(), 24)],
        }],
        without_ipv6: Vec::new(),
        default_route_link: None,
        host_name: "cp-1".to_owned(),
        boot: "a-boot".to_owned(),
    };
    let settings = Settings::read(&Inputs { environment, ..Inputs::default() });
    settings.config(&host).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn wall() -> Wall {
    Wall::at(Moment::START, Timestamp::from_second(1_795_383_149).expect("a timestamp"))
}

#[test]
fn it_begins_as_kube_vips_own_dump_does() {
    let dumps = Dumps::of(&config(Path::new("/nowhere")));
    let text = String::from_utf8(dumps.text(b"{}\n", wall())).expect("text");
    let head = format!("\n{RULE}\n                   KUBE-VIP CONFIGURATION DUMP\n{RULE}\n");
    assert!(text.starts_with(&head), "{text}");
    for line in [
        "Timestamp: 2026-11-22T21:32:29Z",
        "Node Name: cp-1",
        "--- BASIC CONFIGURATION ---",
        "VIP: 192.168.20.140",
        "Interface: end0",
        "Port: 6443",
        "ARP Enabled: true",
        "BGP Enabled: false",
        "Lease Name: plndr-cp-lock",
        "Lease Duration: 15 seconds",
        "{}",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    assert!(text.ends_with(&format!("END OF CONFIGURATION DUMP\n{RULE}\n\n")), "{text}");
}

#[test]
fn the_file_is_its_owners_alone_and_has_the_last_dump_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("black-box");
    to_file(b"a long first dump", &path).expect("it can be written");
    to_file(b"a second", &path).expect("it can be written");
    assert_eq!(fs::read(&path).expect("it is there"), b"a second");
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn while_one_is_being_written_there_is_no_second() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("black-box");
    let dumps = Dumps::of(&config(&path));
    dumps.busy.store(true, Ordering::Release);
    dumps.write(b"{}\n".to_vec(), wall());
    assert!(dumps.busy.load(Ordering::Acquire), "the first one goes on");
    assert!(!path.exists());
}

#[test]
fn a_panic_of_any_thread_is_written_with_what_led_to_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("black-box");
    let config = config(&path);
    let origin = Origin { plan: config.plan.clone(), release: Release::this(), seed: 7 };
    let node = Node::new(config.plan.clone(), 7);
    let mut recorder = Recorder::new(origin, Dumps::of(&config), Clock::start());
    let fault = || thread::spawn(|| panic!("a fault of this test")).join().expect_err("a fault");
    let on_panic = recorder.write_on_panic();
    recorder.happened(&Event::Cordoned(true), Moment::START, &node, &node.status());
    fault();
    let text = fs::read_to_string(&path).expect("it is written before the process can end");
    for part in ["a fault in kube-vip itself at", "a fault of this test", r#"{"Cordoned":true}"#] {
        assert!(text.contains(part), "{part} in {text}");
    }
    fs::remove_file(&path).expect("it is there");
    drop(on_panic);
    fault();
    assert!(!path.exists(), "nobody asks for it any more");
}
