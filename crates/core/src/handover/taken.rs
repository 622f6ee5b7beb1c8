//! Which addresses the taker of a move was heard to speak for, and when clients know it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::segment::Said;

/// What clients sent here before they heard the announcement that we heard comes within this time.
const UNDER_WAY: Duration = Duration::from_millis(50);

/// A taker that answers us has the address, but clients send to it only once it has announced it.
/// An announcement that is not heard within this time was lost.
const ANNOUNCED_WITHIN: Duration = Duration::from_millis(300);

/// How the taker spoke for each address, and when first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taken(BTreeMap<IpAddr, Spoken>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Spoken {
    /// Not to all, so that clients do not know.
    Aside(Moment),
    /// To all.
    Announced(Moment),
}

impl Taken {
    /// The taker speaks for one of the addresses.
    pub(super) fn heard(&mut self, said: &Said, now: Moment) {
        let first = self.0.entry(said.sender().address).or_insert(Spoken::Aside(now));
        if said.announces() && matches!(first, Spoken::Aside(_)) {
            *first = Spoken::Announced(now);
        }
    }

    /// Nothing was heard.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Clients send nothing here any more for any of the addresses.
    pub(super) fn is_known(&self, vips: &[IpAddr], now: Moment) -> bool {
        vips.iter().all(|vip| self.0.get(vip).is_some_and(|spoken| spoken.known() <= now))
    }

    /// When clients send nothing here any more, for each address that was spoken for.
    pub(super) fn moments(&self) -> impl Iterator<Item = Moment> {
        self.0.values().map(|spoken| spoken.known())
    }
}

impl Spoken {
    fn known(self) -> Moment {
        match self {
            Self::Aside(at) => at + ANNOUNCED_WITHIN,
            Self::Announced(at) => at + UNDER_WAY,
        }
    }
}
