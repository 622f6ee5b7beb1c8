//! The words of nf_tables (include/uapi/linux/netfilter/{nf_tables,nfnetlink}.h).

use netlink_packet_core::NLM_F_REQUEST;

use super::message::{Body, Header, Messages};

/// `NFNL_SUBSYS_NFTABLES`.
const SUBSYSTEM: u8 = 10;
/// `NFPROTO_NETDEV`.
pub(super) const NETDEV: u8 = 5;

/// `NFNL_MSG_BATCH_BEGIN` and its end.
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;

/// The length of `struct nfgenmsg`.
const GEN_HEADER_BYTES: usize = 4;

/// What follows `struct nlmsghdr` in every message (`struct nfgenmsg`): of which family it speaks.
pub(super) const fn gen_header(family: u8) -> [u8; GEN_HEADER_BYTES] {
    [family, 0, 0, 0]
}

/// What an answer says after that header.
pub(super) fn after_header(payload: &[u8]) -> &[u8] {
    payload.get(GEN_HEADER_BYTES..).unwrap_or_default()
}

/// Begins a batch.
pub(super) fn begin(messages: &mut Messages) {
    frame(messages, BATCH_BEGIN, 0);
}

/// Ends a batch.
pub(super) fn end(messages: &mut Messages, sequence: u32) {
    frame(messages, BATCH_END, sequence);
}

/// The first or last message of a batch: it names the subsystem.
fn frame(messages: &mut Messages, kind: u16, sequence: u32) {
    let header = Header { kind, flags: NLM_F_REQUEST, sequence };
    messages.message(header, |message| message.raw(&[0, 0, 0, SUBSYSTEM]));
}

/// What is done to what (`NFT_MSG_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    NewTable = 0,
    GetTable = 1,
    DeleteTable = 2,
    NewChain = 3,
    GetChain = 4,
    DeleteChain = 5,
    NewRule = 6,
    GetRule = 7,
    DeleteRule = 8,
    NewSet = 9,
    NewElement = 12,
    GetElement = 13,
    DeleteElement = 14,
}

impl Verb {
    /// As a netlink message type.
    pub(super) fn kind(self) -> u16 {
        u16::from_be_bytes([SUBSYSTEM, self as u8])
    }
}

/// `NFTA_TABLE_*`.
pub(super) mod table {
    pub(in super::super) const NAME: u16 = 1;
    pub(in super::super) const FLAGS: u16 = 2;
    /// `NFT_TABLE_F_OWNER`, Linux 5.12: only the socket that made it may change it.
    pub(in super::super) const OWNER: u32 = 2;
    /// `NFT_TABLE_F_PERSIST`, Linux 6.9: it stays when that socket is closed.
    pub(in super::super) const PERSIST: u32 = 4;
}

/// `NFTA_CHAIN_*` and `NFTA_HOOK_*`.
pub(super) mod chain {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const NAME: u16 = 3;
    pub(in super::super) const HOOK: u16 = 4;
    pub(in super::super) const USE: u16 = 6;
    pub(in super::super) const TYPE: u16 = 7;
    pub(in super::super) const HOOK_NUMBER: u16 = 1;
    pub(in super::super) const HOOK_PRIORITY: u16 = 2;
    pub(in super::super) const HOOK_DEVICE: u16 = 3;
    /// `NF_NETDEV_INGRESS`.
    pub(in super::super) const INGRESS: u32 = 0;
    /// `NF_NETDEV_EGRESS`.
    pub(in super::super) const EGRESS: u32 = 1;
}

/// `NFTA_SET_*`.
pub(super) mod set {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const NAME: u16 = 2;
    pub(in super::super) const FLAGS: u16 = 3;
    pub(in super::super) const KEY_TYPE: u16 = 4;
    pub(in super::super) const KEY_LENGTH: u16 = 5;
    pub(in super::super) const DATA_TYPE: u16 = 6;
    pub(in super::super) const DATA_LENGTH: u16 = 7;
    pub(in super::super) const ID: u16 = 10;
    /// `NFT_SET_MAP`.
    pub(in super::super) const MAP: u32 = 8;
    /// `NFT_SET_TIMEOUT`.
    pub(in super::super) const TIMEOUT: u32 = 16;
    /// How `nft` shows the keys: the numbers are its own (include/datatype.h of nftables).
    pub(in super::super) const MARK: u32 = 19;
    pub(in super::super) const IPV4_ADDRESS: u32 = 7;
    pub(in super::super) const IPV6_ADDRESS: u32 = 8;
}

/// `NFTA_SET_ELEM_*`, `NFTA_SET_ELEM_LIST_*` and `NFTA_LIST_*`.
pub(super) mod element {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const SET: u16 = 2;
    pub(in super::super) const ELEMENTS: u16 = 3;
    pub(in super::super) const LIST_ELEMENT: u16 = 1;
    pub(in super::super) const KEY: u16 = 1;
    pub(in super::super) const DATA: u16 = 2;
    pub(in super::super) const TIMEOUT: u16 = 4;
    pub(in super::super) const EXPIRATION: u16 = 5;
    /// `NFTA_DATA_VALUE`.
    pub(in super::super) const VALUE: u16 = 1;
}

/// `NFTA_RULE_*`.
pub(super) mod rule {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const CHAIN: u16 = 2;
    pub(in super::super) const HANDLE: u16 = 3;
    pub(in super::super) const EXPRESSIONS: u16 = 4;
}

/// Room for sixteen bytes: four registers (`NFT_REG32_00` and up).
#[derive(Clone, Copy, Debug)]
pub(super) struct Register(u32);

impl Register {
    pub(super) const A: Self = Self(8);
    pub(super) const B: Self = Self(12);
}

/// One step of a rule: the rule ends where it does not match.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The packet's ethertype is this one.
    Protocol(u16),
    /// So many bytes, from so far into the network header, into a register.
    Load { offset: u32, length: u32, to: Register },
    /// The register begins with these bytes.
    Is(Register, &'static [u8]),
    /// It does not.
    Differs(Register, &'static [u8]),
    /// The register is in the set.
    Within(Register, &'static str),
    /// It is not.
    Outside(Register, &'static str),
    /// The register is in the map; what it leads to goes into the other register.
    Find { key: Register, map: &'static str, to: Register },
    /// The register goes into the network header.
    Store { from: Register, offset: u32, length: u32 },
    /// The same with a part of the pseudo-header: the checksum of what the packet carries is
    /// brought into line with it.
    StoreAddress { from: Register, offset: u32, length: u32 },
    /// The packet is dropped.
    Drop,
}

/// `NFTA_EXPR_*`.
const NAME: u16 = 1;
const DATA: u16 = 2;
/// `NFT_META_PROTOCOL`.
const META_PROTOCOL: u32 = 1;
/// `NFT_PAYLOAD_NETWORK_HEADER`.
const NETWORK_HEADER: u32 = 1;
/// `NFT_CMP_EQ` and `NFT_CMP_NEQ`.
const EQUAL: u32 = 0;
const DIFFERS: u32 = 1;
/// `NFT_PAYLOAD_L4CSUM_PSEUDOHDR`.
const PSEUDO_HEADER: u32 = 1;
/// `NFT_LOOKUP_F_INV`.
const INVERTED: u32 = 1;
/// `NFT_REG_VERDICT`.
const VERDICT_REGISTER: u32 = 0;
/// `NF_DROP`.
const DROP: u32 = 0;

impl Step {
    /// Writes the expressions that this step is made of, each as an element of a list.
    pub(super) fn write(self, list: &mut Body<'_>) {
        match self {
            Self::Protocol(ethertype) => {
                expression(list, "meta", |data| {
                    data.number(1, Register::A.0);
                    data.number(2, META_PROTOCOL);
                });
                compare(list, Register::A, EQUAL, &ethertype.to_be_bytes());
            }
            Self::Load { offset, length, to } => expression(list, "payload", |data| {
                data.number(1, to.0);
                data.number(2, NETWORK_HEADER);
                data.number(3, offset);
                data.number(4, length);
            }),
            Self::Is(register, bytes) => compare(list, register, EQUAL, bytes),
            Self::Differs(register, bytes) => compare(list, register, DIFFERS, bytes),
            Self::Within(register, set) => look_up(list, register, set, |_| {}),
            Self::Outside(register, set) => {
                look_up(list, register, set, |data| data.number(5, INVERTED));
            }
            Self::Find { key, map, to } => look_up(list, key, map, |data| data.number(3, to.0)),
            Self::Store { from, offset, length } => expression(list, "payload", |data| {
                store(data, from, (offset, length));
            }),
            Self::StoreAddress { from, offset, length } => expression(list, "payload", |data| {
                store(data, from, (offset, length));
                data.number(8, PSEUDO_HEADER);
            }),
            Self::Drop => expression(list, "immediate", |data| {
                data.number(1, VERDICT_REGISTER);
                data.nested(2, |value| value.nested(2, |verdict| verdict.number(1, DROP)));
            }),
        }
    }
}

fn store(data: &mut Body<'_>, from: Register, (offset, length): (u32, u32)) {
    data.number(5, from.0);
    data.number(2, NETWORK_HEADER);
    data.number(3, offset);
    data.number(4, length);
}

fn compare(list: &mut Body<'_>, register: Register, how: u32, bytes: &[u8]) {
    expression(list, "cmp", |data| {
        data.number(1, register.0);
        data.number(2, how);
        data.nested(3, |value| value.attribute(element::VALUE, bytes));
    });
}

fn look_up(list: &mut Body<'_>, register: Register, set: &str, more: impl FnOnce(&mut Body<'_>)) {
    expression(list, "lookup", |data| {
        data.text(1, set);
        data.number(2, register.0);
        more(data);
    });
}

fn expression(list: &mut Body<'_>, name: &str, data: impl FnOnce(&mut Body<'_>)) {
    list.nested(element::LIST_ELEMENT, |expression| {
        expression.text(NAME, name);
        expression.nested(DATA, data);
    });
}
