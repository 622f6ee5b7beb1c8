//! Whose Ethernet addresses answer for a virtual address, and whose should.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use kube_vip_core::address::{LinkName, Mac, bits};

use super::{list, wire};
use crate::cli::cluster::{CandidateLease, ElectionLease, Node};
use crate::cli::report::Row;
use crate::settings::host::{Host, in_one_subnet};

#[cfg(test)]
mod tests;

/// What is known of the election without asking the segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::cli) struct Owners {
    /// Who holds the Lease; none: nobody, or it is not known.
    pub(in crate::cli) holder: Option<String>,
    /// Whose Ethernet address it is.
    pub(in crate::cli) names: BTreeMap<Mac, String>,
}

impl Owners {
    /// From the Lease and the candidate Leases.
    pub(in crate::cli) fn of(lease: Option<&ElectionLease>, candidates: &[CandidateLease]) -> Self {
        let holder = lease.map(|lease| lease.record.holder.clone());
        let one = |lease: &CandidateLease| {
            let candidate = &lease.candidate;
            Some((candidate.candidacy.mac?, candidate.node.to_string()))
        };
        Self {
            holder: holder.filter(|holder| !holder.is_empty()),
            names: candidates.iter().filter_map(one).collect(),
        }
    }

    /// Asks the segment for the Ethernet address of the holder where it is no candidate: it may run
    /// the original.
    pub(in crate::cli) async fn complete(&mut self, nodes: &[Node], segment: &Segment) {
        let Some(holder) = &self.holder else { return };
        if self.names.values().any(|name| name == holder) {
            return;
        }
        let node = nodes.iter().find(|node| node.name == *holder);
        let addresses = node.into_iter().flat_map(|node| &node.addresses);
        for address in addresses {
            if let Ok(seen) = segment.ask(*address).await {
                self.names.extend(seen.all().map(|mac| (mac, holder.clone())));
            }
        }
    }

    fn name(&self, mac: Mac) -> String {
        match self.names.get(&mac) {
            Some(name) => format!("{name} ({mac})"),
            None => format!("{mac}{}", wire::kind(mac)),
        }
    }

    fn is_holder(&self, mac: Mac) -> bool {
        self.holder.is_some() && self.names.get(&mac) == self.holder.as_ref()
    }
}

/// This host's place on the segment of the addresses.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Segment {
    pub(in crate::cli) link: LinkName,
    pub(in crate::cli) own: Mac,
    local: BTreeSet<IpAddr>,
}

impl Segment {
    /// By that interface; none: it is not there, or there is no ARP on it.
    pub(in crate::cli) fn of(host: &Host, link: &LinkName) -> Option<Self> {
        let link = host.links.iter().find(|one| one.name == *link)?;
        let local = link.addresses.iter().map(|(address, _)| *address).collect();
        Some(Self { link: link.name.clone(), own: link.mac?, local })
    }

    /// By the interface whose subnet has the address, and which is not that address's own.
    pub(in crate::cli) fn around(host: &Host, vip: IpAddr) -> Option<Self> {
        let near = |(own, prefix): &(IpAddr, u8)| {
            *own != vip && *prefix < bits(vip) && in_one_subnet(*own, *prefix, vip)
        };
        let mut links = host.links.iter().filter(|link| !link.loopback && link.up);
        let link = links.find(|link| link.mac.is_some() && link.addresses.iter().any(near));
        Self::of(host, &link?.name)
    }

    /// Who answers for the address, this host included.
    ///
    /// # Errors
    /// See [`wire::who_answers`].
    pub(in crate::cli) async fn ask(&self, address: IpAddr) -> std::io::Result<Seen> {
        let others = wire::who_answers(&self.link, self.own, address).await?;
        Ok(Seen { local: self.has(address), others })
    }

    /// This host's Ethernet address, if it has that address there itself.
    pub(in crate::cli) fn has(&self, address: IpAddr) -> Option<Mac> {
        self.local.contains(&address).then_some(self.own)
    }
}

/// Who answers for an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Seen {
    /// This host has it, with this Ethernet address.
    pub(in crate::cli) local: Option<Mac>,
    /// The others.
    pub(in crate::cli) others: BTreeSet<Mac>,
}

impl Seen {
    fn all(&self) -> impl Iterator<Item = Mac> {
        self.local.into_iter().chain(self.others.iter().copied())
    }
}

/// Before a deployment: the address is nobody's, or the holder's of the election already.
pub(in crate::cli) fn unused(seen: &Seen, owners: &Owners, link: &LinkName) -> Row {
    const CHECK: &str = "address-unused";
    let all: Vec<_> = seen.all().collect();
    let strange: Vec<_> = all.iter().filter(|mac| !owners.is_holder(**mac)).collect();
    let names = |macs: &[&Mac]| list(macs.iter().map(|mac| owners.name(**mac)));
    match (all.as_slice(), strange.as_slice()) {
        ([], _) => Row::ok(
            CHECK,
            format!("nobody on {link} answers for it (4 questions in {:?})", wire::TIME),
        ),
        ([holder], []) => Row::ok(
            CHECK,
            format!("{} has it, which holds the Lease already", owners.name(*holder)),
        ),
        (_, strange) if strange.iter().any(|mac| Some(**mac) == seen.local) => Row::failed(
            CHECK,
            format!("this host has it on {link}, and does not hold the Lease"),
            "if nothing needs it, kube-vip cleanup or ip address del removes it; if it is this \
             node's own address, choose another one",
        ),
        (_, strange) => Row::failed(
            CHECK,
            format!("{} answers for it on {link}", names(strange)),
            "choose a free address, or find who has this Ethernet address (the switch's table, \
             DHCP leases) and end it",
        ),
    }
}

/// After a deployment: exactly one answers, and that is the holder. `from` says where from.
pub(in crate::cli) fn answering(seen: &Seen, owners: &Owners, from: &str) -> Vec<Row> {
    const ONE: &str = "arp-one";
    const HOLDER: &str = "arp-holder";
    let all: Vec<_> = seen.all().collect();
    let names = list(all.iter().map(|mac| owners.name(*mac)));
    let mut rows = Vec::new();
    rows.push(match all.as_slice() {
        [] => Row::failed(
            ONE,
            format!("nobody answers for it ({from})"),
            "kube-vip status on the holder says why; if the holder shows the address, something \
             between here and there drops ARP",
        ),
        [_] => Row::ok(ONE, format!("{names} alone answers ({from})")),
        _ => Row::failed(
            ONE,
            format!("{} answer: {names} ({from})", all.len()),
            "end kube-vip on those that do not hold the Lease; whoever is no node of the cluster \
             must give the address up",
        ),
    });
    let Some(holder) = &owners.holder else { return rows };
    rows.push(if all.iter().any(|mac| owners.is_holder(*mac)) {
        Row::ok(HOLDER, format!("the Lease's holder {holder} answers"))
    } else if !owners.names.values().any(|name| name == holder) {
        Row::unknown(
            HOLDER,
            format!("the Ethernet address of {holder} is not known: {names} answers"),
            format!("compare with ip link on {holder}"),
        )
    } else {
        Row::failed(
            HOLDER,
            format!("the Lease's holder {holder} does not answer; {names} does"),
            format!("kube-vip status on {holder} says why"),
        )
    });
    rows
}
