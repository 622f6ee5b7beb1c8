//! The virtual addresses, out of four settings.

use std::net::IpAddr;

use kube_vip_core::address::{LinkName, Vip};
use kube_vip_core::plan::Vips;

use super::Check;
use crate::settings::definition::{Definition, Wrong};
use crate::settings::definitions::control_plane::{
    ADDRESS, DNS_MODE, VIP_ADDRESS, VIP_CIDR, VIP_SUBNET,
};
use crate::settings::names::{self, DnsMode};
use crate::settings::parse;
use crate::settings::values::Prefixes;

impl Check<'_> {
    /// The addresses with their prefix length; none: something is wrong, and reported.
    pub(super) fn vips(&mut self) -> Option<Vips> {
        let definition = self.address_setting();
        let prefixes = self.prefixes();
        let text = names::replaced(self.values().addresses(), self.names);
        self.dns_mode();
        if text.is_empty() && !self.settings.sound(&[&ADDRESS, &VIP_ADDRESS]) {
            return None;
        }
        if text.is_empty() {
            let right = "the address to keep, such as 192.168.20.140";
            self.problem(&ADDRESS, Wrong::new("there is no address to keep", right));
            return None;
        }
        let addresses = parse::addresses(&text).map(|all| self.once(definition, all));
        let four = |all: &Vec<IpAddr>| all.iter().any(IpAddr::is_ipv4);
        if prefixes.ipv4 > 32 && addresses.as_ref().is_ok_and(four) {
            let wrong = format!("{} is no prefix length for IPv4", prefixes.ipv4);
            self.problem(&VIP_SUBNET, Wrong::new(wrong, "1 to 32; for both families 32,128"));
            return None;
        }
        let built = addresses.and_then(|addresses| build(&addresses, prefixes));
        match &built {
            Ok(vips) => {
                self.warn_of_own(definition, vips);
                self.warn_of_wide(vips);
            }
            Err(wrong) => self.problem(definition, wrong.clone()),
        }
        built.ok()
    }

    /// Each address once: a name may stand for one that is written beside it.
    fn once(&mut self, definition: &Definition, addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        let mut once = Vec::new();
        for address in addresses {
            if once.contains(&address) {
                self.warn(definition, format!("{address} is there more than once; it counts once"));
            } else {
                once.push(address);
            }
        }
        once
    }

    /// An address of the plan that this host has with another prefix length may be the node's own.
    /// With the same, it was most likely left by an earlier process.
    fn warn_of_own(&mut self, definition: &Definition, vips: &Vips) {
        for link in &self.host.links {
            for (address, prefix) in &link.addresses {
                let own = |vip: Vip| vip.address() == *address && vip.prefix() != *prefix;
                if vips.iter().any(own) {
                    let text = format!(
                        "{} has {address}/{prefix}: if that is the address of this node itself, \
                         choose another one, because this one moves from node to node",
                        link.name
                    );
                    self.warn(definition, text);
                }
            }
        }
    }

    /// As in kube-vip, any other word is no reason not to start.
    fn dns_mode(&mut self) {
        if DnsMode::read(&self.values().dns_mode).is_none() {
            self.warn(&DNS_MODE, "this is neither first nor ipv4, ipv6 or dual; first is used");
        }
    }

    /// An IPv6 address needs a kernel and an interface that speak IPv6.
    pub(super) fn ipv6_is_there(&mut self, vips: &Vips, link: &LinkName) {
        let six = vips.iter().find(|vip| vip.address().is_ipv6());
        let Some(vip) = six.filter(|_| self.host.without_ipv6.contains(link)) else { return };
        let wrong = format!("{link} cannot have {}: IPv6 is switched off", vip.address());
        let right = format!(
            "the sysctl net.ipv6.conf.{link}.disable_ipv6=0 and a kernel started with IPv6, or \
             IPv4 addresses alone"
        );
        self.problem(&ADDRESS, Wrong::new(wrong, right));
    }

    /// One prefix length is for both families, and hardly meant for IPv6 if it is one of IPv4's.
    fn warn_of_wide(&mut self, vips: &Vips) {
        let wide = |vip: &Vip| vip.address().is_ipv6() && vip.prefix() <= 32;
        if let Some(vip) = vips.iter().find(wide) {
            let text = format!("{vip} is configured with it; for IPv4 and IPv6 write 32,128");
            self.warn(&VIP_SUBNET, text);
        }
    }

    /// `address` wins over its old name.
    fn address_setting(&mut self) -> &'static Definition {
        let (new, old) = (&self.values().address, &self.values().vip_address);
        if old.is_empty() {
            return &ADDRESS;
        }
        if new.is_empty() {
            self.warn(&VIP_ADDRESS, "this name is deprecated, write address");
            return &VIP_ADDRESS;
        }
        if new != old {
            self.warn(&VIP_ADDRESS, "it is ignored, because address is set too");
        }
        &ADDRESS
    }

    /// `vip_subnet` wins over its old name, which kube-vip no longer reads.
    fn prefixes(&mut self) -> Prefixes {
        let prefixes = self.values().prefixes;
        if self.settings.given(&VIP_CIDR).is_none() {
            return prefixes;
        }
        if self.settings.given(&VIP_SUBNET).is_some() {
            self.warn(&VIP_CIDR, "it is ignored, because vip_subnet is set too");
            return prefixes;
        }
        if let Ok(old) = parse::prefixes(&self.values().vip_cidr) {
            let text = "it is used as vip_subnet; kube-vip v0.9.0 and later ignore it: write \
                        vip_subnet";
            self.warn(&VIP_CIDR, text);
            return old;
        }
        self.warn(&VIP_CIDR, "it is ignored: this is no prefix length; write vip_subnet");
        prefixes
    }
}

/// The value of a Node's label for these addresses: that of the first.
pub(super) fn label(vips: &Vips) -> Option<String> {
    let first = vips.iter().next()?;
    Some(match first.address() {
        IpAddr::V4(address) => address.to_string(),
        // As the original writes it: a label may hold no colon.
        IpAddr::V6(address) => format!("{:032x}", address.to_bits()),
    })
}

fn build(addresses: &[IpAddr], prefixes: Prefixes) -> Result<Vips, Wrong> {
    const RIGHT: &str = "free addresses of the nodes' subnet";
    let vip = |address: &IpAddr| match address {
        IpAddr::V4(_) => Vip::new(*address, prefixes.ipv4),
        IpAddr::V6(_) => Vip::new(*address, prefixes.ipv6),
    };
    let vips: Result<Vec<Vip>, _> = addresses.iter().map(vip).collect();
    let vips = vips.map_err(|error| Wrong::new(error.to_string(), RIGHT))?;
    Vips::new(vips).map_err(|error| Wrong::new(error.to_string(), RIGHT))
}
