//! The virtual addresses, out of four settings.

use std::net::{IpAddr, Ipv4Addr};

use kube_vip_core::address::Vip;
use kube_vip_core::plan::Vips;

use super::Check;
use crate::settings::definition::{Definition, Wrong};
use crate::settings::definitions::control_plane::{ADDRESS, VIP_ADDRESS, VIP_CIDR, VIP_SUBNET};
use crate::settings::parse;

impl Check<'_> {
    /// The addresses with their prefix length; none: something is wrong, and reported.
    pub(super) fn vips(&mut self) -> Option<Vips> {
        let definition = self.address_setting();
        let prefix = self.prefix();
        let text = if definition.name() == ADDRESS.name() {
            &self.values().address
        } else {
            &self.values().vip_address
        };
        if text.is_empty() && !self.settings.sound(&[&ADDRESS, &VIP_ADDRESS]) {
            return None;
        }
        if text.is_empty() {
            let right = "the address to keep, such as 192.168.20.140";
            self.problem(&ADDRESS, Wrong::new("there is no address to keep", right));
            return None;
        }
        let built = parse::addresses(text).and_then(|addresses| build(&addresses, prefix));
        match &built {
            Ok(vips) => self.warn_of_own(definition, vips),
            Err(wrong) => self.problem(definition, wrong.clone()),
        }
        built.ok()
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
    fn prefix(&mut self) -> u8 {
        let prefix = self.values().prefix;
        if self.settings.given(&VIP_CIDR).is_none() {
            return prefix;
        }
        if self.settings.given(&VIP_SUBNET).is_some() {
            self.warn(&VIP_CIDR, "it is ignored, because vip_subnet is set too");
            return prefix;
        }
        if let Ok(old) = parse::prefix(&self.values().vip_cidr) {
            let text = "it is used as vip_subnet; kube-vip v0.9.0 and later ignore it: write \
                        vip_subnet";
            self.warn(&VIP_CIDR, text);
            return old;
        }
        self.warn(&VIP_CIDR, "it is ignored: this is no prefix length; write vip_subnet");
        prefix
    }
}

/// The value of a Node's label for these addresses: that of the first.
pub(super) fn label(vips: &Vips) -> Option<String> {
    let first = vips.iter().next()?;
    Some(match IpAddr::from(first.address()) {
        IpAddr::V4(address) => address.to_string(),
        // As the original writes it: a label may hold no colon.
        IpAddr::V6(address) => format!("{:032x}", address.to_bits()),
    })
}

fn build(addresses: &[Ipv4Addr], prefix: u8) -> Result<Vips, Wrong> {
    const RIGHT: &str = "free addresses of the nodes' subnet, each once";
    let vips: Result<Vec<Vip>, _> =
        addresses.iter().map(|address| Vip::new(*address, prefix)).collect();
    let vips = vips.map_err(|error| Wrong::new(error.to_string(), RIGHT))?;
    Vips::new(vips).map_err(|error| Wrong::new(error.to_string(), RIGHT))
}
