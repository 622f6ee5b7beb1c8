//! Who else speaks for our addresses on the wire, in the spirit of RFC 5227.
//!
//! Nothing that is heard entitles or disentitles anybody: it makes us ask the one who spoke, look
//! at the Lease, and tell people. Only what lives without the Lease, a holder that holds on while
//! the API is away, gives way to a confirmed rival.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Mac;
use crate::candidates::Candidates;
use crate::event::Effect;
use crate::moment::Moment;
use crate::probes::Probes;
use crate::segment::{Asker, Said};
use crate::status::{Notice, RivalStatus};

/// An answer to a question that is older than this answers another one.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// A rival that was not heard for so long is gone. Longer than clients' and routers' questions are
/// apart, so that one conflict is one episode.
const GONE_AFTER: Duration = Duration::from_secs(60);

/// So often an address is defended against a stranger (`DEFEND_INTERVAL` of RFC 5227, section 1.1).
const DEFEND_EVERY: Duration = Duration::from_secs(10);

/// At most so many stations are asked at once: a hostile segment can have any number of them.
const ASKED: usize = 8;

/// So many of them within [`ANSWER_WITHIN`].
const CONFIRMATIONS: usize = 3;

/// What something that was heard means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Somebody is there, and answers us.
    Alive,
    /// A station speaks for the address; perhaps for another one that is long gone.
    Claim(IpAddr),
    /// The station that was asked for the address by itself answers for it.
    Confirmed(IpAddr, Mac),
    /// Somebody is about to use the address, and asks whether anybody has it.
    Probe(IpAddr),
    /// Nothing.
    Nothing,
}

/// What was heard, and whom we have asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rivals {
    /// Whom we asked for which address, and when.
    asked: Vec<(Mac, IpAddr, Moment)>,
    /// Whom to ask as soon as the budget has room.
    to_ask: VecDeque<(Mac, IpAddr)>,
    /// Those that were confirmed lately.
    rivals: Vec<RivalStatus>,
    /// When each address was last claimed by another station.
    claimed: BTreeMap<IpAddr, Moment>,
    defended: BTreeMap<IpAddr, Moment>,
    /// Who last answered a question of ours, and when.
    alive: Option<(IpAddr, Moment)>,
}

impl Rivals {
    /// Another station was heard; `own` is our interface's hardware address.
    pub fn heard(&mut self, said: &Said, own: Mac, vips: &[IpAddr], now: Moment) -> Heard {
        let sender = said.sender();
        if sender.mac == own {
            return Heard::Nothing;
        }
        if vips.contains(&sender.address) {
            return self.claim(said, own, now);
        }
        if said.answers(own) {
            self.alive = Some((sender.address, now));
            return Heard::Alive;
        }
        let probed = said.probed().filter(|address| vips.contains(address));
        probed.map_or(Heard::Nothing, Heard::Probe)
    }

    fn claim(&mut self, said: &Said, own: Mac, now: Moment) -> Heard {
        let sender = said.sender();
        self.claimed.insert(sender.address, now);
        let asked = |(mac, address, at): &(Mac, IpAddr, Moment)| {
            (*mac, *address) == (sender.mac, sender.address) && now.since(*at) <= ANSWER_WITHIN
        };
        if said.answers(own) && self.asked.iter().any(asked) {
            self.asked.retain(|one| !asked(one));
            return Heard::Confirmed(sender.address, sender.mac);
        }
        let next = (sender.mac, sender.address);
        let known = self.asked.iter().any(asked) || self.to_ask.contains(&next);
        if !known && self.to_ask.len() < ASKED {
            self.to_ask.push_back(next);
        }
        Heard::Claim(sender.address)
    }

    /// Asks those who were heard, by unicast: an answer by somebody in their place, as fabrics with
    /// ARP suppression give it for hosts that are gone, does not count.
    pub fn poll(&mut self, own: &Asker, probes: &mut Probes, now: Moment) -> Option<Effect> {
        let (mac, address) = *self.to_ask.front()?;
        if now < self.may_ask() {
            return None;
        }
        let question = probes.ask(own.question(address), mac, now)?;
        self.to_ask.pop_front();
        self.asked.retain(|(_, _, at)| now.since(*at) < ANSWER_WITHIN);
        self.asked.push((mac, address, now));
        Some(question)
    }

    /// When there is something to ask or to tell.
    #[must_use]
    pub fn deadline(&self, probes: &Probes) -> Option<Moment> {
        let ask = self.to_ask.front().map(|_| probes.free().max(self.may_ask()));
        let gone = self.rivals.iter().map(|rival| rival.heard + GONE_AFTER).min();
        [ask, gone].into_iter().flatten().min()
    }

    /// A segment full of claims must leave room for other questions.
    fn may_ask(&self) -> Moment {
        let asked = self.asked.len().checked_sub(CONFIRMATIONS);
        let first = asked.and_then(|past| self.asked.get(past));
        first.map_or(Moment::START, |(_, _, at)| *at + ANSWER_WITHIN)
    }

    /// A rival was confirmed: what to tell, once for each episode.
    pub fn confirmed(
        &mut self,
        address: IpAddr,
        mac: Mac,
        candidates: &Candidates,
        now: Moment,
    ) -> Option<Notice> {
        let node = candidates.with_mac(mac).cloned();
        let same = |rival: &RivalStatus| (rival.address, rival.mac) == (address, mac);
        let known = self.rivals.iter().any(same);
        self.rivals.retain(|rival| !same(rival));
        if self.rivals.len() >= ASKED {
            self.rivals.remove(0);
        }
        self.rivals.push(RivalStatus { address, mac, node: node.clone(), heard: now });
        (!known).then_some(Notice::Rival { address, mac, node })
    }

    /// What to tell of a rival that has not been heard for a while.
    pub fn forget(&mut self, now: Moment) -> Option<Notice> {
        // The one that was heard longest ago stands first.
        let gone = self.rivals.first().filter(|rival| rival.heard + GONE_AFTER <= now)?.clone();
        self.rivals.remove(0);
        Some(Notice::RivalGone { address: gone.address, mac: gone.mac })
    }

    /// Whether to announce the address at once against what was heard: now and then.
    pub fn defends(&mut self, address: IpAddr, now: Moment) -> bool {
        let due = self.defended.get(&address).is_none_or(|at| *at + DEFEND_EVERY <= now);
        if due {
            self.defended.insert(address, now);
        }
        due
    }

    /// The last confirmed rival.
    #[must_use]
    pub fn rival(&self) -> Option<&RivalStatus> {
        self.rivals.last()
    }

    /// A rival was confirmed since that moment.
    #[must_use]
    pub fn has_rival_since(&self, since: Moment) -> bool {
        self.rivals.iter().any(|rival| rival.heard >= since)
    }

    /// Another station spoke for the address at that moment or later.
    #[must_use]
    pub fn was_claimed_since(&self, address: IpAddr, since: Moment) -> bool {
        self.claimed.get(&address).is_some_and(|at| *at >= since)
    }

    /// Who last answered us, and when.
    #[must_use]
    pub const fn alive(&self) -> Option<(IpAddr, Moment)> {
        self.alive
    }
}
