//! One host's kernel, as far as the addresses go: it has an address for a lifetime, and removes it
//! some time after that has ended; its fence, where it has one, ends to the millisecond. It goes on
//! when the daemon does not.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use kube_vip_core::address::{LinkName, Mac, Vip};
use kube_vip_core::event::{Fence, Held, Link, Snapshot, Voice};

/// The addresses as this host has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Kernel {
    addresses: BTreeMap<Vip, Address>,
    /// What the fence says of an address. Where it says nothing, the address does as it likes.
    wards: BTreeMap<Vip, Ward>,
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

/// Until when the fence's sets have an address, in the world's time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ward {
    pub(super) guard: Duration,
    pub(super) accepting: Duration,
    pub(super) answering: Duration,
}

impl Kernel {
    /// The host has the address.
    pub(super) fn has(&self, vip: Vip) -> bool {
        self.addresses.contains_key(&vip)
    }

    /// What the fence lets the address do now; none: nothing fences it.
    pub(super) fn voice(&self, vip: Vip, now: Duration) -> Option<Voice> {
        let ward = self.wards.get(&vip).filter(|ward| now < ward.guard)?;
        Some(if now < ward.answering {
            Voice::Answering
        } else if now < ward.accepting {
            Voice::Accepting
        } else {
            Voice::Silent
        })
    }

    /// Frames that speak for the address get out.
    pub(super) fn may_speak(&self, vip: Vip, now: Duration) -> bool {
        matches!(self.voice(vip, now), None | Some(Voice::Answering))
    }

    /// The host answers for the address.
    pub(super) fn answers(&self, vip: Vip, now: Duration) -> bool {
        self.has(vip) && self.may_speak(vip, now)
    }

    /// Gives it an address, or a new lifetime. Returns what an eviction must name.
    pub(super) fn hold(&mut self, vip: Vip, ends: Option<Duration>) -> u64 {
        self.changes += 1;
        self.addresses.insert(vip, Address { ends, change: self.changes });
        self.changes
    }

    /// Sets what the fence says of an address; its guard is never shortened.
    pub(super) fn ward(&mut self, vip: Vip, ward: Ward) {
        let guard = self.wards.get(&vip).map_or(Duration::ZERO, |before| before.guard);
        self.wards.insert(vip, Ward { guard: guard.max(ward.guard), ..ward });
    }

    /// The fence covers the address at least so long; what it says of it stays as it is.
    pub(super) fn guard(&mut self, vip: Vip, guard: Duration) {
        let ward = self.wards.entry(vip).or_default();
        ward.guard = ward.guard.max(guard);
    }

    /// Takes an address out of the sets that let it do anything.
    pub(super) fn silence(&mut self, vip: Vip, guard: Duration) {
        self.ward(vip, Ward { guard, ..Ward::default() });
    }

    /// The fence says nothing of the address any more.
    pub(super) fn release(&mut self, vip: Vip) {
        self.wards.remove(&vip);
    }

    /// Somebody deleted the fence.
    pub(super) fn unfence(&mut self) {
        self.wards.clear();
    }

    /// Takes the address away, if it is there.
    pub(super) fn remove(&mut self, vip: Vip) {
        self.addresses.remove(&vip);
    }

    /// Forgets everything: the power is lost.
    pub(super) fn clear(&mut self) {
        self.addresses.clear();
        self.wards.clear();
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
            voice: self.voice(*vip, at),
        };
        let Nic { mac, up, fence, .. } = *nic;
        let (addresses, gateways) = (nic.addresses.clone(), nic.gateways.clone());
        Snapshot {
            link: Some(Link { mac, up, addresses, gateways }),
            held: self.addresses.iter().map(held).collect(),
            carried_out,
            fence: if fence { Fence::Ready } else { Fence::Missing("no netdev egress".into()) },
        }
    }
}

/// The host's interface, and what its kernel can.
#[derive(Clone, Debug)]
pub(super) struct Nic {
    pub(super) name: LinkName,
    pub(super) mac: Mac,
    /// It has a carrier.
    pub(super) up: bool,
    /// The host's own addresses, one of each family that is in use.
    pub(super) addresses: Vec<IpAddr>,
    /// The segment's router, if it has one.
    pub(super) gateways: Vec<IpAddr>,
    /// The kernel can fence.
    pub(super) fence: bool,
}

#[cfg(test)]
mod tests;
