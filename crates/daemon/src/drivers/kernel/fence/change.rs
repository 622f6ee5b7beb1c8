//! The steps that changes of the fence are made of.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::super::message::Body;
use super::connection::{Batch, Undone};
use super::nf_tables::Verb;
use super::table::{self, Element, Set};
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
    pub(super) fn token(&mut self, keep: Duration) -> Result<Ipv4Addr, Undone> {
        self.tokens = self.tokens.wrapping_add(1);
        let number = Ipv4Addr::from_bits(self.tokens);
        let mut batch = Batch::default();
        self.table.add(&mut batch, Set::Token, Element { key: number, own: None, rest: keep });
        self.connection.commit(batch)?;
        Ok(number)
    }

    pub(super) fn voice(
        &self,
        grant: Grant,
        rest: Duration,
        token: Ipv4Addr,
        found: &Found,
    ) -> Batch {
        let mut batch = Batch::default();
        self.table.remove(&mut batch, Set::Token, token);
        self.guard(&mut batch, grant.address, (grant.own, rest + GUARD_AFTER_TERM), found);
        self.drop_voice(&mut batch, found);
        let element = Element { key: grant.address, own: None, rest };
        if grant.voice == Voice::Answering {
            self.table.add(&mut batch, Set::Answering, element);
        }
        self.table.add(&mut batch, Set::Accepting, element);
        batch
    }

    /// Guards the address for at least so long, with this address of the node's own.
    pub(super) fn guard(
        &self,
        batch: &mut Batch,
        key: Ipv4Addr,
        (own, rest): (Option<Ipv4Addr>, Duration),
        found: &Found,
    ) {
        let own = Some(own.unwrap_or(Ipv4Addr::UNSPECIFIED));
        let guarded = found.guard.map_or(Duration::ZERO, |guard| guard.rest);
        let told = found.own.filter(|told| told.own == own && told.rest >= guarded);
        if guarded >= rest && told.is_some() {
            return;
        }
        self.drop_guard(batch, found);
        let rest = guarded.max(rest);
        self.table.add(batch, Set::Guard, Element { key, own: None, rest });
        // It outlasts the guard, whatever is rounded.
        let rest = rest + OWN_AFTER_GUARD;
        self.table.add(batch, Set::Own, Element { key, own, rest });
    }

    pub(super) fn drop_guard(&self, batch: &mut Batch, found: &Found) {
        self.remove_found(batch, [(Set::Guard, found.guard), (Set::Own, found.own)]);
    }

    pub(super) fn drop_voice(&self, batch: &mut Batch, found: &Found) {
        let sets = [(Set::Answering, found.answering), (Set::Accepting, found.accepting)];
        self.remove_found(batch, sets);
    }

    fn remove_found(&self, batch: &mut Batch, found: [(Set, Option<Element>); 2]) {
        for (set, element) in found {
            if let Some(element) = element {
                self.table.remove(batch, set, element.key);
            }
        }
    }

    pub(super) fn find(&mut self, address: Ipv4Addr) -> Result<Found, FenceError> {
        Ok(Found {
            guard: self.found(Set::Guard, address)?,
            own: self.found(Set::Own, address)?,
            accepting: self.found(Set::Accepting, address)?,
            answering: self.found(Set::Answering, address)?,
        })
    }

    fn found(&mut self, set: Set, address: Ipv4Addr) -> Result<Option<Element>, FenceError> {
        let Self { connection, table, .. } = self;
        let ask = |body: &mut Body<'_>| table.ask_element(body, set, address);
        let parse = |message: &[u8]| table::elements(message).first().copied();
        Ok(connection.get(Verb::GetElement, ask, parse)?)
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
