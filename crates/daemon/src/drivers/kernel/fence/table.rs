//! The table of one election in the kernel's words, and back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use kube_vip_core::address::LinkName;
use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};

use super::super::message::{Body, all, attribute, number};
use super::super::nf_tables::{Step, Verb, chain, element, rule, set, table};
use super::connection::Batch;
use super::part::Part;
use super::rules::Chain;

/// The kernel takes names that are shorter than this (`NFT_NAME_MAXLEN`).
const NAME_BYTES: usize = 256;

/// What the name of every table begins with.
pub(in super::super) const PREFIX: &str = "kube-vip-";

/// A token is a number of so many bytes.
const TOKEN_BYTES: u32 = 4;

/// Which addresses a set has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Ipv4,
    Ipv6,
}

impl Family {
    pub(super) const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    pub(super) const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }

    /// How many bytes an address has.
    pub(super) const fn bytes(self) -> u32 {
        match self {
            Self::Ipv4 => 4,
            Self::Ipv6 => 16,
        }
    }

    const fn shown(self) -> u32 {
        match self {
            Self::Ipv4 => set::IPV4_ADDRESS,
            Self::Ipv6 => set::IPV6_ADDRESS,
        }
    }
}

/// What being in a set means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Addresses to which the rules apply at all.
    Guard,
    /// A map: what the node's own address is beside each of these.
    Own,
    /// Addresses whose packets are let in.
    Accepting,
    /// Addresses that we may speak for.
    Answering,
}

/// A set of addresses of one family, or the one of tokens, which are numbers. The elements of all
/// have timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Of(Kind, Family),
    /// A batch that comes too late does not find its token.
    Token,
}

impl Set {
    fn all() -> impl Iterator<Item = Self> {
        const KINDS: [Kind; 4] = [Kind::Guard, Kind::Own, Kind::Accepting, Kind::Answering];
        let of = |family| KINDS.map(|kind| Self::Of(kind, family));
        Family::ALL.into_iter().flat_map(of).chain([Self::Token])
    }

    /// The one for this address.
    pub(super) const fn for_address(kind: Kind, address: IpAddr) -> Self {
        Self::Of(kind, Family::of(address))
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Of(Kind::Guard, Family::Ipv4) => "guard",
            Self::Of(Kind::Own, Family::Ipv4) => "own",
            Self::Of(Kind::Accepting, Family::Ipv4) => "accepting",
            Self::Of(Kind::Answering, Family::Ipv4) => "answering",
            Self::Of(Kind::Guard, Family::Ipv6) => "guard6",
            Self::Of(Kind::Own, Family::Ipv6) => "own6",
            Self::Of(Kind::Accepting, Family::Ipv6) => "accepting6",
            Self::Of(Kind::Answering, Family::Ipv6) => "answering6",
            Self::Token => "token",
        }
    }
}

/// An element as the kernel has it, or is to have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// The address, or the token's number.
    pub(super) key: IpAddr,
    /// In [`Kind::Own`]: the node's own address.
    pub(super) own: Option<IpAddr>,
    /// How long the kernel keeps it.
    pub(super) rest: Duration,
}

/// The table's name, and the interface that its chains are for.
#[derive(Debug)]
pub(super) struct Table {
    name: String,
    link: LinkName,
}

impl Table {
    pub(super) fn new(election: &str, link: &LinkName) -> Self {
        Self { name: name(election), link: link.clone() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn link(&self) -> &LinkName {
        &self.link
    }

    /// The table and its sets, where they are not there; what is in them stays.
    pub(super) fn create(&self, batch: &mut Batch, flags: u32) {
        batch.add(Verb::NewTable, NLM_F_CREATE, Part::Table, |body| {
            body.text(table::NAME, &self.name);
            body.number(table::FLAGS, flags);
        });
        for (id, set) in (1..).zip(Set::all()) {
            batch.add(Verb::NewSet, NLM_F_CREATE, Part::Set, |body| self.set(body, set, id));
        }
    }

    fn set(&self, body: &mut Body<'_>, kind: Set, id: u32) {
        body.text(set::TABLE, &self.name);
        body.text(set::NAME, kind.name());
        body.number(set::ID, id);
        let (bytes, shown) = match kind {
            Set::Token => (TOKEN_BYTES, set::MARK),
            Set::Of(_, family) => (family.bytes(), family.shown()),
        };
        body.number(set::KEY_LENGTH, bytes);
        body.number(set::KEY_TYPE, shown);
        if matches!(kind, Set::Of(Kind::Own, _)) {
            body.number(set::FLAGS, set::TIMEOUT | set::MAP);
            body.number(set::DATA_TYPE, shown);
            body.number(set::DATA_LENGTH, bytes);
        } else {
            body.number(set::FLAGS, set::TIMEOUT);
        }
    }

    /// A chain with its rules; it must not be there.
    pub(super) fn create_chain(&self, batch: &mut Batch, which: Chain) {
        let (hook, priority) = which.hook();
        batch.add(Verb::NewChain, NLM_F_CREATE | NLM_F_EXCL, which.part(), |body| {
            self.ask_chain(body, which);
            body.text(chain::TYPE, "filter");
            body.nested(chain::HOOK, |body| {
                body.number(chain::HOOK_NUMBER, hook);
                body.number(chain::HOOK_PRIORITY, priority.cast_unsigned());
                body.text(chain::HOOK_DEVICE, self.link.as_str());
            });
        });
        for steps in which.rules() {
            batch.add(Verb::NewRule, NLM_F_CREATE | NLM_F_APPEND, Part::Rule, |body| {
                self.rule(body, which, &steps);
            });
        }
    }

    fn rule(&self, body: &mut Body<'_>, which: Chain, steps: &[Step]) {
        body.text(rule::TABLE, &self.name);
        body.text(rule::CHAIN, which.name());
        body.nested(rule::EXPRESSIONS, |list| steps.iter().for_each(|step| step.write(list)));
    }

    /// A chain with whatever rules it has; it must be there.
    pub(super) fn delete_chain(&self, batch: &mut Batch, which: Chain) {
        batch.add(Verb::DeleteRule, 0, which.part(), |body| {
            body.text(rule::TABLE, &self.name);
            body.text(rule::CHAIN, which.name());
        });
        batch.add(Verb::DeleteChain, 0, which.part(), |body| self.ask_chain(body, which));
    }

    /// The table with all that is in it; it must be there.
    pub(super) fn delete(&self, batch: &mut Batch) {
        batch.add(Verb::DeleteTable, 0, Part::Table, |body| self.ask_table(body));
    }

    /// An element that must not be there yet, unless it is a token.
    pub(super) fn add(&self, batch: &mut Batch, set: Set, element: Element) {
        let flags = if set == Set::Token { NLM_F_CREATE } else { NLM_F_CREATE | NLM_F_EXCL };
        batch.add(Verb::NewElement, flags, Part::Element, |body| {
            self.element(body, set, element.key, |body| {
                if let Some(own) = element.own {
                    body.nested(element::DATA, |data| {
                        data.attribute(element::VALUE, &octets(own));
                    });
                }
                let milliseconds = u64::try_from(element.rest.as_millis()).unwrap_or(u64::MAX);
                body.attribute(element::TIMEOUT, &milliseconds.to_be_bytes());
            });
        });
    }

    /// An element that must be there.
    pub(super) fn remove(&self, batch: &mut Batch, set: Set, key: IpAddr) {
        batch.add(Verb::DeleteElement, 0, Part::Element, |body| {
            self.ask_element(body, set, key);
        });
    }

    pub(super) fn ask_element(&self, body: &mut Body<'_>, set: Set, key: IpAddr) {
        self.element(body, set, key, |_| {});
    }

    pub(super) fn ask_elements(&self, body: &mut Body<'_>, set: Set) {
        body.text(element::TABLE, &self.name);
        body.text(element::SET, set.name());
    }

    pub(super) fn ask_chain(&self, body: &mut Body<'_>, which: Chain) {
        body.text(chain::TABLE, &self.name);
        body.text(chain::NAME, which.name());
    }

    pub(super) fn ask_table(&self, body: &mut Body<'_>) {
        body.text(table::NAME, &self.name);
    }

    fn element(
        &self,
        body: &mut Body<'_>,
        set: Set,
        key: IpAddr,
        more: impl FnOnce(&mut Body<'_>),
    ) {
        self.ask_elements(body, set);
        body.nested(element::ELEMENTS, |list| {
            list.nested(element::LIST_ELEMENT, |body| {
                body.nested(element::KEY, |value| {
                    value.attribute(element::VALUE, &octets(key));
                });
                more(body);
            });
        });
    }
}

/// The elements that a message of the kernel's shows.
pub(super) fn elements(message: &[u8]) -> Vec<Element> {
    let list = attribute(message, element::ELEMENTS).unwrap_or_default();
    all(list, element::LIST_ELEMENT).filter_map(element_of).collect()
}

fn element_of(attributes: &[u8]) -> Option<Element> {
    let address = |kind| {
        let value = attribute(attribute(attributes, kind)?, element::VALUE)?;
        address_of(value)
    };
    let rest = attribute(attributes, element::EXPIRATION)
        .or_else(|| attribute(attributes, element::TIMEOUT))
        .and_then(<[u8]>::first_chunk)
        .map_or(Duration::MAX, |bytes| Duration::from_millis(u64::from_be_bytes(*bytes)));
    Some(Element { key: address(element::KEY)?, own: address(element::DATA), rest })
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn address_of(octets: &[u8]) -> Option<IpAddr> {
    let four = || octets.try_into().ok().map(Ipv4Addr::from_octets).map(IpAddr::V4);
    let six = || octets.try_into().ok().map(Ipv6Addr::from_octets).map(IpAddr::V6);
    four().or_else(six)
}

/// How many rules a chain has, after a question for it.
pub(super) fn rules_of(message: &[u8]) -> Option<usize> {
    number(attribute(message, chain::USE)?)?.try_into().ok()
}

/// A table's name for an election's: what `nft` can read without quotes, and as long as the kernel
/// takes. Where that changes something, a number made from the whole keeps the names apart.
fn name(election: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let readable: String = election.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    if readable == election && PREFIX.len() + election.len() < NAME_BYTES {
        return format!("{PREFIX}{election}");
    }
    let mark = format!("-{:016x}", fnv(election.as_bytes()));
    let room = NAME_BYTES - 1 - PREFIX.len() - mark.len();
    format!("{PREFIX}{}{mark}", &readable[..readable.len().min(room)])
}

/// FNV-1a, 64 bits.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
