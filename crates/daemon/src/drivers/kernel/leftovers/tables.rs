//! Packet filter tables, chains and rules that are left (nf_tables).
//!
//! Ours are whole tables. The original has tables of its own for egress, and rules in tables that
//! others have too: those are known by the comments that it writes into them.

use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NLMSG_ERROR};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::super::channel::Channel;
use super::super::fence::PREFIX;
use super::super::message::{Body, Header, Messages, attribute};
use super::super::netlink::{NetlinkError, end};
use super::super::nf_tables::{self, NETDEV, Verb, after_header, chain, rule, table};
use super::{Kind, Leftover, Order};

#[cfg(test)]
mod tests;

/// The other families that tables of a kube-vip are in (`NFPROTO_*`).
const INET: u8 = 1;
const IPV4: u8 = 2;
const ARP: u8 = 3;
const IPV6: u8 = 10;

/// The chain of the original's egress with iptables.
const EGRESS_CHAIN: &str = "KUBE-VIP-EGRESS";

/// By what the rules of the original are known: the chain to which they lead, the comment of its
/// iptables rules, and that of its service security.
const WORDS: [&str; 3] = [EGRESS_CHAIN, "a3ViZS12aXAK=kube-vip-", " kube-vip load balancer IP - "];

/// A change of the packet filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    verb: Verb,
    family: u8,
    table: String,
    chain: Option<String>,
    handle: Option<Vec<u8>>,
}

/// A connection to nf_tables.
#[derive(Debug)]
pub(super) struct Tables {
    channel: Channel,
}

impl Tables {
    pub(super) fn open() -> Result<Self, NetlinkError> {
        Ok(Self { channel: Channel::open(NETLINK_NETFILTER)? })
    }

    pub(super) fn find(&mut self) -> Result<Vec<Leftover>, NetlinkError> {
        let mut found: Vec<_> = self.list(Verb::GetTable, left_table)?;
        let whole: Vec<_> = found.iter().map(|table| table.what.clone()).collect();
        let within = |family, table: &str| whole.contains(&shown_table(family, table));
        found.extend(self.list(Verb::GetRule, |family, body| left_rule(family, body, &within))?);
        found.extend(self.list(Verb::GetChain, |family, body| left_chain(family, body, &within))?);
        Ok(found)
    }

    /// What `parse` makes of each thing of a kind, with its family.
    fn list<T>(
        &mut self,
        verb: Verb,
        parse: impl Fn(u8, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, NetlinkError> {
        let all_families = |body: &mut Body<'_>| body.raw(&nf_tables::gen_header(0));
        self.channel.list(verb.kind(), all_families, |payload| {
            let family = payload.first().copied().unwrap_or_default();
            parse(family, after_header(payload))
        })
    }

    /// Carries changes out, all or none. What is gone already counts as done.
    pub(super) fn carry_out(&mut self, changes: &[Change]) -> Result<(), NetlinkError> {
        let mut messages = Messages::default();
        nf_tables::begin(&mut messages);
        for (sequence, change) in (1..).zip(changes) {
            let flags = NLM_F_REQUEST | NLM_F_ACK;
            let header = Header { kind: change.verb.kind(), flags, sequence };
            messages.message(header, |body| change.write(body));
        }
        nf_tables::end(&mut messages, 0);
        self.channel.send(&messages)?;
        let mut refused = None;
        self.channel.answers(|answer| {
            if answer.message_type() == NLMSG_ERROR && refused.is_none() {
                refused = end(answer.payload(), false).err();
            }
        })?;
        match refused {
            Some(error) if !error.is(libc::ENOENT) => Err(error),
            _ => Ok(()),
        }
    }
}

impl Change {
    fn write(&self, body: &mut Body<'_>) {
        body.raw(&nf_tables::gen_header(self.family));
        // The table's name has the same number in rules and chains.
        body.text(table::NAME, &self.table);
        if let Some(chain) = &self.chain {
            let of_chain = self.verb == Verb::DeleteChain;
            let number = if of_chain { chain::NAME } else { rule::CHAIN };
            body.text(number, chain);
        }
        if let Some(handle) = &self.handle {
            body.attribute(rule::HANDLE, handle);
        }
    }
}

fn text(body: &[u8], number: u16) -> Option<&str> {
    let bytes = attribute(body, number)?;
    std::str::from_utf8(bytes.split(|byte| *byte == 0).next()?).ok()
}

fn shown_table(family: u8, name: &str) -> String {
    let family = match family {
        INET => "inet",
        IPV4 => "ip",
        ARP => "arp",
        NETDEV => "netdev",
        IPV6 => "ip6",
        _ => "bridge",
    };
    format!("{family} {name}")
}

fn left_table(family: u8, body: &[u8]) -> Option<Leftover> {
    let name = text(body, table::NAME)?;
    let why = whose(family, name)?.to_owned();
    let table = name.to_owned();
    let change = Change { verb: Verb::DeleteTable, family, table, chain: None, handle: None };
    let (what, order) = (shown_table(family, name), Order::Tables(vec![change]));
    Some(Leftover { kind: Kind::FilterTable, what, why, order })
}

/// Whose table it is; none: not a kube-vip's.
fn whose(family: u8, name: &str) -> Option<&'static str> {
    let of_the_original = |end: &str| {
        let inner = name.strip_prefix("kube_vip_").and_then(|rest| rest.strip_suffix(end));
        inner.is_some_and(|inner| inner.is_empty() || inner.ends_with('_'))
    };
    match family {
        NETDEV | ARP | INET if name.starts_with(PREFIX) => Some("the fence of kube-vip-rs"),
        IPV4 if of_the_original("v4") => Some("kube-vip's table for egress"),
        IPV6 if of_the_original("v6") => Some("kube-vip's table for egress"),
        _ => None,
    }
}

/// A rule of the original in a table that is not its own.
fn left_rule(family: u8, body: &[u8], within: &dyn Fn(u8, &str) -> bool) -> Option<Leftover> {
    let (table, chain) = (text(body, rule::TABLE)?, text(body, rule::CHAIN)?);
    let handle = attribute(body, rule::HANDLE)?;
    if within(family, table) || chain == EGRESS_CHAIN {
        return None;
    }
    let word = WORDS.into_iter().find(|word| contains(body, word.as_bytes()))?;
    let number = handle.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let change = Change {
        verb: Verb::DeleteRule,
        family,
        table: table.to_owned(),
        chain: Some(chain.to_owned()),
        handle: Some(handle.to_owned()),
    };
    Some(Leftover {
        kind: Kind::FilterRule,
        what: format!("{} {chain} handle {number}", shown_table(family, table)),
        why: format!("kube-vip's: it has {:?}", word.trim()),
        order: Order::Tables(vec![change]),
    })
}

fn left_chain(family: u8, body: &[u8], within: &dyn Fn(u8, &str) -> bool) -> Option<Leftover> {
    let (table, chain) = (text(body, chain::TABLE)?, text(body, chain::NAME)?);
    if within(family, table) || chain != EGRESS_CHAIN {
        return None;
    }
    let change = |verb| Change {
        verb,
        family,
        table: table.to_owned(),
        chain: Some(chain.to_owned()),
        handle: None,
    };
    Some(Leftover {
        kind: Kind::FilterChain,
        what: format!("{} {chain}", shown_table(family, table)),
        why: "kube-vip's chain for egress with iptables".to_owned(),
        order: Order::Tables(vec![change(Verb::DeleteRule), change(Verb::DeleteChain)]),
    })
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|part| part == word)
}
