//! Which election and which addresses are meant: what was said, or else what the pods have.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::cli::checks::aim::Aim;
use crate::cli::cluster::Pod;
use crate::cli::command;
use crate::cli::place::Place;
use crate::settings::{Inputs, Settings};

#[cfg(test)]
mod tests;

/// What is meant.
#[derive(Clone, Debug)]
pub(super) struct Aims {
    pub(super) place: Place,
    pub(super) vips: Vec<IpAddr>,
    /// The port of the API server, behind the addresses.
    pub(super) port: u16,
}

impl Aims {
    /// `lease_is_given`: the Lease's name was said.
    pub(super) fn of(aim: &Aim, lease_is_given: bool, pods: &[Pod]) -> Self {
        let mut place = aim.place.clone();
        let said = |pod: &Pod| {
            let settings = Settings::read(&Inputs {
                environment: pod.environment.clone(),
                flags: flags(pod),
                pod_namespace: Some(pod.namespace.clone()),
                ..Inputs::default()
            });
            settings.election().ok().filter(|election| !election.vips.is_empty())
        };
        let theirs = pods.iter().find_map(said);
        if let Some(theirs) = theirs {
            if !lease_is_given {
                place.election.name.clone_from(&theirs.name);
            }
            if place.election.vips.is_empty() {
                place.election.vips.clone_from(&theirs.vips);
                place.election.port = theirs.port;
            }
        }
        let (vips, port) = (place.election.vips.clone(), place.election.port);
        Self { place, vips, port }
    }
}

/// The settings among a container's arguments; none where they are refused.
fn flags(pod: &Pod) -> BTreeMap<String, String> {
    let from = pod.args.iter().position(|word| word == "manager");
    let flags = from.and_then(|from| command::manager_flags(&pod.args[from..]).ok());
    flags.unwrap_or_default()
}
