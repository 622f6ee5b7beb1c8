//! The planned move of the addresses to another node, in five steps, so that no client notices:
//! offer and consent, silence, release, the successor's announcement, letting go.
//!
//! Being named entitles nobody: the successor's own acknowledged write does. A client that loses
//! one SYN waits a full second for its repetition; so the giver goes on accepting packets until the
//! successor has announced itself.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::NodeName;
use crate::candidates::Candidates;
use crate::event::{Nonce, Offer};
use crate::moment::Moment;
use crate::segment::Said;
use crate::status::{MoveReason, Notice};

mod taken;

use taken::Taken;

/// A candidate that has not said yes by then is asked no more for a while.
const CONSENT_WITHIN: Duration = Duration::from_secs(1);

/// After so long a process that was told to end lets go of the addresses as they are.
const GIVE_UP: Duration = Duration::from_secs(4);

/// What the kernel may take to silence the addresses.
const SILENT_WITHIN: Duration = Duration::from_secs(1);

/// A process that was told to end asks so long, and then leaves the Lease to whoever comes.
const ASK_UNTIL: Duration = Duration::from_secs(2);

/// How long a candidate that did not say yes, or did not take over, is left alone.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// The same when the holder's API server is unwell, and nobody said yes: where all were, one may be
/// well again at any moment.
const ASK_SOON: Duration = Duration::from_secs(2);

/// A successor that has not taken the Lease by then does not want it.
const TAKEN_WITHIN: Duration = Duration::from_millis(300);

/// How long packets are accepted for clients that have not heard of the successor: nodes of the
/// original look at the Lease only every 1 to 4.4 s.
pub const ACCEPT_FOR: Duration = Duration::from_secs(5);

/// What a holder sees when it thinks about moving.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Now.
    pub now: Moment,
    /// The end of its term; none: it has none.
    pub term: Option<Moment>,
    /// Why the addresses should move, and to whom if not to anybody.
    pub wanted: Option<(MoveReason, Option<&'a NodeName>)>,
    /// When the process was told to end.
    pub ending: Option<Moment>,
    /// The other nodes.
    pub candidates: &'a Candidates,
    /// No address of the plan speaks for itself, and none is about to.
    pub silent: bool,
    /// The other node that the Lease names, as last seen; none: nobody, or still this one.
    pub other: Option<&'a str>,
    /// The Lease has been released, as far as is known.
    pub released: bool,
}

/// A move under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    why: MoveReason,
    /// The successor; none: whoever comes.
    to: Option<NodeName>,
    step: Step,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    /// The successor was asked.
    Offered { nonce: Nonce, since: Moment },
    /// The addresses stop to speak, and go on accepting.
    Silencing {
        since: Moment,
        /// The end of the term.
        until: Moment,
        /// The offer that stands in the Lease, until the release replaces it.
        nonce: Option<Nonce>,
    },
    /// The Lease is given away.
    Released {
        since: Moment,
        /// When the API server said so.
        acknowledged: Option<Moment>,
        taken: Taken,
    },
    /// Nobody took it: it is taken back, as a successor would.
    Reclaiming { since: Moment, taken: Taken },
}

/// What a hand-over wants of the rest of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// Hold as if nothing were.
    Hold,
    /// Accept, and be silent, until this moment at the latest; the Lease stays ours.
    Accept(Moment),
    /// The same, and the Lease is to be released.
    Release(Moment),
    /// The same, and the Lease is to be claimed again.
    Reclaim(Moment),
}

/// The moves of one holder: at most one at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moves {
    current: Option<HandOver>,
    /// Who did not take what was offered, and until when it is left alone.
    declined: Vec<(NodeName, Moment)>,
    offers: u64,
    /// A human's request that cannot be met.
    unmet: Option<NodeName>,
}

impl Moves {
    /// What is wanted of the rest of the node now.
    #[must_use]
    pub fn stance(&self) -> Stance {
        match self.current.as_ref().map(|current| &current.step) {
            None | Some(Step::Offered { .. }) => Stance::Hold,
            Some(Step::Silencing { until, .. }) => Stance::Accept(*until),
            Some(Step::Released { since, .. }) => Stance::Release(*since + ACCEPT_FOR),
            Some(Step::Reclaiming { since, .. }) => Stance::Reclaim(*since + ACCEPT_FOR),
        }
    }

    /// The offer to show in the Lease.
    #[must_use]
    pub fn offer(&self) -> Option<Offer> {
        let HandOver { to, step, .. } = self.current.as_ref()?;
        let (Step::Offered { nonce, .. } | Step::Silencing { nonce: Some(nonce), .. }) = step
        else {
            return None;
        };
        Some(Offer { to: to.clone()?, nonce: nonce.clone() })
    }

    /// The successor, while there is one.
    #[must_use]
    pub fn successor(&self) -> Option<&NodeName> {
        self.current.as_ref()?.to.as_ref()
    }

    /// Somebody was heard to speak for one of the addresses that were given away.
    #[must_use]
    pub fn is_partly_taken(&self) -> bool {
        match self.current.as_ref().map(|current| &current.step) {
            Some(Step::Released { taken, .. } | Step::Reclaiming { taken, .. }) => {
                !taken.is_empty()
            }
            _ => false,
        }
    }

    /// A move is under way.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        self.current.is_some()
    }

    /// A human's request that was tried, or cannot even be tried, and is to be withdrawn.
    #[must_use]
    pub const fn unmet(&self) -> Option<&NodeName> {
        self.unmet.as_ref()
    }

    /// Another station speaks for one of the addresses.
    pub fn heard(&mut self, said: &Said, now: Moment) {
        if let Some(Step::Released { taken, .. } | Step::Reclaiming { taken, .. }) =
            self.current.as_mut().map(|current| &mut current.step)
        {
            taken.heard(said, now);
        }
    }

    /// When to look again, after `now`, though nothing happens.
    #[must_use]
    pub fn deadline(&self, now: Moment) -> Option<Moment> {
        let none = Taken::default();
        let (due, taken) = match &self.current.as_ref()?.step {
            Step::Offered { since, .. } => ([*since + CONSENT_WITHIN; 2], &none),
            Step::Silencing { since, until, .. } => ([*since + SILENT_WITHIN, *until], &none),
            Step::Released { since, acknowledged, taken } => {
                ([taken_by(*since, *acknowledged), *since + ACCEPT_FOR], taken)
            }
            Step::Reclaiming { since, taken } => ([*since + ACCEPT_FOR; 2], taken),
        };
        due.into_iter().chain(taken.moments()).filter(|at| *at > now).min()
    }

    /// Goes on with the move, or begins one; `vips` are the addresses that must all be taken.
    pub fn advance(&mut self, view: &View<'_>, vips: &[IpAddr]) -> Vec<Notice> {
        let mut notices = Vec::new();
        self.declined.retain(|(_, until)| view.now < *until);
        if self.current.is_none() {
            notices.extend(self.begin(view));
        }
        let Some(current) = self.current.take() else { return notices };
        self.current = match current.step.clone() {
            Step::Offered { nonce, since } => {
                self.offered(current, (&nonce, since), view, &mut notices)
            }
            Step::Silencing { .. } => self.silencing(current, view, &mut notices),
            Step::Released { .. } | Step::Reclaiming { .. } => {
                self.released(current, view, vips, &mut notices)
            }
        };
        notices
    }

    /// Ends the move where the addresses must go at once, for whatever other reason.
    pub fn abandon(&mut self) {
        self.current = None;
    }

    fn begin(&mut self, view: &View<'_>) -> Vec<Notice> {
        let mut notices = Vec::new();
        let (Some(term), Some((why, wish))) = (view.term, view.wanted) else {
            self.unmet = None;
            return notices;
        };
        match self.choose(view, why, wish) {
            Some(to) => {
                self.offers += 1;
                let nonce = Nonce(format!("{}-{}", view.now.since_start().as_nanos(), self.offers));
                let step = Step::Offered { nonce, since: view.now };
                notices.push(Notice::Offered { to: to.clone(), why });
                self.current = Some(HandOver { why, to: Some(to), step });
            }
            // It ends in any case: whoever comes.
            None if view.ending.is_some_and(|since| view.now < since + GIVE_UP) => {
                let step = Step::Silencing { since: view.now, until: term, nonce: None };
                self.current = Some(HandOver { why, to: None, step });
            }
            None => {
                if let (MoveReason::Requested, Some(to)) = (why, wish)
                    && self.unmet.as_ref() != Some(to)
                {
                    let declined = self.declined.iter().any(|(node, _)| node == to);
                    let cause = if declined {
                        format!("{to} did not take them over a moment ago")
                    } else {
                        format!("{to} is not there, or not fit")
                    };
                    notices.push(Notice::NotHandedOver { cause });
                    self.unmet = Some(to.clone());
                }
            }
        }
        notices
    }

    /// Who is asked next: from bad to better, never to nothing.
    fn choose(
        &self,
        view: &View<'_>,
        why: MoveReason,
        wish: Option<&NodeName>,
    ) -> Option<NodeName> {
        if view.ending.is_some_and(|since| since + ASK_UNTIL <= view.now) {
            return None;
        }
        let declined = |node: &NodeName| self.declined.iter().any(|(known, _)| known == node);
        let mut fit = view.candidates.fit(view.now).filter(|(node, _)| !declined(node));
        let found = fit.find(|(node, candidacy)| match why {
            MoveReason::Requested | MoveReason::FailBack => Some(*node) == wish,
            MoveReason::Drain => !candidacy.cordoned,
            MoveReason::ShuttingDown | MoveReason::Unfit => true,
        });
        found.map(|(node, _)| node.clone())
    }

    fn offered(
        &mut self,
        current: HandOver,
        (nonce, since): (&Nonce, Moment),
        view: &View<'_>,
        notices: &mut Vec<Notice>,
    ) -> Option<HandOver> {
        let (Some(term), Some(to), Some(_)) = (view.term, current.to.clone(), view.wanted) else {
            // The term is over, or nobody wants the move any more: the offer is withdrawn.
            return None;
        };
        if view.candidates.consents(&to, nonce) {
            let nonce = Some(nonce.clone());
            let step = Step::Silencing { since: view.now, until: term, nonce };
            return Some(HandOver { step, ..current });
        }
        if view.now < since + CONSENT_WITHIN {
            return Some(current);
        }
        notices.push(Notice::NotHandedOver { cause: format!("{to} did not say yes in time") });
        let pause = if current.why == MoveReason::Unfit { ASK_SOON } else { ASK_AGAIN };
        self.declined.push((to.clone(), view.now + pause));
        if current.why == MoveReason::Requested {
            self.unmet = Some(to);
        }
        notices.extend(self.begin(view));
        self.current.take()
    }

    /// Once nothing speaks any more the Lease may go; a term that ends before ends the move.
    fn silencing(
        &mut self,
        current: HandOver,
        view: &View<'_>,
        notices: &mut Vec<Notice>,
    ) -> Option<HandOver> {
        let until = view.term?;
        let Step::Silencing { since, nonce, .. } = current.step else { return Some(current) };
        let step = if view.silent {
            Step::Released { since: view.now, acknowledged: None, taken: Taken::default() }
        } else if view.now < since + SILENT_WITHIN {
            Step::Silencing { since, until, nonce }
        } else {
            let cause = "the kernel did not silence the addresses in time".to_owned();
            notices.push(Notice::NotHandedOver { cause });
            self.declined.extend(current.to.map(|to| (to, view.now + ASK_AGAIN)));
            return None;
        };
        Some(HandOver { step, ..current })
    }

    fn released(
        &mut self,
        current: HandOver,
        view: &View<'_>,
        vips: &[IpAddr],
        notices: &mut Vec<Notice>,
    ) -> Option<HandOver> {
        let HandOver { why, to, step } = current;
        let (since, mut acknowledged, taken, reclaiming) = match step {
            Step::Released { since, acknowledged, taken } => (since, acknowledged, taken, false),
            Step::Reclaiming { since, taken } => (since, None, taken, true),
            other => return Some(HandOver { why, to, step: other }),
        };
        if reclaiming && view.term.is_some() {
            notices.push(Notice::NotHandedOver { cause: "nobody took the Lease".to_owned() });
            self.declined.extend(to.map(|to| (to, view.now + ASK_AGAIN)));
            if view.ending.is_some() {
                notices.extend(self.begin(view));
            }
            return self.current.take();
        }
        let over = view.now >= since + ACCEPT_FOR;
        if taken.is_known(vips, view.now) || (over && view.other.is_some()) {
            notices.push(Notice::HandedOver { to: taker(view.other).or(to) });
            return None;
        }
        if view.released && !reclaiming {
            acknowledged.get_or_insert(view.now);
        }
        let nobody = view.other.is_none() && taken.is_empty();
        let due = nobody && taken_by(since, acknowledged) <= view.now;
        let in_vain = due && (to.is_some() || acknowledged.is_none());
        if over || (view.ending.is_some() && in_vain) {
            // Nobody is there, or nobody can know: nothing is gained by waiting.
            return None;
        }
        let step = if reclaiming || (due && view.ending.is_none()) {
            Step::Reclaiming { since, taken }
        } else {
            Step::Released { since, acknowledged, taken }
        };
        Some(HandOver { why, to, step })
    }
}

/// Until when a successor has taken the Lease, or never will; an answer that does not come is
/// waited for a little longer.
fn taken_by(since: Moment, acknowledged: Option<Moment>) -> Moment {
    acknowledged.map_or(since + CONSENT_WITHIN, |at| at + TAKEN_WITHIN)
}

fn taker(holder: Option<&str>) -> Option<NodeName> {
    holder.and_then(|holder| NodeName::new(holder).ok())
}
