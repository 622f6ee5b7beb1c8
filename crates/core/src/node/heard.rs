//! What is heard on the segment, and what is asked there.

use std::net::IpAddr;

use crate::address::Mac;
use crate::handover::Stance;
use crate::moment::Moment;
use crate::rivals::Heard;
use crate::segment::Said;
use crate::status::Notice;
use crate::vigil::Segment;

use super::Node;

impl Node {
    /// Another station said something.
    pub(super) fn heard(&mut self, said: &Said, now: Moment) {
        let Some(own) = self.facts.link_mac() else { return };
        let vips = self.plan.vips.addresses();
        match self.rivals.heard(said, own, &vips, now) {
            Heard::Alive | Heard::Nothing => {}
            Heard::Probe(address) => self.defend(address, now),
            Heard::Claim(address) => {
                self.taken(said, now);
                self.defend(address, now);
            }
            Heard::Confirmed(address, mac) => {
                self.taken(said, now);
                self.confirmed(address, mac, now);
            }
        }
    }

    /// Another station speaks for the address: the successor that is waited for, or somebody who
    /// has nothing to do with it?
    fn taken(&mut self, said: &Said, now: Moment) {
        let mac = said.sender().mac;
        let expected = match self.other_holder() {
            // One of the original tells nobody its Ethernet address.
            Some(holder) => self.candidates.mac(holder).is_none_or(|known| known == mac),
            None => {
                let successor = self.moves.successor();
                successor.is_none_or(|to| self.candidates.with_mac(mac) == Some(to))
            }
        };
        if expected {
            self.moves.heard(said, now);
        }
    }

    /// Another station certainly has the address.
    fn confirmed(&mut self, address: IpAddr, mac: Mac, now: Moment) {
        let known = self.candidates.with_mac(mac).is_some();
        let holds = self.elector.term().is_some() || self.holding_on.is_some();
        let gives = !matches!(self.moves.stance(), Stance::Hold);
        let in_the_way = self.quiet.answered(mac, now);
        if gives || !(holds || (in_the_way && !known)) {
            // A candidate hears the holder: all is well.
            return;
        }
        let notice = self.rivals.confirmed(address, mac, &self.candidates, now);
        if notice.is_some() {
            // Another candidate, or one of the original: the Lease decides.
            self.elector.doubt();
        }
        self.tell_of(notice);
    }

    /// Tells the segment again who has the address, if this node does and may speak unasked.
    fn defend(&mut self, address: IpAddr, now: Moment) {
        let holds = self.heralds.contains_key(&address) && self.holding_on.is_none();
        if holds && self.rivals.defends(address, now) {
            self.heralds.entry(address).and_modify(|herald| herald.again(now));
        }
    }

    /// Asks whoever was heard, the neighbours while the API is away, and everybody before the
    /// first claim; within one budget.
    pub(super) fn ask_the_segment(&mut self, now: Moment) {
        let gone: Option<Notice> = self.rivals.forget(now);
        self.tell_of(gone);
        let Some(segment) = self.segment() else { return };
        let question = self.rivals.poll(&segment.own, &mut self.probes, now);
        self.effects.extend(question);
        let need = self.need_for_quiet(now);
        let question = self.quiet.poll(need, &segment, &mut self.probes, now);
        self.effects.extend(question);
        if self.keeps_vigil(now) {
            let question = self.vigil.poll(&segment, &mut self.probes, now);
            self.effects.extend(question);
        }
    }

    /// Whom to ask, and for what; none: the interface is down or absent.
    fn segment(&self) -> Option<Segment> {
        let alive = self.rivals.alive();
        // Beside originals nobody else has a candidate Lease: who once answered may do so again.
        let known = self.facts.gateways().iter().copied().chain(self.candidates.addresses());
        let mut neighbours: Vec<IpAddr> = known.collect();
        let heard = alive.map(|(address, _)| address).filter(|heard| !neighbours.contains(heard));
        neighbours.extend(heard);
        Some(Segment {
            own: self.facts.asker()?,
            neighbours,
            alive,
            vips: self.plan.vips.addresses(),
        })
    }

    /// When the next question is due.
    pub(super) fn segment_deadline(&self, now: Moment) -> Option<Moment> {
        let segment = self.segment()?;
        let vigil = self.keeps_vigil(now).then(|| self.vigil.deadline(&segment, &self.probes));
        let quiet = self.quiet.deadline(self.need_for_quiet(now), &self.probes);
        [self.rivals.deadline(&self.probes), quiet, vigil].into_iter().flatten().min()
    }
}
