//! Packet filter tables, chains and rules that are left (nf_tables).
//!
//! Ours are whole tables. The original has tables of its own for egress, and rules in tables that
//! others have too: those are known by the comments that it writes into them.

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_ERROR};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::super::channel::Channel;
use super::super::message::{Body, Header, Messages, attribute};
use super::super::netlink::{NetlinkError, end};
use super::{Kind, Leftover, Order};

#[cfg(test)]
mod tests;

/// `NFNL_SUBSYS_NFTABLES`, and `NFT_MSG_*` in it (include/uapi/linux/netfilter/nf_tables.h).
const SUBSYSTEM: u8 = 10;
const GET_TABLE: u8 = 1;
const DELETE_TABLE: u8 = 2;
const GET_CHAIN: u8 = 4;
const DELETE_CHAIN: u8 = 5;
const GET_RULE: u8 = 7;
const DELETE_RULE: u8 = 8;

/// `NFNL_MSG_BATCH_BEGIN` and its end.
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;

/// `NFTA_TABLE_NAME`; in chains and rules the table's name has the same number.
const TABLE: u16 = 1;
/// `NFTA_RULE_CHAIN`, `NFTA_RULE_HANDLE`, `NFTA_CHAIN_NAME`.
const RULE_CHAIN: u16 = 2;
const RULE_HANDLE: u16 = 3;
const CHAIN_NAME: u16 = 3;

/// The families that tables of a kube-vip are in (`NFPROTO_*`), and their names.
const INET: u8 = 1;
const IPV4: u8 = 2;
const ARP: u8 = 3;
const NETDEV: u8 = 5;
const IPV6: u8 = 10;

/// What the names of our tables begin with.
const OURS: &str = "kube-vip-";

/// The chain of the original's egress with iptables.
const EGRESS_CHAIN: &str = "KUBE-VIP-EGRESS";

/// By what the rules of the original are known: the chain to which they lead, the comment of its
/// iptables rules, and that of its service security.
const WORDS: [&str; 3] = [EGRESS_CHAIN, "a3ViZS12aXAK=kube-vip-", " kube-vip load balancer IP - "];

/// How often a listing is begun anew when others change something meanwhile.
const LISTINGS: usize = 16;

/// The length of `struct nfgenmsg`.
const GEN_HEADER: usize = 4;

/// A change of the packet filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    message: u8,
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
        let mut found: Vec<_> = self.list(GET_TABLE, left_table)?;
        let whole: Vec<_> = found.iter().map(|table| table.what.clone()).collect();
        let within = |family, table: &str| whole.contains(&shown_table(family, table));
        found.extend(self.list(GET_RULE, |family, body| left_rule(family, body, &within))?);
        found.extend(self.list(GET_CHAIN, |family, body| left_chain(family, body, &within))?);
        Ok(found)
    }

    /// What `parse` makes of each thing of a kind, with its family.
    fn list<T>(
        &mut self,
        message: u8,
        parse: impl Fn(u8, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, NetlinkError> {
        for _ in 0..LISTINGS {
            let mut found = Vec::new();
            let each = |payload: &[u8]| {
                let family = payload.first().copied().unwrap_or_default();
                found.extend(parse(family, payload.get(GEN_HEADER..).unwrap_or_default()));
            };
            let everything = |body: &mut Body<'_>| body.raw(&[0; GEN_HEADER]);
            match self.channel.ask((kind(message), NLM_F_DUMP), everything, each) {
                Err(NetlinkError::Restless) => {}
                Err(error) if error.is(libc::EINTR) => {}
                Err(error) if error.is(libc::ENOENT) => return Ok(Vec::new()),
                other => return other.map(|()| found),
            }
        }
        Err(NetlinkError::Restless)
    }

    /// Carries changes out, all or none. What is gone already counts as done.
    pub(super) fn carry_out(&mut self, changes: &[Change]) -> Result<(), NetlinkError> {
        let mut messages = Messages::default();
        frame(&mut messages, BATCH_BEGIN);
        for (sequence, change) in (1..).zip(changes) {
            let flags = NLM_F_REQUEST | NLM_F_ACK;
            let header = Header { kind: kind(change.message), flags, sequence };
            messages.message(header, |body| change.write(body));
        }
        frame(&mut messages, BATCH_END);
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
        body.raw(&[self.family, 0, 0, 0]);
        body.text(TABLE, &self.table);
        if let Some(chain) = &self.chain {
            let number = if self.message == DELETE_CHAIN { CHAIN_NAME } else { RULE_CHAIN };
            body.text(number, chain);
        }
        if let Some(handle) = &self.handle {
            body.attribute(RULE_HANDLE, handle);
        }
    }
}

fn kind(message: u8) -> u16 {
    u16::from_be_bytes([SUBSYSTEM, message])
}

fn frame(messages: &mut Messages, kind: u16) {
    let header = Header { kind, flags: NLM_F_REQUEST, sequence: 0 };
    messages.message(header, |body| body.raw(&[0, 0, 0, SUBSYSTEM]));
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
    let name = text(body, TABLE)?;
    let why = whose(family, name)?.to_owned();
    let table = name.to_owned();
    let change = Change { message: DELETE_TABLE, family, table, chain: None, handle: None };
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
        NETDEV | ARP | INET if name.starts_with(OURS) => Some("the fence of kube-vip-rs"),
        IPV4 if of_the_original("v4") => Some("kube-vip's table for egress"),
        IPV6 if of_the_original("v6") => Some("kube-vip's table for egress"),
        _ => None,
    }
}

/// A rule of the original in a table that is not its own.
fn left_rule(family: u8, body: &[u8], within: &dyn Fn(u8, &str) -> bool) -> Option<Leftover> {
    let (table, chain) = (text(body, TABLE)?, text(body, RULE_CHAIN)?);
    let handle = attribute(body, RULE_HANDLE)?;
    if within(family, table) || chain == EGRESS_CHAIN {
        return None;
    }
    let word = WORDS.into_iter().find(|word| contains(body, word.as_bytes()))?;
    let number = handle.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let change = Change {
        message: DELETE_RULE,
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
    let (table, chain) = (text(body, TABLE)?, text(body, CHAIN_NAME)?);
    if within(family, table) || chain != EGRESS_CHAIN {
        return None;
    }
    let change = |message| Change {
        message,
        family,
        table: table.to_owned(),
        chain: Some(chain.to_owned()),
        handle: None,
    };
    Some(Leftover {
        kind: Kind::FilterChain,
        what: format!("{} {chain}", shown_table(family, table)),
        why: "kube-vip's chain for egress with iptables".to_owned(),
        order: Order::Tables(vec![change(DELETE_RULE), change(DELETE_CHAIN)]),
    })
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|part| part == word)
}
