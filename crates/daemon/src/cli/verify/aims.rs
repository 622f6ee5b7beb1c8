//! Which election and which addresses are meant: what was said, or else what the pods have.

use std::net::IpAddr;

use crate::cli::checks::aim::{Aim, of_pod};
use crate::cli::cluster::Pod;
use crate::cli::place::Place;

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
        let mut elections = pods.iter().filter_map(of_pod);
        let theirs = elections.find(|election| !election.vips.is_empty());
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
