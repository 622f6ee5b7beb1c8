//! The interface: the one that is named, or the one that fits.

use std::cmp::Reverse;
use std::net::IpAddr;

use kube_vip_core::address::LinkName;
use kube_vip_core::plan::Vips;

use super::Check;
use crate::settings::definition::Wrong;
use crate::settings::definitions::control_plane::{VIP_ALLOW_INTERFACE_NOT_UP, VIP_INTERFACE};
use crate::settings::host::{Host, HostLink, in_one_subnet};
use crate::settings::refusal::Problem;

/// More interfaces than this are not listed: a node has one for each pod.
const LISTED: usize = 12;

impl Check<'_> {
    /// The interface; none: something is wrong, and reported.
    pub(super) fn link(&mut self, vips: Option<&Vips>) -> Option<LinkName> {
        let host = self.host;
        if !self.values().interface.is_empty() {
            let name = self.values().interface.clone();
            let Some(link) = host.links.iter().find(|link| link.name.as_str() == name) else {
                self.no_link("this host has no interface of this name", "one of these");
                return None;
            };
            if link.loopback
                && let Some(outer) = self.instead_of_loopback(link, vips?)
            {
                return Some(outer);
            }
            return self.usable(link);
        }
        let vips = vips?;
        if let Some(link) = by_subnet(host, vips) {
            return self.usable(link);
        }
        let route = host.default_route_link.as_ref();
        let Some(link) = route.and_then(|name| host.links.iter().find(|link| link.name == *name))
        else {
            let addresses = texts(vips);
            let wrong = format!("no interface has {addresses} in its subnet, nor a default route");
            self.no_link(&wrong, "one of these");
            return None;
        };
        let text = format!(
            "not set, and no interface has {} in its subnet: {} is used, which has the default \
             route",
            texts(vips),
            link.name
        );
        self.warn(&VIP_INTERFACE, text);
        self.usable(link)
    }

    /// In ARP mode the original puts the address on `lo` and announces it nowhere: it is reached
    /// because the kernel answers on every interface. The one that it is reached by is taken.
    fn instead_of_loopback(&mut self, lo: &HostLink, vips: &Vips) -> Option<LinkName> {
        let host = self.host;
        let route = host.default_route_link.as_ref();
        let route = || host.links.iter().find(|link| Some(&link.name) == route);
        let link = by_subnet(host, vips).or_else(route)?;
        if link.loopback || link.mac.is_none() || !link.up {
            return None;
        }
        let text = format!(
            "nothing outside this host sees an announcement on {}: the address goes to {}",
            lo.name, link.name
        );
        self.warn(&VIP_INTERFACE, text);
        Some(link.name.clone())
    }

    fn usable(&mut self, link: &HostLink) -> Option<LinkName> {
        let name = &link.name;
        if link.loopback {
            let wrong = format!("nothing outside this host can see an address on {name}");
            self.no_link(&wrong, "in ARP mode, an interface of the nodes' network: one of these");
            return None;
        }
        if link.mac.is_none() {
            let wrong = format!("there is no ARP on {name}: it is no Ethernet interface");
            self.no_link(&wrong, "one of these");
            return None;
        }
        if !link.up {
            if !self.values().interface_may_be_down {
                let wrong = format!("{name} is down");
                let tolerate = VIP_ALLOW_INTERFACE_NOT_UP.name();
                let right = format!("bring it up, set {tolerate}=true, or take one of these");
                self.no_link(&wrong, &right);
                return None;
            }
            self.warn(&VIP_INTERFACE, format!("{name} is down; this node waits until it is up"));
        }
        Some(name.clone())
    }

    fn no_link(&mut self, wrong: &str, right: &str) {
        let choices = candidates(self.host);
        let right = if choices.is_empty() {
            "an Ethernet interface; this host has none (a pod needs hostNetwork: true)"
        } else {
            right
        };
        let wrong = Wrong::new(wrong, right);
        let given = self.settings.given(&VIP_INTERFACE);
        let mut problem = Problem::new(&VIP_INTERFACE, given, wrong);
        problem.choices = choices;
        self.problems.push(problem);
    }
}

/// The interface whose subnet contains the first address: one that is up, the narrowest subnet. An
/// address of the plan itself, left by an earlier process, shows nothing.
fn by_subnet<'a>(host: &'a Host, vips: &Vips) -> Option<&'a HostLink> {
    let first = vips.iter().next()?.address();
    let own = |address: IpAddr| vips.iter().any(|vip| vip.address() == address);
    let fit = |link: &HostLink| {
        let around = link
            .addresses
            .iter()
            .filter(|(address, prefix)| !own(*address) && in_one_subnet(*address, *prefix, first));
        around.map(|(_, prefix)| *prefix).max()
    };
    host.links
        .iter()
        .filter(|link| link.mac.is_some() && !link.loopback)
        .filter_map(|link| fit(link).map(|prefix| (link, prefix)))
        .min_by_key(|(link, prefix)| Reverse((link.up, *prefix)))
        .map(|(link, _)| link)
}

/// The interfaces to choose from, as lines of a table; those with an address come first.
fn candidates(host: &Host) -> Vec<String> {
    let mut links: Vec<_> =
        host.links.iter().filter(|link| link.mac.is_some() && !link.loopback).collect();
    links.sort_by_key(|link| link.addresses.is_empty());
    let width = links.iter().map(|link| link.name.as_str().len()).max().unwrap_or(0);
    let mut lines: Vec<_> = links
        .iter()
        .take(LISTED)
        .map(|link| {
            let state = if link.up { "up" } else { "down" };
            let addresses: Vec<_> = link
                .addresses
                .iter()
                .map(|(address, prefix)| format!("{address}/{prefix}"))
                .collect();
            let addresses =
                if addresses.is_empty() { "no address".to_owned() } else { addresses.join(" ") };
            format!("{:width$}  {state:4}  {addresses}", link.name.as_str())
        })
        .collect();
    if links.len() > LISTED {
        lines.push(format!("and {} more", links.len() - LISTED));
    }
    lines
}

fn texts(vips: &Vips) -> String {
    let texts: Vec<_> = vips.iter().map(|vip| vip.address().to_string()).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests;
