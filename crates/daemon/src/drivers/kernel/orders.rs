//! How an order is carried out: step by step, in the order that leaves silence whenever the next
//! step does not happen.

use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kube_vip_core::address::{LinkName, Vip};
use kube_vip_core::event::{Held, Voice};
use kube_vip_core::moment::Moment;
use kube_vip_core::reconcile::address_lifetime;
use tracing::warn;

use super::fence::{FenceError, Grant};
use super::fencing::Layers;
use super::netlink::{Netlink, NetlinkError};
use super::task::Task;
use super::{KernelError, Order, hold, rtnl};

/// An IPv6 address that was added receives within so long, even on a host that is overloaded; what
/// is later costs a client's packet.
const ARRIVES_WITHIN: Duration = Duration::from_millis(100);

/// How often it is looked.
const LOOK: Duration = Duration::from_micros(200);

impl Task {
    /// Refusals are told; what is returned is a connection that is of no use any more.
    pub(super) fn carry_out(
        &mut self,
        order: Order,
        netlink: &mut Netlink,
    ) -> Result<(), NetlinkError> {
        let done = match &order {
            Order::Hold { vip, until, voice } => self.hold(netlink, *vip, *until, *voice),
            Order::Drop(held) => self.let_go(netlink, held),
        };
        let Err(error) = done else {
            self.carried_out += 1;
            return Ok(());
        };
        self.refuse(order, &error);
        match error {
            KernelError::Refused { source: NetlinkError::Refused(_), .. } => Ok(()),
            KernelError::Refused { source, .. } | KernelError::Unconnected(source) => Err(source),
            _ => Ok(()),
        }
    }

    /// Opens the fence, unless only lifetimes are wanted.
    pub(super) fn open_fence(&mut self, netlink: &mut Netlink) -> Result<(), NetlinkError> {
        if self.layers != Layers::Lifetimes {
            let configured = self.scope.configured(netlink)?;
            let configured: Vec<IpAddr> = configured.iter().map(|found| found.address).collect();
            self.fencing.open(&configured);
        }
        Ok(())
    }

    /// First the rules that silence the address, then the address, then its voice. When a step is
    /// refused, what was granted before goes on until its own end, unless less was wanted now.
    fn hold(
        &mut self,
        netlink: &mut Netlink,
        vip: Vip,
        until: Moment,
        voice: Voice,
    ) -> Result<(), KernelError> {
        let held = self.try_hold(netlink, vip, until, voice);
        match &held {
            Err(KernelError::Outlived) => {
                let link = self.scope.link.clone();
                self.let_go(netlink, &Held { vip, link, lifetime: None, voice: None })?;
            }
            Err(_) if voice != Voice::Answering => self.silence(vip.address())?,
            _ => {}
        }
        held
    }

    fn try_hold(
        &mut self,
        netlink: &mut Netlink,
        vip: Vip,
        until: Moment,
        voice: Voice,
    ) -> Result<(), KernelError> {
        let link = self.scope.link.clone();
        let no_link = || KernelError::NoLink(link.clone());
        let index = rtnl::interface_named(netlink, &link)?.ok_or_else(no_link)?.index;
        if !self.fencing.is_open() {
            self.open_fence(netlink)?;
        }
        let address = vip.address();
        let own = self.scope.own(address);
        let rest = self.rest(until)?;
        self.fencing.prepare(address, own, rest).map_err(KernelError::Fence)?;
        self.give(netlink, index, vip, until)?;
        arrive(netlink, address)?;
        // Adding may have taken long: an address that is to go again must not speak before.
        if self.is_to_go(address) {
            return Ok(());
        }
        let grant = Grant { address, own, voice, until };
        let clock = self.clock;
        self.fencing.set(grant, || clock.now()).map_err(KernelError::Fence)
    }

    /// It was told after this to let go of the address.
    fn is_to_go(&mut self, address: IpAddr) -> bool {
        let scope = &self.scope;
        self.told.ahead().any(|order| match order {
            Order::Drop(held) => scope.is_planned(held) && held.vip.address() == address,
            Order::Hold { .. } => false,
        })
    }

    /// How long the address will be there.
    fn rest(&self, until: Moment) -> Result<Duration, KernelError> {
        let now = self.clock.now();
        match self.layers {
            Layers::Fence => Ok(until.since(now)),
            _ => address_lifetime(until, now).ok_or(KernelError::TooLate),
        }
    }

    fn give(
        &self,
        netlink: &mut Netlink,
        index: u32,
        vip: Vip,
        until: Moment,
    ) -> Result<(), KernelError> {
        let link = &self.scope.link;
        let address = (vip, self.scope.subnet(vip));
        let refused =
            |source| KernelError::Refused { action: format!("add {vip} to {link}"), source };
        if self.layers == Layers::Fence {
            return rtnl::put_address(netlink, index, address, None).map_err(refused);
        }
        let give =
            |lifetime| rtnl::put_address(netlink, index, address, Some(lifetime)).map_err(refused);
        hold::within(until, || self.clock.now(), give)
    }

    /// First silence, then the connections, then the address, then the rules. Each step is tried
    /// whatever became of the one before.
    fn let_go(&mut self, netlink: &mut Netlink, held: &Held) -> Result<(), KernelError> {
        let address = held.vip.address();
        if !self.scope.is_planned(held) && self.is_held_as_planned(netlink, address)? {
            // Only this form of it is to go.
            return drop_address(netlink, held);
        }
        let silenced = self.silence_all_that_go(address);
        self.connections.destroy(address);
        let removed = drop_address(netlink, held);
        let left = self.scope.configured(netlink)?;
        if !left.iter().any(|found| found.address == address) {
            self.fencing.release(address);
            return removed;
        }
        removed.and(silenced.map_err(KernelError::Fence))
    }

    fn is_held_as_planned(
        &self,
        netlink: &mut Netlink,
        address: IpAddr,
    ) -> Result<bool, NetlinkError> {
        let index = rtnl::interface_named(netlink, &self.scope.link)?.map(|link| link.index);
        let found = self.scope.configured(netlink)?;
        Ok(found.iter().any(|found| {
            let vip = Vip::new(found.address, found.prefix);
            let planned = vip.is_ok_and(|vip| self.scope.plans(vip));
            found.address == address && planned && Some(found.index) == index
        }))
    }

    /// Silences this one, and those that are to go after it: removing an address may take long.
    fn silence_all_that_go(&mut self, address: IpAddr) -> Result<(), FenceError> {
        let silenced = self.fencing.silence(address);
        let mut soon: Vec<IpAddr> = Vec::new();
        for order in self.told.ahead() {
            // What comes after a new hold is of another term.
            let Order::Drop(held) = order else { break };
            if self.scope.is_planned(held) {
                soon.push(held.vip.address());
            }
        }
        for address in soon {
            // Told again when its turn comes.
            let _ = self.fencing.silence(address);
        }
        silenced
    }

    fn silence(&mut self, address: IpAddr) -> Result<(), KernelError> {
        self.fencing.silence(address).map_err(KernelError::Fence)
    }

    /// What can be done about an order when the rest cannot.
    pub(super) fn silence_without_connection(&mut self, order: &Order) {
        if let Order::Drop(held) = order
            && self.scope.is_planned(held)
            && let Err(error) = self.silence(held.vip.address())
        {
            warn!(address = %held.vip, %error, "not silenced");
        }
    }
}

/// Waits until packets to the address come in here: who announces it before loses some.
fn arrive(netlink: &mut Netlink, address: IpAddr) -> Result<(), KernelError> {
    if address.is_ipv4() {
        return Ok(());
    }
    let end = Instant::now() + ARRIVES_WITHIN;
    while !rtnl::is_local(netlink, address)? && Instant::now() < end {
        sleep(LOOK);
    }
    Ok(())
}

fn drop_address(netlink: &mut Netlink, held: &Held) -> Result<(), KernelError> {
    let Some(interface) = rtnl::interface_named(netlink, &held.link)? else { return Ok(()) };
    remove(netlink, interface.index, held.vip, &held.link)
}

fn remove(netlink: &mut Netlink, index: u32, vip: Vip, link: &LinkName) -> Result<(), KernelError> {
    rtnl::remove_address(netlink, index, vip).map_err(|source| {
        let action = format!("remove {vip} from {link}");
        KernelError::Refused { action, source }
    })
}
