//! Settings of the kernel that keep an address from being seen.

use std::fs;
use std::path::Path;

use crate::cli::report::Row;

#[cfg(test)]
mod tests;

/// The settings of one interface: of each the greater one of `all` and its own, as the kernel
/// takes them (Documentation/networking/ip-sysctl.rst), but for those that say otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Traps {
    pub(in crate::cli) arp_ignore: u8,
    pub(in crate::cli) arp_announce: u8,
    pub(in crate::cli) arp_filter: u8,
    pub(in crate::cli) rp_filter: u8,
    pub(in crate::cli) proxy_arp: u8,
    pub(in crate::cli) promote_secondaries: u8,
    pub(in crate::cli) ip_nonlocal_bind: u8,
}

/// What else of the interface and the address counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Where<'a> {
    pub(in crate::cli) link: &'a str,
    /// It has the default route, or there is none.
    pub(in crate::cli) has_default_route: bool,
    /// The prefix length that the address gets.
    pub(in crate::cli) prefix: u8,
}

impl Traps {
    /// As this thread's network namespace has them, below `/proc/sys/net/ipv4`.
    pub(in crate::cli) fn read(root: &Path, link: &str) -> Self {
        let number = |path: &Path| -> u8 {
            fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
        };
        let of = |name: &str| {
            let one = |place: &str| number(&root.join("conf").join(place).join(name));
            one("all").max(one(link))
        };
        Self {
            arp_ignore: of("arp_ignore"),
            arp_announce: of("arp_announce"),
            arp_filter: of("arp_filter"),
            rp_filter: of("rp_filter"),
            proxy_arp: of("proxy_arp"),
            promote_secondaries: of("promote_secondaries"),
            ip_nonlocal_bind: number(&root.join("ip_nonlocal_bind")),
        }
    }

    /// A row for each that matters, or one that all is well.
    pub(in crate::cli) fn judge(&self, at: Where<'_>) -> Vec<Row> {
        let rows: Vec<_> = [self.ignoring(at), self.elsewhere(at), self.filter(at)]
            .into_iter()
            .chain([self.proxy(at), self.secondaries(at)])
            .flatten()
            .collect();
        if !rows.is_empty() {
            return rows;
        }
        let Self { arp_ignore, arp_announce, rp_filter, ip_nonlocal_bind, .. } = self;
        vec![Row::ok(
            "sysctl",
            format!(
                "{}: arp_ignore={arp_ignore} arp_announce={arp_announce} rp_filter={rp_filter} \
                 ip_nonlocal_bind={ip_nonlocal_bind}, none of which is in the way",
                at.link
            ),
        )]
    }

    fn ignoring(&self, at: Where<'_>) -> Option<Row> {
        let link = at.link;
        let why = match self.arp_ignore {
            // `arp_ignore` in net/ipv4/arp.c: 2 asks for a local address whose subnet has the
            // asker; 3 passes over addresses of host scope; 4 to 7 are not used.
            2 if at.prefix == 32 => {
                "is 2: the kernel answers only askers in the address's own \
                                     subnet, and its prefix length is 32"
            }
            8 => "is 8: the kernel answers no ARP at all",
            _ => return None,
        };
        Some(
            Row::failed(
                "sysctl",
                format!("{link}: arp_ignore {why}"),
                format!(
                    "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.{link}.arp_ignore=1, \
                     and in /etc/sysctl.d"
                ),
            )
            .of("arp_ignore"),
        )
    }

    fn elsewhere(&self, at: Where<'_>) -> Option<Row> {
        let link = at.link;
        (self.rp_filter == 1 && !at.has_default_route).then(|| {
            Row::warning(
                "sysctl",
                format!(
                    "rp_filter is 1 (strict) and {link} has not the default route: packets of \
                     clients beyond the subnet are dropped where they come in"
                ),
                format!("sysctl -w net.ipv4.conf.{link}.rp_filter=2, and in /etc/sysctl.d"),
            )
            .of("rp_filter")
        })
    }

    fn filter(&self, at: Where<'_>) -> Option<Row> {
        let link = at.link;
        (self.arp_filter == 1 && !at.has_default_route).then(|| {
            Row::warning(
                "sysctl",
                format!(
                    "arp_filter is 1 and {link} has not the default route: the kernel answers \
                     ARP only where it would send packets to the asker"
                ),
                format!("sysctl -w net.ipv4.conf.{link}.arp_filter=0, and in /etc/sysctl.d"),
            )
            .of("arp_filter")
        })
    }

    fn proxy(&self, at: Where<'_>) -> Option<Row> {
        let link = at.link;
        (self.proxy_arp == 1).then(|| {
            Row::warning(
                "sysctl",
                format!(
                    "proxy_arp is 1 on {link}: this host answers for addresses that it routes \
                     elsewhere, the virtual one among them if a route leads there"
                ),
                format!(
                    "sysctl -w net.ipv4.conf.all.proxy_arp=0 net.ipv4.conf.{link}.proxy_arp=0, \
                     unless something needs it there"
                ),
            )
            .of("proxy_arp")
        })
    }

    fn secondaries(&self, at: Where<'_>) -> Option<Row> {
        let (link, prefix) = (at.link, at.prefix);
        (prefix < 32 && self.promote_secondaries == 0).then(|| {
            Row::warning(
                "sysctl",
                format!(
                    "promote_secondaries is 0 and the address has the prefix length {prefix}: it \
                     may be secondary to the node's own, and go when that is set anew"
                ),
                format!(
                    "vip_subnet=32, or sysctl -w net.ipv4.conf.{link}.promote_secondaries=1, and \
                     in /etc/sysctl.d"
                ),
            )
            .of("promote_secondaries")
        })
    }
}
