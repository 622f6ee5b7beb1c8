//! Every line that a notice becomes: docs/reference/logs.md shows them.

#[path = "support/golden.rs"]
mod golden;
#[path = "support/sample.rs"]
mod sample;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube_vip::logging::{lines, tell};
use kube_vip::settings::config::LogLevel;
use kube_vip_core::address::{Mac, NodeName, Vip};
use kube_vip_core::event::{Fence, Held};
use kube_vip_core::status::{HoldingOnEnd, MoveReason, Notice, Reason, Term};
use tracing::level_filters::LevelFilter;

use sample::{at, plan, vip, wall};

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn told(notices: &[Notice]) -> String {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let lines = lines(LogLevel(0), move || writer.clone(), || wall().time());
    tracing::subscriber::with_default(lines, || {
        for notice in notices {
            tell(notice, &plan(), wall());
        }
    });
    let bytes = buffer.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    String::from_utf8(bytes).expect("lines are UTF-8")
}

fn name(name: &str) -> Option<String> {
    Some(name.to_owned())
}

fn ended(reason: Reason) -> Notice {
    Notice::TermEnded { reason }
}

#[test]
fn the_election() {
    let refused = "connection refused (https://127.0.0.1:6443)".to_owned();
    let began = Term { epoch: 1, since: at(3_723_490), until: at(3_738_400) };
    let changed = |from, to| Notice::HolderChanged { from, to };
    let lines = told(&[
        changed(None, name("cp-2")),
        changed(name("cp-2"), None),
        changed(name("cp-2"), name("cp-1")),
        Notice::TermBegan(began),
        Notice::RenewalFailing { until: at(3_728_400), cause: refused.clone() },
        ended(Reason::TermOver),
        ended(Reason::OtherHolds),
        ended(Reason::LinkDown),
        ended(Reason::KernelRefuses),
        ended(Reason::HoldingOn),
        ended(Reason::Twin),
        ended(Reason::HandingOver),
        ended(Reason::ShuttingDown),
        Notice::Released,
        Notice::NotReleased { cause: refused },
    ]);
    golden::check("logs.md", "election", &lines);
}

#[test]
fn the_api_server() {
    let lines = told(&[
        Notice::ApiAway {
            since: at(3_723_500),
            cause: "no kubeconfig yet: /etc/kubernetes/admin.conf does not exist".to_owned(),
        },
        Notice::ApiAway { since: at(3_598_000), cause: "no answer within 5s".to_owned() },
        Notice::ApiBack { since: at(3_598_000) },
    ]);
    golden::check("logs.md", "api", &lines);
}

#[test]
fn the_address() {
    let held = |prefix, lifetime| {
        Notice::Leftover(Held {
            vip: Vip::new(vip().address(), prefix).expect("an address"),
            link: plan().link,
            lifetime,
            voice: None,
        })
    };
    let lines = told(&[
        Notice::AddressAdded(vip()),
        Notice::AddressRemoved(vip()),
        Notice::AddressLost(vip()),
        held(32, None),
        held(24, Some(Duration::from_secs(9))),
        Notice::KernelRefused {
            address: vip().address(),
            cause: "the kernel did not add 192.168.20.140/24 to end0: \
                    Operation not permitted (os error 1)"
                .to_owned(),
        },
        Notice::LinkChanged { up: false },
        Notice::LinkChanged { up: true },
        Notice::FenceChanged(Fence::Missing("no netdev egress hook (Linux 5.16)".to_owned())),
        Notice::FenceChanged(Fence::Ready),
    ]);
    golden::check("logs.md", "address", &lines);
}

#[test]
fn moves() {
    let to = || NodeName::new("cp-2").expect("a name");
    let offered = |why| Notice::Offered { to: to(), why };
    let lines = told(&[
        offered(MoveReason::ShuttingDown),
        offered(MoveReason::Unfit),
        offered(MoveReason::Drain),
        offered(MoveReason::Requested),
        offered(MoveReason::FailBack),
        Notice::HandedOver { to: Some(to()) },
        Notice::HandedOver { to: None },
        Notice::NotHandedOver { cause: "cp-2 did not agree within 1s".to_owned() },
        Notice::Consented,
    ]);
    golden::check("logs.md", "moves", &lines);
}

#[test]
fn holding_on() {
    let cause = "no answer within 5s".to_owned();
    let ended = |end| Notice::HeldOn { since: at(3_663_500), end };
    let lines = told(&[
        Notice::HoldingOn { cause },
        ended(HoldingOnEnd::Renewed),
        ended(HoldingOnEnd::Successor),
        ended(HoldingOnEnd::OthersServed),
        ended(HoldingOnEnd::SegmentDead),
        ended(HoldingOnEnd::LetGo),
    ]);
    golden::check("logs.md", "holding on", &lines);
}

#[test]
fn health() {
    let cause = || "GET https://127.0.0.1:6443/readyz: 500 Internal Server Error".to_owned();
    let lines = told(&[
        Notice::FitnessChanged { fit: false, cause: cause() },
        Notice::FitnessChanged { fit: true, cause: cause() },
        Notice::FitnessChanged { fit: true, cause: String::new() },
        Notice::Cordoned(true),
        Notice::Cordoned(false),
        Notice::NotRegistered { cause: "leases is forbidden (403)".to_owned() },
    ]);
    golden::check("logs.md", "health", &lines);
}

#[test]
fn rivals() {
    let (address, mac) = (vip().address(), Mac([0x02, 0x42, 0xac, 0x11, 0x00, 0x09]));
    let rival = |node| Notice::Rival { address, mac, node };
    let lines = told(&[
        rival(None),
        rival(NodeName::new("cp-2").ok()),
        Notice::RivalGone { address, mac },
        Notice::Twin { boot: "6f1e3c0a-8d1b-4d0e-9a39-6f3d0b0a5b11".to_owned() },
    ]);
    golden::check("logs.md", "rivals", &lines);
}

#[test]
fn the_numbers_of_the_levels() {
    let word = |level: LevelFilter| match level {
        LevelFilter::OFF => "nothing".to_owned(),
        LevelFilter::ERROR => "ERROR".to_owned(),
        LevelFilter::WARN => "WARN and above".to_owned(),
        LevelFilter::INFO => "INFO and above".to_owned(),
        _ => "everything".to_owned(),
    };
    let table = (-8..=10).fold(String::new(), |mut table, number| {
        let shown = word(LogLevel(number).filter());
        writeln!(table, "{number:>3}  {shown}").expect("a String takes everything");
        table
    });
    golden::check("logs.md", "levels", &table);
}
