//! What can be said about settings on another host than the one that they are for.

use std::net::IpAddr;

use kube_vip_core::address::{LinkName, Mac};

use crate::settings::Settings;
use crate::settings::config::Warning;
use crate::settings::definition::Wrong;
use crate::settings::definitions::control_plane::VIP_INTERFACE;
use crate::settings::host::{Host, HostLink};
use crate::settings::names::Resolved;
use crate::settings::refusal::{Problem, Refusal};

impl Settings {
    /// What is odd about the settings on a host that has all that they ask for.
    ///
    /// # Errors
    /// If the daemon would start on no host; then everything that is wrong.
    pub fn anywhere(&self) -> Result<Vec<Warning>, Refusal> {
        let name = &self.values().interface;
        let named = LinkName::new(if name.is_empty() { "eth0" } else { name });
        let Ok(name) = named else {
            return Err(self.no_interface());
        };
        let config = self.config_with(&fitting(name), &self.made_up())?;
        let mut warnings = config.warnings;
        // Which interface is chosen on that host, nobody knows here.
        warnings.retain(|warning| warning.setting != VIP_INTERFACE.label());
        Ok(warnings)
    }

    /// What DNS names may stand for: addresses for documentation (RFC 5737).
    fn made_up(&self) -> Resolved {
        let address = |number| vec![IpAddr::from([192, 0, 2, number])];
        self.names().0.into_iter().zip((1..).map(address)).collect()
    }

    fn no_interface(&self) -> Refusal {
        let right = "a name of at most 15 bytes, without '/', ':' and spaces";
        let wrong = Wrong::new("no interface can have this name", right);
        let ours = Problem::new(&VIP_INTERFACE, self.given(&VIP_INTERFACE), wrong);
        let label = ours.label.clone();
        let unnamed = LinkName::new("eth0").map(fitting).unwrap_or_default();
        match self.config_with(&unnamed, &self.made_up()) {
            Ok(config) => Refusal::new(vec![ours], config.warnings),
            Err(refusal) => {
                let others = refusal.problems.into_iter().filter(|other| other.label != label);
                Refusal::new(others.chain([ours]).collect(), refusal.warnings)
            }
        }
    }
}

/// A host with this interface, and one that leads out.
fn fitting(name: LinkName) -> Host {
    let link = |name: &LinkName| HostLink {
        loopback: name.as_str() == "lo",
        name: name.clone(),
        up: true,
        mac: Some(Mac([2, 0, 0, 0, 0, 1])),
        addresses: Vec::new(),
    };
    let outer =
        LinkName::new("eth0").ok().filter(|_| name.as_str() == "lo").unwrap_or(name.clone());
    Host {
        links: vec![link(&name), link(&outer)],
        default_route_link: Some(outer),
        without_ipv6: Vec::new(),
        host_name: "node".to_owned(),
        boot: String::new(),
    }
}
