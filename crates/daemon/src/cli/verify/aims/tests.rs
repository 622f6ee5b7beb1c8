//! What counts more: what was said, or what pods have.

use super::*;
use crate::cli::report::Format;
use crate::settings::{Inputs, Settings};

fn aim(environment: &[(&str, &str)]) -> Aim {
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings =
        Settings::read(&Inputs { environment: environment.collect(), ..Inputs::default() });
    let election = settings.election().unwrap();
    let place = Place { election, kubeconfig: None, format: Format::Table };
    Aim { place, settings, manifest: None }
}

fn pod() -> Pod {
    let environment = [("address", "10.0.0.9"), ("vip_leasename", "kube-vip-cp")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let args = ["manager", "--port=6444"].map(str::to_owned).to_vec();
    Pod { environment: environment.into(), args, ..Pod::default() }
}

#[test]
fn pods_say_what_nobody_has_said() {
    let aims = Aims::of(&aim(&[]), false, &[Pod::default(), pod()]);
    assert_eq!((aims.vips, aims.port), (vec![IpAddr::from([10, 0, 0, 9])], 6444));
    assert_eq!(aims.place.election.name, "kube-vip-cp");
}

#[test]
fn what_was_said_counts() {
    let aims = Aims::of(&aim(&[("address", "10.0.0.7")]), true, &[pod()]);
    assert_eq!((aims.vips, aims.port), (vec![IpAddr::from([10, 0, 0, 7])], 6443));
    assert_eq!(aims.place.election.name, "plndr-cp-lock");
    assert!(Aims::of(&aim(&[]), false, &[]).vips.is_empty());
}
