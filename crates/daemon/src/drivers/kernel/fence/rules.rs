//! The two chains and what stands in them.

use kube_vip_core::wire::ethernet::ARP;

use super::nf_tables::{Register, Step, chain};
use super::part::Part;
use super::table::Set;

/// The ethertype of IPv4.
const IPV4: u16 = 0x0800;

/// Where things are in an IPv4 header (RFC 791), and in an ARP packet for Ethernet and IPv4
/// (RFC 826); in bytes.
const IP_DESTINATION: u32 = 16;
const ARP_OPERATION: u32 = 6;
const ARP_SENDER: u32 = 14;
const ARP_TARGET: u32 = 24;

const ARP_REQUEST: [u8; 2] = [0, 1];

/// One of the two chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    Ingress,
    Egress,
}

impl Chain {
    pub(super) const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }

    pub(super) const fn part(self) -> Part {
        match self {
            Self::Ingress => Part::Ingress,
            Self::Egress => Part::Egress,
        }
    }

    /// The hook, and the chain's place among others there: what comes in is seen before others can
    /// change it, what goes out after.
    pub(super) const fn hook(self) -> (u32, i32) {
        match self {
            Self::Ingress => (chain::INGRESS, -500),
            Self::Egress => (chain::EGRESS, 500),
        }
    }

    pub(super) fn rules(self) -> Vec<Vec<Step>> {
        match self {
            Self::Ingress => vec![inbound()],
            Self::Egress => vec![claim(), answer(), question()],
        }
    }
}

/// A packet to the address is dropped.
fn inbound() -> Vec<Step> {
    let mut steps = of(IPV4, IP_DESTINATION);
    steps.extend([Step::Outside(Register::A, Set::Accepting.name()), Step::Drop]);
    steps
}

/// An ARP packet from the address about itself is dropped, be it a request or not. (A rule cannot
/// compare two fields; about another guarded address comes to the same.)
fn claim() -> Vec<Step> {
    let mut steps = speaks();
    steps.extend([
        Step::Load { offset: ARP_TARGET, length: 4, to: Register::A },
        Step::Within(Register::A, Set::Guard.name()),
        Step::Drop,
    ]);
    steps
}

/// An ARP packet from the address that is no request is dropped.
fn answer() -> Vec<Step> {
    let mut steps = speaks();
    steps.extend([
        Step::Load { offset: ARP_OPERATION, length: 2, to: Register::A },
        Step::Differs(Register::A, ARP_REQUEST),
        Step::Drop,
    ]);
    steps
}

/// An ARP request from the address, which comes from the kernel when something was sent from it
/// (`arp_solicit` in net/ipv4/arp.c), is asked in the node's own name. Dropped, nothing could be
/// sent any more; let out, it would pull neighbours here.
fn question() -> Vec<Step> {
    let mut steps = speaks();
    steps.extend([
        Step::Find { key: Register::A, map: Set::Own.name(), to: Register::B },
        Step::Store { from: Register::B, offset: ARP_SENDER, length: 4 },
    ]);
    steps
}

/// ARP from a guarded address that we may not speak for.
fn speaks() -> Vec<Step> {
    let mut steps = of(ARP, ARP_SENDER);
    steps.push(Step::Outside(Register::A, Set::Answering.name()));
    steps
}

/// A packet with a guarded address there, and in A. (A set for the guard and a map beside it, not
/// one map for both: `nft list ruleset` shows of a map only what is made of its values, and whoever
/// saves and restores that would have rules that apply to all addresses.)
fn of(ethertype: u16, offset: u32) -> Vec<Step> {
    vec![
        Step::Protocol(ethertype),
        Step::Load { offset, length: 4, to: Register::A },
        Step::Within(Register::A, Set::Guard.name()),
    ]
}
