//! How this node stands beside the others, and what follows for moves and for holding on.

use crate::address::NodeName;
use crate::desired::Fitness;
use crate::election::Standing;
use crate::event::{Candidacy, Nonce};
use crate::handover::{Stance, View};
use crate::holding_on::Grounds;
use crate::moment::Moment;
use crate::quiet::Need;
use crate::status::MoveReason;

use super::Node;

impl Node {
    /// It could hold the addresses well.
    pub(super) fn is_fit(&self) -> bool {
        self.fitness == Fitness::Fit && self.api_server.is_well() && !self.elector.has_twin()
    }

    /// What this node says of itself.
    pub(super) fn candidacy(&self) -> Candidacy {
        let own = self.facts.asker();
        let (mac, addresses) = own.map(|own| (own.mac, own.addresses)).unzip();
        Candidacy {
            fit: self.is_fit(),
            cordoned: self.cordoned,
            priority: self.plan.conduct.priority,
            mac,
            address: addresses.and_then(|own| own.first().copied()),
            boot: self.plan.boot.clone(),
            consent: self.consent(),
        }
    }

    /// Yes to an offer that is made to this node, if it can take over.
    fn consent(&self) -> Option<Nonce> {
        let offer = self.elector.sight()?.record.marks.offer.as_ref()?;
        let ours = offer.to == self.plan.node && self.elector.term().is_none();
        (ours && self.is_fit()).then(|| offer.nonce.clone())
    }

    /// What a holder sees when it thinks about moving.
    pub(super) fn view(&self, now: Moment) -> View<'_> {
        View {
            now,
            term: self.elector.term().map(|term| term.until),
            wanted: self.wanted(now),
            ending: self.shutdown,
            candidates: &self.candidates,
            silent: self.facts.is_silent(),
            other: self.other_holder(),
            released: self.elector.has_released(),
        }
    }

    /// The other node that the Lease names.
    pub(super) fn other_holder(&self) -> Option<&str> {
        let holder = self.elector.sight()?.holder()?;
        (holder != self.plan.node.as_str()).then_some(holder)
    }

    /// Why the addresses should move, and to whom if not to anybody.
    fn wanted(&self, now: Moment) -> Option<(MoveReason, Option<&NodeName>)> {
        let request = self.elector.sight().and_then(|sight| sight.record.marks.move_to.as_ref());
        let held_back = self.damping.holds_back(now);
        let better = || {
            let fit = self.candidates.fit(now).filter(|(_, candidacy)| !candidacy.cordoned);
            let priority = self.plan.conduct.priority;
            fit.filter(|(_, candidacy)| candidacy.priority > priority)
                .max_by_key(|(_, candidacy)| candidacy.priority)
                .map(|(node, _)| node)
        };
        if self.shutdown.is_some() {
            return Some((MoveReason::ShuttingDown, None));
        }
        if self.holding_on.is_some() || self.elector.is_unanswered(now) {
            // Nobody would hear of it.
            return None;
        }
        if let Some(to) = request.filter(|to| **to != self.plan.node) {
            return Some((MoveReason::Requested, Some(to)));
        }
        if self.api_server.is_to_blame(now) && !held_back {
            return Some((MoveReason::Unfit, None));
        }
        if self.cordoned {
            return Some((MoveReason::Drain, None));
        }
        let fails_back = self.plan.conduct.fail_back && !held_back && self.is_fit();
        let better = fails_back.then(better).flatten();
        better.map(|node| (MoveReason::FailBack, Some(node)))
    }

    /// What speaks for and against keeping the addresses past the term.
    pub(super) fn grounds(&self, now: Moment) -> Grounds {
        let status = self.elector.api();
        let since = status.answered.unwrap_or(Moment::START);
        Grounds {
            may: self.plan.conduct.hold_on_api_loss
                && self.fitness == Fitness::Fit
                && self.punctual <= now,
            api_is_away: self.elector.is_troubled(now),
            successor: self.other_holder().is_some() || self.elector.has_twin(),
            serves: self.api_server.is_as_good_as_any(now),
            rival: self.rivals.has_rival_since(since),
            alive: self.rivals.alive().map(|(_, at)| at),
        }
    }

    /// The holder cannot ask the API, and asks the segment instead; or it waits for a successor.
    pub(super) fn keeps_vigil(&self, now: Moment) -> bool {
        let unrenewed = self.elector.renewal_overdue().is_some_and(|at| at <= now);
        let failing = unrenewed || self.elector.is_unanswered(now);
        let holds = self.elector.term().is_some();
        match self.moves.stance() {
            Stance::Hold | Stance::Accept(_) => self.holding_on.is_some() || (holds && failing),
            Stance::Release(_) | Stance::Reclaim(_) => failing || self.other_holder().is_some(),
        }
    }

    /// How this node stands beside the other candidates.
    pub(super) fn standing(&self, now: Moment) -> Standing {
        let Some(sight) = self.elector.sight() else { return Standing::First };
        if matches!(self.moves.stance(), Stance::Reclaim(_)) {
            return Standing::First;
        }
        let successor = sight.record.marks.successor.as_ref();
        let released = sight.version.is_some() && sight.holder().is_none();
        match successor.filter(|_| released) {
            Some(node) if *node == self.plan.node => return Standing::First,
            Some(_) => return Standing::Unnamed,
            None => {}
        }
        let beside_others = self.candidates.has_any(now) && self.facts.held().next().is_none();
        if self.elector.is_new() && beside_others {
            return Standing::Newcomer;
        }
        let last = self.damping.holder();
        let others = || self.candidates.fit(now).filter(|(node, _)| Some(node.as_str()) != last);
        let (priority, cordoned) = (self.plan.conduct.priority, self.cordoned);
        let better = |candidacy: &Candidacy| {
            (!candidacy.cordoned, candidacy.priority) > (!cordoned, priority)
        };
        let patient = self.elector.was_away() || others().next().is_some();
        if !self.is_fit() && patient {
            Standing::Last
        } else if others().any(|(_, candidacy)| better(candidacy)) {
            Standing::Second
        } else {
            Standing::First
        }
    }

    /// Why the segment must be asked before this node claims the Lease now; none: it need not, or
    /// there is nothing to claim.
    pub(super) fn need_for_quiet(&self, now: Moment) -> Option<Need> {
        let duration = self.plan.lease.timings.duration();
        let found = self.facts.held().next().is_some();
        if let Some(lapsed) = self.elector.lapsed_since(now).filter(|_| !found) {
            let patience = lapsed.max(self.api_server.answered()) + duration;
            return Some(Need::LastHolder(patience));
        }
        let patience = self.elector.claimable_since(now)? + duration;
        if self.elector.may_resume() {
            // In a predecessor's place, whose address is still here; else the Lease may be an old
            // one that was put back.
            return (!found).then_some(Need::LastHolder(patience));
        }
        let marked = self.elector.sight().is_some_and(|sight| !sight.unmarked);
        match self.damping.holder() {
            None => Some(Need::Stranger),
            Some(last) if marked && self.is_one_of_us(last, now) => None,
            Some(_) => Some(Need::LastHolder(patience)),
        }
    }

    fn is_one_of_us(&self, node: &str, now: Moment) -> bool {
        node == self.plan.node.as_str() || self.candidates.has(node, now)
    }
}
