//! What this node shows of itself.

use crate::desired::Fitness;
use crate::status::{FitnessStatus, LeaseStatus, Reason, Status, VipStatus};

use super::Node;

impl Node {
    /// What this node does, and why.
    #[must_use]
    pub fn status(&self) -> Status {
        let sight = self.elector.sight();
        let lease = sight.map_or_else(LeaseStatus::default, |sight| LeaseStatus {
            holder: sight.holder().map(ToOwned::to_owned),
            acquired: sight.record.acquired,
            transitions: sight.record.transitions,
            seen: Some(sight.changed),
        });
        let vip = |vip| VipStatus {
            vip,
            present: self.facts.has(&self.plan, vip),
            voice: self.facts.voice(vip),
        };
        let api_server = self.api_server.trouble().map(ToOwned::to_owned);
        let fit = self.is_fit();
        Status {
            node: self.plan.node.clone(),
            reason: self.reason(),
            lease,
            term: self.elector.term(),
            vips: self.plan.vips.iter().map(vip).collect(),
            api: self.elector.api().clone(),
            fence: self.facts.fence(),
            fitness: FitnessStatus { fit, cordoned: self.cordoned, api_server },
            holding_on: self.holding_on.map(|holding_on| holding_on.since),
            handing_over: self.moves.successor().cloned(),
            candidates: self.candidates.status(self.now),
            rival: self.rivals.rival().cloned(),
        }
    }

    fn reason(&self) -> Reason {
        match self.fitness {
            Fitness::ShuttingDown => return Reason::ShuttingDown,
            Fitness::LinkDown => return Reason::LinkDown,
            Fitness::KernelRefuses => return Reason::KernelRefuses,
            Fitness::Unknown | Fitness::Fit => {}
        }
        let holder = self.elector.sight().map(|sight| sight.holder());
        match holder {
            _ if self.holding_on.is_some() => Reason::HoldingOn,
            _ if self.moves.is_under_way() => Reason::HandingOver,
            _ if self.elector.term().is_some() => Reason::Elected,
            _ if self.elector.has_twin() => Reason::Twin,
            _ if self.quiet.is_broken() => Reason::Stranger,
            None => Reason::Starting,
            Some(Some(holder)) if holder != self.plan.node.as_str() => Reason::OtherHolds,
            Some(_) => self.elector.ended().unwrap_or(Reason::Claiming),
        }
    }
}
