//! The steps that changes of the fence are made of.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::super::message::Body;
use super::connection::{Batch, Undone};
use super::nf_tables::Verb;
use super::table::{self, Element, Set};
use super::{Fence, FenceError, GUARD_AFTER_TERM, Grant, TRIES, Voice};

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
        [guard, accepting, answering]: [Option<Element>; 3],
    ) -> Batch {
        let mut batch = Batch::default();
        self.table.remove(&mut batch, Set::Token, token);
        let wanted = guard_element(grant.address, grant.own, rest + GUARD_AFTER_TERM);
        self.guard(&mut batch, wanted, guard);
        self.drop_voice(&mut batch, accepting, answering);
        let element = Element { key: grant.address, own: None, rest };
        if grant.voice == Voice::Answering {
            self.table.add(&mut batch, Set::Answering, element);
        }
        self.table.add(&mut batch, Set::Accepting, element);
        batch
    }

    /// At least as `wanted`, where it may be as `found`.
    pub(super) fn guard(&self, batch: &mut Batch, wanted: Element, found: Option<Element>) {
        if let Some(found) = found {
            if found.own == wanted.own && found.rest >= wanted.rest {
                return;
            }
            self.table.remove(batch, Set::Guard, found.key);
        }
        let rest = found.map_or(wanted.rest, |found| found.rest.max(wanted.rest));
        self.table.add(batch, Set::Guard, Element { rest, ..wanted });
    }

    pub(super) fn drop_voice(
        &self,
        batch: &mut Batch,
        accepting: Option<Element>,
        answering: Option<Element>,
    ) {
        for (set, found) in [(Set::Answering, answering), (Set::Accepting, accepting)] {
            if let Some(found) = found {
                self.table.remove(batch, set, found.key);
            }
        }
    }

    pub(super) fn all_found(
        &mut self,
        address: Ipv4Addr,
    ) -> Result<[Option<Element>; 3], FenceError> {
        Ok([
            self.found(Set::Guard, address)?,
            self.found(Set::Accepting, address)?,
            self.found(Set::Answering, address)?,
        ])
    }

    pub(super) fn found(
        &mut self,
        set: Set,
        address: Ipv4Addr,
    ) -> Result<Option<Element>, FenceError> {
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

/// What the rules know of an address.
pub(super) fn guard_element(address: Ipv4Addr, own: Option<Ipv4Addr>, rest: Duration) -> Element {
    Element { key: address, own: Some(own.unwrap_or(Ipv4Addr::UNSPECIFIED)), rest }
}

/// Something that was there when we looked is gone: a token, an element whose time ran out, or the
/// table.
pub(super) fn lost_race(undone: &Undone) -> bool {
    matches!(undone, Undone::Refused(_, error) if error.raw_os_error() == Some(libc::ENOENT))
}

/// The timeout that lasts so long, as long as timers go at this rate.
/// One that is fast is taken for one that is not: it may be slowed down any time.
pub(super) fn in_timer_time(left: Duration, rate: f64) -> Duration {
    left.mul_f64(rate.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests;
