//! One host's kernel, as far as the addresses go: it has an address for a lifetime, and removes it
//! some time after that has ended. It goes on when the daemon does not.

use std::collections::BTreeMap;
use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac, Vip};
use kube_vip_core::event::{Fence, Held, Link, Snapshot};

/// The addresses as this host has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Kernel {
    addresses: BTreeMap<Vip, Address>,
    /// How often an address was given or refreshed.
    changes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Address {
    /// When its lifetime ends, in the world's time; none: never.
    ends: Option<Duration>,
    /// Marks its last refresh: an eviction that was planned before is void.
    change: u64,
}

impl Kernel {
    /// The host has the address.
    pub(super) fn has(&self, vip: Vip) -> bool {
        self.addresses.contains_key(&vip)
    }

    /// Gives it an address, or a new lifetime. Returns what an eviction must name.
    pub(super) fn hold(&mut self, vip: Vip, ends: Option<Duration>) -> u64 {
        self.changes += 1;
        self.addresses.insert(vip, Address { ends, change: self.changes });
        self.changes
    }

    /// Takes the address away, if it is there.
    pub(super) fn remove(&mut self, vip: Vip) {
        self.addresses.remove(&vip);
    }

    /// Forgets everything: the power is lost.
    pub(super) fn clear(&mut self) {
        self.addresses.clear();
    }

    /// Removes the address, unless it was refreshed or taken away since; whether it did.
    pub(super) fn evict(&mut self, change: u64) -> bool {
        let before = self.addresses.len();
        self.addresses.retain(|_, address| address.change != change);
        self.addresses.len() < before
    }

    /// What a daemon is shown at this time of the world, after so many of its orders.
    pub(super) fn snapshot(&self, at: Duration, nic: &Nic, carried_out: u64) -> Snapshot {
        let lifetime = |ends: Duration| Duration::from_secs(ends.saturating_sub(at).as_secs());
        let held = |(vip, address): (&Vip, &Address)| Held {
            vip: *vip,
            link: nic.name.clone(),
            lifetime: address.ends.map(lifetime),
            voice: None,
        };
        Snapshot {
            link: Some(Link { mac: nic.mac, up: nic.up, address: None, gateway: None }),
            held: self.addresses.iter().map(held).collect(),
            carried_out,
            fence: Fence::Unknown,
        }
    }
}

/// The host's interface.
#[derive(Clone, Debug)]
pub(super) struct Nic {
    pub(super) name: LinkName,
    pub(super) mac: Mac,
    /// It has a carrier.
    pub(super) up: bool,
}

#[cfg(test)]
mod tests;
