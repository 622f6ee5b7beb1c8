//! Static pods and a DaemonSet's pods, IPv4, IPv6 and both, one address and three, through the
//! table of faults: real kubelets and a real control plane, one for all combinations.
//!
//! Six of the twelve combinations have every pair in them; all twelve with
//! `KUBE_VIP_LAB_COMBINATIONS=all`, which is a measurement. Needs root, the programs of
//! `cargo xtask assets` and an image: `cargo xtask test cluster` makes everything.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kube_vip_lab::cluster::containerd::Image;
use kube_vip_lab::oracle::Guarantee;
use kube_vip_lab::report::human;
use kube_vip_lab::stage::act::{API_FREEZE, CRASH, CUT, STOP};
use kube_vip_lab::stage::{Performance, Reach, Starter};

#[path = "cluster_families/addresses.rs"]
mod addresses;
#[expect(dead_code, reason = "the other faults need more of it")]
#[path = "cluster_faults/case.rs"]
mod case;
#[path = "support/given.rs"]
mod given;

use addresses::{four, six};
use case::{Case, hands_over, moves_once};
use given::given;

/// A pod's daemon may be away for as long as a dead holder may.
const LONGEST_OUTAGE: Duration = Duration::from_millis(5_300);

/// One address, of each family where there are both, and three.
const ADDRESSES: [&[IpAddr]; 6] = [
    &[four(140)],
    &[four(140), four(141), four(142)],
    &[six(0x140)],
    &[six(0x140), six(0x141), six(0x142)],
    &[six(0x140), four(140)],
    &[four(140), six(0x140), six(0x141)],
];

/// Each kind of pod with each family, and each of both with each number of addresses.
const COVERING: [(Starter, &[IpAddr]); 6] = [
    (Starter::StaticPod, ADDRESSES[0]),
    (Starter::StaticPod, ADDRESSES[3]),
    (Starter::StaticPod, ADDRESSES[4]),
    (Starter::DaemonSet, ADDRESSES[1]),
    (Starter::DaemonSet, ADDRESSES[2]),
    (Starter::DaemonSet, ADDRESSES[5]),
];

/// The combinations that are asked for.
fn combinations() -> Vec<(Starter, &'static [IpAddr])> {
    match std::env::var("KUBE_VIP_LAB_COMBINATIONS").as_deref() {
        Err(_) => COVERING.to_vec(),
        Ok("all") => [Starter::StaticPod, Starter::DaemonSet]
            .into_iter()
            .flat_map(|starter| ADDRESSES.map(|addresses| (starter, addresses)))
            .collect(),
        Ok(other) => panic!("KUBE_VIP_LAB_COMBINATIONS is all, or not set: {other:?}"),
    }
}

fn image() -> Image {
    let name = given("KUBE_VIP_IMAGE_NAME");
    Image { tar: PathBuf::from(given("KUBE_VIP_IMAGE")), known_as: name.clone(), name }
}

/// The address moved once, or its holder came back in time.
fn goes_on(performance: &Performance) -> Result<(), String> {
    let moves = performance.moves();
    if moves > 1 {
        return Err(format!("the address moved {moves} times"));
    }
    let outage = performance.run.outage();
    if outage > LONGEST_OUTAGE && !performance.run.client.disturbed() {
        return Err(format!("clients were without an answer for {}", human(outage)));
    }
    let occasions = performance.verdict.occasions.get(&Guarantee::NoOrphan);
    occasions.map(|_| ()).ok_or_else(|| "no orphan was possible".to_owned())
}

#[test]
#[expect(clippy::print_stdout, reason = "figures, for whoever runs the tests")]
fn every_guarantee_is_kept_in_pods_of_both_kinds_for_both_families_and_several_addresses() {
    let mut case = Case::without_daemons(|spec| {
        spec.image = Some(image());
        spec.reach = Reach::DualStack;
        // The world has IPv6 from the start.
        spec.addresses = vec![six(0x140)];
    });
    for (starter, addresses) in combinations() {
        let began = Instant::now();
        let kept = case.stage.keep(starter, addresses.to_vec());
        let started = kept.and_then(|()| case.stage.start_all());
        println!("{starter:?}, {addresses:?}: {started:?} after {:.1?}", began.elapsed());
        if let Err(error) = started {
            case.fails(format!("{starter:?}, {addresses:?}: {error}"));
            break;
        }
        // First: a move for the sake of health is held back after four others.
        case.act(&API_FREEZE, moves_once);
        case.act(&STOP, hands_over);
        case.act(&CRASH, goes_on);
        case.act(&CUT, moves_once);
    }
    case.end();
}
