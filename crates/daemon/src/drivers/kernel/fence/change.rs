//! The steps that changes of the fence are made of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::super::message::Body;
use super::super::nf_tables::Verb;
use super::connection::{Batch, Undone};
use super::table::{self, Element, Family, Kind, Set};
use super::{Fence, FenceError, GUARD_AFTER_TERM, Grant, TRIES, Voice};

/// How much longer than the guard the node's own address is kept.
const OWN_AFTER_GUARD: Duration = Duration::from_secs(1);

/// What the sets have of an address.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) guard: Option<Element>,
    own: Option<Element>,
    accepting: Option<Element>,
    answering: Option<Element>,
}

impl Fence {
    /// Makes a change that needs no token, with the table standing; again if an element's time ran
    /// out in between.
    pub(super) fn change(
        &mut self,
        describe: impl Fn(&mut Self, &mut Batch) -> Result<(), FenceError>,
    ) -> Result<(), FenceError> {
        for _ in 0..TRIES {
            self.stand()?;
            let mut batch = Batch::default();
            describe(self, &mut batch)?;
            match self.connection.commit(batch) {
                Err(undone) if lost_race(&undone) => {}
                other => return other.map_err(|undone| self.explain(undone)),
            }
        }
        Err(FenceError::Late)
    }

    /// A new token, from now on in the kernel for so long.
    pub(super) fn token(&mut self, keep: Duration) -> Result<IpAddr, Undone> {
        self.tokens = self.tokens.wrapping_add(1);
        let number = IpAddr::from(Ipv4Addr::from_bits(self.tokens));
        let mut batch = Batch::default();
        self.table.add(&mut batch, Set::Token, Element { key: number, own: None, rest: keep });
        self.connection.commit(batch)?;
        Ok(number)
    }

    pub(super) fn voice(
        &self,
        grant: Grant,
        rest: Duration,
        token: IpAddr,
        found: &Found,
    ) -> Batch {
        let mut batch = Batch::default();
        self.table.remove(&mut batch, Set::Token, token);
        self.guard(&mut batch, grant.address, (grant.own, rest + GUARD_AFTER_TERM), found);
        self.drop_voice(&mut batch, found);
        let element = Element { key: grant.address, own: None, rest };
        if grant.voice == Voice::Answering {
            self.table.add(&mut batch, Set::for_address(Kind::Answering, element.key), element);
        }
        self.table.add(&mut batch, Set::for_address(Kind::Accepting, element.key), element);
        batch
    }

    /// Guards the address for at least so long, with this address of the node's own.
    pub(super) fn guard(
        &self,
        batch: &mut Batch,
        key: IpAddr,
        (own, rest): (Option<IpAddr>, Duration),
        found: &Found,
    ) {
        let nobody = match Family::of(key) {
            Family::Ipv4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::Ipv6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        let own = Some(own.unwrap_or(nobody));
        let guarded = found.guard.map_or(Duration::ZERO, |guard| guard.rest);
        let told = found.own.filter(|told| told.own == own && told.rest >= guarded);
        if guarded >= rest && told.is_some() {
            return;
        }
        self.drop_guard(batch, found);
        let rest = guarded.max(rest);
        self.table.add(batch, Set::for_address(Kind::Guard, key), Element { key, own: None, rest });
        // It outlasts the guard, whatever is rounded.
        let rest = rest + OWN_AFTER_GUARD;
        self.table.add(batch, Set::for_address(Kind::Own, key), Element { key, own, rest });
    }

    pub(super) fn drop_guard(&self, batch: &mut Batch, found: &Found) {
        self.remove_found(batch, [(Kind::Guard, found.guard), (Kind::Own, found.own)]);
    }

    pub(super) fn drop_voice(&self, batch: &mut Batch, found: &Found) {
        let sets = [(Kind::Answering, found.answering), (Kind::Accepting, found.accepting)];
        self.remove_found(batch, sets);
    }

    fn remove_found(&self, batch: &mut Batch, found: [(Kind, Option<Element>); 2]) {
        for (kind, element) in found {
            if let Some(element) = element {
                self.table.remove(batch, Set::for_address(kind, element.key), element.key);
            }
        }
    }

    pub(super) fn find(&mut self, address: IpAddr) -> Result<Found, FenceError> {
        Ok(Found {
            accepting: self.found(Kind::Accepting, address)?,
            answering: self.found(Kind::Answering, address)?,
            ..self.find_guard(address)?
        })
    }

    /// The same without its voice.
    pub(super) fn find_guard(&mut self, address: IpAddr) -> Result<Found, FenceError> {
        Ok(Found {
            guard: self.found(Kind::Guard, address)?,
            own: self.found(Kind::Own, address)?,
            accepting: None,
            answering: None,
        })
    }

    fn found(&mut self, kind: Kind, address: IpAddr) -> Result<Option<Element>, FenceError> {
        let set = Set::for_address(kind, address);
        let Self { connection, table, .. } = self;
        let ask = |body: &mut Body<'_>| table.ask_element(body, set, address);
        let parse = |message: &[u8]| table::elements(message).first().copied();
        Ok(connection.get(Verb::GetElement, ask, parse)?)
    }

    /// The addresses of both families to which the rules apply.
    pub(super) fn guarded(&mut self) -> Result<Vec<Element>, FenceError> {
        let mut guarded = Vec::new();
        for family in Family::ALL {
            guarded.extend(self.elements(Set::Of(Kind::Guard, family))?);
        }
        Ok(guarded)
    }

    pub(super) fn elements(&mut self, set: Set) -> Result<Vec<Element>, FenceError> {
        let Self { connection, table, .. } = self;
        let ask = |body: &mut Body<'_>| table.ask_elements(body, set);
        Ok(connection.list(Verb::GetElement, ask, table::elements)?)
    }
}

/// Something that was there when we looked is gone: a token, an element whose time ran out, or the
/// table.
pub(super) fn lost_race(undone: &Undone) -> bool {
    matches!(undone, Undone::Refused(_, error) if error.raw_os_error() == Some(libc::ENOENT))
}

/// The timeout that lasts so long while timers go at this rate. One that is fast is taken for one
/// that is not: it may be slowed down any time.
pub(super) fn in_timer_time(left: Duration, rate: f64) -> Duration {
    left.mul_f64(rate.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests;
